//! What came out of prototypes: read back from their folder, and their figures.

use crate::{
    drawing::{Anchor, Drawing, GREY, INK},
    eval::stats::quantile::{median, quantile},
    figure::{Figure, Line, Panel, Point, Style},
    plot::{self, FigureError},
    plot_grid::{self, Placed},
    run::{
        output::{MANIFEST, OutputError, read_json},
        prototypes::{Gathered, Judged, MANIFEST_OF, Nearest, PrototypeRow, TraceRow},
    },
    table::{TableError, record::Record},
};
use image::RgbImage;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The prototypes of a folder.
pub struct Prototypes {
    /// The content of the manifest.
    pub manifest: Value,
    /// The tables.
    pub tables: Gathered,
    folder: PathBuf,
}

/// Why a folder has no prototypes to show.
#[derive(Debug, thiserror::Error)]
pub enum PrototypesError {
    /// The manifest.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A figure or the page.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// A picture.
    #[error("cannot read `{}`: {reason}", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something else lies there.
    #[error("`{}` holds no prototypes: its {MANIFEST} is of something else", .path.display())]
    Other {
        /// The folder.
        path: PathBuf,
    },
}

/// Classes in a figure, at most.
const COLUMNS: usize = 12;

impl Prototypes {
    /// Reads a folder whose tables are there. `manifest` is what its manifest says, or will say.
    pub fn read(folder: &Path, manifest: Option<Value>) -> Result<Prototypes, PrototypesError> {
        let manifest = manifest.map_or_else(|| read_json(folder), |given| Ok(Some(given)))?;
        let other = || PrototypesError::Other { path: folder.to_owned() };
        let manifest = manifest.ok_or_else(other)?;
        if manifest.get("study").and_then(Value::as_str) != Some(MANIFEST_OF) {
            return Err(other());
        }
        let at = |name: &str| folder.join(format!("{name}.parquet"));
        let tables = Gathered {
            prototypes: PrototypeRow::read(&at("prototypes"))?,
            traces: TraceRow::read(&at("traces"))?,
            judged: some::<Judged>(&at("judges"))?,
            nearest: some::<Nearest>(&at("nearest"))?,
        };
        Ok(Prototypes { manifest, tables, folder: folder.to_owned() })
    }

    /// The rows of priors, in their order.
    pub fn priors(&self) -> Vec<&str> {
        let mut all: Vec<&str> = vec![];
        for row in &self.tables.prototypes {
            if !all.contains(&&row.prior[..]) {
                all.push(&row.prior);
            }
        }
        all
    }

    /// The classes, in their order; a neuron is a single one.
    pub fn classes(&self) -> Vec<Option<u64>> {
        let first = self.priors().first().copied().unwrap_or_default();
        let rows = self.tables.prototypes.iter().filter(|row| row.prior == first);
        rows.map(|row| row.class).collect()
    }

    /// A prototype.
    pub fn row(&self, class: Option<u64>, prior: &str) -> Option<&PrototypeRow> {
        self.tables.prototypes.iter().find(|row| row.class == class && row.prior == prior)
    }

    /// What others say of a prototype.
    pub fn judged<'a>(&'a self, row: &'a PrototypeRow) -> impl Iterator<Item = &'a Judged> {
        self.tables.judged.iter().filter(|j| j.class == row.class && j.prior == row.prior)
    }

    /// Names of the judges, in their order.
    pub fn judges(&self) -> Vec<&str> {
        let mut all: Vec<&str> = vec![];
        for judged in &self.tables.judged {
            if !all.contains(&&judged.judge[..]) {
                all.push(&judged.judge);
            }
        }
        all
    }

    /// What a class is called: its name, else its number.
    pub fn class_name(&self, class: Option<u64>) -> String {
        let named = self.tables.prototypes.iter().find(|row| row.class == class);
        match (named.and_then(|row| row.name.clone()), class) {
            (Some(name), _) => name,
            (None, Some(class)) => class.to_string(),
            (None, None) => "neuron".to_owned(),
        }
    }

    /// The picture of a prototype.
    pub fn picture(&self, row: &PrototypeRow) -> Result<Option<RgbImage>, PrototypesError> {
        row.picture.as_ref().map(|path| self.image(&format!("{path}.png"))).transpose()
    }

