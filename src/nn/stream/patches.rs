//! Streams of patches.

use crate::{
    base::geom::Rect,
    nn::kernel::parallel::{give_vector, take_vector},
};

/// What changes in a map, step by step: one rectangle of new pixels per step (empty where nothing
/// changes).
#[derive(Clone, Debug)]
pub struct Patches {
    /// Channels of the map.
    pub channels: usize,
    /// Where, per step.
    pub rects: Vec<Rect>,
    /// New pixels of all steps in a row, channels last.
    pub data: Vec<f32>,
    /// Where the pixels of a step start in `data`.
    starts: Vec<usize>,
}

impl Patches {
    /// Patches with room for the pixels of `rects`; the pixels are to be written.
    pub fn new(channels: usize, rects: Vec<Rect>) -> Patches {
        let mut len = 0;
        let mut starts = Vec::with_capacity(rects.len());
        for rect in &rects {
            starts.push(len);
            len += rect.area() * channels;
        }
        Patches { channels, rects, data: take_vector(len), starts }
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.rects.len()
    }

    /// True without steps.
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// The new pixels of one step.
    pub fn step(&self, k: usize) -> &[f32] {
        let start = self.starts[k];
        &self.data[start..start + self.rects[k].area() * self.channels]
    }

    /// The new pixels of one step.
    pub fn step_mut(&mut self, k: usize) -> &mut [f32] {
        let start = self.starts[k];
        &mut self.data[start..start + self.rects[k].area() * self.channels]
    }
}

impl Drop for Patches {
    fn drop(&mut self) {
        give_vector(std::mem::take(&mut self.data));
    }
}
