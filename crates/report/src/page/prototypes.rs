//! `prototypes.html`: prototypes for people, as one page that needs nothing else.

use super::{
    bibliography, facts, render_with,
    svg::{self, Chart, Trace, escape},
};
use crate::{
    base::words::count,
    data_url::png_url,
    figure::{Panel, Style},
    plot,
    prototypes::{Prototypes, PrototypesError, probability, said},
    run::prototypes::{Judged, PrototypeRow},
};
use serde::Serialize;
use std::path::Path;

/// Name of the page below the results.
pub const FILE: &str = "prototypes.html";

/// Classes on a page, at most.
const CLASSES: usize = 50;

/// What the template is filled with; fields named `..._html` are HTML already.
#[derive(Serialize)]
struct Content {
    title: String,
    subtitle: String,
    answer_html: Vec<String>,
    caveats: Vec<String>,
    heads: Vec<String>,
    large: bool,
    rows: Vec<GridRow>,
    more: usize,
    judges: Vec<String>,
    numbers: Vec<Numbers>,
    charts: Vec<ShownChart>,
    legend: Vec<Legend>,
    nearest: Vec<Near>,
    copies: bool,
    caption: String,
    manifest: Vec<facts::Section>,
    bibtex: String,
    style: &'static str,
}

#[derive(Serialize)]
struct GridRow {
    label: String,
    priors: String,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    address: Option<String>,
    alt: String,
    said: String,
    wrong: bool,
    judged: Vec<Verdict>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Verdict {
    judge: String,
    text: String,
    agrees: bool,
}

#[derive(Serialize)]
struct Numbers {
    class: String,
    label: String,
    cells: Vec<String>,
    judged: Vec<String>,
}

#[derive(Serialize)]
struct ShownChart {
    title: String,
    chart_html: String,
}

#[derive(Serialize)]
struct Legend {
    label: String,
    sample_html: String,
}

#[derive(Serialize)]
struct Near {
    title: String,
    own: String,
    pictures: Vec<NearPicture>,
}

#[derive(Serialize)]
struct NearPicture {
    address: Option<String>,
    image: String,
    label: String,
    distance: String,
}

/// Writes the page into a folder, whole or not at all.
pub fn write(folder: &Path, source: &Prototypes) -> Result<(), PrototypesError> {
    Ok(plot::save(&folder.join(FILE), page(source)?.as_bytes())?)
}

/// The page.
pub fn page(source: &Prototypes) -> Result<String, PrototypesError> {
    let classes = source.classes();
    let shown = &classes[..classes.len().min(CLASSES)];
    let priors = source.priors();
    let rows =
        priors.iter().map(|prior| grid_row(source, prior, shown)).collect::<Result<Vec<_>, _>>()?;
    let judges = source.judges();
    let used: Vec<&str> = ids(source);
    let nearest = nearest(source, shown)?;
    let copies =
        nearest.iter().flat_map(|near| &near.pictures).any(|picture| picture.address.is_some());
    let content = Content {
        title: source.model().to_owned(),
        subtitle: source.subtitle(),
        answer_html: answer(source),
        caveats: caveats(source),
        heads: shown.iter().map(|class| source.class_name(*class)).collect(),
        large: source
            .tables
            .prototypes
            .iter()
            .find_map(|row| source.picture(row).ok()?)
            .is_some_and(|p| p.width() > 64),
        rows,
        more: classes.len() - shown.len(),
        judges: judges.iter().map(|judge| (*judge).to_owned()).collect(),
        numbers: source.tables.prototypes.iter().map(|row| numbers(source, row, &judges)).collect(),
        charts: charts(source),
        legend: priors.iter().enumerate().map(|(i, prior)| legend(i, prior)).collect(),
        nearest,
        copies,
        caption: source.traces().caption,
        manifest: facts::sections(&source.manifest),
        bibtex: bibliography::of_prototypes(&used),
        style: include_str!("style.css"),
    };
    Ok(render_with(include_str!("prototypes.html"), &content)?)
}

fn grid_row(
    source: &Prototypes,
    prior: &str,
    classes: &[Option<u64>],
) -> Result<GridRow, PrototypesError> {
    let cell = |class: &Option<u64>| {
        let row = source.row(*class, prior);
        row.map(|row| cell(source, row)).transpose()
    };
    let cells = classes.iter().map(cell).collect::<Result<Vec<_>, _>>()?;
    let priors =
        classes.first().and_then(|class| source.row(*class, prior)).map(|row| row.priors.clone());
    Ok(GridRow {
        label: prior.to_owned(),
        priors: priors.filter(|p| !p.is_empty()).unwrap_or_else(|| "none".to_owned()),
        cells: cells.into_iter().flatten().collect(),
    })
}

fn cell(source: &Prototypes, row: &PrototypeRow) -> Result<Cell, PrototypesError> {
    let image = source.picture(row)?;
    let verdict = |judged: &Judged| Verdict {
        judge: judged.judge.clone(),
        text: verdict(judged),
        agrees: judged.agrees,
    };
    Ok(Cell {
        address: image.as_ref().map(png_url).transpose()?,
        alt: format!("prototype of {} under {}", source.class_name(row.class), row.prior),
        said: said(row),
        wrong: row.class.is_some() && row.predicted != row.class,
        judged: source.judged(row).map(verdict).collect(),
        reason: row.reason.clone(),
    })
}

fn verdict(judged: &Judged) -> String {
    let p = judged.probability.map_or_else(|| format!("{:.3}", judged.score), probability);
    if judged.agrees { format!("yes, {p}") } else { format!("no, {p}, says {}", judged.predicted) }
}

fn numbers(source: &Prototypes, row: &PrototypeRow, judges: &[&str]) -> Numbers {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), svg::number);
    let whole = |value: Option<u64>| value.map_or("–".to_owned(), |v| v.to_string());
    let judged = judges.iter().map(|judge| {
        let found = source.judged(row).find(|judged| judged.judge == *judge);
        found.map_or("–".to_owned(), verdict)
    });
    Numbers {
        class: source.class_name(row.class),
        label: row.prior.clone(),
        cells: vec![
            number(row.objective),
            number(row.penalty),
            number(row.score),
            row.probability.map_or("–".to_owned(), probability),
            whole(row.predicted),
            whole(row.step),
        ],
        judged: judged.collect(),
    }
}

