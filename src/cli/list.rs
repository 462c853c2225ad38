//! `pixelflip list`: what can be named, from the tables that name it.

use super::{
    args::{ListArgs, What},
    terminal,
};
use pixelflip::{
    base::registry::Entry,
    data::LAYOUTS,
    eval::metric::METRICS,
    explain::{EXPLAINERS, Explainer, lrp::rule::RULES},
    nn::onnx::supported,
    perturb::PERTURBATIONS,
};
use std::process::ExitCode;

pub(crate) fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    terminal::data(&text(args.what))?;
    Ok(ExitCode::SUCCESS)
}

fn text(what: What) -> String {
    match what {
        What::Methods => entries(EXPLAINERS.iter()),
        What::Perturbations => entries(PERTURBATIONS.iter()),
        What::Metrics => entries(METRICS.iter()),
        What::Rules => entries(RULES.iter()),
        What::Composites => entries(EXPLAINERS.iter().filter(|e| is_composite(e))),
        What::Datasets => entries(LAYOUTS.iter()),
        What::Operators => operators(),
    }
}

/// LRP methods that are no single rule put rules on layers.
fn is_composite(entry: &Entry<dyn Explainer>) -> bool {
    entry.id.starts_with("lrp-") && RULES.iter().all(|rule| rule.id != entry.id)
}

/// One line per entry, and one per parameter below it.
fn entries<'a, T: ?Sized + 'a>(entries: impl Iterator<Item = &'a Entry<T>>) -> String {
    let mut lines = Vec::new();
    for entry in entries {
        let cite = if entry.cite.is_empty() { String::new() } else { format!(" [{}]", entry.cite) };
        lines.push(vec![entry.id.to_owned(), format!("{}{cite}", entry.summary)]);
        for param in entry.params {
            let name = format!("  :{}={}", param.key, param.default);
            lines.push(vec![name, format!("  {}; {}", param.help, param.kind.rule())]);
        }
    }
    terminal::columns(&lines)
}

fn operators() -> String {
    supported().fold(String::new(), |text, name| text + name + "\n")
}
