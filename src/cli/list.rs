//! `pixelflip list`: what can be named, from the tables that name it.

use super::{
    args::{ListArgs, What},
    terminal,
};
use pixelflip::{
    base::registry::{self, Entry, Param},
    data::LAYOUTS,
    eval::metric::{Direction, METRICS, Range, map::MAP_METRICS},
    explain::{
        EXPLAINERS, Explainer,
        lrp::{self, composite::PLAIN, rule::RULES},
        wrap::{WRAPPERS, Wrapper},
    },
    nn::onnx::supported,
    perturb::PERTURBATIONS,
    prototype::{objective::OBJECTIVES, optimiser::OPTIMISERS, prior::PRIORS},
    report::catalogue::{Entry as FigureEntry, FIGURES},
    run::config::preset::PRESETS,
};
use std::process::ExitCode;

pub(crate) fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    terminal::data(&text(args.what))?;
    Ok(ExitCode::SUCCESS)
}

fn text(what: What) -> String {
    let own = || lines(&lrp::file::ENTRY);
    match what {
        What::Methods => terminal::columns(&[rows_of(EXPLAINERS), own(), wrappers()].concat()),
        What::Perturbations => terminal::columns(&rows_of(PERTURBATIONS)),
        What::Metrics => terminal::columns(&metrics()),
        What::Figures => terminal::columns(&figures()),
        What::Rules => terminal::columns(&[rows_of(RULES), plain()].concat()),
        What::Composites => {
            let composites = EXPLAINERS.iter().filter(|e| is_composite(e)).flat_map(lines);
            terminal::columns(&composites.chain(own()).collect::<Vec<_>>())
        }
        What::Datasets => terminal::columns(&rows_of(LAYOUTS)),
        What::Objectives => terminal::columns(&rows_of(OBJECTIVES)),
        What::Priors => terminal::columns(&rows_of(PRIORS)),
        What::Optimisers => terminal::columns(&rows_of(OPTIMISERS)),
        What::Operators => operators(),
        What::Protocols => protocols(),
    }
}

/// Each figure with its panels, where it has several.
fn figures() -> Vec<Vec<String>> {
    let one = |entry: &FigureEntry| {
        let panels = entry.panels();
        let panels = if panels.len() > 1 {
            format!(" (panels {})", panels.join(", "))
        } else {
            String::new()
        };
        vec![entry.name.to_owned(), format!("{}{panels}", entry.summary)]
    };
    FIGURES.iter().map(one).collect()
}

/// What a composite can give to a layer that is no rule with parameters.
fn plain() -> Vec<Vec<String>> {
    PLAIN.iter().map(|(id, summary)| vec![(*id).to_owned(), (*summary).to_owned()]).collect()
}

/// The parameters that every method takes.
fn wrappers() -> Vec<Vec<String>> {
    let heading = vec!["any method".to_owned(), "also takes".to_owned()];
    let line = |param: &Param| {
        let default = Some(param.default).filter(|default| !default.is_empty());
        let default = default.map_or(String::new(), |default| format!("={default}"));
        vec![
            format!("  :{}{default}", param.key),
            format!("  {}; {}", param.help, param.kind.rule()),
        ]
    };
    [heading]
        .into_iter()
        .chain(WRAPPERS.iter().flat_map(Wrapper::params).map(|param| line(&param)))
        .collect()
}

/// LRP methods, all of which can choose what they start with, that are no single rule.
fn is_composite(entry: &Entry<dyn Explainer>) -> bool {
    let is_lrp = entry.params.iter().any(|p| p.key == lrp::START.key);
    is_lrp && RULES.iter().all(|rule| rule.id != entry.id)
}

fn rows_of<T: ?Sized>(entries: &[Entry<T>]) -> Vec<Vec<String>> {
    entries.iter().flat_map(lines).collect()
}

/// One line for an entry, and one for each parameter below it.
fn lines<T: ?Sized>(entry: &Entry<T>) -> Vec<Vec<String>> {
    let cite = if entry.cite.is_empty() { String::new() } else { format!(" [{}]", entry.cite) };
    let mut lines = vec![vec![entry.id.to_owned(), format!("{}{cite}", entry.summary)]];
    for param in entry.params {
        let name = format!("  :{}={}", param.key, param.default);
        lines.push(vec![name, format!("  {}; {}", param.help, param.kind.rule())]);
    }
    lines
}

const OF_MAPS: &str = "of heat maps, for `run --metrics` (none has a value for a map of zeros; sparseness, entropies, \
                       complexity and sizes have none for a constant map either):";

/// Each metric with which way it is better and what values it takes.
fn metrics() -> Vec<Vec<String>> {
    let of_curves = METRICS
        .iter()
        .flat_map(|entry| measured(entry, METRICS, |metric| (metric.direction(), metric.range())));
    let of_maps = MAP_METRICS.iter().flat_map(|entry| {
        measured(entry, MAP_METRICS, |metric| (metric.direction(), metric.range()))
    });
    let heading = |text: &str| vec![text.to_owned()];
    [heading("of curves, for `rank --metric` and `diff --metric`:")]
        .into_iter()
        .chain(of_curves)
        .chain([heading(""), heading(OF_MAPS)])
        .chain(of_maps)
        .collect()
}

fn measured<T: ?Sized>(
    entry: &Entry<T>,
    table: &[Entry<T>],
    of: impl Fn(&T) -> (Direction, Range),
) -> Vec<Vec<String>> {
    let built = |more: &str| {
        let spec = format!("{}{more}", entry.id).parse().expect("an id of the table");
        of(&registry::build("metric", table, &spec).expect("defaults are in range").value)
    };
    let (direction, range) = built("");
    let mut words = format!("  {} is better", direction.name());
    if entry.params.iter().any(|p| p.key == "order") {
        let (other, _) = built(":order=lerf");
        words = format!("{words} for morf, {} for lerf", other.name());
    }
    let mut lines = lines(entry);
    lines.insert(1, vec![String::new(), format!("{words}; {range}")]);
    lines
}

fn operators() -> String {
    supported().into_iter().fold(String::new(), |text, name| text + &name + "\n")
}

/// Each with the keys it sets and with what it cannot bring about.
fn protocols() -> String {
    let lines = PRESETS.iter().flat_map(|preset| {
        let keys = preset.config.lines().map(|line| format!("  {line}\n"));
        let others = preset.departs.iter().map(|line| format!("  still different: {line}\n"));
        let first = format!("{}  {}\n", preset.name, preset.summary);
        std::iter::once(first).chain(keys).chain(others).collect::<Vec<_>>()
    });
    lines.collect()
}
