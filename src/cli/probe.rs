//! `pixelflip probe`.

use super::{
    progress::Progress,
    signals,
    study::{End, Job, Seen, pursue},
    study_args::{StudyArgs, texts},
    terminal::{self, count},
};
use clap::{Args, ValueEnum};
use pixelflip::{
    report::{colours::Look, probe},
    run::{
        config::Config,
        machine, output,
        plan::Plan,
        probe::{CASES, EditedFolder, FILLINGS, METHOD, Mark, Probe, Probed, Settings},
        runner,
        stop::Stop,
    },
};
use std::{path::PathBuf, process::ExitCode};

#[derive(Args)]
pub(crate) struct ProbeArgs {
    /// ONNX file; without model and pictures the built-in Clever Hans is looked at
    #[arg(long, value_name = "M.onnx")]
    model: Option<String>,
    /// Only pictures of this class
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// So many of the most confident pictures of each class; 10 when not given, of the built-in ones 30
    #[arg(long, value_name = "N")]
    top: Option<u32>,
    /// So many of the least confident pictures of each class; 20 when not given, of the built-in ones 30
    #[arg(long, value_name = "N")]
    least: Option<u32>,
    /// What takes the place of pixels, see `pixelflip list perturbations`; at least two
    #[arg(long, value_name = "SPEC,...", value_delimiter = ',')]
    fillings: Option<Vec<String>>,
    /// What the pixels of an object are taken from
    #[arg(long, value_name = "WORD", default_value = "auto")]
    object: ObjectSource,
    /// Folder with pictures edited by hand, of the same names as the originals
    #[arg(long, value_name = "DIR")]
    edited: Option<PathBuf>,
    /// Pictures with a contact sheet; the numbers do not depend on it
    #[arg(long, value_name = "N", default_value_t = CASES)]
    gallery: usize,
    #[command(flatten)]
    pub(crate) study: StudyArgs,
}

/// What the pixels of an object are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ObjectSource {
    /// Its mask, or its boxes where there is none
    Auto,
    /// Its mask
    Mask,
    /// Its boxes
    Box,
}

pub(crate) fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::after(args.study.max_time);
    signals::listen(&stop, args.study.talk.log)?;
    let config = config(args)?;
    let root = args.study.folder("probe", &config.model);
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let study = Probe::new(&plan, settings(args))?.showing(args.gallery);
    let warnings = warnings(&study, args);
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

/// Fillings of the built-in probe, which ends within a minute: diffusion into large holes takes most of the time.
const QUICK: [&str; 3] = ["blur:sigma=10", "channel-mean", "uniform"];

fn config(args: &ProbeArgs) -> anyhow::Result<Config> {
    let class = args.class.as_ref().map(|name| format!("class:{name}"));
    let built_in = args.model.is_none() && !args.study.has_data();
    let (top, least) = if built_in { (30, 30) } else { (10, 20) };
    let (top, least) = (args.top.unwrap_or(top), args.least.unwrap_or(least));
    let cases = format!("extremes:{top}+{least}");
    let select: Vec<toml::Value> =
        class.into_iter().chain([cases]).map(toml::Value::String).collect();
    let defaults = [
        ("methods", texts([METHOD])),
        ("perturbation", if built_in { texts(QUICK) } else { texts(FILLINGS) }),
        ("target", "label".into()),
        ("select", select.into()),
        ("region", 1.into()),
        ("steps", 1.into()),
    ];
    let mut table = args.study.table(args.model.as_deref(), &defaults)?;
    if let Some(fillings) = &args.fillings {
        let fillings = fillings.iter().cloned().map(toml::Value::String).collect::<Vec<_>>();
        table.insert("perturbation".to_owned(), fillings.into());
    }
    Ok(Config::load(None, table)?)
}

fn settings(args: &ProbeArgs) -> Settings {
    let mark = match args.object {
        ObjectSource::Auto => Mark::Auto,
        ObjectSource::Mask => Mark::Mask,
        ObjectSource::Box => Mark::Box,
    };
    let edited = args.edited.clone();
    let edited = edited.map(|path| EditedFolder { path, digest: String::new() });
    Settings { mark, edited }
}

fn warnings(study: &Probe<'_>, args: &ProbeArgs) -> Vec<String> {
    const NAMED: usize = 5;
    let strays = study.strays();
    let named = strays.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let strays = (!strays.is_empty()).then(|| {
        format!(
            "{} without an original among the pictures of this probe: {}{}",
            count(strays.len(), "edited picture"),
            named.join(", "),
            if strays.len() > NAMED { ", ..." } else { "" }
        )
    });
    let one = args.fillings.as_ref().is_some_and(|fillings| fillings.len() < 2);
    let one = one.then(|| {
        "one filling alone is no test: what takes the object's place is itself nothing that the network was trained \
         on"
            .to_owned()
    });
    strays.into_iter().chain(one).collect()
}

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("report.html", "everything to look at, in one file for a browser"),
    ("summary.csv", "counts by class and filling with intervals and controls"),
    ("relevance.csv", "share of positive relevance on the object and on other annotated classes"),
    ("probes.csv", "one row per picture, variant and filling"),
    ("probe.png", "the counts as a figure, also as .svg"),
    ("cases", "a contact sheet of some pictures"),
];

/// Writes tables, figures, contact sheets and the page.
pub(super) fn view(end: &End<'_>) -> anyhow::Result<Seen> {
    let (plan, root) = (end.study.plan(), end.output.root());
    let probed = Probed::read(root)?;
    let about = probe::About::of(plan);
    let summary = probe::Summary::of(&probed, &about);
    probe::write(root, &probed, &summary, &about, &end.look)?;
    let undefined = probed.trials.iter().filter(|trial| trial.reason.is_some()).count();
    let failed = probed.shares.iter().filter(|share| share.failed).count();
    let mut parts = vec![count(probed.trials.len() - undefined, "trial")];
    if undefined > 0 {
        parts.push(format!("{undefined} undefined (`reason` in probes.csv says why)"));
    }
    Ok(Seen {
        text: terminal::columns(&summary.lines()) + &summary.sentences(&about).join("\n") + "\n",
        parts,
        places: PLACES,
        failed: (failed > 0).then(|| format!("{} failed", count(failed, "explanation"))),
    })
}
