//! One value everywhere.

use super::{Fill, Perturbation, Site};
use crate::base::registry::{Entry, Kind, Param};

/// Every removed pixel becomes `value` in all channels.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `value` | 0.5 | [0, 1], from black to white |
#[derive(Debug)]
struct Constant {
    value: f32,
}

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "constant",
    summary: "the same value for every pixel and channel",
    cite: "zeiler2014visualizing",
    params: &[Param {
        key: "value",
        default: "0.5",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        help: "0 is black, 1 is white",
    }],
    build: |args| Ok(Box::new(Constant { value: args.f32("value") })),
};

impl Perturbation for Constant {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        Fill::Local(site.picture.map(|_| self.value))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{local, ramp};

    #[test]
    fn every_value_is_the_one_given() {
        assert!(
            local("constant:value=0.25", &ramp(), 0)
                .data
                .iter()
                .all(|v| v.to_bits() == 0.25f32.to_bits())
        );
        assert!(local("constant", &ramp(), 0).data.iter().all(|v| v.to_bits() == 0.5f32.to_bits()));
    }
}
