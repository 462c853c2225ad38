//! Everything that people look at, written into the folder of a run.

mod ledger;
mod several;

use crate::{
    cells::{CellsError, Group},
    colours::Look,
    contest::Contest,
    curves::{self, Dress, Heading},
    eval::stats::Resampling,
    map_metrics::Maps,
    page::{self, Source},
    plot::FigureError,
    run::{
        gallery::{self, Exhibit},
        manifest::Manifest,
        measure::Measure,
        study::FIRST,
    },
    sheets,
    summary::{Summary, summarise_groups},
    table::{TableError, record::Record},
};
use ledger::Ledger;
pub use several::{SeveralError, several};
use std::{
    collections::BTreeSet,
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
    /// Scores cannot be put aside.
    #[error("cannot keep scores in `{}` while the report is made: {source}", .path.display())]
    Scratch {
        /// The file or its folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
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
    /// Results of another study than the ranking.
    #[error(
        "`{}` has the results of `pixelflip {study}`, expected those of `pixelflip run`; the page of a {study} is \
         written by its own command", .folder.display()
    )]
    OtherStudy {
        /// The folder.
        folder: PathBuf,
        /// Name of its study.
        study: String,
    },
    /// Several runs make no page together.
    #[error(transparent)]
    Several(#[from] SeveralError),
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
pub fn manifest(folder: &Path) -> Result<Manifest, OutcomeError> {
    let path = folder.join("manifest.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(OutcomeError::NoManifest { path, source }),
    };
    Manifest::parse(&bytes).map_err(|e| OutcomeError::Manifest { path, reason: e.to_string() })
}

/// The pictures that a run kept; none where it kept none.
pub fn exhibits(folder: &Path) -> Result<Vec<Exhibit>, OutcomeError> {
    let path = folder.join(gallery::FILE);
    if path.exists() { Ok(gallery::read(&path)?) } else { Ok(Vec::new()) }
}

/// What is to be said about metrics of heat maps in a folder of results; nothing where none were
/// measured.
fn maps(folder: &Path) -> Result<Maps, OutcomeError> {
    let path = folder.join("metrics.parquet");
    let measures = if path.is_file() { Measure::read(&path)? } else { Vec::new() };
    Ok(Maps::of(&measures, Resampling::default()))
}

/// Writes tables, figures, heat-map sheets and the page of a run whose curves are in the folder; `begins` is told what
/// is about to be done.
pub fn write(
    folder: &Path,
    manifest: &Manifest,
    exhibits: &[Exhibit],
    look: Look,
    begins: &dyn Fn(&str),
) -> Result<Summary, OutcomeError> {
    begins("reading the curves");
    let maps = &maps(folder)?;
    let ledger = Ledger::open(folder, &images(exhibits))?;
    let groups = &ledger.groups()?;
    let dress = &Dress::of(groups);
    begins("intervals and tests");
    let summary = summarise_groups(groups);
    let figures = &curves::figures(groups, &Heading::of(Some(manifest)), dress);
    let contests = &page::contests(groups);
    ledger.check()?;
    begins("tables and figures");
    summary.write(folder)?;
    curves::write(folder, figures)?;
    begins("heat maps");
    sheets::write(&folder.join("heatmaps"), exhibits, &look)?;
    let (rows, kept) = (&ledger.rows, &summary);
    let source = Source {
        manifest,
        rows,
        groups,
        summary: kept,
        contests,
        dress,
        figures,
        maps,
        exhibits,
        look,
    };
    begins("the page");
    page::write(folder, &source)?;
    ledger.check()?;
    Ok(summary)
}

/// The page alone, from what is in a folder of results.
pub fn page(folder: &Path, exhibits: Vec<Exhibit>, look: Look) -> Result<String, OutcomeError> {
    let opened = Opened::of(folder, exhibits)?;
    let groups = opened.ledger.groups()?;
    opened.page(&groups, &page::contests(&groups), &Dress::of(&groups), look)
}

/// A folder of results whose curves were read once.
struct Opened {
    manifest: Manifest,
    maps: Maps,
    ledger: Ledger,
    exhibits: Vec<Exhibit>,
}

impl Opened {
    fn of(folder: &Path, exhibits: Vec<Exhibit>) -> Result<Opened, OutcomeError> {
        let manifest = manifest(folder)?;
        if let Some(study) = manifest.study.as_ref().filter(|study| *study != FIRST) {
            return Err(OutcomeError::OtherStudy {
                folder: folder.to_owned(),
                study: study.clone(),
            });
        }
        let maps = maps(folder)?;
        let ledger = Ledger::open(folder, &images(&exhibits))?;
        Ok(Opened { manifest, maps, ledger, exhibits })
    }

    /// Its page, from its curves; `dress` may be that of several runs.
    fn page(
        &self,
        groups: &[Group<'_>],
        contests: &[Contest],
        dress: &Dress,
        look: Look,
    ) -> Result<String, OutcomeError> {
        let Opened { manifest, maps, ledger, exhibits } = self;
        let summary = &summarise_groups(groups);
        let figures = &curves::figures(groups, &Heading::of(Some(manifest)), dress);
        let rows = &ledger.rows;
        let source = Source {
            manifest,
            rows,
            groups,
            summary,
            contests,
            dress,
            figures,
            maps,
            exhibits,
            look,
        };
        let page = page::page(&source)?;
        ledger.check()?;
        Ok(page)
    }
}

fn images(exhibits: &[Exhibit]) -> BTreeSet<&str> {
    exhibits.iter().map(|e| &e.image[..]).collect()
}
