//! Pictures that a generator paints.

use super::{Bound, Prior, PriorError, Site};
use crate::base::registry::Entry;

/// The code of a generator is climbed instead of pixels, so every picture is one that the generator can paint. Which
/// generator it is, is said apart; here it takes its place among the priors that are compared.
struct Painted;

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "generator",
    summary: "the code of the generator (`--generator`) is climbed instead of pixels",
    cite: "nguyen2016synthesizing",
    params: &[],
    build: |_| Ok(Box::new(Painted)),
};

impl Prior for Painted {
    fn asks_generator(&self) -> bool {
        true
    }

    fn bind(&self, _: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(Painted))
    }
}

impl Bound for Painted {}
