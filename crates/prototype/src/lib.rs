//! Activation maximisation: the input for which a network sees a class, or a neuron, most (Simonyan et al. 2014;
//! Nguyen et al. 2016).
//!
//! What is climbed is an objective minus penalties, from a start, by an optimiser:
//!
//! ```text
//! what is climbed (pixels, or the code of a generator)
//!   --generator--> canvas in [0, 1] --lens--> input of the network --network--> objective
//! ```
//!
//! and the gradient comes back the same way. Objectives ([`objective::OBJECTIVES`]), priors ([`prior::PRIORS`]) and
//! optimisers ([`optimiser::OPTIMISERS`]) are tables, one file for each entry. Nothing here reads or writes results.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_nn as nn;
use pixelflip_perturb as perturb;

pub mod ascent;
pub mod codes;
pub mod gaussian;
pub mod generator;
pub mod lens;
pub mod objective;
pub mod optimiser;
pub mod prior;
pub mod start;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
