//! Everything that people look at, written into the folder of a run.

use super::{
    cells::{CellsError, group},
    colours::Look,
    curves::{self, Heading},
    gallery::{self, Exhibit},
    page::{self, Source},
    plot::FigureError,
    sheets,
    summary::{Summary, summarise},
};
use crate::{
    run::record::{self, AllLogits, Row},
    table::TableError,
};
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// A table cannot be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The records cannot be summarised.
    #[error(transparent)]
    Cells(#[from] CellsError),
    /// A figure or the page cannot be made.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// There is no manifest, so this is no folder of results.
    #[error("cannot read `{}`, which every folder of results has: {source}", .path.display())]
    NoManifest {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The manifest is damaged.
    #[error("`{}` is not the manifest of a run: {reason}", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The manifest in a folder of results.
pub fn manifest(folder: &Path) -> Result<Value, OutcomeError> {
    let path = folder.join("manifest.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(OutcomeError::NoManifest { path, source }),
    };
    serde_json::from_slice(&bytes)
        .map_err(|e| OutcomeError::Manifest { path, reason: e.to_string() })
}

/// All curves in a folder of results.
pub fn records(folder: &Path) -> Result<Vec<Row>, OutcomeError> {
    Ok(record::read_folder(&folder.join("curves"), AllLogits::Skip)?)
}

/// The pictures that a run kept; none where it kept none.
pub fn exhibits(folder: &Path) -> Result<Vec<Exhibit>, OutcomeError> {
    let path = folder.join(gallery::FILE);
    if path.exists() { Ok(gallery::read(&path)?) } else { Ok(Vec::new()) }
}

fn heading(manifest: &Value) -> Heading {
    let name = |at| manifest.pointer(at).and_then(Value::as_str).unwrap_or("?").to_owned();
    Heading { model: name("/model/name"), data: name("/data/name") }
}

/// Writes tables, figures, heat-map sheets, the kept pictures and the page of a run whose manifest
/// is in the folder.
pub fn write(
    folder: &Path,
    rows: &[Row],
    exhibits: &[Exhibit],
    look: Look,
) -> Result<Summary, OutcomeError> {
    let manifest = manifest(folder)?;
    let summary = summarise(rows)?;
    summary.write(folder)?;
    let groups = group(rows)?;
    let figures = curves::figures(&groups, &heading(&manifest));
    curves::write(folder, &figures)?;
    sheets::write(&folder.join("heatmaps"), exhibits, &look)?;
    gallery::write(&folder.join(gallery::FILE), exhibits)?;
    let source = Source {
        manifest: &manifest,
        rows,
        groups: &groups,
        summary: &summary,
        figures: &figures,
        exhibits,
        look,
    };
    page::write(folder, &source)?;
    Ok(summary)
}

/// The page alone, from what is in a folder of results.
pub fn page(folder: &Path, exhibits: &[Exhibit], look: Look) -> Result<String, OutcomeError> {
    let (manifest, rows) = (&manifest(folder)?, &records(folder)?);
    let (summary, groups) = (&summarise(rows)?, &group(rows)?);
    let figures = &curves::figures(groups, &heading(manifest));
    Ok(page::page(&Source { manifest, rows, groups, summary, figures, exhibits, look })?)
}
