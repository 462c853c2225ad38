//! `pixelflip prototype`.

use super::{
    IMPOSSIBLE, SOME_FAILED,
    args::{PreprocessFlags, TalkFlags},
    progress::Progress,
    signals,
    terminal::{self, count},
};
use anyhow::Context;
use clap::Args;
use pixelflip::{
    base::text::plain_path,
    report::{page, prototypes::Prototypes},
    run::{
        lock::Share,
        machine,
        prototypes::{Config, Facts, Files, Gathered, PrototypePlan, collect, work},
        runner,
        shard::Asked,
        stop::{Stop, duration},
    },
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use toml::Table;

#[derive(Args)]
pub(crate) struct PrototypeArgs {
    /// Config in TOML, or the manifest.json of prototypes to be made again; flags override it
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: PrototypeFlags,
    /// Do not keep copies of the pictures of the data set that are most like a prototype
    #[arg(long)]
    no_copies: bool,
    /// Do only every n-th prototype, beginning with the i-th (from 0, or from 1), all into one folder; the same command
    /// without this flag then puts them together
    #[arg(long, value_name = "i/n")]
    shard: Option<Asked>,
    /// End after this time at the latest (90s, 15m, 2h) with exit code 75; the same command goes on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    #[command(flatten)]
    pub(crate) talk: TalkFlags,
    #[command(flatten)]
    preprocess: PreprocessFlags,
}

/// Flags; serialised, they are a config.
#[derive(Args, Serialize)]
struct PrototypeFlags {
    /// ONNX file, or `scenes` for the built-in network [default: scenes]
    #[arg(long, value_name = "M.onnx")]
    model: Option<String>,
    /// Classes: all, or numbers, ranges such as 0-9, and names [default: all]
    #[arg(long = "class", value_name = "LIST", value_delimiter = ',')]
    #[serde(rename = "classes")]
    class: Option<Vec<String>>,
    /// What is climbed, see `pixelflip list objectives`: log-p, logit, or neuron:LAYER:CHANNEL [default: log-p]
    #[arg(long, value_name = "SPEC")]
    objective: Option<String>,
    /// A row of priors that work together, see `pixelflip list priors`; given several times, rows are compared. `none`
    /// is a row without [default: l2]
    #[arg(long = "prior", value_name = "SPEC,...")]
    #[serde(rename = "priors")]
    prior: Option<Vec<String>>,
    /// Network that paints pictures from codes; its code is climbed then (with several rows, in those with `generator`)
    #[arg(long, value_name = "G.onnx")]
    generator: Option<String>,
    /// Mean codes of the classes, around which `l2` keeps and where climbs begin: a .npy file (classes, values), or `fit`
    /// for those of the data set's pictures
    #[arg(long, value_name = "Z.npy", conflicts_with = "encoder")]
    codes: Option<String>,
    /// Network that gives the code of a picture; mean codes are those of the data set's pictures
    #[arg(long, value_name = "E.onnx")]
    encoder: Option<String>,
    /// Where climbs begin: mean (the mean picture of the data set, else the zero input; the mean code), noise, or a
    /// picture or .npy file [default: mean]
    #[arg(long, value_name = "WORD")]
    init: Option<String>,
    /// Standard deviation of the noise at the start, of `--init noise` and of every restart [default: 0.1]
    #[arg(long, value_name = "V")]
    noise: Option<f64>,
    /// Steps of a climb [default: 200]
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Climbs from different starts, of which the best counts [default: 1]
    #[arg(long, value_name = "N")]
    restarts: Option<u32>,
    /// How uphill is gone, see `pixelflip list optimisers` [default: gradient]
    #[arg(long, value_name = "SPEC")]
    optimiser: Option<String>,
    /// Which point of a climb is the prototype: last, or best by objective minus penalties [default: last]
    #[arg(long, value_name = "WORD")]
    keep: Option<String>,
    /// Another network that is asked whether it sees the class; may be given several times
    #[arg(long = "judge", value_name = "M2.onnx")]
    #[serde(rename = "judges")]
    judge: Option<Vec<String>>,
    /// Folder or file with pictures, or `scenes`: for priors that are learned, mean pictures and codes, and the nearest pictures
    #[arg(long, value_name = "PATH")]
    data: Option<String>,
    /// How the pictures lie, see `pixelflip list datasets`; found out when not given
    #[arg(long, value_name = "SPEC")]
    layout: Option<String>,
    /// Larger pictures are refused before they are decoded
    #[arg(long, value_name = "N")]
    max_pixels: Option<u32>,
    /// Pictures of a class that priors and codes are learned from, at most [default: 500]
    #[arg(long, value_name = "N")]
    examples: Option<u32>,
    /// Most similar pictures of the data set that are named [default: 3]
    #[arg(long, value_name = "N")]
    nearest: Option<u32>,
    /// Seed of every random draw [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<i64>,
    /// Threads, one per core when not given
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// Folder of the results; without the flag results/prototypes/ and the name of the model
    #[arg(long, value_name = "DIR")]
    out: Option<String>,
}

pub(crate) fn run(args: &PrototypeArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::after(args.max_time);
    signals::listen(&stop, args.talk.log)?;
    let config = Config::load(args.config.as_deref(), flags(args)?)?;
    let root = folder(&config);
    let share = match args.shard {
        Some(asked) => Share::Shard(asked.shard(None)?),
        None => Share::Whole,
    };
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let progress = Progress::new(&args.talk);
    pool.install(|| {
        let plan = PrototypePlan::new(config)?;
        make(&plan, &root, share, &stop, &progress)
    })
}

/// The flags as a config.
fn flags(args: &PrototypeArgs) -> anyhow::Result<Table> {
    let mut table = Table::try_from(&args.flags).context("reading the flags")?;
    let preprocess = Table::try_from(args.preprocess.settings()).context("reading the flags")?;
    if !preprocess.is_empty() {
        table.insert("preprocess".to_owned(), preprocess.into());
    }
    if args.no_copies {
        table.insert("copies".to_owned(), false.into());
    }
    Ok(table)
}

/// `out`, or a folder named after the model.
fn folder(config: &Config) -> PathBuf {
    let model = Path::new(&config.model).file_stem().unwrap_or_default();
    let default = || Path::new("results").join("prototypes").join(model);
    config.out.as_ref().map_or_else(default, PathBuf::from)
}

fn make(
    plan: &PrototypePlan,
    root: &Path,
    share: Share,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<ExitCode> {
    let files = Files::open(root, plan, share)?;
    super::study::say_about_lock(files.lock(), progress);
    plan.notes().iter().for_each(|note| progress.note(note));
    let worked = work(plan, &files, stop, progress);
    progress.finish();
    worked?;
    if let Share::Shard(shard) = share {
        progress.note(&format!(
            "shard {shard} is done; the same command without `--shard` puts all together"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let gathered = collect(plan, &files, stop)?;
    let facts = Facts::of(&gathered);
    let seen = Prototypes::read(root, Some(files.manifest(plan, &facts)))?;
    seen.write_figures()?;
    page::prototypes::write(root, &seen)?;
    files.complete(plan, &facts)?;
    terminal::data(&terminal::columns(&lines(&gathered)))?;
    progress.ended(serde_json::json!({ "event": "finished", "results": facts, "folder": root }));
    progress.note(&closing(&facts, root));
    Ok(match facts {
        Facts { prototypes: 0, .. } => ExitCode::from(IMPOSSIBLE),
        Facts { failed: 1.., .. } => ExitCode::from(SOME_FAILED),
        _ => ExitCode::SUCCESS,
    })
}

/// One line per prototype.
fn lines(gathered: &Gathered) -> Vec<Vec<String>> {
    let judges: Vec<&str> = judges(gathered);
    let heading = ["class", "name", "prior", "score", "probability", "says"].map(str::to_owned);
    let heading = heading.into_iter().chain(judges.iter().map(|judge| format!("p by {judge}")));
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.4}"));
    let whole = |value: Option<u64>| value.map_or("-".to_owned(), |v| v.to_string());
    let line = |row: &pixelflip::run::prototypes::PrototypeRow| {
        let judged = judges.iter().map(|judge| {
            let said = gathered
                .judged
                .iter()
                .find(|j| j.class == row.class && j.prior == row.prior && j.judge == **judge);
            number(said.and_then(|said| said.probability.or(Some(said.score))))
        });
        let own = [
            whole(row.class),
            row.name.clone().unwrap_or_default(),
            row.prior.clone(),
            number(row.score.or(row.objective)),
            number(row.probability),
            whole(row.predicted),
        ];
        own.into_iter().chain(judged).collect()
    };
    [heading.collect()].into_iter().chain(gathered.prototypes.iter().map(line)).collect()
}

/// Names of the judges, each once.
fn judges(gathered: &Gathered) -> Vec<&str> {
    let mut names: Vec<&str> = vec![];
    for judged in &gathered.judged {
        if !names.contains(&&judged.judge[..]) {
            names.push(&judged.judge);
        }
    }
    names
}

/// Where things lie, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("prototypes.html", "the page"),
    ("grid.png", "all pictures, also as .svg"),
    ("traces.png", "the ways uphill, also as .svg"),
    ("pictures", "each prototype as .png and .npy"),
    ("prototypes.csv", "one row per prototype"),
    ("judges.csv", "what other networks say"),
    ("nearest.csv", "pictures of the data set that are like them"),
    ("traces.parquet", "one row per step"),
];

/// The last line: what was made, what was not, and where it lies.
fn closing(facts: &Facts, root: &Path) -> String {
    let Facts { prototypes, failed, impossible, recognised, judgements, agree } = *facts;
    let mut parts = vec![
        count(prototypes, "prototype"),
        format!("{recognised} of {prototypes} taken for their class by the network"),
    ];
    if judgements > 0 {
        parts.push(format!("{agree} of {} by others", count(judgements, "judgement")));
    }
    for (n, what) in
        [(failed, "could not be made"), (impossible, "cannot be had with what is given")]
    {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    let place = |(name, what): &(&str, &str)| {
        root.join(name).exists().then(|| vec![format!("  {name}"), (*what).to_owned()])
    };
    let places: Vec<Vec<String>> = PLACES.iter().filter_map(place).collect();
    let text = format!(
        "{}; results in `{}`\n{}",
        parts.join(", "),
        plain_path(root),
        terminal::columns(&places)
    );
    text.trim_end().to_owned()
}
