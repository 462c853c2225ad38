//! The table of all keys. A new one is one entry here; reading, checking, flags, help, `init`, the manifest
//! and the digest follow from it.

use super::{
    preset::Preset,
    values::{Record, Target},
};
use crate::{
    base::{
        key::{OneOrMore, Share},
        keys,
        registry::Spec,
        rng::Seed,
        unit::Remainder,
    },
    data::{decode::Orientation, select::Step},
    eval::{
        curve::ScoreKind,
        order::{Order, Ties},
    },
    explain::resize::Upsample,
    imported::Maps,
    memory::Bytes,
    methods::Texts,
    nn::preprocess::Settings,
    stops::Stops,
};

keys! {
    /// A config: every key is in force, and values are of the types in which they are used. Names are looked
    /// up by [`Plan::new`](crate::plan::Plan::new), which also knows what fits the model and the data.
    pub struct Config;

    /// What is given of a config: by a file, by flags, by a [preset](mod@super::preset), or in a manifest.
    /// Defaults are those of the protocol of Samek et al. 2017 as pixelflip runs it.
    pub struct Given;

    also {
        /// Content of files that methods are built from, as the run of a manifest had them, by name: for
        /// files that are gone.
        texts: Texts,
    }

    /// A [preset](mod@super::preset); the other keys say all that it sets.
    protocol: Option<&'static Preset> {
        flag: "NAME",
        example: "samek2017",
        scope: Results,
        help: "Defaults of a paper or of another tool, see `pixelflip list protocols`",
    }
    /// Path of the ONNX file, or `scenes`.
    model: String {
        flag: "M.onnx",
        example: "model.onnx",
        scope: Place,
        help: "ONNX file, or `scenes` for the built-in network",
    }
    /// Path of the pictures, or `scenes`.
    data: String {
        flag: "PATH",
        example: "pictures",
        scope: Place,
        help: "Folder or file with pictures, or `scenes` for the built-in ones",
    }
    /// How the pictures lie; found out when not given.
    layout: Option<Spec> {
        flag: "SPEC",
        example: "idx:split=train",
        scope: Place,
        help: "How the pictures lie, see `pixelflip list datasets`; found out when not given",
    }
    /// The methods.
    methods: Vec<Spec> {
        flag: "SPEC,...",
        default: "random,gradient,sensitivity:norm=l2,sensitivity:norm=linf,gradient-x-input,\
                  lrp-epsilon-plus-flat,lrp-epsilon-alpha2-beta1-flat,lrp-samek2017",
        scope: Results,
        help: "Contenders, see `pixelflip list methods`",
    }
    /// Heat maps made by other tools.
    heatmaps: Vec<Maps> {
        flag: "NAME=PATH",
        example: "ig=ig.npz",
        scope: Place,
        help: "Contenders made by other tools, NAME=PATH each: .npy, .npz, .safetensors, .txt, .png, \
               .tif, or a folder of them",
    }
    /// How smaller heat maps are enlarged; none without heat maps.
    upsample: Option<Upsample> {
        flag: "WORD",
        default: Upsample::None.name(),
        scope: Results,
        help: "How smaller heat maps are enlarged: none, bilinear or nearest",
    }
    /// Sides of the regions in pixels.
    region: OneOrMore<usize> {
        flag: "N,...",
        default: "9",
        scope: Results,
        help: "Sides of the square regions in pixels; the first one ranks",
    }
    /// What becomes of the pixels right and below the last whole region.
    remainder: Remainder {
        flag: "WORD",
        default: Remainder::Drop.name(),
        scope: Results,
        help: "Pixels right and below the last whole region: drop or partial",
    }
    /// Regions to remove; at most [`STEPS`](super::STEPS) when not given.
    steps: Option<usize> {
        flag: "N",
        otherwise: "100, or all regions if there are fewer",
        example: "100",
        scope: Results,
        help: "Regions that are removed one after the other",
    }
    /// Stops at which the score is watched, in place of `steps`; without any after every region.
    at: Stops {
        flag: "STOP,...",
        example: "10%,20%,...,90%",
        scope: Results,
        help: "Numbers of removed regions, or shares of all such as 10%,20%,...,90%, at which the score is \
               watched, in place of `steps`",
    }
    /// Noise images per picture.
    repeats: usize {
        flag: "N",
        default: "10",
        scope: Results,
        help: "Noise images per picture",
    }
    /// Which regions go first.
    orders: Vec<Order> {
        flag: "ORDER,...",
        default: "morf,lerf",
        scope: Results,
        help: "Most (morf) and least (lerf) relevant regions first",
    }
    /// Which of several regions with the same relevance goes first.
    ties: Ties {
        flag: "WORD",
        default: Ties::Chance.name(),
        scope: Results,
        help: "Which of several regions with the same relevance goes first: chance (the same for all methods), or \
               place (in either order)",
    }
    /// What replaces a region.
    perturbation: Vec<Spec> {
        flag: "SPEC,...",
        default: "uniform",
        scope: Results,
        help: "What replaces a region, see `pixelflip list perturbations`; the first one ranks",
    }
    /// What is watched.
    score: ScoreKind {
        flag: "WORD",
        default: ScoreKind::Logit.name(),
        scope: Results,
        help: "What is watched: logit or softmax",
    }
    /// What is written of every step.
    record: Record {
        flag: "WORD",
        default: Record::Logit.name(),
        scope: Results,
        help: "What is written: the watched score (logit), or all logits too (all)",
    }
    /// The metrics of heat maps.
    metrics: Vec<Spec> {
        flag: "SPEC,...",
        default: "sparseness,grey-entropy,jpeg-size",
        scope: Results,
        help: "Metrics of every heat map, see `pixelflip list metrics`",
    }
    /// Whose score is watched.
    target: Target {
        flag: "CLASS",
        default: "predicted",
        scope: Results,
        help: "Whose score is watched: predicted, label, or the index of a class",
    }
    /// Number of pictures; all when not given.
    images: Option<usize> {
        flag: "N",
        example: "100",
        scope: Results,
        help: "Number of pictures, a random sample that does not depend on the seed; all when not given",
    }
    /// Larger pictures are refused before they are decoded.
    max_pixels: u64 {
        flag: "N",
        default: "100000000",
        scope: Results,
        help: "Larger pictures are refused before they are decoded, and the run says so",
    }
    /// What becomes of orientation tags.
    orientation: Orientation {
        flag: "WORD",
        default: Orientation::Ignore.name(),
        scope: Results,
        help: "Orientation tags of cameras: ignore (as torchvision does) or apply (as viewers do)",
    }
    /// Steps of a selection, applied from left to right before `images` samples what is left.
    select: Vec<Step> {
        flag: "STEP,...",
        example: "correct,first:500",
        scope: Results,
        help: "Which pictures, step by step: top-confident:N, least-confident:N, extremes:N+M, correct, wrong, \
               class:NAME, first:N, random:N, spread:N, words:N; `images` samples what is left",
    }
    /// Seed of every random draw.
    seed: Seed {
        flag: "N",
        default: "0",
        scope: Results,
        help: "Seed of every random draw",
    }
    /// Number of threads.
    threads: Option<usize> {
        flag: "N",
        example: "2",
        scope: Machine,
        help: "Threads; one per core, of the SLURM task or control group if there is one, when not given; the \
               results do not depend on it",
    }
    /// Memory it may use.
    memory: Option<Bytes> {
        flag: "SIZE",
        example: "4GiB",
        scope: Machine,
        help: "Memory the run may use; what is free when not given; the results do not depend on it",
    }
    /// Share of the steps checked by full passes.
    verify: Share {
        flag: "SHARE",
        default: "0.0",
        scope: Results,
        help: "Share of the steps that is checked again by full passes",
    }
    /// No Winograd tiles.
    direct: bool {
        flag: "",
        default: "false",
        scope: Results,
        help: "Compute all convolutions directly, without Winograd tiles",
    }
    /// Folder for the results.
    out: Option<String> {
        flag: "DIR",
        example: "results/name",
        scope: Machine,
        help: "Folder for the results; results/ and the name of the config or model when not given",
    }
    /// Keys of a sidecar, over those of the file beside the model.
    preprocess: Settings {
        flag: "",
        scope: Results,
        help: "How a picture becomes the network's input, over the keys of the file beside the model",
    }
}
