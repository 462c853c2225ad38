//! Scale and shift (batch normalisation, arithmetic with constants), folded into the layers next to
//! them.
//!
//! *Backwards*, into what comes before: with `y = s z + t` per channel, a convolution's or dense
//! layer's weights become `s W` and its bias `s b + t`. A sum is scaled by scaling its summands, the
//! shift going to the first; a concatenation part by part. All that is scaled must have no other
//! reader.
//!
//! *Forwards*, into all that read it: weights become `W s`, the bias `b + W t`. Padding is put on
//! after the shift, so a convolution with padding takes a scale but no shift. Dense layers may read
//! it flattened. What acts on the picture itself stays: it is preprocessing.
//!
//! Elsewhere the operator stays, an exact layer of its own.

use super::{Draft, Part};
use crate::{
    base::geom::{Axis, Shape},
    op::{Add, Affine, Concat, Conv, Cpu, Dense, Op, Role, Transpose},
};
use std::sync::Arc;

/// Nodes and what replaces their operators.
type Changes = Vec<(usize, Arc<dyn Cpu>)>;

impl Draft<'_> {
    /// Folds what can be folded, and says so.
    pub(super) fn fold_scales(&mut self) {
        let mut readers = self.readers();
        // first into one another, as where a file spells a normalisation out, then into layers
        for chained in [true, false] {
            for at in 1..self.nodes.len() {
                if readers[at] > 0 && self.is_scale(at) && chained == self.continues(at, &readers) {
                    self.fold(at, &mut readers);
                }
            }
        }
    }

    fn is_scale(&self, at: usize) -> bool {
        self.nodes[at].op::<Affine>().is_some()
    }

    /// True where a node is the only reader of another scale and shift.
    fn continues(&self, at: usize, readers: &[usize]) -> bool {
        let before = self.nodes[at].inputs[0];
        self.is_scale(before) && readers[before] == 1
    }

    fn fold(&mut self, at: usize, readers: &mut [usize]) {
        let before = self.nodes[at].inputs[0];
        let changes = self.backwards(at, readers).or_else(|| self.forwards(at));
        self.note_scale(at, changes.as_deref());
        let Some(changes) = changes else { return };
        for (node, op) in changes {
            self.nodes[node].op = op;
        }
        // who read it reads what it read
        readers[before] += readers[at] - 1;
        readers[at] = 0;
        self.redirect(at, before);
    }

    fn backwards(&self, at: usize, readers: &[usize]) -> Option<Changes> {
        let node = &self.nodes[at];
        let affine = node.op::<Affine>()?;
        self.scaled(node.inputs[0], &Scaling::of(affine, node.shape), readers)
    }

    /// What makes the output of a node scaled.
    fn scaled(&self, at: usize, by: &Scaling, readers: &[usize]) -> Option<Changes> {
        let node = &self.nodes[at];
        if readers[at] != 1 {
            return None;
        }
        if let Some(op) = scaled_after(node, by) {
            return Some(vec![(at, op)]);
        }
        let inputs = if let Some(add) = node.op::<Add>() {
            let shapes = node.inputs.iter().map(|k| self.nodes[*k].shape);
            shapes.into_iter().all(|s| s == node.shape).then(|| by.of_summands(add.signs()))?
        } else {
            let along = node.op::<Concat>()?.axis();
            by.of_parts(along, node.inputs.iter().map(|k| self.nodes[*k].shape))?
        };
        let pairs = node.inputs.iter().zip(&inputs);
        let changes: Option<Vec<Changes>> =
            pairs.map(|(k, by)| self.scaled(*k, by, readers)).collect();
        changes.map(|c| c.concat())
    }

    fn forwards(&self, at: usize) -> Option<Changes> {
        let node = &self.nodes[at];
        let affine = node.op::<Affine>()?;
        if at == self.output || !self.follows_a_layer(at) {
            return None;
        }
        self.taken_by_readers(at, &Scaling::of(affine, node.shape))
    }

    /// What makes all readers of a node scale what they read.
    fn taken_by_readers(&self, at: usize, by: &Scaling) -> Option<Changes> {
        let live = self.live();
        let reads = |i: &usize| live[*i] && self.nodes[*i].inputs.contains(&at);
        let mut changes = Changes::new();
        for reader in (at + 1..self.nodes.len()).filter(reads) {
            let node = &self.nodes[reader];
            if let Some(flat) = node.op::<Transpose>()
                && reader != self.output
            {
                let pairs = flat.carry(&by.values());
                changes.extend(self.only_dense_readers(reader, &pairs, &live)?);
            } else {
                changes.push((reader, scaled_before(node, by)?));
            }
        }
        (!changes.is_empty()).then_some(changes)
    }

    /// As [`Self::taken_by_readers`], behind a flattening; `pairs` of scale and shift belong to the
    /// flattened values.
    fn only_dense_readers(
        &self,
        flat: usize,
        pairs: &[(f32, f32)],
        live: &[bool],
    ) -> Option<Changes> {
        let reads = |i: &usize| live[*i] && self.nodes[*i].inputs.contains(&flat);
        let readers = (flat + 1..self.nodes.len()).filter(reads);
        let change = |i: usize| {
            let dense = self.nodes[i].op::<Dense>()?;
            let op: Arc<dyn Cpu> = Arc::new(dense.scaled_before(pairs));
            Some((i, op))
        };
        readers.map(change).collect()
    }

    /// True where a convolution or dense layer lies between the picture and a node.
    fn follows_a_layer(&self, at: usize) -> bool {
        let mut before = vec![false; at + 1];
        for i in 0..=at {
            let inputs = &self.nodes[i].inputs;
            let is_layer = |k: &usize| matches!(self.nodes[*k].op.role(), Role::Linear(_));
            before[i] = inputs.iter().any(|k| before[*k] || is_layer(k));
        }
        before[at]
    }

    fn note_scale(&mut self, at: usize, changes: Option<&[(usize, Arc<dyn Cpu>)]>) {
        let node = &self.nodes[at];
        let (op, name) = (node.op.name(), node.name);
        let remark = self.remarks.get(name).map(|r| format!(" ({r})")).unwrap_or_default();
        let what = if op == "BatchNormalization" {
            format!("batch normalisation `{name}`")
        } else {
            format!("{op} `{name}`")
        };
        let quoted = |k: &usize| format!("`{}`", self.nodes[*k].name);
        let note = match changes {
            Some(changes) => {
                let layers: Vec<String> = changes.iter().map(|(k, _)| quoted(k)).collect();
                format!("{what} folded into {}{remark}", layers.join(" and "))
            }
            None if !self.follows_a_layer(at) => {
                format!("{what} normalises the picture{remark}: it is no layer of its own")
            }
            None => format!(
                "{what} kept as scale and shift{remark}: neither {} before it nor what follows can \
                 take it",
                quoted(&node.inputs[0])
            ),
        };
        self.notes.push(note);
    }
}

