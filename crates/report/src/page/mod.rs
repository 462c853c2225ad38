//! `report.html`: what came out of a run as one page that needs nothing else, for people. Everything
//! on it follows from the records, the manifest and the kept pictures.
//!
//! Tables and charts are whole without a script; the script adds read-outs, switches, sorting and
//! the slider. Nothing is fetched: the page forbids itself the network.

mod answer;
mod bibliography;
mod contenders;
mod curves;
mod exhibits;
mod facts;
mod pairs;
mod passage;
mod picture;
mod places;
pub mod prototypes;
mod ranks;
pub mod several;
pub mod study;
mod svg;
mod tables;

use super::{
    agreement::agreement,
    bump::Bump,
    cells::Group,
    colours::Look,
    contest::Contest,
    curves::{Dress, Figures},
    map_metrics::Maps,
    plot::{self, FigureError},
    summary::Summary,
};
use crate::run::gallery::Exhibit;
use crate::{
    base::{
        text::plain,
        words::{are, count},
    },
    eval::{
        metric::{Aopc, Chosen},
        order::Order,
        stats::Resampling,
    },
    run::{manifest::Manifest, record::Row},
};
use contenders::Contenders;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use std::path::Path;

/// Name of the page below the results.
pub const FILE: &str = "report.html";

/// Name of the page with nothing but texts, of runs on such.
pub const TEXTS: &str = "texts.html";

/// Pictures shown when nothing else is said.
pub const SHOWN: usize = 12;

/// What a page is made of.
pub struct Source<'a> {
    /// The content of `manifest.json`.
    pub manifest: &'a Manifest,
    /// One row per curve on the pictures of the gallery.
    pub rows: &'a [Row],
    /// All curves, put in order.
    pub groups: &'a [Group<'a>],
    /// The ranking.
    pub summary: &'a Summary,
    /// Every method compared, one per group where that can be.
    pub contests: &'a [Contest],
    /// How methods are called and look.
    pub dress: &'a Dress,
    /// One per group.
    pub figures: &'a [Figures],
    /// Metrics of heat maps.
    pub maps: &'a Maps,
    /// Pictures of the gallery.
    pub exhibits: &'a [Exhibit],
    /// How their heat maps are coloured.
    pub look: Look,
}

/// Writes `report.html` into a folder, and `texts.html` for a run on texts; each whole or not at all.
pub fn write(folder: &Path, source: &Source<'_>) -> Result<(), FigureError> {
    if let Some(texts) = passage::texts(source) {
        plot::save(&folder.join(TEXTS), texts.as_bytes())?;
    }
    plot::save(&folder.join(FILE), page(source)?.as_bytes())
}

/// What the template is filled with. Fields named `..._html` are HTML already, all others are
/// escaped by the template.
#[derive(Serialize)]
struct Content {
    title: String,
    subtitle: String,
    answer_html: Vec<String>,
    caveats: Vec<String>,
    legend: Vec<Legend>,
    ranking: tables::Ranking,
    settings: Vec<curves::Setting>,
    pairs: Vec<pairs::Matrix>,
    ranks: Vec<ranks::Diagram>,
    /// The place of each method in each setting; none with one setting.
    places: Option<places::Places>,
    agreement: Option<tables::Agreement>,
    heat_maps: Option<tables::HeatMaps>,
    gallery: exhibits::Gallery,
    numbers: tables::Numbers,
    methods: Vec<facts::Method>,
    protocol: Vec<facts::Fact>,
    manifest: Vec<facts::Section>,
    bibtex: String,
    /// How to cite the program.
    software: String,
    style: &'static str,
    script: &'static str,
    data: String,
}

/// A method with its line.
#[derive(Serialize)]
struct Legend {
    index: usize,
    label: String,
    method: String,
    mark: String,
    sample_html: String,
}

/// What the script reads.
#[derive(Serialize)]
struct Data<'a> {
    methods: Vec<&'a str>,
    charts: Vec<curves::Numbers>,
    exhibits: &'a [exhibits::Chain],
}

