//! The inputs of an operator as they are after each step.

use super::Patches;
use crate::{
    base::geom::Rect,
    kernel::parallel::{give_vector, take_vector},
    tensor::Tensor,
};

/// Inputs of one operator, moved forward step by step. Steps can only be asked for in ascending
/// order.
#[derive(Debug)]
pub struct Replay<'a> {
    tracks: Vec<Track<'a>>,
    /// The step of the patches that is step 0 here.
    first: usize,
}

#[derive(Debug)]
struct Track<'a> {
    current: Tensor,
    patches: &'a Patches,
    /// Steps written into `current`.
    done: usize,
}

impl<'a> Replay<'a> {
    /// From each input's values before the first patch and its patches; step `first` of these is
    /// step 0 here.
    pub fn new<'b>(
        inputs: impl Iterator<Item = (&'b Tensor, &'a Patches)>,
        first: usize,
    ) -> Replay<'a> {
        let track = |(before, patches)| Track { current: copy(before), patches, done: 0 };
        Replay { tracks: inputs.map(track).collect(), first }
    }

    /// All inputs after step `k` (counted from 0).
    pub fn values_after(&mut self, k: usize) -> Vec<&Tensor> {
        self.tracks.iter_mut().for_each(|t| t.advance(self.first + k));
        self.tracks.iter().map(|t| &t.current).collect()
    }

    /// Where the first input changes at step `k`.
    pub fn changed(&self, k: usize) -> Rect {
        self.tracks[0].patches.rects[self.first + k]
    }

    /// The first input after step `k`.
    pub fn first(&mut self, k: usize) -> &Tensor {
        self.tracks[0].advance(self.first + k);
        &self.tracks[0].current
    }
}

fn copy(of: &Tensor) -> Tensor {
    let mut data = take_vector(of.data.len());
    data.copy_from_slice(&of.data);
    Tensor::new(of.shape, data)
}

impl Drop for Track<'_> {
    fn drop(&mut self) {
        give_vector(std::mem::take(&mut self.current.data));
    }
}

impl Track<'_> {
    fn advance(&mut self, k: usize) {
        while self.done <= k {
            self.current.write(self.patches.rects[self.done], self.patches.step(self.done));
            self.done += 1;
        }
    }
}
