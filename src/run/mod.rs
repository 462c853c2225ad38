//! What to compute, and computing it.

pub mod record;
