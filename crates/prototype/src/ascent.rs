//! The climb itself.

use crate::{
    generator::Generator,
    lens::Lens,
    nn::{graph::Activations, tensor::Tensor},
    objective::{Net, Objective},
    optimiser::{Optimiser, Progress},
    prior::{Bound, Domain, jitter::rolled},
};

/// Everything about one climb.
pub struct Ascent<'a> {
    /// The network.
    pub net: &'a Net,
    /// What is climbed.
    pub objective: &'a dyn Objective,
    /// The class to see; `None` for neurons.
    pub class: Option<usize>,
    /// How the network sees the canvas.
    pub lens: &'a Lens,
    /// What paints the canvas, where its code is climbed.
    pub generator: Option<&'a Generator>,
    /// Priors, each with what it is of.
    pub priors: &'a [(Domain, Box<dyn Bound>)],
    /// How uphill is gone.
    pub optimiser: &'a dyn Optimiser,
    /// Steps.
    pub steps: usize,
    /// Which of the points on the way is kept.
    pub keep: Keep,
}

/// Which of the points on the way is the prototype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last one, as in the papers that the priors are from.
    Last,
    /// The one where objective minus penalty is largest; changes between the steps count in neither.
    Best,
}

/// What is known of a point on the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Steps so far.
    pub step: usize,
    /// The objective, of what the network sees then (a canvas that trembles is moved).
    pub objective: f64,
    /// The sum of all penalties.
    pub penalty: f64,
    /// The network's own score of the class; `None` for neurons.
    pub score: Option<f64>,
    /// Its probability; `None` where there is none.
    pub probability: Option<f64>,
}

impl Point {
    /// What is maximised.
    pub fn total(&self) -> f64 {
        self.objective - self.penalty
    }
}

/// A climb that came to its end.
#[derive(Clone, Debug)]
pub struct Path {
    /// The start and the point after each step; the last one is seen without trembling.
    pub points: Vec<Point>,
    /// Which of them is kept.
    pub kept: usize,
    /// What was climbed, there.
    pub climbed: Tensor,
    /// The canvas there, in [0, 1] where it has bounds.
    pub canvas: Tensor,
}

/// Why a climb has no end.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AscentError {
    /// Numbers that are none.
    #[error(
        "{what} is not finite after {}; choose a smaller `step` of the optimiser, or smaller weights of the priors",
        crate::base::words::count(*.step, "step")
    )]
    Diverged {
        /// What is not finite.
        what: &'static str,
        /// Steps so far.
        step: usize,
    },
    /// There is no way up.
    #[error(
        "the objective has no gradient at the start: begin elsewhere (`--init noise`, or another `--seed`)"
    )]
    Flat,
    /// Told to stop.
    #[error("stopped")]
    Stopped,
}

/// What the network says at a point, and what leads up.
struct View {
    point: Point,
    /// With respect to what is climbed.
    gradient: Tensor,
    /// The objective's own part of it is 0 everywhere.
    flat: bool,
}

impl Ascent<'_> {
    /// Climbs from a start. `stopped` is asked at each step.
    pub fn climb(&self, start: &Tensor, stopped: &dyn Fn() -> bool) -> Result<Path, AscentError> {
        let mut x = start.clone();
        let mut climber = self.optimiser.begin(x.data.len());
        let mut points = Vec::with_capacity(self.steps + 1);
        let mut best: Option<(usize, Tensor)> = None;
        for step in 0..=self.steps {
            if stopped() {
                return Err(AscentError::Stopped);
            }
            let last = step == self.steps;
            let view = self.view(&x, step, if last { (0, 0) } else { self.shift(step) })?;
            let leads =
                |at: usize| points.get(at).is_none_or(|p: &Point| view.point.total() > p.total());
            if best.as_ref().is_none_or(|(at, _)| self.keep == Keep::Last || leads(*at)) {
                best = Some((step, x.clone()));
            }
            points.push(view.point);
            if last {
                break;
            }
            if step == 0 && view.flat {
                return Err(AscentError::Flat);
            }
            climber.step(&mut x.data, &view.gradient.data, Progress { step, steps: self.steps });
            self.change(&mut x, step + 1);
            if x.any(|v| !v.is_finite()) {
                return Err(AscentError::Diverged { what: "what is climbed", step: step + 1 });
            }
        }
        let (kept, climbed) = best.expect("there is a start");
        let mut canvas = self.canvas(&climbed).0;
        self.bound(&mut canvas);
        Ok(Path { points, kept, climbed, canvas })
    }

    fn canvas(&self, x: &Tensor) -> (Tensor, Option<Activations>) {
        match self.generator {
            Some(generator) => {
                let (canvas, acts) = generator.paint(x);
                (canvas, Some(acts))
            }
            None => (x.clone(), None),
        }
    }

    fn shift(&self, step: usize) -> (isize, isize) {
        let shifts = self.priors.iter().map(|(_, prior)| prior.shift(step));
        shifts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    }

    fn view(&self, x: &Tensor, step: usize, shift: (isize, isize)) -> Result<View, AscentError> {
        let diverged = |what| AscentError::Diverged { what, step };
        let (canvas, painted) = self.canvas(x);
        let acts = self.net.pass(&self.lens.see(&rolled(&canvas, shift)));
        let class = self.class.unwrap_or(0);
        let aim = self.objective.aim(self.net.climbed(&acts), self.net.head(), class);
        if !aim.value.is_finite() {
            return Err(diverged("the objective"));
        }
        let own = self.lens.back(&self.net.gradient(&acts, aim.seed));
        let mut up = rolled(&own, (-shift.0, -shift.1));
        let flat = up.data.iter().all(|v| *v == 0.0);
        self.priors.iter().for_each(|(_, prior)| prior.bend(&mut up));
        let mut penalty = self.take(Domain::Canvas, &canvas, &mut up);
        let mut gradient = match (self.generator, &painted) {
            (Some(generator), Some(acts)) => generator.back(acts, &up),
            _ => up,
        };
        penalty += self.take(Domain::Climbed, x, &mut gradient);
        if !penalty.is_finite() {
            return Err(diverged("a penalty"));
        }
        if gradient.any(|v| !v.is_finite()) {
            return Err(diverged("the gradient"));
        }
        let scores = self.net.scores(&acts);
        let score = self.class.map(|class| f64::from(scores[class]));
        let probability =
            self.class.and_then(|class| self.net.head().probability_in_double(scores, class));
        let point = Point { step, objective: aim.value, penalty, score, probability };
        Ok(View { point, gradient, flat })
    }

    /// Takes the gradients of the penalties at a place from that of the objective; their sum.
    fn take(&self, place: Domain, x: &Tensor, gradient: &mut Tensor) -> f64 {
        let mut sum = 0.0;
        for (_, prior) in self.priors.iter().filter(|(of, _)| *of == place) {
            if let Some((value, slope)) = prior.penalty(x) {
                sum += value;
                gradient.data.iter_mut().zip(&slope.data).for_each(|(g, s)| *g -= s);
            }
        }
        sum
    }

    /// What happens to what is climbed after a step.
    fn change(&self, x: &mut Tensor, steps: usize) {
        let bound = |x: &mut Tensor| {
            if self.generator.is_none() {
                self.bound(x);
            }
        };
        bound(x);
        self.priors.iter().for_each(|(_, prior)| prior.after(x, steps));
        bound(x);
    }

    fn bound(&self, canvas: &mut Tensor) {
        if let Some((low, high)) = self.lens.bounds() {
            // not a number stays what it is
            canvas.data.iter_mut().for_each(|v| *v = v.clamp(low, high));
        }
    }
}
