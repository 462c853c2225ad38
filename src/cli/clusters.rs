//! `pixelflip clusters`.

use super::{
    progress::Progress,
    signals,
    study::{End, Job, Seen, pursue},
    study_args::{StudyArgs, texts},
    terminal::{self, count},
};
use clap::{Args, ValueEnum};
use pixelflip::{
    report::{clusters, colours::Look},
    run::{
        clusters::{Clustered, Clusters, Part, Settings},
        config::Config,
        machine, output,
        plan::Plan,
        probe::METHOD,
        runner,
        stop::Stop,
    },
};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct ClustersArgs {
    /// ONNX file; without model and pictures the built-in Clever Hans is looked at
    #[arg(long, value_name = "M.onnx")]
    model: Option<String>,
    /// Only pictures of this class
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// What of a heat map is clustered
    #[arg(long, value_name = "WORD", default_value = "positive")]
    part: Of,
    /// Rows and columns that heat maps are shrunk to
    #[arg(long, value_name = "N", default_value_t = Settings::default().side)]
    side: usize,
    /// Nearest neighbours of each heat map
    #[arg(long, value_name = "K", default_value_t = Settings::default().neighbours)]
    neighbours: usize,
    /// Number of clusters; without the flag as many as the largest gap of the eigenvalues says
    #[arg(long, value_name = "N")]
    clusters: Option<usize>,
    #[command(flatten)]
    pub(crate) study: StudyArgs,
}

/// What of a heat map is clustered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Its positive part
    Positive,
    /// Its absolute values
    Absolute,
    /// All of it
    Signed,
}

pub(crate) fn run(args: &ClustersArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::after(args.study.max_time);
    signals::listen(&stop, args.study.talk.log)?;
    let config = config(args)?;
    let root = args.study.folder("clusters", &config.model);
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let part = match args.part {
        Of::Positive => Part::Positive,
        Of::Absolute => Part::Absolute,
        Of::Signed => Part::Signed,
    };
    let ClustersArgs { side, neighbours, clusters, .. } = *args;
    let study = Clusters::new(&plan, Settings { part, side, neighbours, clusters })?;
    let shard = args.study.shard.map(|asked| asked.shard(output::shards(&root))).transpose()?;
    let progress = Progress::new(&args.study.talk);
    let job = Job {
        root: &root,
        shard,
        look: Look::default(),
        stop: &stop,
        progress: &progress,
        warnings: &[],
    };
    pool.install(|| pursue(&study, &job))
}

fn config(args: &ClustersArgs) -> anyhow::Result<Config> {
    let class = args.class.as_ref().map(|name| toml::Value::String(format!("class:{name}")));
    let class: Vec<toml::Value> = class.into_iter().collect();
    let mut defaults = vec![
        ("methods", texts([METHOD])),
        ("target", "label".into()),
        ("region", 1.into()),
        ("steps", 1.into()),
    ];
    if !class.is_empty() {
        defaults.push(("select", class.into()));
    }
    Ok(Config::load(None, args.study.table(args.model.as_deref(), &defaults)?)?)
}

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("report.html", "everything to look at, in one file for a browser"),
    ("strategies.csv", "one row per cluster: size, and where its relevance lies"),
    ("members.csv", "which picture is in which cluster"),
    ("eigenvalues.png", "eigenvalues with their gaps, also as .svg and as tables"),
    ("embedding.png", "all maps as dots, also as .svg"),
    ("maps.parquet", "the shrunk heat maps"),
];

/// Writes tables, figures and the page.
pub(super) fn view(end: &End<'_>) -> anyhow::Result<Seen> {
    let (plan, root) = (end.study.plan(), end.output.root());
    let found = Clustered::read(root)?;
    let about = clusters::About::of(plan);
    let summary = clusters::Summary::of(&found);
    clusters::write(root, &found, &summary, &about, &end.look)?;
    let failed = found.maps.iter().filter(|map| map.failed).count();
    Ok(Seen {
        text: terminal::columns(&summary.lines(&about))
            + &summary.sentences(&about).join("\n")
            + "\n",
        parts: vec![count(found.maps.len() - failed, "heat map")],
        places: PLACES,
        failed: (failed > 0).then(|| format!("{} failed", count(failed, "explanation"))),
    })
}
