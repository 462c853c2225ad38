//! `pixelflip compare`.

use super::{
    context::models,
    progress::Progress,
    signals,
    study::{End, Job, Seen, pursue},
    study_args::{StudyArgs, texts},
    terminal::{self, count},
};
use anyhow::anyhow;
use clap::Args;
use pixelflip::{
    report::{colours::Look, compare},
    run::{
        compare::{Compare, Compared, Given, Maps, SHOWN, Settings},
        config::Config,
        context::METRIC,
        embedded::{HANS, SCENES},
        machine, output,
        plan::Plan,
        probe::METHOD,
        runner,
        stop::Stop,
    },
};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// ONNX files, two at least; without models and pictures the built-in networks are compared
    #[arg(value_name = "M.onnx")]
    models: Vec<String>,
    /// A model outside: a table (CSV or Parquet) with the columns image, class, score; see docs/heatmaps.md
    #[arg(long, value_name = "NAME=FILE")]
    scores: Vec<String>,
    /// Heat maps of a model outside, of the same NAME as its scores
    #[arg(long, value_name = "NAME=PATH")]
    maps: Vec<String>,
    /// Remove no regions: without the faithfulness of maps a comparison takes seconds
    #[arg(long)]
    no_flip: bool,
    /// Sides of the square regions that are removed, in pixels
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    region: Option<Vec<u32>>,
    /// Regions that are removed one after the other
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Noise images per picture
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeats: u32,
    /// What replaces a region, see `pixelflip list perturbations`
    #[arg(long, value_name = "SPEC,...", value_delimiter = ',')]
    perturbation: Option<Vec<String>>,
    /// Pictures on the page: those on which predictions agree and heat maps differ most
    #[arg(long, value_name = "N", default_value_t = SHOWN)]
    gallery: usize,
    #[command(flatten)]
    pub(crate) study: StudyArgs,
}

/// Pictures of the built-in comparison, which ends within a minute.
const IMAGES: u32 = 300;

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::after(args.study.max_time);
    signals::listen(&stop, args.study.talk.log)?;
    let built_in = args.models.is_empty() && !args.study.has_data();
    let (first, others) = models(&args.models, &args.study, &[SCENES.model, HANS.model])?;
    let config = config(args, first.as_deref(), built_in)?;
    let root = args.study.folder("compare", &config.model);
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let settings = Settings { models: others, outside: outside(args)?, flip: !args.no_flip };
    let study = Compare::new(&plan, settings, &stop)?.showing(args.gallery);
    let warnings: Vec<String> =
        study.apart().iter().map(|why| format!("predictions are not compared: {why}")).collect();
    let shard = args.study.shard.map(|asked| asked.shard(output::shards(&root))).transpose()?;
    let progress = Progress::new(&args.study.talk);
    let job = Job {
        root: &root,
        shard,
        look: Look::default(),
        stop: &stop,
        progress: &progress,
        warnings: &warnings,
    };
    pool.install(|| pursue(&study, &job))
}

fn config(args: &CompareArgs, first: Option<&str>, built_in: bool) -> anyhow::Result<Config> {
    let mut defaults = vec![
        ("methods", texts([METHOD])),
        ("metrics", texts([METRIC])),
        ("target", "label".into()),
        ("orders", texts(["morf"])),
        ("repeats", i64::from(args.repeats).into()),
    ];
    if built_in {
        // balanced, and enough to tell the two apart
        defaults.extend([
            ("images", i64::from(IMAGES).into()),
            ("region", 12.into()),
            ("steps", 30.into()),
            ("data", HANS.data.into()),
        ]);
    }
    let mut table = args.study.table(first, &defaults)?;
    let list = |numbers: &[u32]| -> toml::Value {
        numbers.iter().map(|n| toml::Value::Integer(i64::from(*n))).collect::<Vec<_>>().into()
    };
    if let Some(region) = &args.region {
        table.insert("region".to_owned(), list(region));
    }
    if let Some(steps) = args.steps {
        table.insert("steps".to_owned(), i64::from(steps).into());
    }
    if let Some(names) = &args.perturbation {
        let names: Vec<toml::Value> = names.iter().cloned().map(toml::Value::String).collect();
        table.insert("perturbation".to_owned(), names.into());
    }
    if args.no_flip {
        // what always fits
        table.insert("region".to_owned(), 1.into());
        table.insert("steps".to_owned(), 1.into());
    } else {
        table.remove("direct");
    }
    Ok(Config::load(None, table)?)
}

