//! `pixelflip context`.

use super::{
    progress::Progress,
    signals,
    study::{End, Job, Seen, pursue},
    study_args::{StudyArgs, texts},
    terminal::{self, count},
};
use anyhow::bail;
use clap::Args;
use pixelflip::{
    report::{colours::Look, context},
    run::{
        config::Config,
        context::{Context, Grouping, METRIC, Settings, Uses},
        embedded::{HANS, SCENES},
        machine,
        models::Other,
        output,
        plan::Plan,
        probe::METHOD,
        runner,
        stop::Stop,
    },
};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct ContextArgs {
    /// ONNX files; without models and pictures the built-in networks are looked at
    #[arg(value_name = "M.onnx")]
    models: Vec<String>,
    /// What pictures are grouped by: class, right (or wrong), or a CSV file with classes or pictures in its first
    /// column and their groups in its last
    #[arg(long, value_name = "WORD or FILE.csv", default_value = "class")]
    groups: String,
    #[command(flatten)]
    pub(crate) study: StudyArgs,
}

/// The first model and the others; the built-in ones where none is named.
pub(super) fn models(
    given: &[String],
    study: &StudyArgs,
    built_in: &[&str],
) -> anyhow::Result<(Option<String>, Vec<Other>)> {
    let named: Vec<String> = match given {
        [] if !study.has_data() => built_in.iter().map(|name| (*name).to_owned()).collect(),
        given => given.to_vec(),
    };
    let [first, others @ ..] = &named[..] else { bail!("`M.onnx`: a model at least is needed") };
    if !others.is_empty() && study.has_preprocess() {
        bail!(
            "with several models the preprocessing of each comes from the file M.toml beside it, not from flags\n\n\
             hint: write one for each, see the README"
        );
    }
    let others = others.iter().map(|path| Other { path: path.clone(), ..Other::default() });
    Ok((Some(first.clone()), others.collect()))
}

pub(crate) fn run(args: &ContextArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::after(args.study.max_time);
    signals::listen(&stop, args.study.talk.log)?;
    let (first, others) = models(&args.models, &args.study, &[HANS.model, SCENES.model])?;
    let defaults = [
        ("methods", texts([METHOD])),
        ("metrics", texts([METRIC])),
        ("target", "label".into()),
        ("region", 1.into()),
        ("steps", 1.into()),
    ];
    let config = Config::load(None, args.study.table(first.as_deref(), &defaults)?)?;
    let root = args.study.folder("context", &config.model);
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &stop))?;
    let groups = match &args.groups[..] {
        "class" => Grouping::Class,
        "right" => Grouping::Right,
        path => Grouping::Table { path: path.to_owned(), digest: String::new() },
    };
    let study = Context::new(&plan, Settings { models: others, groups }, &stop)?;
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

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("report.html", "everything to look at, in one file for a browser"),
    ("models.csv", "context use and accuracy by model and method"),
    ("groups.csv", "the same by group"),
    ("scatter.png", "context use against accuracy, also as .svg"),
    ("context.csv", "one row per picture, model and method"),
    ("answers.csv", "what each model says of each picture"),
];

/// Writes tables, the figure and the page.
pub(super) fn view(end: &End<'_>) -> anyhow::Result<Seen> {
    let (plan, root) = (end.study.plan(), end.output.root());
    let found = Uses::read(root)?;
    let mut names: Vec<String> = Vec::new();
    for answer in &found.answers {
        if !names.contains(&answer.model) {
            names.push(answer.model.clone());
        }
    }
    let facts = end.study.facts().unwrap_or_default();
    let by = facts.pointer("/groups/by").and_then(serde_json::Value::as_str).unwrap_or("class");
    let about = context::About::of(plan, names, by);
    let summary = context::Summary::of(&found, &about);
    context::write(root, &found, &summary, &about)?;
    let undefined = found.uses.iter().filter(|row| row.ratio.is_none()).count();
    let failed = found.uses.iter().filter(|row| row.failed).count();
    let mut parts = vec![count(found.uses.len() - undefined, "ratio")];
    if undefined > 0 {
        parts.push(format!("{undefined} undefined (`reason` in context.csv says why)"));
    }
    Ok(Seen {
        text: terminal::columns(&summary.lines()) + &summary.sentences(&about).join("\n") + "\n",
        parts,
        places: PLACES,
        failed: (failed > 0).then(|| format!("{} failed", count(failed, "explanation"))),
    })
}
