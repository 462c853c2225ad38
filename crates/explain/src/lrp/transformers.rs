//! Composites for networks with attention.
//!
//! All start from the score and share at linear layers, sums, means, layer normalisation and products in
//! proportion, stabilised by `eps`; 0 is the exact limit. They differ in what attention passes on and in
//! which layers gamma favours contributions of the output's sign.

use super::{
    Attention, Lrp, Options, Product, Start, Sum,
    composite::{Composite, CompositeLine},
    options::START,
    place::{Kind as LayerKind, Place},
    rule::Gamma,
};
use crate::{
    Explainer,
    attention::Part,
    base::registry::{Args, Entry, Kind, Param, SpecError},
};

const EPS: Param = Param {
    key: "eps",
    default: "0.000001",
    kind: Kind::Number { min: 0.0, max: f64::INFINITY },
    help: "added to the size of all denominators",
};

const CONV: Param = Param {
    key: "conv",
    default: "0.25",
    kind: Kind::Number { min: 0.0, max: f64::INFINITY },
    help: "gamma of convolutions: the patch embedding",
};

const FF: Param = Param {
    key: "ff",
    default: "0.05",
    kind: Kind::Number { min: 0.0, max: f64::INFINITY },
    help: "gamma of the feed-forward layers",
};

/// `attnlrp`: its authors' rules, with epsilon in all layers.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `eps` | 1e-6 | >= 0 |
///
/// Source: Achtibat et al. 2024, sec. 3.
pub const ATTNLRP: Entry<dyn Explainer> = Entry {
    id: "attnlrp",
    summary: "AttnLRP: attention shares by its own rules, epsilon in all layers",
    cite: "achtibat2024attnlrp",
    params: &[EPS, START],
    build: |args| method(args, Attention::Shared, &[]),
};

/// `attnlrp-gamma`: [`ATTNLRP`] with gamma in convolutions and in the two layers of each feed-forward block,
/// epsilon in projections, output projections and the classifier.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `conv` | 0.25 | >= 0 |
/// | `ff` | 0.05 | >= 0 |
/// | `eps` | 1e-6 | >= 0 |
///
/// Source: Achtibat et al. 2024, appendix B.4.
pub const ATTNLRP_GAMMA: Entry<dyn Explainer> = Entry {
    id: "attnlrp-gamma",
    summary: "AttnLRP with gamma in convolutions and feed-forward layers, as its authors do on pictures",
    cite: "achtibat2024attnlrp",
    params: &[CONV, FF, EPS, START],
    build: |args| method(args, Attention::Shared, &gammas(args)),
};

/// `cp-lrp`: attention is a constant, epsilon in all layers.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `eps` | 1e-6 | >= 0 |
///
/// Source: Ali et al. 2022, sec. 3.
pub const CP_LRP: Entry<dyn Explainer> = Entry {
    id: "cp-lrp",
    summary: "CP-LRP: attention is a constant, values get all; epsilon in all layers",
    cite: "ali2022xai",
    params: &[EPS, START],
    build: |args| method(args, Attention::Constant, &[]),
};

/// `cp-lrp-gamma`: [`CP_LRP`] with the gammas of [`ATTNLRP_GAMMA`].
///
/// | parameter | default | range |
/// |---|---|---|
/// | `conv` | 0.25 | >= 0 |
/// | `ff` | 0.05 | >= 0 |
/// | `eps` | 1e-6 | >= 0 |
///
/// Source: Ali et al. 2022, sec. 3; Achtibat et al. 2024, appendix B.4.
pub const CP_LRP_GAMMA: Entry<dyn Explainer> = Entry {
    id: "cp-lrp-gamma",
    summary: "CP-LRP with gamma in convolutions and feed-forward layers",
    cite: "ali2022xai",
    params: &[CONV, FF, EPS, START],
    build: |args| method(args, Attention::Constant, &gammas(args)),
};

fn gammas(args: &Args) -> [(Place, f32); 2] {
    let feed_forward = Place { part: Some(Part::FeedForward), ..Place::any() };
    [(Place::kind(LayerKind::Conv), args.f32("conv")), (feed_forward, args.f32("ff"))]
}

fn method(
    args: &Args,
    attention: Attention,
    gammas: &[(Place, f32)],
) -> Result<Box<dyn Explainer>, SpecError> {
    let eps = args.f32("eps");
    let gamma = |(place, gamma): &(Place, f32)| CompositeLine {
        place: place.clone(),
        rule: Some(Gamma::stabilised(*gamma, eps)),
    };
    // a factor alone passes on what arrives
    let factor = Place { bias: Some(false), ..Place::kind(LayerKind::Scale) };
    let rest = CompositeLine::new(Place::any(), &format!("lrp-epsilon:eps={}", args.text("eps")))?;
    let lines = [CompositeLine { place: factor, rule: None }].into_iter();
    let lines = lines.chain(gammas.iter().map(gamma)).chain([rest]).collect();
    // CP-LRP takes gates as constants, too
    let product = match attention {
        Attention::Shared => Product::Half,
        _ => Product::Signal,
    };
    let options = Options { product, attention, eps, ..Options::of_start(args) };
    Ok(Box::new(Lrp::new(Composite::of(lines), options)))
}

/// The relevance that transformer attribution needs: of the weights of attention.
///
/// Source: Chefer et al. 2021 (CVPR), sec. 3.1 and 3.2.
pub(crate) fn of_attention() -> Result<Lrp, SpecError> {
    let scales = CompositeLine { place: Place::kind(LayerKind::Scale), rule: None };
    let layers = CompositeLine::new(Place::any(), "lrp-z-plus:bias=ignore")?;
    let options = Options {
        start: Start::One,
        sum: Sum::Totals,
        attention: Attention::Passed,
        eps: 0.0,
        ..Options::default()
    };
    Ok(Lrp::new(Composite::of(vec![scales, layers]), options))
}