/// What came out, the most important first.
fn answer(source: &Prototypes) -> Vec<String> {
    let rows: Vec<&PrototypeRow> =
        source.tables.prototypes.iter().filter(|row| row.reason.is_none()).collect();
    if rows.is_empty() {
        return vec!["No prototype could be made.".to_owned()];
    }
    let model = format!("<b>{}</b>", escape(source.model()));
    let own = rows.iter().filter(|row| row.class.is_some() && row.predicted == row.class).count();
    let first = if rows.iter().any(|row| row.class.is_some()) {
        format!("{model} takes {own} of {} for their class.", count(rows.len(), "prototype"))
    } else {
        format!("What moves {} in {model} most is shown below.", escape(&source.class_name(None)))
    };
    let mut sentences = vec![first];
    for judge in source.judges() {
        sentences.push(by_judge(source, judge));
    }
    if let Some(sentence) = conclusion(source) {
        sentences.push(sentence);
    }
    sentences
}

/// How often another network sees the class, row by row.
fn by_judge(source: &Prototypes, judge: &str) -> String {
    let part = |prior: &&str| {
        let judged = source.tables.judged.iter().filter(|j| j.judge == judge && j.prior == **prior);
        let (agree, all) =
            judged.fold((0, 0), |(agree, all), j| (agree + usize::from(j.agrees), all + 1));
        (all > 0).then(|| format!("{agree} of {all} under <b>{}</b>", escape(prior)))
    };
    let parts: Vec<String> = source.priors().iter().filter_map(part).collect();
    format!("Another network, <b>{}</b>, sees the class in {}.", escape(judge), parts.join(", "))
}