    /// A picture below the folder.
    pub(crate) fn image(&self, path: &str) -> Result<RgbImage, PrototypesError> {
        let path = self.folder.join(path);
        let image = image::open(&path);
        let image = image
            .map_err(|e| PrototypesError::Picture { path: path.clone(), reason: e.to_string() })?;
        Ok(image.to_rgb8())
    }

    /// A copy of a picture of the data set, where one was kept.
    pub(crate) fn copy(&self, row: &PrototypeRow, rank: u64) -> Option<RgbImage> {
        let stem = row.picture.as_ref()?.strip_prefix("pictures/")?;
        self.image(&format!("nearest/{stem}-{rank}.png")).ok()
    }

    fn word(&self, at: &str) -> &str {
        self.manifest.pointer(at).and_then(Value::as_str).unwrap_or("?")
    }

    /// In a few words what was climbed, and how.
    pub fn subtitle(&self) -> String {
        let number = |at: &str| self.manifest.pointer(at).and_then(Value::as_u64).unwrap_or(0);
        let (objective, by) = (self.word("/config/objective"), self.word("/config/optimiser"));
        let (steps, restarts) = (number("/config/steps"), number("/config/restarts"));
        let best =
            if restarts > 1 { format!(", best of {restarts} climbs") } else { String::new() };
        format!(
            "{objective} climbed in {steps} steps by {by}{best}, seed {}",
            number("/config/seed")
        )
    }

    /// Name of the network.
    pub fn model(&self) -> &str {
        self.word("/model/name")
    }

    /// Writes `grid` and `traces` as PNG and SVG into the folder.
    pub fn write_figures(&self) -> Result<(), PrototypesError> {
        let (drawing, pictures) = self.grid()?;
        plot::save(&self.folder.join("grid.png"), &plot_grid::png(&drawing, &pictures)?)?;
        plot::save(&self.folder.join("grid.svg"), plot_grid::svg(&drawing, &pictures)?.as_bytes())?;
        let traces = self.traces();
        if traces.panels.iter().any(|panel| !panel.lines.is_empty()) {
            plot::save(&self.folder.join("traces.png"), &plot::png(&traces)?)?;
            plot::save(&self.folder.join("traces.svg"), plot::svg(&traces)?.as_bytes())?;
        }
        Ok(())
    }

    /// The table of classes and rows of priors.
    fn grid(&self) -> Result<(Drawing, Vec<Placed>), PrototypesError> {
        const LEFT: f64 = 190.0;
        const TOP: f64 = 98.0;
        let (priors, classes) = (self.priors(), self.classes());
        let shown = &classes[..classes.len().min(COLUMNS)];
        let side = if shown.len() > 6 { 92.0 } else { 150.0 };
        let (step, row_step) = (side + 10.0, side + 44.0);
        let width = (LEFT + step * shown.len() as f64 + 20.0).max(640.0);
        let height = TOP + row_step * priors.len() as f64 + 44.0;
        let title = format!("What classes look like to {}", self.model());
        let mut page = Drawing::new(width, height, &title, &shorter(&self.subtitle(), width));
        for (k, class) in shown.iter().enumerate() {
            let at = (LEFT + step * k as f64 + side / 2.0, TOP - 16.0);
            page.text(at, &fitted(&self.class_name(*class), side), Anchor::Middle);
        }
        let mut pictures = vec![];
        for (j, prior) in priors.iter().enumerate() {
            let top = TOP + row_step * j as f64;
            for (line, part) in prior.split_inclusive('+').enumerate() {
                page.text((18.0, top + 14.0 + 19.0 * line as f64), part, Anchor::Left);
            }
            for (k, class) in shown.iter().enumerate() {
                let left = LEFT + step * k as f64;
                let Some(row) = self.row(*class, prior) else { continue };
                match self.picture(row)? {
                    Some(image) => pictures.push(Placed { at: (left, top), side, image }),
                    None => {
                        page.rectangle((left, top), (left + side, top + side), (236, 236, 236));
                        page.label(
                            (left + side / 2.0, top + side / 2.0),
                            "none",
                            14.0,
                            Anchor::Middle,
                            GREY,
                        );
                    }
                }
                page.label((left, top + side + 13.0), &said(row), 13.0, Anchor::Left, INK);
            }
        }
        let more = classes.len() - shown.len();
        let more = if more > 0 {
            format!(" {more} more classes are in the folder.")
        } else {
            String::new()
        };
        let empty = self.tables.prototypes.iter().any(|row| row.reason.is_some());
        let empty = if empty { " none: prototypes.csv says why." } else { "" };
        let caption = format!(
            "p: probability that the network gives the class for the picture.{more}{empty}"
        );
        page.label((18.0, height - 20.0), &caption, 13.0, Anchor::Left, GREY);
        Ok((page, pictures))
    }

