//! The methods of a page: one number, name and style each, wherever they appear.

use crate::{
    curves::Dress,
    summary::{Summary, SummaryRow},
};

/// One method.
pub(super) struct Contender<'a> {
    /// Canonical name.
    pub(super) method: &'a str,
    /// Short name.
    pub(super) label: String,
    /// Classes of its colour and dashes.
    pub(super) style: String,
    /// Its place in the ranking that counts, or a dash.
    pub(super) mark: String,
}

/// All methods, best first: by the first setting and order of the summary, then those that only
/// other settings have.
pub(super) struct Contenders<'a>(pub(super) Vec<Contender<'a>>);

/// The rows of the ranking that counts.
pub(super) fn ranked(summary: &Summary) -> Vec<&SummaryRow> {
    let Some(first) = summary.rows.first() else { return Vec::new() };
    summary.rows.iter().filter(|r| r.setting == first.setting && r.order == first.order).collect()
}

impl<'a> Contenders<'a> {
    pub(super) fn of(summary: &'a Summary, dress: &Dress) -> Contenders<'a> {
        let mut methods: Vec<(&str, Option<u64>)> =
            ranked(summary).into_iter().map(|r| (r.method.as_str(), r.rank)).collect();
        for row in &summary.rows {
            if methods.iter().all(|(m, _)| *m != row.method) {
                methods.push((&row.method, None));
            }
        }
        let contender = |(method, rank): (&'a str, Option<u64>)| Contender {
            method,
            label: dress.names.get(method),
            style: dress.styles.class(method),
            mark: rank.map_or("–".to_owned(), |r| r.to_string()),
        };
        Contenders(methods.into_iter().map(contender).collect())
    }

    /// The number of a method, by its canonical name.
    pub(super) fn find(&self, method: &str) -> Option<(usize, &Contender<'a>)> {
        self.0.iter().enumerate().find(|(_, c)| c.method == method)
    }

    /// The number of a method, by its short name.
    pub(super) fn labelled(&self, label: &str) -> Option<(usize, &Contender<'a>)> {
        self.0.iter().enumerate().find(|(_, c)| c.label == label)
    }
}
