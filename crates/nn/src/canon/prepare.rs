//! What a file does to its picture before the first layer, taken out of the network.
//!
//! A factor and a summand per channel of the picture (`transform_input` of torchvision, a rescaling layer,
//! a normalisation that was exported) are preprocessing as that of the sidecar is. Left in the network they would
//! be what gradients are taken through, and what the input is that relevance is multiplied by; out of it,
//! all methods say the same of a network with and without them. Only what is the same for all pixels of a channel is
//! taken, with positive factors, so that black stays below white.

use super::Draft;
use crate::{
    base::geom::Shape,
    op::{Affine, Role},
    preprocess::Prepared,
    tensor::Tensor,
};

/// Largest number of values that are followed, over all nodes.
const MOST: usize = 1 << 24;

/// A node all of whose values are values of the picture, scaled and shifted.
struct Seen {
    /// Where each value comes from.
    source: Vec<u32>,
    /// Its factor and summand, by number.
    by: Vec<u16>,
}

/// Followed nodes, and the factors and summands met on the way.
struct Trail {
    nodes: Vec<Option<Seen>>,
    pairs: Vec<(f64, f64)>,
    values: usize,
}

impl Draft<'_> {
    /// Takes the scaling of the picture out of the network, where there is one, and says so.
    pub(super) fn take_preparation(&mut self) -> Option<Prepared> {
        let trail = self.follow()?;
        let live = self.live();
        let seen = |i: usize| trail.nodes[i].is_some();
        let scales: Vec<usize> =
            (1..self.nodes.len()).filter(|i| live[*i] && seen(*i) && self.is_affine(*i)).collect();
        let leaves = self.ends_of(&trail, &live)?;
        let prepared = trail.prepared(&leaves, self.nodes[0].shape)?;
        let names: Vec<String> =
            scales.iter().map(|i| format!("`{}`", self.nodes[*i].name)).collect();
        for at in scales {
            self.redirect(at, self.nodes[at].inputs[0]);
        }
        self.skip_copies(&trail);
        self.notes.push(format!(
            "{} scales and shifts the channels of the picture: part of the preprocessing",
            names.join(", ")
        ));
        Some(prepared)
    }

    fn is_affine(&self, at: usize) -> bool {
        self.nodes[at].op::<Affine>().is_some()
    }

    /// `None` where no scaling is reached from the picture through nodes that move values.
    fn follow(&self) -> Option<Trail> {
        let mut reached = vec![false; self.nodes.len()];
        reached[0] = true;
        let live = self.live();
        for i in (1..self.nodes.len()).filter(|i| live[*i]) {
            let part = &self.nodes[i];
            let moves = matches!(part.op.role(), Role::Route) || self.is_affine(i);
            reached[i] =
                moves && !part.inputs.is_empty() && part.inputs.iter().all(|k| reached[*k]);
        }
        (0..reached.len()).find(|i| reached[*i] && self.is_affine(*i))?;
        let input = self.nodes[0].shape;
        let first = Seen { source: (0..input.len() as u32).collect(), by: vec![0; input.len()] };
        let mut trail = Trail { nodes: vec![], pairs: vec![(1.0, 0.0)], values: 2 * input.len() };
        trail.nodes.resize_with(self.nodes.len(), || None);
        trail.nodes[0] = (trail.values <= MOST).then_some(first);
        for i in (1..self.nodes.len()).filter(|i| reached[*i]) {
            trail.nodes[i] = self.seen(i, &mut trail);
        }
        Some(trail)
    }

    fn seen(&self, at: usize, trail: &mut Trail) -> Option<Seen> {
        let part = &self.nodes[at];
        let sizes: Vec<Shape> = part.inputs.iter().map(|k| self.nodes[*k].shape).collect();
        trail.values += part.shape.len() + sizes.iter().map(|s| s.len()).sum::<usize>();
        if trail.values > MOST || part.inputs.iter().any(|k| trail.nodes[*k].is_none()) {
            return None;
        }
        if let Some(affine) = part.op::<Affine>() {
            return trail.scaled(part.inputs[0], affine, part.shape);
        }
        let moved = moved(part, &sizes)?;
        let all = |k: &usize| trail.nodes[*k].as_ref();
        let of = |at: u32| {
            let mut at = at as usize;
            part.inputs.iter().filter_map(all).find_map(|seen| {
                let found = seen.source.get(at).map(|source| (*source, seen.by[at]));
                at = at.wrapping_sub(seen.source.len());
                found
            })
        };
        let (source, by) =
            moved.into_iter().map(of).collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some(Seen { source, by })
    }

    /// Followed nodes that something else reads; `None` where the output is among them.
    fn ends_of(&self, trail: &Trail, live: &[bool]) -> Option<Vec<usize>> {
        let mut ends = vec![false; self.nodes.len()];
        for (i, part) in self.nodes.iter().enumerate() {
            if live[i] && trail.nodes[i].is_none() {
                part.inputs.iter().for_each(|k| ends[*k] = true);
            }
        }
        let ends: Vec<usize> =
            (0..ends.len()).filter(|i| ends[*i] && trail.nodes[*i].is_some()).collect();
        (trail.nodes[self.output].is_none() && !ends.is_empty()).then_some(ends)
    }

    /// Who reads a copy of the picture reads the picture.
    fn skip_copies(&mut self, trail: &Trail) {
        for at in 1..self.nodes.len() {
            let own = |seen: &Seen| seen.source.iter().enumerate().all(|(i, at)| *at as usize == i);
            let copy = trail.nodes[at].as_ref().is_some_and(own);
            if copy && self.nodes[at].shape == self.nodes[0].shape {
                self.redirect(at, 0);
            }
        }
    }
}

