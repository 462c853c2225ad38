//! The page of clusters.

use super::{About, Strategy, Summary};
use crate::{
    colours::Look,
    eval::stats::Estimate,
    explain::HeatMap,
    explain::labels::label,
    page::study::{DataTable, Gallery, Item, Section, StudyPage, Tile, heat},
    run::clusters::{Clustered, Shrunk},
};
use ndarray::Array2;

/// Members of a cluster that are shown.
const MEMBERS: usize = 6;

/// Names that are written out.
const NAMES: usize = 12;

pub(super) fn page(
    found: &Clustered,
    summary: &Summary,
    about: &About,
    figures: Vec<String>,
    look: &Look,
) -> StudyPage {
    let classes = summary.classes.len();
    StudyPage {
        kicker: "clusters".to_owned(),
        question: "How many strategies does the network have?".to_owned(),
        title: format!("{} on {}", about.model, about.data),
        subtitle: format!("{} heat maps of {classes} classes, clustered class by class", found.maps.len()),
        answer: summary.sentences(about),
        caveats: summary.caveats().into_iter().map(|text| text + ".").collect(),
        sections: vec![
            Section {
                id: "classes".to_owned(),
                heading: "Classes".to_owned(),
                hint: "The largest gap between neighbouring eigenvalues says how many clusters there are; behind the \
                       first it says that there is one."
                    .to_owned(),
                figures_html: figures,
                tables: vec![table(summary.lines(about), "Clusters of each class")],
                ..Section::default()
            },
            strategies(summary, about),
        ],
        gallery: gallery(found, summary, about, look),
        facts: vec![
            ("methods".to_owned(), about.methods.join(", ")),
            ("maps".to_owned(), found.maps.len().to_string()),
        ],
        ..StudyPage::default()
    }
}

fn table(mut lines: Vec<Vec<String>>, caption: &str) -> DataTable {
    let head = lines.remove(0);
    DataTable { caption: caption.to_owned(), head, rows: lines }
}

fn strategies(summary: &Summary, about: &About) -> Section {
    let percent =
        |e: Option<Estimate>| e.map_or("–".to_owned(), |e| format!("{:.1} %", 100.0 * e.mean));
    let row = |s: &Strategy| {
        vec![
            format!("{}, cluster {}", about.class(s.class), s.cluster + 1),
            label(&s.method),
            s.members.len().to_string(),
            percent(s.outside[0]),
            percent(s.outside[1]),
            percent(s.frame[0]),
            percent(s.frame[1]),
            s.unusual().unwrap_or("–").to_owned(),
        ]
    };
    let head = [
        "cluster",
        "method",
        "pictures",
        "outside the object",
        "others",
        "in the frame",
        "others",
        "unusual",
    ];
    Section {
        id: "clusters".to_owned(),
        heading: "Clusters".to_owned(),
        hint: "Mean share of the positive relevance outside the object and within 15 % of the picture's shorter side from \
               an edge, beside the other pictures of the class. Unusual: the 95 % intervals of the two do not meet."
            .to_owned(),
        figures_html: vec![],
        tables: vec![DataTable {
            caption: "All clusters".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: summary.strategies.iter().map(row).collect(),
        }],
        ..Section::default()
    }
}

fn map(values: &[f32]) -> Option<HeatMap> {
    let side = values.len().isqrt();
    Array2::from_shape_vec((side, side), values.iter().map(|v| f64::from(*v)).collect()).ok()
}

fn gallery(found: &Clustered, summary: &Summary, about: &About, look: &Look) -> Option<Gallery> {
    let method = about.methods.first()?;
    let rows = summary.by_gap(method).into_iter();
    let several = rows.filter(|row| row.found.clusters.is_some_and(|count| count > 1));
    let mut items = Vec::new();
    for row in several {
        for strategy in summary.of_class(method, row.found.class) {
            let mean = map(&strategy.mean).map(|mean| Tile {
                source: heat(&mean, look),
                caption: "mean map".to_owned(),
                ..Tile::default()
            });
            let own =
                |map: &&Shrunk| map.method == *method && strategy.members.contains(&map.image);
            let members = found.maps.iter().filter(own).take(MEMBERS).filter_map(|shrunk| {
                Some(Tile {
                    source: heat(&map(shrunk.values.as_ref()?)?, look),
                    caption: shrunk.image.clone(),
                    ..Tile::default()
                })
            });
            let names: Vec<&str> =
                strategy.members.iter().take(NAMES).map(String::as_str).collect();
            let more = if strategy.members.len() > NAMES { ", ..." } else { "" };
            items.push(Item {
                title: format!(
                    "{}, cluster {} of {} pictures",
                    about.class(strategy.class),
                    strategy.cluster + 1,
                    strategy.members.len()
                ),
                note: format!("members: {}{more}", names.join(", ")),
                tiles: mean.into_iter().chain(members).collect(),
            });
        }
    }
    (!items.is_empty()).then(|| Gallery {
        hint: "Of classes with several clusters: the mean map of each, and maps of some members, shrunk as they were \
               clustered. `members.csv` names all of them."
            .to_owned(),
        kinds: vec![],
        items,
    })
}
