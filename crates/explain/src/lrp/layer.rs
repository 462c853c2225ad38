//! A linear layer with its input, as rules see it.

use super::{
    Step,
    products::{Input, Products},
    rule::{Bias, Rule},
};
use crate::{
    ExplainError,
    nn::{
        graph::NodeId,
        op::{Linear, Part, Role},
        tensor::Tensor,
    },
};
use std::borrow::Cow;

/// One linear layer at one picture, with its rule.
pub(super) struct Layer<'a> {
    linear: &'a dyn Linear,
    rule: &'a dyn Rule,
    x: &'a Tensor,
    /// `max(x, 0)` and `min(x, 0)`; `None` without any such value.
    signs: [Option<Cow<'a, Tensor>>; 2],
    /// `x - l` and `x - h` with the bounds of the input, for rules that need them.
    margins: Option<[Tensor; 2]>,
    /// `W x + b`.
    output: &'a Tensor,
    /// One value per channel or per value of the output; empty without bias.
    bias: Cow<'a, [f32]>,
}

impl<'a> Layer<'a> {
    pub(super) fn new(
        step: &Step<'a>,
        linear: &'a dyn Linear,
        rule: &'a dyn Rule,
    ) -> Result<Self, ExplainError> {
        let x = step.case.acts.value(step.node.inputs[0]);
        let by_sign = |p: &Products| matches!(p, Products::Positive | Products::Negative);
        let signs = if rule.products().iter().any(by_sign) { split(x) } else { [None, None] };
        let boxed = rule.products().contains(&Products::Box);
        let bounds = boxed.then(|| bounds(step, step.node.inputs[0])).transpose()?;
        let margins = bounds.map(|corners| corners.map(|corner| difference(x, &corner)));
        let output = step.case.acts.value(step.id);
        Ok(Layer { linear, rule, x, signs, margins, output, bias: bias_of(linear, x) })
    }

    /// The messages `s` of the rule, one tensor per family of products.
    pub(super) fn messages(&self, r: &Tensor) -> Vec<Tensor> {
        let mut z: Vec<Tensor> = self.rule.products().iter().map(|p| self.sum(*p)).collect();
        self.rule.messages(r, self.output, &mut z);
        z
    }

    /// `R_i = sum over families and j of p_ij s_j`.
    pub(super) fn gather(&self, s: Vec<Tensor>) -> Tensor {
        let mut relevance: Option<Tensor> = None;
        for (products, s) in self.rule.products().iter().zip(&s) {
            for branch in products.branches() {
                let Some(x) = self.input(branch.input) else { continue };
                let mut c = self.linear.apply_transposed(branch.part, s, self.x.shape);
                let terms = c.data.iter_mut().zip(&x.data);
                match &mut relevance {
                    Some(sum) => {
                        let sums = sum.data.iter_mut().zip(terms);
                        sums.for_each(|(r, (c, x))| *r += x * *c);
                        c.give_back();
                    }
                    none => {
                        terms.for_each(|(c, x)| *c *= x);
                        *none = Some(c);
                    }
                }
            }
        }
        s.into_iter().for_each(Tensor::give_back);
        relevance.unwrap_or_else(|| Tensor::zeros(self.x.shape))
    }

    /// The relevance that the messages give to the bias.
    pub(super) fn to_bias(&self, s: &[Tensor]) -> f64 {
        let of = |(products, s): (&Products, &Tensor)| {
            let biases = self.kept_bias().iter().map(|&b| f64::from(products.bias(b))).cycle();
            s.data.iter().zip(biases).fold(0.0, |sum, (&s, b)| sum + f64::from(s) * b)
        };
        self.rule.products().iter().zip(s).map(of).fold(0.0, |sum, part| sum + part)
    }

    /// The bias in the denominators.
    fn kept_bias(&self) -> &[f32] {
        match self.rule.bias() {
            Bias::Keep => &self.bias,
            Bias::Ignore => &[],
        }
    }

    /// `z_j = sum_i p_ij + b_j`, with the part of the bias that belongs to the products.
    fn sum(&self, products: Products) -> Tensor {
        if products == Products::All {
            return self.sum_of_all();
        }
        let mut sum: Option<Tensor> = None;
        for branch in products.branches() {
            let Some(x) = self.input(branch.input) else { continue };
            let z = self.linear.apply(branch.part, &x);
            match &mut sum {
                Some(sum) => {
                    sum.add_assign(&z);
                    z.give_back();
                }
                none => *none = Some(z),
            }
        }
        let mut z = sum.unwrap_or_else(|| Tensor::zeros(self.output.shape));
        let bias: Vec<f32> = self.kept_bias().iter().map(|&b| products.bias(b)).collect();
        add_bias(&mut z, &bias);
        z
    }

