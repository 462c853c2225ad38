//! The runner on a network and pictures in memory.

use super::{
    config::Config,
    event::{Event, Observer, Silent},
    lock::Share,
    manifest::{Manifest, Outcome, Results},
    output::Output,
    plan::{Plan, PlanError},
    ranking::{self, Ranking},
    record::{self, AllLogits, Row, Status},
    runner,
    stop::Stop,
};
use crate::{
    base::{
        geom::Shape,
        registry::Named,
        rng::{Seed, unit_f32},
        unit::Regions,
    },
    data::{DataError, Dataset, Item},
    eval::{order::Order, precision::AveragePrecision},
    explain::{Case, ExplainError, Explainer},
    nn::{graph::Graph, model::Model, op::Dense, preprocess::Preprocess, tensor::Tensor},
    perturb::PERTURBATIONS,
    table::record::Record,
};
use std::{collections::BTreeMap, path::Path, sync::Mutex};

pub(super) mod study;

const SHAPE: Shape = Shape::new(1, 6, 6);

/// Pictures of noise; every third has a label.
struct Noise(usize);

impl Dataset for Noise {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn len(&self) -> usize {
        self.0
    }

    fn id(&self, i: usize) -> String {
        format!("noise/{i}")
    }

    fn label(&self, i: usize) -> Option<usize> {
        i.is_multiple_of(3).then_some(i % 2)
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let mut rng = Seed(9).rng("test pictures", &self.id(i), &[]);
        let image = Tensor::new(SHAPE, (0..36).map(|_| unit_f32(&mut rng)).collect());
        Ok(Item { id: self.id(i), image, label: self.label(i), boxes: vec![], mask: None })
    }

    fn classes(&self) -> Option<&[String]> {
        None
    }

    fn fingerprint(&self) -> String {
        format!("noise {}", self.0)
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        Ok(format!("{i:064x}").chars().rev().collect())
    }
}

/// Two linear classes.
fn model() -> Model {
    let mut rng = Seed(3).rng("test weights", "", &[]);
    let weight = (0..72).map(|_| unit_f32(&mut rng) - 0.5).collect();
    let mut graph = Graph::new(SHAPE);
    let dense = Dense::new(weight, 2, SHAPE, vec![0.1, -0.1]).unwrap();
    graph.push("dense", Box::new(dense), &[graph.input()]).unwrap();
    let sidecar = "channels = 'grey'\nscale = 0.01\nmean = [1.0]\nstd = [0.5]";
    Model {
        embedding: None,
        folder: None,
        graph,
        preprocess: Some(Preprocess::from_toml(sidecar, SHAPE).unwrap()),
        prepared: None,
        classes: None,
        name: "linear".to_owned(),
        digest: "linear".to_owned(),
        notes: vec![],
        modules: BTreeMap::new(),
        chosen: None,
    }
}

/// All nine regions of 2x2 are removed, with two noise images.
fn plan(pictures: usize, more: &str) -> Plan {
    let flags = format!("model = 'linear'\ndata = 'noise'\nregion = 2\nrepeats = 2\n{more}");
    let config = Config::load(None, flags.parse().unwrap()).unwrap();
    Plan::with(config, model(), Box::new(Noise(pictures)), vec![], &Stop::default()).unwrap()
}

/// Everything that was measured, in the order of the files.
struct Records {
    rows: Vec<Row>,
    results: Results,
}

fn run(plan: &Plan, observer: &dyn Observer) -> Records {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), plan, observer)
}

fn run_in(folder: &Path, plan: &Plan, observer: &dyn Observer) -> Records {
    let output = Output::open(folder, &Ranking::of(plan), Share::Whole).unwrap();
    let outcome = runner::run(&Ranking::of(plan), &output, &Stop::default(), observer).unwrap();
    let Outcome::Ranking(results) = outcome else { panic!("of the ranking") };
    let rows = record::read_folder(&output.curves(), AllLogits::Read).unwrap();
    Records { rows, results }
}

