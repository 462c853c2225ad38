//! Explanations and curves of a picture that are kept when a run is stopped in the middle of it.

use super::{Check, Explained, Measured, Ranking, Sorted};
use crate::{
    base::{registry::Named, unit::UnitId},
    eval::order::Order,
    explain::Explainer,
    gallery::{Map, Shown},
    measure::Measure,
    plan::Plan,
    record::{Row, Timing},
    study::{Work, begun::Begun},
    table::{Table, record, record::Record},
};
use std::collections::BTreeMap;

const CURVES: &str = "curves";
const EXPLAINED: &str = "explained";
const METRICS: &str = "metrics";
const MAPS: &str = "maps";

record! {
    /// What belongs to a curve besides its row.
    #[derive(Clone, Debug, PartialEq)]
    struct Aside {
        /// how long it took
        seconds: f64,
        /// steps that were checked by full passes
        verified: u64,
        /// largest difference of a checked score
        difference: Option<f64>,
    }
}

record! {
    /// An explanation, or why there is none; one row for each size of the regions.
    #[derive(Clone, Debug, PartialEq)]
    struct ExplainedRow {
        /// canonical name
        method: String,
        /// ids of all regions, most relevant first; null for a random order, and where there is none
        order: Option<Vec<f32>>,
        /// ids of all regions, least relevant first, where that is not the reverse
        lerf: Option<Vec<f32>>,
        /// share of the regions whose place is chance
        tied: Option<f64>,
        /// 1 where all regions have the same relevance
        even: Option<bool>,
        /// why there is no order
        reason: Option<String>,
        /// why its heat map could not be read
        unread: Option<String>,
        /// as in times
        stage: Option<String>,
        /// how long it took
        seconds: Option<f64>,
        /// values of metrics
        metrics: u64,
    }
}

/// Where a curve belongs on a picture: method, perturbation, side of the regions, order, repeat.
type Place = (String, String, u64, Order, u64);

/// What an earlier try has left of a picture.
pub(super) struct Kept {
    curves: BTreeMap<Place, (Row, Aside)>,
    lines: BTreeMap<String, Vec<ExplainedRow>>,
    metrics: BTreeMap<String, Vec<Measure>>,
    maps: BTreeMap<String, Map>,
}

fn place(row: &Row) -> Place {
    (row.method.clone(), row.perturbation.clone(), row.region, row.order, row.repeat)
}

/// Rows with what stands beside them; none of a table that is something else.
fn with_asides(mut table: Table) -> Vec<(Row, Aside)> {
    let asides = Aside::take(&mut table);
    let rows = Row::take(&mut table);
    let Some((rows, asides)) = rows.ok().zip(asides.ok()) else { return Vec::new() };
    rows.into_iter().zip(asides).collect()
}

fn rows<R: Record>(tables: Vec<Table>) -> impl Iterator<Item = R> {
    tables.into_iter().filter_map(|mut table| R::take(&mut table).ok()).flatten()
}

impl Kept {
    pub(super) fn of(begun: &Begun) -> Kept {
        let curves = begun.read(CURVES).into_iter().flat_map(with_asides);
        let mut kept = Kept {
            curves: curves.map(|(row, aside)| (place(&row), (row, aside))).collect(),
            lines: BTreeMap::new(),
            metrics: BTreeMap::new(),
            maps: BTreeMap::new(),
        };
        for line in rows::<ExplainedRow>(begun.read(EXPLAINED)) {
            kept.lines.entry(line.method.clone()).or_default().push(line);
        }
        for measure in rows::<Measure>(begun.read(METRICS)) {
            kept.metrics.entry(measure.method.clone()).or_default().push(measure);
        }
        for row in rows::<Shown>(begun.read(MAPS)) {
            if let Ok(map) = row.into_map() {
                kept.maps.insert(map.method.clone(), map);
            }
        }
        kept
    }