    /// The sum of all products, which the forward pass has left in the layer's output; without the
    /// bias it is computed anew, since little may be left of it beside a large bias.
    fn sum_of_all(&self) -> Tensor {
        if self.rule.bias() == Bias::Keep || self.bias.iter().all(|b| *b == 0.0) {
            return self.output.clone();
        }
        self.linear.apply(Part::Raw, self.x)
    }

    /// The values of an input part; `None` where all products with it are zero.
    fn input(&self, input: Input) -> Option<Cow<'_, Tensor>> {
        match input {
            Input::X => Some(Cow::Borrowed(self.x)),
            Input::Positive => self.signs[0].as_deref().map(Cow::Borrowed),
            Input::Negative => self.signs[1].as_deref().map(Cow::Borrowed),
            Input::AboveLow => self.margins.as_ref().map(|[above, _]| Cow::Borrowed(above)),
            Input::BelowHigh => self.margins.as_ref().map(|[_, below]| Cow::Borrowed(below)),
            Input::Ones => Some(Cow::Owned(self.x.map(|_| 1.0))),
        }
    }
}

/// Positive and negative part of `x`, without copies where `x` has one sign only.
fn split(x: &Tensor) -> [Option<Cow<'_, Tensor>>; 2] {
    let (positive, negative) = (x.any(|v| v > 0.0), x.any(|v| v < 0.0));
    match (positive, negative) {
        (false, false) => [None, None],
        (true, false) => [Some(Cow::Borrowed(x)), None],
        (false, true) => [None, Some(Cow::Borrowed(x))],
        (true, true) => {
            let part = |f: fn(f32) -> f32| Some(Cow::Owned(x.map(f)));
            [part(|v| v.max(0.0)), part(|v| v.min(0.0))]
        }
    }
}

/// The smallest and largest values that node `id` takes over all pictures. Only the picture itself
/// has such bounds, and what scaling, padding and reordering make of it.
fn bounds(step: &Step<'_>, id: NodeId) -> Result<[Tensor; 2], ExplainError> {
    let case = step.case;
    let node = case.graph.node(id);
    if id == case.graph.input() {
        let fill = |channels: &[f32]| {
            let values = channels.iter().copied().cycle().take(node.shape.len());
            Tensor::new(node.shape, values.collect())
        };
        let (low, high) = case.bounds()?;
        return Ok(sorted(&fill(low), &fill(high)));
    }
    if !matches!(node.op.role(), Role::Scale(_) | Role::Route) {
        return Err(step.unfit("the z-box rule fits only layers that see the picture".to_owned()));
    }
    let corners = node.inputs.iter().map(|input| bounds(step, *input));
    let corners = corners.collect::<Result<Vec<_>, _>>()?;
    let [low, high] = [0, 1].map(|end| {
        let ins: Vec<&Tensor> = corners.iter().map(|both: &[Tensor; 2]| &both[end]).collect();
        node.op.forward(&ins)
    });
    Ok(sorted(&low, &high))
}

fn difference(a: &Tensor, b: &Tensor) -> Tensor {
    let data = a.data.iter().zip(&b.data).map(|(a, b)| a - b).collect();
    Tensor::new(a.shape, data)
}

/// Value by value, the smaller and the larger.
fn sorted(a: &Tensor, b: &Tensor) -> [Tensor; 2] {
    let each = |f: fn(f32, f32) -> f32| {
        let data = a.data.iter().zip(&b.data).map(|(&a, &b)| f(a, b)).collect();
        Tensor::new(a.shape, data)
    };
    [each(f32::min), each(f32::max)]
}

/// The bias of a layer, per channel; per value for a scaling, whose constants can be maps.
fn bias_of<'a>(linear: &'a dyn Linear, x: &Tensor) -> Cow<'a, [f32]> {
    match linear.role() {
        Role::Scale(_) => Cow::Owned(linear.forward(&[&Tensor::zeros(x.shape)]).data),
        _ => Cow::Borrowed(linear.bias()),
    }
}

/// Adds one value per channel, or per value.
fn add_bias(z: &mut Tensor, bias: &[f32]) {
    if bias.iter().any(|b| *b != 0.0) {
        let pixels = z.data.chunks_exact_mut(bias.len());
        pixels.for_each(|pixel| pixel.iter_mut().zip(bias).for_each(|(z, b)| *z += b));
    }
}