#[test]
fn a_map_that_says_nothing_is_all_tied_also_when_all_regions_are_removed() {
    let plan = plan(3, "methods = 'random,constant,gradient-x-input'");
    let Records { rows, results } = run(&plan, &Silent);
    for row in &rows {
        let expected = match row.method.as_str() {
            "random" => None,
            "constant" => Some(1.0),
            _ => Some(0.0),
        };
        assert_eq!(row.tied_fraction, expected, "{} {}", row.method, row.order);
    }
    // two orders and two noise images count once
    let manifest = serde_json::to_value(&results).unwrap();
    let said = serde_json::json!([{"method": "constant", "pictures": 3, "first": "noise/0"}]);
    assert_eq!(manifest["all_tied"], said);
}

/// The last score of a row as bits.
fn end(row: &Row) -> u32 {
    row.scores.as_ref().unwrap().last().unwrap().to_bits()
}

#[test]
fn all_regions_removed_is_the_same_picture_for_all_methods_and_both_orders() {
    let plan = plan(2, "methods = 'random,gradient,gradient-x-input'");
    let rows = run(&plan, &Silent).rows;
    assert_eq!(rows.len(), 2 * 3 * 2 * 2);
    for row in &rows {
        assert_eq!(row.scores.as_ref().unwrap().len(), 10);
        let same = |other: &&Row| (&other.image, other.repeat) == (&row.image, row.repeat);
        assert!(rows.iter().filter(same).all(|other| end(other) == end(row)), "{row:?}");
        let noise = |other: &&Row| other.image == row.image && other.repeat != row.repeat;
        assert!(rows.iter().filter(noise).all(|other| end(other) != end(row)), "{row:?}");
    }
}

#[test]
fn full_passes_confirm_every_step_of_every_perturbation() {
    // `tokens` is for transformers, and no full pass can confirm it
    let names = PERTURBATIONS.iter().map(|entry| entry.id).filter(|id| *id != "tokens");
    let names: Vec<&str> = names.collect();
    let names_in_config = format!("perturbation = '{}'", names.join(","));
    let plan = plan(2, &format!("methods = 'gradient'\nverify = 1\n{names_in_config}"));
    let records = run(&plan, &Silent);
    assert!(records.rows.iter().all(|row| row.status == Status::Ok));
    // all steps and the untouched picture; the same kernels give the same bits
    assert_eq!(records.results.verified_steps, (2 * names.len() * 2 * 2 * 10) as u64);
    assert_eq!(records.results.largest_difference, Some(0.0));
    assert_eq!(plan.masked_curves_per_picture(), 3 * 2 * 2);
}

#[test]
fn statistics_of_the_data_do_not_depend_on_which_pictures_are_used() {
    let rows = |images: usize| {
        let names = "perturbation = 'mean-image,dirichlet,channel-mean:of=data'";
        let plan = plan(9, &format!("methods = 'gradient'\nimages = {images}\n{names}"));
        run(&plan, &Silent).rows
    };
    let (few, many) = (rows(2), rows(9));
    assert_eq!(few.len(), 2 * 3 * 2 * 2);
    assert!(few.iter().all(|row| many.contains(row)));
}

