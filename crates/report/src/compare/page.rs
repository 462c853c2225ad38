//! The page of a comparison.

use super::{About, Faith, ModelRow, PairRow, Summary};
use crate::{
    colours::Look,
    eval::stats::{Estimate, proportion::Proportion},
    explain::labels::{label, labels},
    page::study::{DataTable, Gallery, Item, Section, StudyPage, Tile, heat, picture},
    plot::FigureError,
    probe::sheet::{by_image, map, tensor},
    run::compare::Compared,
};

pub(super) fn page(
    found: &Compared,
    summary: &Summary,
    about: &About,
    svg: String,
    look: &Look,
) -> Result<StudyPage, FigureError> {
    let pictures = found.answers.len() / about.models.len().max(1);
    let mut sections = vec![models(summary, svg), pairs(summary)];
    sections.extend(faith(summary));
    Ok(StudyPage {
        kicker: "compare".to_owned(),
        question: "Do these models look at the same?".to_owned(),
        title: format!("{} on {}", about.models.join(", "), about.data),
        subtitle: format!(
            "{pictures} pictures, the same for all models, each with its own preprocessing"
        ),
        answer: summary.sentences(about),
        caveats: summary.caveats(about).into_iter().map(|text| text + ".").collect(),
        sections,
        gallery: gallery(found, look)?,
        facts: vec![
            ("models".to_owned(), about.models.join(", ")),
            ("methods".to_owned(), about.methods.join(", ")),
            ("perturbations".to_owned(), about.perturbations.join(", ")),
        ],
        ..StudyPage::default()
    })
}

fn short(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |v| format!("{v:.3}"))
}

fn both(found: Option<Estimate>) -> String {
    match (found, found.and_then(|e| Some((e.lo()?, e.hi()?)))) {
        (Some(e), Some((lo, hi))) => format!("{:.3} ({lo:.3} to {hi:.3})", e.mean),
        (Some(e), None) => format!("{:.3}", e.mean),
        _ => "–".to_owned(),
    }
}

fn table<R>(
    caption: &str,
    head: &[&str],
    rows: &[R],
    method: fn(&R) -> &str,
    cells: impl Fn(&R, String) -> Vec<String>,
) -> DataTable {
    let names: Vec<&str> = rows.iter().map(method).collect();
    DataTable {
        caption: caption.to_owned(),
        head: head.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows.iter().zip(labels(&names)).map(|(row, name)| cells(row, name)).collect(),
    }
}

fn models(summary: &Summary, svg: String) -> Section {
    let cells = |row: &ModelRow, name: String| {
        vec![
            row.model.clone(),
            name,
            short(row.right.and_then(Proportion::share)),
            both(row.aopc),
            both(row.context),
            short(row.context_median),
        ]
    };
    let head = ["model", "method", "accuracy", "AOPC", "context use", "its median"];
    Section {
        id: "models".to_owned(),
        heading: "Models".to_owned(),
        hint: "AOPC: how far the score falls when the regions that the model's own map names first are gone. Context use: \
               relevance per pixel outside the object over that on it."
            .to_owned(),
        figures_html: vec![svg],
        tables: vec![table("By model and method", &head, &summary.models, |r| &r.method, cells)],
        ..Section::default()
    }
}

fn pairs(summary: &Summary) -> Section {
    let cells = |row: &PairRow, name: String| {
        vec![
            format!("{} and {}", row.model, row.other),
            name,
            short(row.same.and_then(Proportion::share)),
            format!("{} and {}", row.apart.0, row.apart.1),
            row.p.map_or("–".to_owned(), |p| format!("{p:.1e}")),
            both(row.correlation),
            both(row.correlation_same),
            both(row.overlap),
        ]
    };
    let head = [
        "models",
        "method",
        "same prediction",
        "only one right",
        "p",
        "rank correlation",
        "where both say the same",
        "top overlap",
    ];
    Section {
        id: "pairs".to_owned(),
        heading: "Two by two".to_owned(),
        hint: "Maps are compared over the cells of the picture that both models see. Top overlap: share of the tenth of \
               the picture with the most relevance that is the same, 0.1 by chance."
            .to_owned(),
        figures_html: vec![],
        tables: vec![table("Agreement of predictions and of heat maps", &head, &summary.pairs, |r| &r.method, cells)],
        ..Section::default()
    }
}

/// Whose maps are faithful to whom, where regions were removed.
fn faith(summary: &Summary) -> Option<Section> {
    let cells = |row: &Faith, name: String| {
        vec![
            format!("{} under {}", row.map_of, row.model),
            name,
            row.perturbation.clone(),
            row.order.name().to_owned(),
            both(row.aopc),
            both(row.less),
        ]
    };
    let head = ["maps", "method", "perturbation", "order", "AOPC", "minus own maps"];
    (!summary.faith.is_empty()).then(|| Section {
        id: "faithfulness".to_owned(),
        heading: "Crossed maps".to_owned(),
        hint: "Regions are removed in the order of one model's map, and the score of another one is watched."
            .to_owned(),
        figures_html: vec![],
        tables: vec![table("AOPC of maps under their own and other models", &head, &summary.faith, |r| &r.method, cells)],
        ..Section::default()
    })
}

/// `scenes: lrp-epsilon-plus` of the name of a map with its model.
fn short_name(name: &str) -> String {
    name.split_once(": ")
        .map_or_else(|| name.to_owned(), |(model, method)| format!("{model}: {}", label(method)))
}

fn gallery(found: &Compared, look: &Look) -> Result<Option<Gallery>, FigureError> {
    let mut items = Vec::new();
    for (image, frames) in by_image(&found.frames) {
        let original = frames.iter().find(|f| f.kind == "original").and_then(|f| tensor(f));
        let below = original.as_ref().map(picture).transpose()?.unwrap_or_default();
        let note = frames.iter().find(|f| f.kind == "original").map(|f| f.caption.clone());
        let mut tiles = vec![Tile {
            source: below.clone(),
            caption: "the picture".to_owned(),
            ..Tile::default()
        }];
        let maps = frames.iter().filter(|f| f.kind == "map").filter_map(|frame| {
            Some(Tile {
                source: heat(&map(frame)?, look),
                below: below.clone(),
                caption: short_name(frame.name.as_deref().unwrap_or_default()),
                ..Tile::default()
            })
        });
        tiles.extend(maps);
        items.push(Item { title: image.to_owned(), note: note.unwrap_or_default(), tiles });
    }
    Ok((!items.is_empty()).then(|| Gallery {
        hint: "Pictures of which the models say the same and look at different things: those with the smallest rank \
               correlations of their maps, smallest first."
            .to_owned(),
        kinds: vec![],
        items,
    }))
}