/// The models outside, with their heat maps.
fn outside(args: &CompareArgs) -> anyhow::Result<Vec<Given>> {
    let split = |flag: &str, given: &String| {
        let (name, path) = given
            .split_once('=')
            .filter(|(name, path)| !name.is_empty() && !path.is_empty())
            .ok_or_else(|| anyhow!("`{flag}` must be NAME=PATH, found `{given}`"))?;
        Ok::<_, anyhow::Error>((name.to_owned(), path.to_owned()))
    };
    let mut maps =
        args.maps.iter().map(|given| split("--maps", given)).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::new();
    for given in &args.scores {
        let (name, path) = split("--scores", given)?;
        let own = maps.iter().position(|(other, _)| *other == name).map(|at| maps.remove(at).1);
        let upsample = args.study.upsample()?;
        let own = own.map(|path| Maps { path, upsample, ..Maps::default() });
        all.push(Given { name, path, maps: own, ..Given::default() });
    }
    match maps.first() {
        Some((name, _)) => {
            Err(anyhow!("`--maps {name}=...` has no `--scores {name}=...` beside it"))
        }
        None => Ok(all),
    }
}

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("report.html", "everything to look at, in one file for a browser"),
    ("models.csv", "accuracy, AOPC and context use of each model"),
    ("likeness.csv", "agreement of predictions and of heat maps, two by two"),
    ("likeness_by_class.csv", "agreement of heat maps, class by class"),
    ("faithfulness.csv", "AOPC of the maps of each model under each"),
    ("compare.png", "accuracy against AOPC, also as .svg"),
    ("pairs.csv", "one row per picture, method and two models"),
    ("answers.csv", "what each model says of each picture"),
    ("crossed.parquet", "one row per curve"),
];

/// Writes tables, the figure and the page.
pub(super) fn view(end: &End<'_>) -> anyhow::Result<Seen> {
    let (plan, root) = (end.study.plan(), end.output.root());
    let found = Compared::read(root)?;
    let mut names: Vec<String> = Vec::new();
    for answer in &found.answers {
        if !names.contains(&answer.model) {
            names.push(answer.model.clone());
        }
    }
    let unlike = found
        .pairs
        .iter()
        .filter(|pair| pair.same_prediction.is_none() && pair.rank_correlation.is_some());
    let apart = unlike
        .map(|pair| format!("`{}` and `{}` have other classes", pair.model, pair.other))
        .next();
    let about = compare::About::of(plan, names, apart.into_iter().collect());
    let summary = compare::Summary::of(&found, &about);
    compare::write(root, &found, &summary, &about, &end.look)?;
    let failed = found.uses.iter().filter(|row| row.failed).count();
    let missing = found.crossed.iter().filter(|row| row.scores.is_none()).count();
    let mut parts = vec![count(found.pairs.len(), "pair")];
    if !found.crossed.is_empty() {
        parts.push(count(found.crossed.len() - missing, "curve"));
    }
    if missing > 0 {
        parts.push(format!("{missing} without scores (`reason` in crossed.parquet says why)"));
    }
    Ok(Seen {
        text: terminal::columns(&summary.lines()) + &summary.sentences(&about).join("\n") + "\n",
        parts,
        places: PLACES,
        failed: (failed > 0).then(|| format!("{} failed", count(failed, "explanation"))),
    })
}