#[test]
fn rows_come_by_picture_method_repeat_and_order() {
    let plan = plan(10, "methods = 'gradient,random'");
    let keys = |rows: &[Row]| -> Vec<(String, String, u64, Order)> {
        let key = |r: &Row| (r.image.clone(), r.method.clone(), r.repeat, r.order);
        rows.iter().map(key).collect()
    };
    let found = keys(&run(&plan, &Silent).rows);
    let mut expected = Vec::new();
    for image in 0..10 {
        for method in ["gradient:value=signed", "random"] {
            for repeat in 0..2 {
                for order in [Order::Morf, Order::Lerf] {
                    expected.push((format!("noise/{image}"), method.to_owned(), repeat, order));
                }
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn several_sizes_of_regions_give_the_curves_of_runs_with_one_each() {
    let sizes = |region: &str, more: &str| {
        let flags = format!(
            "model = 'linear'\ndata = 'noise'\nregion = {region}\nrepeats = 2\n\
             methods = 'random,gradient'\nperturbation = 'uniform,permute'\n{more}"
        );
        let config = Config::load(None, flags.parse().unwrap()).unwrap();
        Plan::with(config, model(), Box::new(Noise(3)), vec![], &Stop::default()).unwrap()
    };
    let plan = sizes("[3, 2]", "");
    assert_eq!(plan.regions.iter().map(Regions::steps).collect::<Vec<_>>(), [4, 9]);
    assert_eq!(plan.config.steps, None, "they differ");
    assert_eq!(sizes("[3, 2]", "steps = 4").config.steps, Some(4));
    assert_eq!(plan.curves_per_picture(), 2 * 2 * 2 * 2 * 2);
    let together = run(&plan, &Silent).rows;
    for side in [3, 2] {
        let mut alone = run(&sizes(&side.to_string(), ""), &Silent).rows;
        let mut those: Vec<Row> = together.iter().filter(|r| r.region == side).cloned().collect();
        let key = |r: &Row| {
            format!("{} {} {} {} {}", r.image, r.method, r.perturbation, r.repeat, r.order)
        };
        alone.sort_by_key(key);
        those.sort_by_key(key);
        assert_eq!(alone, those);
    }
    let steps = |text: &str| {
        let config = Config::load(None, text.parse().unwrap()).unwrap();
        let plan = Plan::with(config, model(), Box::new(Noise(1)), vec![], &Stop::default());
        plan.err().unwrap().to_string()
    };
    let base = "model = 'linear'\ndata = 'noise'\n";
    assert_eq!(steps(&format!("{base}region = [2, 2]")), "`2` is listed twice in `region`");
    assert_eq!(
        steps(&format!("{base}region = [2, 3]\nsteps = 9")),
        "`steps` is 9, but a picture of 6x6 pixels has only 4 regions of 3x3"
    );
}

#[test]
fn at_its_stops_a_curve_has_the_scores_of_the_curve_of_all_steps() {
    let plan = |more: &str| {
        let flags = format!(
            "model = 'linear'\ndata = 'noise'\nregion = 2\nrepeats = 2\nverify = 1\n\
             methods = 'random,gradient'\nperturbation = 'uniform,permute,inpaint'\n{more}"
        );
        let config = Config::load(None, flags.parse().unwrap()).unwrap();
        Plan::with(config, model(), Box::new(Noise(3)), vec![], &Stop::default())
    };
    let records = run(&plan("").unwrap(), &Silent);
    let stops = [0, 1, 4, 6, 9];
    for at in ["'1,4,6,9'", "[1, '50%', 6, '100%']", "'1,50%,67%,100%'"] {
        let plan = plan(&format!("at = {at}")).unwrap();
        assert_eq!(plan.config.steps, None);
        let found = run(&plan, &Silent);
        assert!(found.results.largest_difference.unwrap() < 1e-6, "{at}");
        for (row, all) in found.rows.iter().zip(&records.rows) {
            let scores = all.scores.as_ref().unwrap();
            let expected = Row {
                scores: Some(stops.map(|k| scores[k]).to_vec()),
                removed: Some(stops.map(|k| k as u32).to_vec()),
                macs: row.macs,
                ..all.clone()
            };
            assert_eq!(*row, expected, "{at}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.parquet");
        Row::write(&path, &found.rows).unwrap();
        assert_eq!(record::read_curves(&path, AllLogits::Read).unwrap(), found.rows);
    }
    let error = plan("at = '1,2'\nsteps = 3").err().unwrap().to_string();
    insta::assert_snapshot!(error, @"`steps` and `at` cannot both be given: `at` says after how many regions the score is watched");
    let error = plan("at = '5,10'").err().unwrap().to_string();
    insta::assert_snapshot!(error, @"`at`: 10 are more than the 9 regions there are");
}

/// Pictures of noise that show class 0, class 1 or both.
struct Several(Noise);

impl Dataset for Several {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn id(&self, i: usize) -> String {
        self.0.id(i)
    }

    fn label(&self, i: usize) -> Option<usize> {
        self.labels(i).first().copied()
    }

    fn labels(&self, i: usize) -> Vec<usize> {
        [vec![0], vec![1], vec![1, 0]][i % 3].clone()
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        Ok(Item { label: self.label(i), ..self.0.item(i)? })
    }

    fn classes(&self) -> Option<&[String]> {
        None
    }

    fn fingerprint(&self) -> String {
        "several".to_owned()
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        self.0.content(i)
    }
}

#[test]
fn pictures_of_several_classes_give_a_table_of_classes() {
    let plan = |select: &str| {
        let flags = format!(
            "model = 'linear'\ndata = 'noise'\nregion = 3\nrepeats = 1\nmethods = 'random'\n{select}"
        );
        let config = Config::load(None, flags.parse().unwrap()).unwrap();
        Plan::with(config, model(), Box::new(Several(Noise(9))), vec![], &Stop::default()).unwrap()
    };
    let all = plan("");
    let folder = tempfile::tempdir().unwrap();
    let Records { rows, results } = run_in(folder.path(), &all, &Silent);
    let logits: Vec<Vec<f32>> = (0..9)
        .map(|i| {
            let picture = all.preprocess.picture(&all.data.item(i).unwrap().image).unwrap();
            all.model.graph.logits(&all.preprocess.normalise(&picture))
        })
        .collect();
    let shows = |i: usize, class| all.data.labels(i).contains(&class);
    let precision = |class: usize| {
        let of: Vec<(f32, bool)> = (0..9).map(|i| (logits[i][class], shows(i, class))).collect();
        AveragePrecision::of(&of).unwrap().area
    };
    let mean = f64::midpoint(precision(0), precision(1));
    assert!((results.mean_ap.unwrap() - mean).abs() < 1e-12);
    // a prediction is right that is among the labels
    let said = |i: usize| usize::from(logits[i][1] > logits[i][0]);
    let right: Vec<usize> = (0..9).filter(|i| shows(*i, said(*i))).collect();
    assert!((results.top1.unwrap() - right.len() as f64 / 9.0).abs() < 1e-12);
    let by_rows = rows.iter().filter(|row| row.right == Some(true));
    assert_eq!(by_rows.count() * 9, rows.len() * right.len());
    assert_eq!(plan("select = 'correct'").images, right);
    assert_eq!(plan("select = 'class:0'").images, [0, 2, 3, 5, 6, 8]);
    let table = std::fs::read_to_string(folder.path().join("classes.csv")).unwrap();
    let counts = |line: &str| line.split(',').take(4).map(str::to_owned).collect::<Vec<_>>();
    let found: Vec<_> = table.lines().map(counts).collect();
    assert_eq!(found[1..], [["0", "", "9", "6"], ["1", "", "9", "6"]]);
    // taken up again it is the same; a set of one label each has no such table
    assert_eq!(run_in(folder.path(), &all, &Silent).results, results);
    assert_eq!(run(&self::plan(3, "methods = 'random'"), &Silent).results.mean_ap, None);
}

#[test]
fn with_fewer_pictures_than_threads_the_rows_are_the_same() {
    let plan = plan(2, "methods = 'random,gradient,lrp-epsilon-plus-flat'");
    let rows = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&plan, &Silent).rows)
    };
    let one = rows(1);
    // three threads share out the jobs of a picture, forty their layers too
    assert_eq!(one, rows(3));
    assert_eq!(one, rows(40));
}

#[test]
fn a_good_method_beats_the_random_order_in_both_directions() {
    let plan = plan(12, "methods = 'random,gradient-x-input'");
    let rows = run(&plan, &Silent).rows;
    let mean = |method: &str, order| {
        let of = |r: &&Row| r.method == method && r.order == order;
        let fall = |r: &Row| {
            let scores = r.scores.as_ref().unwrap();
            scores.iter().map(|s| f64::from(scores[0] - s)).sum::<f64>()
        };
        rows.iter().filter(of).map(fall).sum::<f64>()
    };
    let random = plan.methods[0].name.clone();
    let good = plan.methods[1].name.clone();
    assert!(mean(&good, Order::Morf) > mean(&random, Order::Morf));
    assert!(mean(&good, Order::Lerf) < mean(&random, Order::Lerf));
}

#[test]
fn labels_give_accuracy_and_can_be_the_target() {
    let plan = plan(6, "methods = 'random'\ntarget = 'label'\nimages = 6");
    let results = run(&plan, &Silent).results;
    // pictures 0 and 3 have a label, the others cannot be used
    assert_eq!((results.pictures, results.labelled, results.skipped.len()), (2, 2, 4));
    assert_eq!(results.skipped[0].reason, "it has no label to be the target");
    assert!(results.top1.is_some());
    assert_eq!(results.top5, None, "there are two classes only");
}

/// Remembers what failed.
struct Failures(Mutex<Vec<(String, String)>>);

impl Observer for Failures {
    fn on(&self, event: &Event) {
        if let Event::Failed { image, method, .. } = event {
            self.0.lock().unwrap().push((image.clone(), method.clone()));
        }
    }
}

#[test]
fn a_method_that_fails_leaves_rows_with_a_reason() {
    // a pair of samples does not tell the superpixels apart
    let plan = plan(1, "methods = 'random,kernel-shap:samples=2'");
    let failures = Failures(Mutex::new(vec![]));
    let records = run(&plan, &failures);
    let (good, failed): (Vec<&Row>, Vec<&Row>) =
        records.rows.iter().partition(|r| r.status == Status::Ok);
    assert_eq!((good.len(), failed.len()), (4, 4));
    assert!(failed.iter().all(|r| r.scores.is_none() && r.macs.is_none()));
    assert!(failed.iter().all(|r| r.reason.as_ref().is_some_and(|text| !text.is_empty())));
    assert_eq!(
        failures.0.into_inner().unwrap(),
        [("noise/0".to_owned(), failed[0].method.clone())]
    );
    let told = &records.results.failures;
    assert_eq!((told.len(), told[0].curves, told[0].first.as_str()), (1, 4, "noise/0"));
}

#[test]
fn with_all_logits_recorded_the_score_is_one_of_them() {
    let plan = plan(2, "methods = 'random'\nrecord = 'all'\norders = 'morf'");
    for row in run(&plan, &Silent).rows {
        let target = row.target.unwrap() as usize;
        let of_target: Vec<f32> =
            row.all_logits.unwrap().chunks(2).map(|logits| logits[target]).collect();
        assert_eq!(of_target, row.scores.unwrap());
    }
}

/// A method of a caller's own: the picture itself.
struct Bright;

impl Explainer for Bright {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        Ok(case.input().clone())
    }
}

fn with_own(names: &[&str]) -> Result<Plan, PlanError> {
    let flags = "model = 'linear'\ndata = 'noise'\nregion = 2\nrepeats = 2\nmethods = 'random'";
    let config = Config::load(None, flags.parse().unwrap()).unwrap();
    let own = |name: &&str| Named { name: (*name).to_owned(), value: Box::new(Bright) as Box<_> };
    let own = names.iter().map(own).collect();
    Plan::with(config, model(), Box::new(Noise(3)), own, &Stop::default())
}

#[test]
fn a_method_of_the_callers_own_competes_and_its_run_is_another_one() {
    let plan = with_own(&["bright"]).unwrap();
    let (on_disk, in_memory) =
        (run(&plan, &Silent), ranking::measure(&plan, &Stop::default(), &Silent).unwrap());
    assert_eq!(on_disk.rows, in_memory.rows);
    assert_eq!(on_disk.results, in_memory.results);
    let own = in_memory.rows.iter().filter(|row| row.method == "bright");
    assert_eq!(own.filter(|row| row.status == Status::Ok).count(), 3 * 2 * 2);
    assert_ne!(plan.digest(), with_own(&["glare"]).unwrap().digest());
    // nobody else can run it again
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("manifest.json");
    std::fs::write(&manifest, serde_json::to_string(&Manifest::new(&Ranking::of(&plan))).unwrap())
        .unwrap();
    let error = Config::load(Some(&manifest), toml::Table::new()).unwrap_err().to_string();
    assert!(error.ends_with("its methods `bright` are of the program that ran it"), "{error}");
}

#[test]
fn methods_of_ones_own_need_names_that_nothing_else_has() {
    let say = |names: &[&str]| with_own(names).err().unwrap().to_string();
    let messages = [say(&["lrp-epsilon"]), say(&["a b"]), say(&["a", "a"])];
    insta::assert_snapshot!(messages.join("\n"));
}