    /// The curve at a place, with its time.
    pub(super) fn curve(&self, place: &Place) -> Option<Measured> {
        let (row, aside) = self.curves.get(place)?.clone();
        let timing = Timing {
            image: row.image.clone(),
            method: row.method.clone(),
            stage: "flip".to_owned(),
            perturbation: Some(row.perturbation.clone()),
            region: Some(row.region),
            order: Some(row.order),
            repeat: Some(row.repeat),
            seconds: aside.seconds,
        };
        let check = Check { steps: aside.verified, difference: aside.difference };
        Some(Measured { row, timing: Some(timing), check })
    }

    /// What a method said; `None` unless all of it was kept, with its map if that is `shown`.
    pub(super) fn explained<'a>(
        &self,
        plan: &Plan,
        image: &str,
        method: &'a Named<dyn Explainer>,
        shown: bool,
    ) -> Option<Explained<'a>> {
        let lines = self.lines.get(&method.name)?;
        let first = lines.first()?;
        let metrics = self.metrics.get(&method.name).cloned().unwrap_or_default();
        if metrics.len() as u64 != first.metrics {
            return None;
        }
        let sorted = |line: &ExplainedRow| {
            let ids = |all: &Vec<f32>| all.iter().map(|id| UnitId(*id as u32)).collect();
            let (order, lerf) = (ids(line.order.as_ref()?), line.lerf.as_ref().map(ids));
            Some(Sorted { tied: line.tied?, even: line.even?, order, lerf })
        };
        let ranking = match (&first.reason, &first.order) {
            (Some(reason), _) => Err(reason.clone()),
            (None, None) => Ok(Ranking::Random),
            (None, Some(_)) if lines.len() != plan.regions.len() => return None,
            (None, Some(_)) => {
                Ok(Ranking::Scores(lines.iter().map(sorted).collect::<Option<Vec<Sorted>>>()?))
            }
        };
        let timing = first.stage.clone().zip(first.seconds).map(|(stage, seconds)| Timing {
            image: image.to_owned(),
            method: method.name.clone(),
            stage,
            perturbation: None,
            region: None,
            order: None,
            repeat: None,
            seconds,
        });
        let (unread, map) = (first.unread.clone(), self.maps.get(&method.name).cloned());
        if shown && map.is_none() {
            return None;
        }
        Some(Explained { method, ranking, metrics, timing, unread, map: map.filter(|_| shown) })
    }
}

/// Keeps a curve that was measured.
pub(super) fn keep_curve(work: &Work<'_>, measured: &Measured) {
    // where a method gives nothing, no curve took any time
    let Some(timing) = &measured.timing else { return };
    let Check { steps, difference } = measured.check;
    let aside = Aside { seconds: timing.seconds, verified: steps, difference };
    let mut table = Row::dense(std::slice::from_ref(&measured.row));
    for (declared, column) in Aside::COLUMNS.iter().zip(Aside::columns(&[aside])) {
        table.push(declared.name, column);
    }
    work.keep(CURVES, &table);
}

/// Keeps what a method said.
pub(super) fn keep_explained(work: &Work<'_>, image: &str, explained: &Explained<'_>) {
    let Explained { method, ranking, metrics, timing, unread, map } = explained;
    let line = |sorted: Option<&Sorted>| ExplainedRow {
        method: method.name.clone(),
        order: sorted.map(|s| s.order.iter().map(|id| id.0 as f32).collect()),
        lerf: sorted
            .and_then(|s| s.lerf.as_ref().map(|lerf| lerf.iter().map(|id| id.0 as f32).collect())),
        tied: sorted.map(|s| s.tied),
        even: sorted.map(|s| s.even),
        reason: ranking.as_ref().err().cloned(),
        unread: unread.clone(),
        stage: timing.as_ref().map(|t| t.stage.clone()),
        seconds: timing.as_ref().map(|t| t.seconds),
        metrics: metrics.len() as u64,
    };
    let lines: Vec<ExplainedRow> = match ranking {
        Ok(Ranking::Scores(sizes)) => sizes.iter().map(|sorted| line(Some(sorted))).collect(),
        _ => vec![line(None)],
    };
    work.keep(METRICS, &Measure::table(metrics));
    if let Some(map) = map {
        work.keep(MAPS, &Shown::table(&[Shown::map(image, map)]));
    }
    work.keep(EXPLAINED, &ExplainedRow::table(&lines));
}
