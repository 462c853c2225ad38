//! The numeric kernels; the only place where `unsafe` is allowed.
//!
//! Matrix products are our own for one reason: a row's bits must not depend on how many other rows
//! stand beside it, or a streamed score would differ from that of a full pass. General GEMM
//! libraries choose their blocking by size, so they do not promise this.

pub mod aligned;
pub mod gemm;
pub mod lanes;
pub mod parallel;
pub mod winograd;
