//! A network beside itself and beside another one, and models outside.

use super::{Compare, Compared, Given, Settings};
use crate::{
    config::Config, event::Silent, lock::Share, models::Other, output::Output, plan::Plan, ranking,
    runner, stop::Stop,
};
use std::collections::BTreeMap;

const FLAGS: &str = "model = 'scenes'\ndata = 'scenes'\nregion = 24\nsteps = 8\nrepeats = 1\ntarget = 'label'\nmethods = \
                     'gradient-x-input'\nselect = 'first:3'\nmetrics = 'context-ratio'\nverify = 0";

fn plan() -> Plan {
    Plan::new(Config::load(None, FLAGS.parse().unwrap()).unwrap(), &Stop::default()).unwrap()
}

fn beside(path: &str) -> Vec<Other> {
    vec![Other { path: path.to_owned(), ..Other::default() }]
}

fn compared(plan: &Plan, settings: Settings) -> Compared {
    let folder = tempfile::tempdir().unwrap();
    let study = Compare::new(plan, settings, &Stop::default()).unwrap();
    let output = Output::open(folder.path(), &study, Share::Whole).unwrap();
    runner::run(&study, &output, &Stop::default(), &Silent).unwrap();
    Compared::read(folder.path()).unwrap()
}

#[test]
fn a_network_beside_itself_has_its_own_curves_bit_for_bit() {
    let plan = plan();
    let found =
        compared(&plan, Settings { models: beside("scenes"), flip: true, ..Settings::default() });
    let rows = ranking::measure(&plan, &Stop::default(), &Silent).unwrap().rows;
    let own: BTreeMap<(String, String), Vec<u32>> = rows
        .iter()
        .map(|row| {
            let bits = row.scores.as_ref().unwrap().iter().map(|v| v.to_bits()).collect();
            ((row.image.clone(), row.order.to_string()), bits)
        })
        .collect();
    assert_eq!(found.crossed.len(), 4 * own.len(), "two maps under two networks");
    for row in &found.crossed {
        let bits: Vec<u32> = row.scores.as_ref().unwrap().iter().map(|v| v.to_bits()).collect();
        let key = (row.image.clone(), row.removal_order.to_string());
        assert_eq!(bits, own[&key], "{} under {}", row.map_of, row.model);
    }
    let alike = found.pairs.iter().map(|p| (p.rank_correlation.unwrap(), p.top_overlap.unwrap()));
    assert!(alike.clone().all(|(r, overlap)| (r - 1.0).abs() < 1e-12 && overlap > 0.999));
    assert!(found.pairs.iter().all(|p| p.model == "scenes" && p.other == "scenes-2"));
    assert!(found.pairs.iter().all(|p| p.same_prediction == Some(true)));
    assert!(found.uses.iter().all(|row| row.ratio.is_some()) && found.uses.len() == 6);
}

#[test]
fn another_network_has_other_maps_and_outside_models_their_scores() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.csv");
    let table = "image,class,score\nscenes/test/00000,0,2.5\nscenes/test/00000,cactus,3\nscenes/test/00001,1,0.5\n";
    std::fs::write(&path, table).unwrap();
    let given = |path: &std::path::Path| {
        vec![Given { name: "svm".to_owned(), path: path.display().to_string(), ..Given::default() }]
    };
    let plan = plan();
    let settings = Settings { models: beside("hans"), outside: given(&path), flip: false };
    let found = compared(&plan, settings);
    let svm: Vec<(Option<u64>, Option<bool>)> = found
        .answers
        .iter()
        .filter(|answer| answer.model == "svm")
        .map(|answer| (answer.predicted, answer.right))
        .collect();
    assert_eq!(svm, [(Some(1), Some(false)), (Some(1), Some(true)), (None, None)]);
    let pair =
        |other: &str| found.pairs.iter().find(|p| p.model == "scenes" && p.other == other).unwrap();
    assert!(pair("hans").rank_correlation.unwrap() < 0.9);
    assert_eq!(pair("svm").rank_correlation, None);
    assert_eq!(pair("svm").reason.as_deref(), Some("svm: it has no heat maps"));
    assert!(found.crossed.is_empty() && !found.frames.is_empty());
    let refused = |table: &str| {
        std::fs::write(&path, table).unwrap();
        let settings = Settings { outside: given(&path), ..Settings::default() };
        let error = Compare::new(&plan, settings, &Stop::default()).err().unwrap().to_string();
        error.replace(&path.display().to_string(), "S")
    };
    assert_eq!(
        [
            refused("picture,score\n"),
            refused("image,class,score\nscenes/test/00000,whale,1\n"),
            refused("image,class,score\nscenes/test/00000,1,nan\n"),
            refused("image,class,score\nother,1,1\n"),
            refused("image,class,score\nscenes/test/00000,1,1\nscenes/test/00000,1,2\n"),
        ],
        [
            "scores `S`: its first line must be `image,class,score`, found `picture,score`",
            "scores `S`: no class is called `whale`",
            "scores `S`: line 2 is no picture, class and finite score",
            "scores `S`: it has none of the pictures, such as `scenes/test/00000`",
            "scores `S`: class `1` of picture `scenes/test/00000` is there twice",
        ]
    );
}

#[test]
fn one_model_is_no_comparison() {
    let plan = plan();
    let error = Compare::new(&plan, Settings::default(), &Stop::default()).err().unwrap();
    assert_eq!(error.to_string(), "a comparison needs two models at least");
}