/// What that says.
fn conclusion(source: &Prototypes) -> Option<String> {
    let judged = &source.tables.judged;
    let share = |prior: &str| {
        let own: Vec<bool> = judged.iter().filter(|j| j.prior == prior).map(|j| j.agrees).collect();
        (!own.is_empty())
            .then(|| own.iter().filter(|agrees| **agrees).count() as f64 / own.len() as f64)
    };
    let poor: Vec<&str> =
        source.priors().into_iter().filter(|prior| share(prior).is_some_and(|s| s < 0.5)).collect();
    (!poor.is_empty()).then(|| {
        format!(
            "Under {} most pictures move their own network and not others: they show what it reacts to, not what the class \
             looks like.",
            poor.iter().map(|prior| format!("<b>{}</b>", escape(prior))).collect::<Vec<_>>().join(", ")
        )
    })
}

/// What a reader must know.
fn caveats(source: &Prototypes) -> Vec<String> {
    let rows = &source.tables.prototypes;
    let mut found: Vec<String> = vec![];
    let note =
        source.manifest.pointer("/notes").and_then(|notes| notes.as_array()).into_iter().flatten();
    found.extend(
        note.filter_map(|n| n.as_str()).filter(|n| n.contains("rectifier")).map(str::to_owned),
    );
    let mut reasons: Vec<String> = vec![];
    for row in rows.iter().filter(|row| row.reason.is_some()) {
        let reason = format!("{}: {}", row.prior, row.reason.clone().unwrap_or_default());
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    found.extend(reasons.into_iter().map(|reason| format!("cells without a picture: {reason}")));
    if source.judges().is_empty() && rows.iter().any(|row| row.class.is_some()) {
        found.push("no other network was asked (--judge): that a network takes its own prototype for the class says little".to_owned());
    }
    found
}

/// The ways uphill, but for panels without lines.
fn charts(source: &Prototypes) -> Vec<ShownChart> {
    let figure = source.traces();
    let chart = |panel: &Panel| {
        let trace = |(i, line): (usize, &crate::figure::Line)| Trace {
            contender: i,
            mark: (i + 1).to_string(),
            name: line.name.clone(),
            style: Style::class(i),
            banded: panel.has_band(i),
            points: line.points.clone(),
        };
        let traces: Vec<Trace> = panel.lines.iter().enumerate().map(trace).collect();
        let chart = Chart {
            title: &panel.title,
            x_label: &figure.x_label,
            ticks: &[],
            y_label: &panel.y_label,
            traces: &traces,
            key: "",
        };
        ShownChart { title: panel.title.clone(), chart_html: svg::chart(&chart) }
    };
    figure.panels.iter().filter(|panel| !panel.lines.is_empty()).map(chart).collect()
}

fn legend(i: usize, prior: &str) -> Legend {
    Legend { label: format!("{} {prior}", i + 1), sample_html: svg::sample(&Style::class(i)) }
}

fn nearest(source: &Prototypes, classes: &[Option<u64>]) -> Result<Vec<Near>, PrototypesError> {
    let mut all = vec![];
    for row in source.tables.prototypes.iter().filter(|row| classes.contains(&row.class)) {
        let found =
            source.tables.nearest.iter().filter(|n| n.class == row.class && n.prior == row.prior);
        let mut pictures = vec![];
        for near in found {
            pictures.push(NearPicture {
                address: source.copy(row, near.rank).as_ref().map(png_url).transpose()?,
                image: near.image.clone(),
                label: near.label.map_or("–".to_owned(), |label| label.to_string()),
                distance: format!("{:.3}", near.distance),
            });
        }
        if let (false, Some(own)) = (pictures.is_empty(), source.picture(row)?) {
            let title = format!("{}, {}", source.class_name(row.class), row.prior);
            all.push(Near { title, own: png_url(&own)?, pictures });
        }
    }
    Ok(all)
}

/// Ids of what was used.
fn ids(source: &Prototypes) -> Vec<&str> {
    let word = |at: &str| source.manifest.pointer(at).and_then(|v| v.as_str()).unwrap_or_default();
    let priors = source.tables.prototypes.iter().flat_map(|row| row.priors.split(','));
    let all = priors.chain([word("/config/objective"), word("/config/optimiser")]);
    all.map(|name| name.split(':').next().unwrap_or_default()).collect()
}
