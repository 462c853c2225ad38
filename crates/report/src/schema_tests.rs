//! `docs/schema.md` names the columns that the tables have.

use crate::{
    clusters, compare, context,
    map_metrics::Maps,
    probe, rank_tables, run,
    run::{
        identity::Identity,
        properties::{LayerRow, PointRow, PropertyRow},
        prototypes::{Judged, Nearest, PrototypeRow, TraceRow},
        record::{Row, Timing},
    },
    summary::Summary,
    table::{Table, record::Record},
};
use std::collections::BTreeSet;

const TEXT: &str = include_str!("../../../docs/schema.md");

/// A chapter or section: from the line that begins with `start` to the next heading, or the next table.
fn section(start: &str) -> &'static str {
    let from = TEXT.find(&format!("\n{start}")).unwrap_or_else(|| panic!("no `{start}`")) + 1;
    let rest = &TEXT[from..];
    let ends = ["\n## ", "`, one row "]
        .iter()
        .filter_map(|end| Some(rest[start.len()..].find(end)? + start.len()));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// Words between backticks.
fn named(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn names(table: &Table) -> Vec<String> {
    table.schema().into_iter().map(|(name, _)| name.to_owned()).collect()
}

fn declared<R: Record>() -> Vec<String> {
    R::COLUMNS.iter().map(|c| c.name.to_owned()).collect()
}

fn identified<R: Record>() -> Vec<String> {
    [declared::<Identity>(), declared::<R>()].concat()
}

/// Each table with its place in the text.
fn tables() -> Vec<(String, Vec<String>)> {
    let summary = Summary { rows: vec![], caveats: vec![] };
    let mut all = vec![
        ("## `curves/part-*.parquet`".to_owned(), identified::<Row>()),
        ("## `timings.parquet`".to_owned(), identified::<Timing>()),
        ("## `metrics.parquet`".to_owned(), identified::<run::measure::Measure>()),
        ("## `accuracy.parquet`".to_owned(), declared::<run::accuracy::Accuracy>()),
        ("## `pictures.parquet`".to_owned(), declared::<run::picture::Picture>()),
        ("## `summary.parquet`".to_owned(), names(&summary.table())),
        ("`heatmaps`, one row".to_owned(), names(&Maps::default().table())),
        ("## `gallery.parquet`".to_owned(), declared::<run::gallery::Shown>()),
        ("`properties`, one row".to_owned(), declared::<PropertyRow>()),
        ("`layers`, one row".to_owned(), declared::<LayerRow>()),
        ("`sweeps`, one row".to_owned(), declared::<PointRow>()),
        ("`prototypes`, one row".to_owned(), declared::<PrototypeRow>()),
        ("`traces`, one row".to_owned(), declared::<TraceRow>()),
        ("`judges`, one row".to_owned(), declared::<Judged>()),
        ("`nearest`, one row".to_owned(), declared::<Nearest>()),
    ];
    all.extend(
        [
            ("`probes`, one row", declared::<run::probe::Trial>()),
            ("`shares`, one row", declared::<run::probe::Share>()),
            ("`together`, one row", declared::<run::probe::Together>()),
            ("`frames`, one row", declared::<run::probe::Frame>()),
            ("`answers`, one row", declared::<run::context::Answer>()),
            ("`context`, one row", declared::<run::context::Use>()),
            ("`maps`, one row", declared::<run::clusters::Shrunk>()),
            ("`members`, one row", declared::<run::clusters::Member>()),
            ("`eigenvalues`, one row", declared::<run::clusters::Spectrum>()),
            ("`classes` of `clusters`, one row", declared::<run::clusters::ClassClusters>()),
            ("`pairs` of `compare`, one row", declared::<run::compare::Pair>()),
            ("`crossed`, one row", declared::<run::compare::Crossed>()),
        ]
        .map(|(start, columns)| (start.to_owned(), columns)),
    );
    let studies = [probe::columns(), context::columns(), clusters::columns(), compare::columns()];
    all.extend(studies.concat().into_iter().map(|(start, columns)| (start.to_owned(), columns)));
    let ranks = rank_tables::names().into_iter();
    all.extend(ranks.map(|(name, columns)| (format!("`{name}`, one row"), columns)));
    all
}

#[test]
fn the_columns_of_all_tables_are_explained() {
    let shared = [section("## What `pixelflip rank"), section("## `summary.parquet`")];
    let shared: BTreeSet<&str> = shared.iter().flat_map(|text| named(text)).collect();
    for (start, columns) in tables() {
        let names = named(section(&start));
        // names such as `*_stderr`, and those of the setting and of estimates, are explained once for several columns
        let ending = |name: &&str| name.strip_prefix('*').map(str::to_owned);
        let endings: Vec<String> = shared.iter().filter_map(ending).collect();
        let explained = |column: &String| {
            names.contains(&column[..])
                || shared.contains(&column[..])
                || endings.iter().any(|ending| column.ends_with(ending))
        };
        let missing: Vec<&String> = columns.iter().filter(|column| !explained(column)).collect();
        assert!(missing.is_empty(), "{start} does not explain {missing:?}");
        let lines = section(&start).lines().filter_map(|line| line.strip_prefix("| "));
        let cells = lines.filter_map(|line| line.split(" |").next());
        for name in cells.flat_map(|cell| named(cell)) {
            let has = columns.iter().any(|column| column == name);
            assert!(
                has || shared.contains(name),
                "{start} explains `{name}`, which it does not have"
            );
        }
    }
}

#[test]
fn the_types_of_the_curves_are_those_of_the_file() {
    for column in Identity::COLUMNS.iter().chain(Row::COLUMNS) {
        let line = section("## `curves/part-*.parquet`")
            .lines()
            .find(|l| l.starts_with(&format!("| `{}`", column.name)));
        let kind = match column.kind {
            "whole numbers" => "whole number",
            "numbers" => "float64",
            "lists of numbers" => "list of float32",
            other => other,
        };
        assert!(line.unwrap().contains(&format!("| {kind} |")), "{}: {kind}", column.name);
    }
}
