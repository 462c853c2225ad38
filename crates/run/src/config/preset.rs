//! Protocols of a paper and of other tools, so that old numbers can be translated.
//!
//! A preset is a set of defaults, laid over [`Given::defaults`] and below
//! the config file and the flags. What it cannot bring about stands beside it, in words;
//! `docs/protocols.md` says how to convert the numbers.

use super::{Given, shipped};

/// Defaults under a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name, as in `--protocol NAME`: the tool with its version, or the paper.
    pub name: &'static str,
    /// One line; no full stop.
    pub summary: &'static str,
    /// The keys it sets, as TOML.
    pub config: &'static str,
    /// What that tool does otherwise and no key brings about; one line each.
    pub departs: &'static [&'static str],
}

/// All presets, in the order of `pixelflip list protocols`.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "samek2017",
        summary: "the experiments of the paper that defined AOPC",
        config: include_str!("preset/samek2017.toml"),
        departs: &[
            "ties between regions: the paper does not say; a random order that all methods share",
        ],
    },
    Preset {
        name: "quantus-0.6",
        summary: "RegionPerturbation of Quantus with its defaults",
        config: include_str!("preset/quantus-0.6.toml"),
        departs: &[
            "sides are padded at both edges to whole patches; here the grid begins at the top left",
            "ties go in the order of `numpy.argsort`, which is not stable; here in a random order",
            "`black` is the smallest value of the normalised picture; here pixel value 0",
            "its curve has drops without step 0; here scores with step 0",
            "its area is a sum by the trapezoid rule; here the mean over 0, 1, ..., L",
        ],
    },
    Preset {
        name: "innvestigate-2.1",
        summary: "PerturbationAnalysis of iNNvestigate with its defaults",
        config: include_str!("preset/innvestigate-2.1.toml"),
        departs: &[
            "pictures are mirrored at both edges up to whole regions; here edge regions are smaller",
            "regions are ranked by their mean; here by their sum, which differs at the edges",
            "ties go in the order of `numpy.argsort`, which is not stable; here in a random order",
            "`zeros` is 0 after normalisation; here the mean colour of the data set",
            "it reports loss and accuracy; here the probability of the label",
            "random fills are drawn anew at every step; here once per picture and repeat",
        ],
    },
    Preset {
        name: "attnlrp2024",
        summary: "faithfulness on pictures as in the AttnLRP paper: pixels set to zero, area between LeRF and MoRF",
        config: include_str!("preset/attnlrp2024.toml"),
        departs: &[
            "zero is meant after normalisation (`input-zero`); `constant:value=0` is zero before it",
            "the paper does not say how many pixels go at a time; here patches of 16x16, one after the other",
            "its code for this table is not public; the area is a mean over the steps (`abpc`), divided by 2",
        ],
    },
    Preset {
        name: "arras2017",
        summary: "word deletion on documents: words set to zero, the true class watched",
        config: include_str!("preset/arras2017.toml"),
        departs: &[
            "both orders are run on all documents; `accuracy.csv` has those that are right and wrong apart",
            "the random order is one run; the paper has the mean of ten, which `repeats = 10` gives",
        ],
    },
    Preset {
        name: "arras2017-sentences",
        summary: "word deletion on sentences of at least 10 words: 1 to 5 words set to zero",
        config: include_str!("preset/arras2017-sentences.toml"),
        departs: &[
            "both orders are run on all sentences; `accuracy.csv` has those that are right and wrong apart",
            "the random order is one run; the paper has the mean of ten, which `repeats = 10` gives",
        ],
    },
];

impl Preset {
    /// The keys it sets.
    pub fn given(&self) -> Given {
        shipped(self.config)
    }
}

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Config, Target},
        eval::curve::ScoreKind,
    };
    use std::path::Path;

    fn config(flags: &str) -> Config {
        Config::load(None, flags.parse().unwrap()).unwrap()
    }

    #[test]
    fn every_preset_makes_a_config_and_is_on_the_page() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocols.md");
        let page = std::fs::read_to_string(page).unwrap();
        for preset in PRESETS {
            let flags = format!("model = 'm'\ndata = 'd'\nprotocol = '{}'", preset.name);
            assert_eq!(config(&flags).protocol, Some(preset));
            assert!(page.contains(&format!("## `{}`", preset.name)), "{}", preset.name);
            assert!(preset.departs.iter().all(|line| !line.ends_with('.')), "{}", preset.name);
        }
    }

    #[test]
    fn a_preset_lies_below_flags_and_above_the_defaults() {
        let plain = config("model = 'm'\ndata = 'd'");
        let preset = config("model = 'm'\ndata = 'd'\nprotocol = 'quantus-0.6'");
        assert_eq!((&plain.region[..], &preset.region[..]), (&[9][..], &[8][..]));
        assert_eq!(preset.perturbation, ["constant:value=0".parse().unwrap()]);
        assert_eq!((preset.score, preset.target), (ScoreKind::Softmax, Target::Label));
        assert_eq!(preset.methods, plain.methods);
        let above = config("model = 'm'\ndata = 'd'\nregion = 5\nprotocol = 'quantus-0.6'");
        assert_eq!(above.region.0, [5]);
    }

    #[test]
    fn the_paper_has_eight_heat_maps_and_ten_repeats_also_on_the_built_in_pictures() {
        let paper = config("protocol = 'samek2017'");
        assert_eq!((paper.model.as_str(), paper.repeats, paper.steps), ("scenes", 10, None));
        assert_eq!(paper.methods.len(), 8);
    }

    #[test]
    fn an_unknown_protocol_gets_a_hint() {
        let flags = "model = 'm'\ndata = 'd'\nprotocol = 'quantus'".parse().unwrap();
        let error = Config::load(None, flags).unwrap_err().to_string();
        assert!(error.starts_with("unknown protocol `quantus`"), "{error}");
    }
}
