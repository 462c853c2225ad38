//! What a run gives its caller.

use crate::{
    Error,
    report::summary::{self, Summary},
    run::{manifest::Results, ranking::Records, record::Row},
    table::{Table, record::Record},
};
use std::path::PathBuf;

/// What came out.
#[derive(Debug)]
pub struct Outcome {
    /// One row per curve.
    pub curves: Vec<Row>,
    /// Means, intervals and places, one row per method and order.
    pub summary: Summary,
    /// Counts, accuracy, and what failed.
    pub results: Results,
    /// Where everything lies, if it was written.
    pub folder: Option<PathBuf>,
}

impl Outcome {
    pub(crate) fn of(
        Records { rows, results }: Records,
        folder: Option<PathBuf>,
    ) -> Result<Outcome, Error> {
        Ok(Outcome { summary: summary::summarise(&rows)?, curves: rows, results, folder })
    }

    /// [`Outcome::curves`] as the table that a run writes.
    pub fn curves_table(&self) -> Table {
        Row::table(&self.curves)
    }
}
