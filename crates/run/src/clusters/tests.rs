//! A planted tag falls into clusters of its own.

use super::{Clustered, Clusters, Settings};
use crate::{
    base::rng::Seed,
    config::Config,
    data::scenes::{Scenes, Split, tag},
    embedded::HANS,
    eval::spectral::adjusted_rand,
    event::Silent,
    lock::Share,
    nn::preprocess::Settings as Preprocess,
    output::Output,
    plan::Plan,
    runner,
    stop::Stop,
};

fn clustered(scenes: Scenes, settings: Settings) -> Result<Clustered, String> {
    let flags = "model = 'hans'\ndata = 'tagged-scenes'\nregion = 1\nsteps = 1\ntarget = 'label'\nselect = \
                 'class:fish,first:70'\nmethods = 'lrp-epsilon-plus-flat'\ndirect = true";
    let config = Config::load(None, flags.parse().unwrap()).unwrap();
    let model = HANS.network(Preprocess::default()).unwrap();
    let plan = Plan::with(config, model, Box::new(scenes), vec![], &Stop::default()).unwrap();
    let study = Clusters::new(&plan, settings).map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().unwrap();
    let output = Output::open(folder.path(), &study, Share::Whole).unwrap();
    runner::run(&study, &output, &Stop::default(), &Silent).unwrap();
    Ok(Clustered::read(folder.path()).unwrap())
}

#[test]
fn pictures_with_a_tag_are_clusters_of_their_own() {
    let scenes = Scenes::tagged(Split::Test, Scenes::SEED);
    let settings = Settings { clusters: Some(2), ..Settings::default() };
    let found = clustered(scenes.clone(), settings).unwrap();
    let worn: Vec<usize> = (0..10 * 70)
        .filter(|i| scenes.label(*i) == tag::CLASS)
        .map(|i| usize::from(scenes.tag(i).is_some()))
        .collect();
    let labels: Vec<usize> = found.members.iter().map(|member| member.cluster as usize).collect();
    let index = adjusted_rand(&labels, &worn).unwrap();
    assert!(index > 0.9, "{index}");
    let gap = clustered(scenes, Settings::default()).unwrap();
    assert_eq!(gap.classes[0].clusters, Some(2), "{:?}", gap.spectra);
}

#[test]
fn without_a_tag_there_is_no_gap() {
    let found = clustered(Scenes::new(Split::Test, Seed(0)), Settings::default()).unwrap();
    assert_eq!(found.classes[0].clusters, Some(1), "{:?}", found.spectra);
}

#[test]
fn a_class_with_fewer_pictures_than_neighbours_has_a_reason_and_no_clusters() {
    let settings = Settings { neighbours: 70, ..Settings::default() };
    let found = clustered(Scenes::tagged(Split::Test, Scenes::SEED), settings).unwrap();
    let [class] = &found.classes[..] else { panic!("one class") };
    assert_eq!((class.clusters, class.gap, class.pictures), (None, None, 70));
    assert_eq!(class.reason.as_deref(), Some("70 maps are too few for 70 neighbours of each"));
    assert!(found.members.is_empty() && found.maps.len() == 70);
    let error = clustered(
        Scenes::tagged(Split::Test, Scenes::SEED),
        Settings { side: 97, ..Settings::default() },
    );
    assert_eq!(
        error.unwrap_err(),
        "`--side` must be from 2 to 96, the size of the heat maps, found 97"
    );
}
