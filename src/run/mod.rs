//! What to compute, and computing it.
