//! Networks that read only the object, and only what is around it.

use super::{Probe, Probed, Settings, Share, Trial, Variant};
use crate::{
    base::geom::{Rect, Shape},
    config::Config,
    data::{DataError, Dataset, Item, Marked},
    event::Silent,
    lock::Share as Portion,
    nn::{graph::Graph, model::Model, op::Dense, preprocess::Preprocess, tensor::Tensor},
    output::Output,
    plan::Plan,
    runner,
    stop::Stop,
};
use std::collections::BTreeMap;

const SIDE: usize = 8;
const SHAPE: Shape = Shape::new(1, SIDE, SIDE);
const OBJECT: Rect = Rect { y0: 2, y1: 6, x0: 2, x1: 6 };

/// 1 and -1 in turn.
fn board(at: usize) -> f32 {
    if (at / SIDE + at % SIDE).is_multiple_of(2) { 1.0 } else { -1.0 }
}

fn on_object(at: usize) -> bool {
    let (y, x) = (at / SIDE, at % SIDE);
    (OBJECT.y0..OBJECT.y1).contains(&y) && (OBJECT.x0..OBJECT.x1).contains(&x)
}

/// Chequered pictures of two classes, the colours of which are exchanged. The last pictures are odd: no box, a box
/// that fills the picture, a box of more than half of it.
struct Boards;

impl Dataset for Boards {
    fn name(&self) -> &'static str {
        "boards"
    }

    fn len(&self) -> usize {
        9
    }

    fn id(&self, i: usize) -> String {
        format!("boards/{i}.png")
    }

    fn label(&self, i: usize) -> Option<usize> {
        Some(i % 2)
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let sign = if i.is_multiple_of(2) { 0.4 } else { -0.4 };
        let image = (0..SIDE * SIDE).map(|at| 0.5 + sign * board(at)).collect();
        let boxes = match i {
            6 => vec![],
            7 => vec![SHAPE.rect()],
            8 => vec![Rect { y1: 7, ..SHAPE.rect() }],
            _ => vec![OBJECT],
        };
        let image = Tensor::new(SHAPE, image);
        Ok(Item { id: self.id(i), image, label: self.label(i), boxes, mask: None })
    }

    fn marked(&self, i: usize) -> Marked {
        Marked { mask: false, boxes: i != 6 }
    }

    fn classes(&self) -> Option<&[String]> {
        None
    }

    fn fingerprint(&self) -> String {
        "boards".to_owned()
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        Ok(format!("{i:064x}"))
    }
}

