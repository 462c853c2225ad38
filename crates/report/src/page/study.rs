//! The page of a study: the answer first, then figures and tables, then pictures. It shares style and rules with
//! the page of rankings: it fetches nothing, and without the script it is whole.

use super::{breakable, svg::escape, written_out};
use crate::{
    colours::Look,
    explain::HeatMap,
    nn::tensor::Tensor,
    plot::{self, FigureError},
};
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use std::path::Path;

/// What a page is made of; all texts are plain.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StudyPage {
    /// Name of the study.
    pub kicker: String,
    /// The question that it answers.
    pub question: String,
    /// Model and data.
    pub title: String,
    /// What was done, in a line.
    pub subtitle: String,
    /// The answer, sentence by sentence.
    pub answer: Vec<String>,
    /// What a reader must know.
    pub caveats: Vec<String>,
    /// Figures and tables.
    pub sections: Vec<Section>,
    /// Pictures.
    pub gallery: Option<Gallery>,
    /// What was run.
    pub facts: Vec<(String, String)>,
    /// Whole pages inside this one.
    pub parts: Vec<Part>,
}

/// A page inside a page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// What it is of.
    pub note: String,
    /// The page as HTML.
    pub page: String,
}

/// Figures and tables of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Section {
    /// Where links lead to.
    pub id: String,
    /// Heading.
    pub heading: String,
    /// What is to be seen.
    pub hint: String,
    /// Figures as SVG, on white paper.
    pub figures_html: Vec<String>,
    /// Charts as SVG that have the colours of the page.
    pub charts_html: Vec<String>,
    /// Tables.
    pub tables: Vec<DataTable>,
}

/// A table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataTable {
    /// What it shows.
    pub caption: String,
    /// Names of its columns; the first is that of the rows.
    pub head: Vec<String>,
    /// Its rows, with the text of each cell.
    pub rows: Vec<Vec<String>>,
}

/// Pictures that can be looked at.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Gallery {
    /// What is to be seen.
    pub hint: String,
    /// Kinds of tiles that can be shown one at a time.
    pub kinds: Vec<String>,
    /// One per picture.
    pub items: Vec<Item>,
}

/// A picture with its tiles.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Item {
    /// Which picture.
    pub title: String,
    /// What is known of it.
    pub note: String,
    /// What is shown.
    pub tiles: Vec<Tile>,
}

/// One picture or heat map.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tile {
    /// Number of its kind; `None` of those that are always shown.
    pub kind: Option<usize>,
    /// The picture as an address.
    pub source: String,
    /// The picture that a heat map lies over; empty of pictures.
    pub below: String,
    /// What it is.
    pub caption: String,
    /// What the network says, or what the colours mean.
    pub detail: String,
}

/// The address of a picture inside the page.
pub fn picture(picture: &Tensor) -> Result<String, FigureError> {
    super::picture::of_picture(picture)
}

/// The address of a heat map inside the page.
pub fn heat(heat: &HeatMap, look: &Look) -> String {
    super::picture::of_heat(heat, look)
}

/// Writes `report.html` into a folder, whole or not at all.
pub fn write(folder: &Path, page: &StudyPage) -> Result<(), FigureError> {
    plot::save(&folder.join(super::FILE), render(page)?.as_bytes())
}

#[derive(Serialize)]
struct Content<'a> {
    page: &'a StudyPage,
    style: &'static str,
    script: &'static str,
}

/// The page as text.
pub fn render(page: &StudyPage) -> Result<String, FigureError> {
    let failed = |e: minijinja::Error| FigureError::Draw(format!("the page: {e}"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_formatter(written_out);
    environment.add_filter("breakable", breakable);
    environment.add_filter("rich", rich);
    environment.add_filter("whole_page", whole_page);
    environment.add_template("page", include_str!("study.html")).map_err(failed)?;
    let (style, script) = (include_str!("style.css"), include_str!("study.js"));
    let content = Content { page, style, script };
    environment.get_template("page").and_then(|t| t.render(content)).map_err(failed)
}

/// A page as the value of an attribute: its lines stay lines, unlike those of names.
fn whole_page(page: String) -> minijinja::Value {
    let text = page.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    minijinja::Value::from_safe_string(text)
}

/// A sentence whose words between backticks are names.
fn rich(text: String) -> minijinja::Value {
    let parts = text.split('`').enumerate();
    let html = parts.map(|(i, part)| {
        let part = escape(part);
        if i % 2 == 1 { format!("<code>{part}</code>") } else { part }
    });
    minijinja::Value::from_safe_string(html.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_page_and_words_between_backticks_are_names() {
        let item = Item {
            title: "<script>alert(1)</script>".to_owned(),
            tiles: vec![Tile {
                kind: Some(0),
                source: "data:image/png;base64,AAAA".to_owned(),
                caption: "\"quoted\" & <b>".to_owned(),
                ..Tile::default()
            }],
            ..Item::default()
        };
        let page = StudyPage {
            question: "What?".to_owned(),
            answer: vec!["the class `<fish>` is said".to_owned()],
            gallery: Some(Gallery {
                kinds: vec!["blur".to_owned()],
                items: vec![item],
                ..Gallery::default()
            }),
            sections: vec![Section {
                id: "counts".to_owned(),
                heading: "Counts".to_owned(),
                tables: vec![DataTable {
                    head: vec!["class".to_owned(), "n".to_owned()],
                    rows: vec![vec!["<i>".to_owned(), "3".to_owned()]],
                    ..DataTable::default()
                }],
                ..Section::default()
            }],
            ..StudyPage::default()
        };
        let html = render(&page).unwrap();
        assert!(html.contains("the class <code>&lt;fish&gt;</code> is said"), "{html}");
        assert!(
            !html.contains("<script>alert") && !html.contains("<i>") && !html.contains("& <b>")
        );
        assert!(html.contains("data-kind=\"0\"") && html.contains("Content-Security-Policy"));
    }
}
