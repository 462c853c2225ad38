//! Importers of operators, one file per group. Each takes a node as a `Call` and returns its first
//! output, or what is wrong in words.

pub(super) mod activation;
pub(super) mod arithmetic;
pub(super) mod attention;
pub(super) mod cast;
pub(super) mod col2im;
pub(super) mod compare;
pub(super) mod concat;
pub(super) mod constant;
pub(super) mod contributed;
pub(super) mod conv;
pub(super) mod dense;
pub(super) mod dropout;
pub(super) mod einsum;
pub(super) mod group;
pub(super) mod index;
pub(super) mod layout;
pub(super) mod norm;
pub(super) mod pad;
pub(super) mod pool;
pub(super) mod quant;
pub(super) mod reduce;
pub(super) mod resize;
pub(super) mod shape;
mod sliding;
pub(super) mod softmax;
