//! Named composites: maps from layers to rules that papers and tools have settled on.
//!
//! All take `bias` (for the rules that have a place for it) and the options of every LRP method.
//! Their epsilon is 1e-6 unless they say otherwise.

use super::{
    Lrp, START,
    composite::{Composite, Kind, Place},
    rule::{BIAS, RULES},
};
use crate::{
    base::registry::{self, Args, Entry, Param, SpecError},
    explain::Explainer,
};

/// `lrp-epsilon-plus`: z+ in convolutions, epsilon in dense layers.
///
/// Source: Kohlbrenner et al. 2020, sec. III.
pub const EPSILON_PLUS: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-plus",
    summary: "z+ in convolutions, epsilon in dense layers",
    cite: "kohlbrenner2020best",
    params: &[BIAS, START],
    build: |args| composite(args, &[conv("lrp-z-plus"), rest("lrp-epsilon:eps=1e-6")]),
};

/// `lrp-epsilon-plus-flat`: [`EPSILON_PLUS`] with the flat rule at the first layer.
///
/// Source: Kohlbrenner et al. 2020, sec. III; flat as in Lapuschkin et al. 2019.
pub const EPSILON_PLUS_FLAT: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-plus-flat",
    summary: "flat at the first layer, z+ in convolutions, epsilon in dense layers",
    cite: "kohlbrenner2020best",
    params: &[BIAS, START],
    build: |args| {
        composite(args, &[first("lrp-flat"), conv("lrp-z-plus"), rest("lrp-epsilon:eps=1e-6")])
    },
};

/// `lrp-epsilon-alpha2-beta1`: alpha-beta (2, 1) in convolutions, epsilon in dense layers.
///
/// Source: Kohlbrenner et al. 2020, sec. III.
pub const EPSILON_ALPHA2_BETA1: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-alpha2-beta1",
    summary: "alpha-beta (2, 1) in convolutions, epsilon in dense layers",
    cite: "kohlbrenner2020best",
    params: &[BIAS, START],
    build: |args| {
        composite(args, &[conv("lrp-alpha-beta:alpha=2:beta=1"), rest("lrp-epsilon:eps=1e-6")])
    },
};

/// `lrp-epsilon-alpha2-beta1-flat`: [`EPSILON_ALPHA2_BETA1`] with the flat rule at the first layer.
///
/// Source: Kohlbrenner et al. 2020, sec. III; flat as in Lapuschkin et al. 2019.
pub const EPSILON_ALPHA2_BETA1_FLAT: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-alpha2-beta1-flat",
    summary: "flat at the first layer, alpha-beta (2, 1) in convolutions, epsilon in dense layers",
    cite: "kohlbrenner2020best",
    params: &[BIAS, START],
    build: |args| {
        let lines = [
            first("lrp-flat"),
            conv("lrp-alpha-beta:alpha=2:beta=1"),
            rest("lrp-epsilon:eps=1e-6"),
        ];
        composite(args, &lines)
    },
};

/// `lrp-samek2017`: alpha-beta (2, 1) everywhere.
///
/// Source: Samek et al. 2017, sec. III-C.
pub const SAMEK2017: Entry<dyn Explainer> = Entry {
    id: "lrp-samek2017",
    summary: "alpha-beta (2, 1) everywhere, as in the paper that defined AOPC",
    cite: "samek2017evaluating",
    params: &[BIAS, START],
    build: |args| composite(args, &[rest("lrp-alpha-beta:alpha=2:beta=1")]),
};

/// `lrp-samek2017-eps`: epsilon everywhere; the paper compares 0.01 and 100.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `eps` | 0.01 | >= 0 |
///
/// Source: Samek et al. 2017, sec. III-C.
pub const SAMEK2017_EPS: Entry<dyn Explainer> = Entry {
    id: "lrp-samek2017-eps",
    summary: "epsilon everywhere, as in the paper that defined AOPC (0.01, 100)",
    cite: "samek2017evaluating",
    params: &[
        Param {
            key: "eps",
            default: "0.01",
            kind: registry::Kind::Number { min: 0.0, max: f64::INFINITY },
            help: "added to the size of the denominators",
        },
        BIAS,
        START,
    ],
    build: |args| composite(args, &[rest(&format!("lrp-epsilon:eps={}", args.text("eps")))]),
};

fn first(rule: &str) -> (Place, String) {
    (Place::first(), rule.to_owned())
}

fn conv(rule: &str) -> (Place, String) {
    (Place::kind(Kind::Conv), rule.to_owned())
}

fn rest(rule: &str) -> (Place, String) {
    (Place::any(), rule.to_owned())
}

/// The method whose lines are these, with the bias policy of `args` in every rule that has one.
fn composite(args: &Args, lines: &[(Place, String)]) -> Result<Box<dyn Explainer>, SpecError> {
    let bias = args.text(BIAS.key);
    let with_bias = |(place, rule): &(Place, String)| {
        let policy = if takes_bias(rule) { format!(":bias={bias}") } else { String::new() };
        (place.clone(), format!("{rule}{policy}"))
    };
    let lines = lines.iter().map(with_bias).collect();
    Ok(Box::new(Lrp::new(Composite::with_scalings(lines, bias)?, args)))
}

fn takes_bias(rule: &str) -> bool {
    let id = rule.split(':').next();
    RULES.iter().any(|e| Some(e.id) == id && e.params.iter().any(|p| p.default == BIAS.default))
}