/// For each value of a node that moves values the place among those of its inputs, one after the other;
/// `None` where some are constants.
fn moved(part: &super::Part<'_>, sizes: &[Shape]) -> Option<Vec<u32>> {
    // places are exact in single precision; a constant does not turn its sign with them
    let run = |sign: f32| {
        let mut first = 1;
        let numbered = |shape: &Shape| {
            let all = (first..first + shape.len()).map(|k| sign * k as f32).collect();
            first += shape.len();
            Tensor::new(*shape, all)
        };
        let inputs: Vec<Tensor> = sizes.iter().map(numbered).collect();
        part.op.forward(&inputs.iter().collect::<Vec<_>>())
    };
    let (plus, minus) = (run(1.0), run(-1.0));
    let place = |(a, b): (&f32, &f32)| (*a > 0.0 && (a + b).abs() < 0.5).then(|| *a as u32 - 1);
    plus.data.iter().zip(&minus.data).map(place).collect()
}

impl Trail {
    fn scaled(&mut self, before: usize, affine: &Affine, shape: Shape) -> Option<Seen> {
        let parameters: Vec<(f64, f64)> = affine
            .scale()
            .iter()
            .zip(affine.shift())
            .map(|(s, t)| (f64::from(*s), f64::from(*t)))
            .collect();
        // one for each value has no place in a factor per channel
        let c = shape.c;
        if parameters.len() != 1 && parameters.len() != c {
            return None;
        }
        let Seen { source, by } = self.nodes[before].as_ref()?;
        let mut known = Vec::new();
        let mut found = Vec::with_capacity(by.len());
        for (i, old) in by.iter().enumerate() {
            let key = (*old, (i % c).min(parameters.len() - 1));
            let at = known.iter().position(|k| *k == key).unwrap_or_else(|| {
                known.push(key);
                known.len() - 1
            });
            // a channel is followed, not each value of a map
            if at > 256 {
                return None;
            }
            found.push(at);
        }
        let source = source.clone();
        let first = self.pairs.len();
        for (old, k) in known {
            let ((s, t), (scale, shift)) = (self.pairs[usize::from(old)], parameters[k]);
            self.pairs.push((scale * s, scale * t + shift));
        }
        let number = |k: usize| u16::try_from(first + k).ok();
        let by = found.into_iter().map(number).collect::<Option<Vec<u16>>>()?;
        Some(Seen { source, by })
    }

    /// One factor and one summand for each channel of the picture, where all that is read agrees.
    fn prepared(&self, ends: &[usize], input: Shape) -> Option<Prepared> {
        let mut found: Vec<Option<(f64, f64)>> = vec![None; input.c];
        for seen in ends.iter().filter_map(|at| self.nodes[*at].as_ref()) {
            for (source, by) in seen.source.iter().zip(&seen.by) {
                let (own, pair) =
                    (&mut found[*source as usize % input.c], self.pairs[usize::from(*by)]);
                if *own.get_or_insert(pair) != pair {
                    return None;
                }
            }
        }
        let pairs: Vec<(f64, f64)> = found.into_iter().map(|p| p.unwrap_or((1.0, 0.0))).collect();
        let usable = |(s, t): &(f64, f64)| {
            let (s, t) = (*s as f32, *t as f32);
            s.is_normal() && s > 0.0 && t.is_finite()
        };
        if !pairs.iter().all(usable) || pairs.iter().all(|pair| *pair == (1.0, 0.0)) {
            return None;
        }
        let (scale, shift) = pairs.into_iter().unzip();
        Some(Prepared { scale, shift })
    }
}
