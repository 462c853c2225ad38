//! Named composites: maps from layers to rules that papers and tools have settled on.
//!
//! All take `bias` (for the rules that have a place for it) and the options of every LRP method.
//! Their epsilon is 1e-6 unless they say otherwise.

use super::{
    Lrp, Options,
    composite::Composite,
    options::{MAX, NORM, PRODUCT, START, SUM},
    place::{End, Kind, Place},
    rule::{BIAS, RULES},
};
use crate::{
    Explainer,
    base::registry::{self, Args, Entry, Param, SpecError},
};

/// Parameters of a composite that has none of its own.
const PARAMS: &[Param] = &[BIAS, START, SUM, MAX, NORM, PRODUCT];

/// `lrp-epsilon-plus`: z+ in convolutions, epsilon in dense layers.
///
/// Source: Kohlbrenner et al. 2020, sec. III.
pub const EPSILON_PLUS: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-plus",
    summary: "z+ in convolutions, epsilon in dense layers",
    cite: "kohlbrenner2020best",
    params: PARAMS,
    build: |args| composite(args, &[conv("lrp-z-plus"), rest("lrp-epsilon:eps=1e-6")]),
};

/// `lrp-epsilon-plus-flat`: [`EPSILON_PLUS`] with the flat rule at the first layer.
///
/// Source: Kohlbrenner et al. 2020, sec. III; flat as in Lapuschkin et al. 2019.
pub const EPSILON_PLUS_FLAT: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-plus-flat",
    summary: "flat at the first layer, z+ in convolutions, epsilon in dense layers",
    cite: "kohlbrenner2020best",
    params: PARAMS,
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
    params: PARAMS,
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
    params: PARAMS,
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
    params: PARAMS,
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
        SUM,
        MAX,
        NORM,
        PRODUCT,
    ],
    build: |args| composite(args, &[rest(&format!("lrp-epsilon:eps={}", args.text("eps")))]),
};

/// `lrp-epsilon-gamma-box`: z^B at the first layer, gamma in convolutions, epsilon in dense layers.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `gamma` | 0.25 | >= 0 |
///
/// Source: Montavon et al. 2019, sec. 10.3; with these ranges of layers Anders et al. 2021.
pub const EPSILON_GAMMA_BOX: Entry<dyn Explainer> = Entry {
    id: "lrp-epsilon-gamma-box",
    summary: "z^B at the first layer, gamma in convolutions, epsilon in dense layers",
    cite: "anders2021software",
    params: &[
        Param {
            key: "gamma",
            default: "0.25",
            kind: registry::Kind::Number { min: 0.0, max: f64::INFINITY },
            help: "how much favoured contributions are enlarged",
        },
        BIAS,
        START,
        SUM,
        MAX,
        NORM,
        PRODUCT,
    ],
    build: |args| {
        let gamma = format!("lrp-gamma:gamma={}", args.text("gamma"));
        composite(args, &[first("lrp-z-box"), conv(&gamma), rest("lrp-epsilon:eps=1e-6")])
    },
};

/// `excitation-backprop`: z+ everywhere. The paper has no biases; here they are kept by default,
/// as in every other composite. The paper starts from 1, not from the score as all LRP here does:
/// `start=one` gives its probabilities, which differ in scale, and in sign where the score is negative.
///
/// Source: Zhang et al. 2016, sec. 3.
pub const EXCITATION_BACKPROP: Entry<dyn Explainer> = Entry {
    id: "excitation-backprop",
    summary: "z+ everywhere: the probability of winning, handed down",
    cite: "zhang2016top",
    params: PARAMS,
    build: |args| composite(args, &[rest("lrp-z-plus")]),
};

/// `deep-taylor`: z^B at the first layer, z+ elsewhere.
///
/// Source: Montavon et al. 2017, sec. 4.
pub const DEEP_TAYLOR: Entry<dyn Explainer> = Entry {
    id: "deep-taylor",
    summary: "deep Taylor decomposition: z^B at the first layer, z+ elsewhere",
    cite: "montavon2017explaining",
    params: PARAMS,
    build: |args| composite(args, &[first("lrp-z-box"), rest("lrp-z-plus")]),
};

/// `lrp-tutorial`: z^B at the first layer, gamma 0.25 in the lower half of the convolutions,
/// epsilon-std 0.25 in the upper half, LRP-0 in dense layers and at the output. On VGG-16 these
/// are the ranges of the tutorial.
///
/// Source: Montavon et al. 2019, sec. 10.3.
pub const TUTORIAL: Entry<dyn Explainer> = Entry {
    id: "lrp-tutorial",
    summary: "z^B at the first layer, then gamma, epsilon-std, and LRP-0 at the top",
    cite: "montavon2019layerwise",
    params: PARAMS,
    build: |args| {
        let lower = Place { depth: Some([0.0, 0.5]), ..Place::kind(Kind::Conv) };
        let lines = [
            first("lrp-z-box"),
            (Place::at(End::Last), "lrp-zero".to_owned()),
            (lower, "lrp-gamma:gamma=0.25".to_owned()),
            conv("lrp-epsilon-std:k=0.25"),
            rest("lrp-zero"),
        ];
        composite(args, &lines)
    },
};

fn first(rule: &str) -> (Place, String) {
    (Place::at(End::First), rule.to_owned())
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
    Ok(Box::new(Lrp::new(Composite::with_scalings(lines, bias)?, Options::of(args))))
}

fn takes_bias(rule: &str) -> bool {
    let id = rule.split(':').next();
    RULES.iter().any(|e| Some(e.id) == id && e.params.iter().any(|p| p.default == BIAS.default))
}