/// Sees the board on the pixels it reads: 1 and -1 for the two classes, and a third one wins where there is none.
fn model(reads: fn(usize) -> bool) -> Model {
    let pixels = (0..SIDE * SIDE).filter(|at| reads(*at)).count() as f32;
    let weight = |sign: f32| {
        (0..SIDE * SIDE)
            .map(move |at| if reads(at) { sign * board(at) / (0.4 * pixels) } else { 0.0 })
            .collect::<Vec<f32>>()
    };
    let weights = [weight(1.0), weight(-1.0), vec![0.0; SIDE * SIDE]].concat();
    let mut graph = Graph::new(SHAPE);
    let dense = Dense::new(weights, 3, SHAPE, vec![0.0, 0.0, 0.5]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    let sidecar = "channels = 'grey'\nscale = 0.00392156862745098\nmean = [0.0]\nstd = [1.0]";
    Model {
        embedding: None,
        folder: None,
        graph,
        preprocess: Some(Preprocess::from_toml(sidecar, SHAPE).unwrap()),
        prepared: None,
        classes: None,
        name: "board".to_owned(),
        digest: "board".to_owned(),
        notes: vec![],
        modules: BTreeMap::new(),
        chosen: None,
    }
}

fn plan(reads: fn(usize) -> bool) -> Plan {
    let flags = "model = 'board'\ndata = 'boards'\nregion = 1\nsteps = 1\ntarget = 'label'\nmethods = \
                 'gradient-x-input'\nperturbation = 'blur:sigma=10,inpaint,channel-mean,uniform'";
    let config = Config::load(None, flags.parse().unwrap()).unwrap();
    Plan::with(config, model(reads), Box::new(Boards), vec![], &Stop::default()).unwrap()
}

fn probed(plan: &Plan, settings: Settings) -> Probed {
    let folder = tempfile::tempdir().unwrap();
    let study = Probe::new(plan, settings).unwrap();
    let output = Output::open(folder.path(), &study, Portion::Whole).unwrap();
    runner::run(&study, &output, &Stop::default(), &Silent).unwrap();
    Probed::read(folder.path()).unwrap()
}

/// Of the pictures with a usual box: whether the network says the class, for each filling.
fn says(probed: &Probed, variant: Variant) -> Vec<bool> {
    let usual = |t: &&Trial| t.variant == variant && t.image[..] < *"boards/6.png";
    probed.trials.iter().filter(usual).map(|t| t.says_target.unwrap()).collect()
}

#[test]
fn a_network_that_reads_the_object_alone_has_none_of_both_errors() {
    let found = probed(&plan(on_object), Settings::default());
    assert_eq!(says(&found, Variant::Original), [true; 6]);
    assert_eq!(says(&found, Variant::Removed), [false; 24], "never still the class");
    assert_eq!(says(&found, Variant::Only), [true; 24], "never lost");
    assert_eq!(says(&found, Variant::RemovedElsewhere), [true; 24]);
    assert_eq!(says(&found, Variant::OnlyElsewhere), [false; 24]);
    let shares = found.shares.iter().filter(|share| share.image[..] < *"boards/6.png");
    assert!(shares.clone().all(|share| (share.relevance.unwrap() - 1.0).abs() < 1e-9));
    assert!(shares.clone().all(|share| (share.area.unwrap() - 0.25).abs() < 1e-9));
}

#[test]
fn a_network_that_reads_the_context_alone_has_all_of_both_errors() {
    let found = probed(&plan(|at| !on_object(at)), Settings::default());
    assert_eq!(says(&found, Variant::Original), [true; 6]);
    assert_eq!(says(&found, Variant::Removed), [true; 24], "always still the class");
    assert_eq!(says(&found, Variant::Only), [false; 24], "always lost");
    let shares = found.shares.iter().filter(|share| share.image[..] < *"boards/6.png");
    assert!(shares.clone().all(|share| share.relevance == Some(0.0)));
}

#[test]
fn what_has_no_object_has_a_reason_and_no_number() {
    let found = probed(&plan(on_object), Settings::default());
    let reasons = |image: &str, variant: Variant| -> Vec<Option<&str>> {
        let own = found.trials.iter().filter(|t| t.image == image && t.variant == variant);
        own.map(|t| t.reason.as_deref()).collect()
    };
    assert_eq!(reasons("boards/6.png", Variant::Original), [None]);
    assert_eq!(reasons("boards/6.png", Variant::Removed), [Some("no object is marked"); 4]);
    assert_eq!(reasons("boards/7.png", Variant::Only), [Some("the object fills the picture"); 4]);
    assert_eq!(reasons("boards/8.png", Variant::Removed), [None; 4]);
    let no_room = "there is no room for the same area elsewhere";
    assert_eq!(reasons("boards/8.png", Variant::OnlyElsewhere), [Some(no_room); 4]);
    let odd: &Share = found.shares.iter().find(|s| s.image == "boards/6.png").unwrap();
    assert_eq!((odd.relevance, odd.failed), (None, false));
}

#[test]
fn edited_pictures_are_found_by_their_names_and_strays_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(on_object);
    let grey = image::GrayImage::from_pixel(8, 8, image::Luma([128]));
    for name in ["0.png", "stray.png"] {
        grey.save(folder.path().join(name)).unwrap();
    }
    let path = folder.path().to_owned();
    let edited = Some(super::EditedFolder { path: path.clone(), digest: String::new() });
    let settings = Settings { edited, ..Settings::default() };
    let study = Probe::new(&plan, settings.clone()).unwrap();
    assert_eq!(study.strays(), ["stray.png"]);
    let found = probed(&plan, settings.clone());
    let edited: Vec<&Trial> =
        found.trials.iter().filter(|t| t.variant == Variant::Edited).collect();
    assert_eq!(edited.len(), 9);
    assert_eq!((edited[0].predicted, edited[0].says_target), (Some(2), Some(false)));
    assert_eq!(edited[1].reason.as_deref(), Some("there is no edited picture of this name"));
    // another content is another study, another place is not
    let digest = |settings: &Settings| {
        crate::study::Study::digest(&Probe::new(&plan, settings.clone()).unwrap())
    };
    let moved = tempfile::tempdir().unwrap();
    for name in ["0.png", "stray.png"] {
        std::fs::copy(folder.path().join(name), moved.path().join(name)).unwrap();
    }
    let there = super::EditedFolder { path: moved.path().to_owned(), digest: String::new() };
    let there = Settings { edited: Some(there), ..Settings::default() };
    let before = digest(&settings);
    assert_eq!(before, digest(&there));
    image::GrayImage::from_pixel(8, 8, image::Luma([9])).save(path.join("0.png")).unwrap();
    assert_ne!(before, digest(&settings));
}

#[test]
fn a_filling_that_needs_regions_is_refused() {
    let mut plan = plan(on_object);
    plan.perturbations[0].name = "permute".to_owned();
    let error = Probe::new(&plan, Settings::default()).err().unwrap().to_string();
    assert!(error.starts_with("`permute` works region by region"), "{error}");
}
