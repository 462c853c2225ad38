//! From a heat map to a curve, from curves to metrics and statistics.