/// A factor and a summand for the values of a map: one pair, one per channel, or one per value in
/// the order channel, row, column.
struct Scaling {
    pairs: Vec<(f32, f32)>,
    shape: Shape,
}

impl Scaling {
    fn of(affine: &Affine, shape: Shape) -> Scaling {
        let pairs = affine.scale().iter().copied().zip(affine.shift().iter().copied()).collect();
        Scaling { pairs, shape }
    }

    /// One pair per channel, where they do not differ inside a channel.
    fn channels(&self) -> Option<Vec<(f32, f32)>> {
        match self.pairs[..] {
            [one] => Some(vec![one; self.shape.c]),
            _ => (self.pairs.len() == self.shape.c).then(|| self.pairs.clone()),
        }
    }

    /// One pair per value.
    fn values(&self) -> Vec<(f32, f32)> {
        let each = self.shape.len() / self.pairs.len();
        self.pairs.iter().flat_map(|pair| std::iter::repeat_n(*pair, each)).collect()
    }

    fn shifts(&self) -> bool {
        self.pairs.iter().any(|(_, shift)| *shift != 0.0)
    }

    /// The same for each summand of a sum; the shift goes to the first.
    fn of_summands(&self, signs: &[f32]) -> Vec<Scaling> {
        let one = |(k, sign): (usize, &f32)| {
            let shift = |t: f32| if k == 0 { sign * t } else { 0.0 };
            let pairs = self.pairs.iter().map(|(s, t)| (*s, shift(*t))).collect();
            Scaling { pairs, shape: self.shape }
        };
        signs.iter().enumerate().map(one).collect()
    }

    /// The parts of a concatenation of maps of these shapes along an axis.
    fn of_parts(&self, along: Axis, shapes: impl Iterator<Item = Shape>) -> Option<Vec<Scaling>> {
        let mut rest = self.channels()?;
        let part = |shape: Shape| {
            if along != Axis::Channel {
                return Scaling { pairs: rest.clone(), shape };
            }
            let after = rest.split_off(shape.c);
            Scaling { pairs: std::mem::replace(&mut rest, after), shape }
        };
        Some(shapes.map(part).collect())
    }
}

/// A layer, followed by a factor and a summand; `None` where it cannot take them.
fn scaled_after(layer: &Part<'_>, by: &Scaling) -> Option<Arc<dyn Cpu>> {
    if let Some(affine) = layer.op::<Affine>() {
        let (own, n) = (Scaling::of(affine, layer.shape), by.pairs.len());
        let [first, then] = match own.pairs.len() {
            m if m == n => [own.pairs, by.pairs.clone()],
            _ => [own.channels()?, by.channels()?],
        };
        let both = first.iter().zip(&then).map(|((s, t), (u, v))| (u * s, u * t + v));
        let (scale, shift) = both.unzip();
        return Some(Arc::new(Affine::new(affine.name(), scale, shift)));
    }
    let (scale, shift): (Vec<f32>, Vec<f32>) = by.channels()?.into_iter().unzip();
    if let Some(conv) = layer.op::<Conv>() {
        return Some(Arc::new(conv.scaled_after(&scale, &shift)));
    }
    let dense = layer.op::<Dense>()?;
    Some(Arc::new(dense.scaled_after(&scale, &shift)))
}

/// A factor and a summand, followed by a layer; `None` where it cannot take them.
fn scaled_before(layer: &Part<'_>, by: &Scaling) -> Option<Arc<dyn Cpu>> {
    if let Some(conv) = layer.op::<Conv>() {
        let padded = conv.geometry().pads != [0; 4];
        let exact = !padded || !by.shifts();
        return Some(Arc::new(conv.scaled_before(&by.channels().filter(|_| exact)?)));
    }
    let dense = layer.op::<Dense>()?;
    Some(Arc::new(dense.scaled_before(&by.values())))
}
