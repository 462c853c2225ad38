//! From a heat map to a curve, from curves to metrics and statistics.

pub mod correlation;
pub mod curve;
pub mod masked;
pub mod metric;
pub mod order;
pub mod rounding;
pub mod stats;
