//! The page of context use.

use super::{About, GroupRow, ModelRow, Summary, summary::Middle};
use crate::{
    explain::labels::labels,
    page::study::{DataTable, Section, StudyPage},
    run::context::Uses,
};

pub(super) fn page(found: &Uses, summary: &Summary, about: &About, svg: String) -> StudyPage {
    let pictures = summary.models.iter().map(|row| row.pictures).max().unwrap_or(0);
    StudyPage {
        kicker: "context".to_owned(),
        question: "How much of the relevance is context?".to_owned(),
        title: format!("{} on {}", about.models.join(", "), about.data),
        subtitle: format!("{pictures} pictures with marked objects, {} maps", found.uses.len()),
        answer: summary.sentences(about),
        caveats: summary.caveats(about).into_iter().map(|text| text + ".").collect(),
        sections: vec![models(summary, svg), groups(summary)],
        gallery: None,
        facts: vec![
            ("models".to_owned(), about.models.join(", ")),
            ("methods".to_owned(), about.methods.join(", ")),
            ("groups".to_owned(), about.groups.clone()),
        ],
        ..StudyPage::default()
    }
}

fn short(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |v| format!("{v:.3}"))
}

fn middle(used: &Middle) -> Vec<String> {
    let interval = used.mean.and_then(|m| Some((m.lo()?, m.hi()?)));
    vec![
        short(used.mean.map(|m| m.mean)),
        interval.map_or("–".to_owned(), |(lo, hi)| format!("{lo:.3} to {hi:.3}")),
        short(used.median),
        short(used.log_mean),
        used.mean.map_or(0, |m| m.n).to_string(),
        used.undefined.to_string(),
    ]
}

const MIDDLE: [&str; 6] =
    ["context use", "95 % interval", "median", "log mean", "pictures", "undefined"];

fn models(summary: &Summary, svg: String) -> Section {
    let names: Vec<&str> = summary.models.iter().map(|row| &row.method[..]).collect();
    let row = |(row, name): (&ModelRow, String)| {
        let interval = row.with_skill.and_then(|a| a.interval);
        let mut cells = vec![row.model.clone(), name];
        cells.extend(middle(&row.used));
        cells.push(short(row.skill.value()));
        cells.push(row.groups.to_string());
        cells.push(short(row.with_skill.map(|a| a.r)));
        cells.push(interval.map_or("–".to_owned(), |i| format!("{:.2} to {:.2}", i.lo, i.hi)));
        cells
    };
    let head = ["model", "method"].into_iter().chain(MIDDLE).chain([
        "accuracy",
        "groups",
        "correlation",
        "its interval",
    ]);
    Section {
        id: "models".to_owned(),
        heading: "Models".to_owned(),
        hint: "1 says that the network does not prefer the object, 0 that all its relevance is on it. The correlation is \
               over groups with at least five pictures."
            .to_owned(),
        figures_html: vec![svg],
        tables: vec![DataTable {
            caption: "Context use and accuracy by model and method".to_owned(),
            head: head.map(str::to_owned).collect(),
            rows: summary.models.iter().zip(labels(&names)).map(row).collect(),
        }],
        ..Section::default()
    }
}

fn groups(summary: &Summary) -> Section {
    let names: Vec<&str> = summary.groups.iter().map(|row| &row.method[..]).collect();
    let row = |(row, name): (&GroupRow, String)| {
        let mut cells = vec![row.group.clone(), row.model.clone(), name];
        cells.extend(middle(&row.used));
        cells.push(short(row.skill.value()));
        cells
    };
    let head = ["group", "model", "method"].into_iter().chain(MIDDLE).chain(["accuracy"]);
    Section {
        id: "groups".to_owned(),
        heading: "Groups".to_owned(),
        hint: "Accuracy: share of the group's pictures whose label is said, or the average precision of the class where \
               pictures show several."
            .to_owned(),
        figures_html: vec![],
        tables: vec![DataTable {
            caption: "Context use by group".to_owned(),
            head: head.map(str::to_owned).collect(),
            rows: summary.groups.iter().zip(labels(&names)).map(row).collect(),
        }],
        ..Section::default()
    }
}