/// The page.
pub fn page(source: &Source<'_>) -> Result<String, FigureError> {
    let Source { manifest, summary, .. } = source;
    let contenders = Contenders::of(summary, source.dress);
    let (settings, charts) = curves::settings(source, &contenders);
    let (gallery, chains) = exhibits::gallery(source, &contenders)?;
    let contests = source.contests;
    let first = answer::counting(source, contests);
    let pairs = pairs::matrices(contests, &contenders, source.groups);
    let labels = contenders.0.iter().map(|c| c.label.as_str()).collect();
    let data = Data { methods: labels, charts, exhibits: &chains };
    let methods: Vec<&str> = contenders.0.iter().map(|c| c.method).collect();
    let perturbations: Vec<&str> =
        source.groups.iter().map(|g| g.setting.perturbation.as_str()).collect();
    let content = Content {
        title: format!("{} on {}", manifest.model.name, manifest.data.name),
        subtitle: facts::subtitle(source),
        answer_html: answer::sentences(source, &contenders, contests),
        caveats: caveats(source, contests),
        legend: contenders.0.iter().enumerate().map(legend).collect(),
        ranking: tables::ranking(summary, &contenders, first),
        settings,
        pairs,
        ranks: ranks::diagrams(contests, &contenders, source.groups),
        places: places::chart(&Bump::of(contests), &contenders),
        agreement: agreements(source, &contenders),
        heat_maps: tables::heat_maps(source.maps, &contenders),
        gallery,
        numbers: tables::numbers(summary, &contenders),
        methods: facts::methods(&contenders, manifest),
        protocol: facts::protocol(manifest),
        manifest: facts::sections(manifest),
        bibtex: bibliography::used(&methods, &perturbations),
        software: bibliography::software(&manifest.version),
        style: include_str!("style.css"),
        script: include_str!("script.js"),
        data: for_script(&data),
    };
    render_with(include_str!("page.html"), &content)
}

/// All methods compared by the area over the curve of the first order, setting by setting, on the
/// pictures that all of them have.
pub fn contests(groups: &[Group<'_>]) -> Vec<Contest> {
    let contest = |group: &Group<'_>| {
        let order = group.orders().next()?;
        let resampling = Resampling::default();
        Contest::new(group, &format!("aopc:order={order}"), &Aopc(order), resampling)
    };
    groups.iter().filter_map(contest).collect()
}

/// Agreement of the rankings by other settings, steps and metrics, also those of heat maps, where there
/// are any.
fn agreements(source: &Source<'_>, contenders: &Contenders<'_>) -> Option<tables::Agreement> {
    let groups = source.groups;
    let order = groups.first()?.orders().next().unwrap_or(Order::Morf);
    let (name, metric) = (format!("aopc:order={order}"), Aopc(order));
    let found = agreement(groups, &Chosen { name: &name, metric: &metric }, &source.maps.rows);
    tables::agreement(&found, contenders)
}

/// What a reader must know.
fn caveats(source: &Source<'_>, contests: &[Contest]) -> Vec<String> {
    let results = source.manifest.ranking();
    let doubts = results.into_iter().flat_map(|results| &results.doubts);
    let mut found: Vec<String> = doubts.map(ToString::to_string).collect();
    found.extend(source.summary.caveats.iter().map(ToString::to_string));
    found.extend(contests.iter().filter(|c| c.left_out > 0).map(|c| {
        format!(
            "under {} differences and mean ranks are over the {} that all methods have; {} {} left out",
            c.setting.perturbation,
            count(c.images.len(), "picture"),
            c.left_out,
            are(c.left_out)
        )
    }));
    found
}

fn legend((index, c): (usize, &contenders::Contender<'_>)) -> Legend {
    Legend {
        index,
        label: c.label.clone(),
        method: c.method.to_owned(),
        mark: c.mark.clone(),
        sample_html: svg::sample(&c.style),
    }
}

/// JSON that cannot end the element it stands in.
fn for_script(data: &impl Serialize) -> String {
    let text = serde_json::to_string(data).expect("plain data");
    plain(&text).replace('<', "\\u003c")
}

/// A name with places where a line may end: after `:` and `=`. Browsers break after hyphens already.
fn breakable(name: String) -> minijinja::Value {
    let text = svg::escape(&name).replace(':', ":<wbr>").replace('=', "=<wbr>");
    minijinja::Value::from_safe_string(text)
}

/// Values as the page shows them: names from records have their control characters written out.
fn written_out(
    out: &mut minijinja::Output<'_>,
    state: &minijinja::State<'_, '_>,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => {
            minijinja::escape_formatter(out, state, &plain(text).as_ref().into())
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

fn render_with(template: &str, content: &impl Serialize) -> Result<String, FigureError> {
    let failed = |e: minijinja::Error| FigureError::Draw(format!("the page: {e}"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_formatter(written_out);
    environment.add_filter("breakable", breakable);
    environment.add_template("page", template).map_err(failed)?;
    environment.get_template("page").and_then(|t| t.render(content)).map_err(failed)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod verdict_tests;
