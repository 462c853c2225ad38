//! Streams of patches.

use crate::{
    base::geom::{Rect, Shape},
    kernel::parallel::{give_stream, take_stream},
    tensor::Tensor,
};
use std::ops::Range;

/// What changes in a map, step by step: one rectangle of new pixels per step (empty where nothing
/// changes).
#[derive(Clone, Debug)]
pub struct Patches {
    /// Channels of the map.
    pub channels: usize,
    /// Where, per step.
    pub rects: Vec<Rect>,
    /// New pixels of all steps in a row, channels last, and perhaps memory that is not used.
    data: Vec<f32>,
    /// Where the pixels of a step start in `data`, and where they end.
    starts: Vec<usize>,
}

impl Patches {
    /// Patches with room for the pixels of `rects`; the pixels are to be written.
    pub fn new(channels: usize, rects: Vec<Rect>) -> Patches {
        let mut len = 0;
        let mut starts = Vec::with_capacity(rects.len() + 1);
        starts.push(0);
        for rect in &rects {
            len += rect.area() * channels;
            starts.push(len);
        }
        Patches { channels, rects, data: take_stream(len), starts }
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.rects.len()
    }

    /// True without steps.
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// Number of values of all steps.
    pub fn values(&self) -> usize {
        self.starts[self.len()]
    }

    /// Cuts the new pixels into at most `parts` consecutive ranges of steps with about as many values
    /// each.
    pub fn split(&mut self, parts: usize) -> Vec<(Range<usize>, &mut [f32])> {
        let steps = self.len();
        let mut rest = &mut self.data[..self.starts[steps]];
        let (mut cut, mut from) = (Vec::with_capacity(parts), 0);
        for part in 1..=parts {
            let wanted = self.starts[steps] / parts * part;
            let to =
                if part == parts { steps } else { self.starts.partition_point(|s| *s < wanted) };
            let to = to.clamp(from, steps);
            let (own, after) = rest.split_at_mut(self.starts[to] - self.starts[from]);
            rest = after;
            if to > from {
                cut.push((from..to, own));
            }
            from = to;
        }
        cut
    }

    /// The new pixels of one step.
    pub fn step(&self, k: usize) -> &[f32] {
        &self.data[self.starts[k]..self.starts[k + 1]]
    }

    /// The new pixels of one step.
    pub fn step_mut(&mut self, k: usize) -> &mut [f32] {
        &mut self.data[self.starts[k]..self.starts[k + 1]]
    }

    /// The new pixels of some steps in a row.
    pub fn steps_mut(&mut self, steps: Range<usize>) -> &mut [f32] {
        &mut self.data[self.starts[steps.start]..self.starts[steps.end]]
    }

    /// The new pixels of all steps in a row.
    pub fn all_mut(&mut self) -> &mut [f32] {
        self.steps_mut(0..self.len())
    }

    /// Some steps on their own.
    #[must_use]
    pub fn slice(&self, steps: Range<usize>) -> Patches {
        let mut some = Patches::new(self.channels, self.rects[steps.clone()].to_vec());
        some.all_mut()
            .copy_from_slice(&self.data[self.starts[steps.start]..self.starts[steps.end]]);
        some
    }

    /// Copies the pixels of `other`, which are those of the steps from `first` on.
    pub fn put(&mut self, first: usize, other: &Patches) {
        let steps = first..first + other.len();
        self.steps_mut(steps).copy_from_slice(&other.data[..other.values()]);
    }

    /// All pixels as one map of a single column, until [`Patches::put_pixels`] brings them back.
    pub fn take_pixels(&mut self) -> Tensor {
        let mut data = std::mem::take(&mut self.data);
        data.truncate(self.values());
        let shape = Shape::new(self.channels, data.len() / self.channels, 1);
        Tensor::new(shape, data)
    }

    /// Undoes [`Patches::take_pixels`].
    pub fn put_pixels(&mut self, pixels: Tensor) {
        self.data = pixels.data;
    }
}

impl Drop for Patches {
    fn drop(&mut self) {
        give_stream(std::mem::take(&mut self.data));
    }
}
