//! Nothing in the place of removed patches.

use super::{Fill, Perturbation, Site};
use crate::base::registry::Entry;

/// The tokens of removed patches are left out of the sequence; class and register tokens stay, and the others
/// keep their positions. Only for networks in which every token attends to every other, with regions that are
/// their patches. A step costs as much less as there are fewer tokens. Jain et al. 2022, sec. 3.
#[derive(Debug)]
struct Tokens;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "tokens",
    summary: "nothing: the tokens of removed patches are left out (transformers; regions are their patches)",
    cite: "jain2022missingness",
    params: &[],
    build: |_| Ok(Box::new(Tokens)),
};

impl Perturbation for Tokens {
    fn fill<'a>(&self, _site: &Site<'a>) -> Fill<'a> {
        Fill::LeftOut
    }

    fn is_local(&self) -> bool {
        false
    }

    fn leaves_out(&self) -> bool {
        true
    }
}