    /// Objective, probability and penalty on the way, one line per row of priors: the median over classes.
    pub fn traces(&self) -> Figure {
        let panel = |title: &str, y_label: &str, of: &dyn Fn(&TraceRow) -> Option<f64>| Panel {
            title: title.to_owned(),
            y_label: y_label.to_owned(),
            lines: self
                .priors()
                .iter()
                .enumerate()
                .filter_map(|(i, prior)| self.line(i, prior, of))
                .collect(),
        };
        let mut panels = vec![
            panel("Probability of the class (1: the network is sure)", "probability", &|row| {
                row.probability
            }),
            panel("Objective, of what the network sees", "objective", &|row| Some(row.objective)),
            panel("Sum of the penalties", "penalty", &|row| Some(row.penalty)),
        ];
        let several = self.classes().len() > 1;
        // bands of many lines would hide these
        let full = panels.iter().any(Panel::is_full);
        if full {
            let points = panels.iter_mut().flat_map(|p| &mut p.lines).flat_map(|l| &mut l.points);
            points.for_each(|point| point.interval = None);
        }
        Figure {
            width: Figure::WIDTH,
            title: format!("Ways uphill: {}", self.model()),
            subtitle: self.subtitle(),
            x_label: "steps".to_owned(),
            ticks: vec![],
            panels,
            caption: match (several, full) {
                (false, _) => "",
                (true, false) => "Medians over classes, bands: quartiles.",
                (true, true) => "Medians over classes.",
            }
            .to_owned(),
        }
    }

    fn line(&self, i: usize, prior: &str, of: &dyn Fn(&TraceRow) -> Option<f64>) -> Option<Line> {
        let mut steps: Vec<Vec<f64>> = vec![];
        for row in self.tables.traces.iter().filter(|row| row.prior == prior) {
            let step = row.step as usize;
            if steps.len() <= step {
                steps.resize(step + 1, vec![]);
            }
            steps[step].extend(of(row));
        }
        let point = |values: &Vec<f64>| {
            let of = |share| quantile(values.iter().copied(), share);
            let interval = of(0.25).zip(of(0.75)).filter(|_| values.len() > 1);
            Some(Point { value: median(values.iter().copied())?, interval })
        };
        let points = steps.iter().map(point).collect::<Option<Vec<Point>>>()?;
        (!points.is_empty()).then(|| Line { name: prior.to_owned(), style: Style::nth(i), points })
    }
}

/// The rows of a table that is not always there.
fn some<R: Record>(path: &Path) -> Result<Vec<R>, TableError> {
    if path.exists() { R::read(path) } else { Ok(vec![]) }
}

/// What the network says of a prototype, in a few letters.
pub(crate) fn said(row: &PrototypeRow) -> String {
    let p = match (row.probability, row.score.or(row.objective)) {
        (Some(p), _) => format!("p {}", probability(p)),
        (None, Some(score)) => format!("{score:.3}"),
        (None, None) => String::new(),
    };
    match (row.class, row.predicted) {
        (Some(class), Some(says)) if class != says => format!("{p}, says {says}"),
        _ => p,
    }
}

/// A probability with so many digits that those near 0 and 1 are told from these.
pub(crate) fn probability(p: f64) -> String {
    match p {
        p if p > 0.9999 => "> 0.9999".to_owned(),
        p if p < 0.0001 => "< 0.0001".to_owned(),
        p => format!("{p:.4}"),
    }
}

fn fitted(text: &str, width: f64) -> String {
    shortened(text, (width / 8.5) as usize)
}

fn shorter(text: &str, width: f64) -> String {
    shortened(text, (width / 8.2) as usize)
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_near_the_ends_are_not_rounded_to_them() {
        assert_eq!(
            [1.0, 0.99995, 0.5, 0.00001, 0.0].map(probability),
            ["> 0.9999", "> 0.9999", "0.5000", "< 0.0001", "< 0.0001"]
        );
        assert_eq!(shortened("kit fox", 5), "kit …");
        assert_eq!(shortened("fox", 5), "fox");
    }
}
