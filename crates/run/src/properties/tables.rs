//! The measured properties as tables, one row per measurement; nothing is averaged.

use super::{Found, Layer, Measured, Row, SweepRow};
use crate::table::{Column, Table};

/// What the columns mean.
pub const NOTES: &[(&str, &str)] = &[
    ("image", "path relative to the data root, /-separated, or a generated name"),
    ("method", "canonical name, with all parameters"),
    ("target", "class whose score is explained"),
    ("runner_up", "the other class with the largest score"),
    ("score", "score of the target, f"),
    ("start", "relevance handed back from the output: f unless start=one"),
    ("relevance_sum", "sum of the input's relevance"),
    ("relevance_size", "sum of its absolute values"),
    ("ratio", "relevance_sum / start, 1 where relevance is conserved"),
    ("negative_share", "share of negative relevance in relevance_size"),
    ("conserving", "1 when ratio is 1 within 1e-3"),
    ("positive", "1 when negative_share is at most 1e-3"),
    ("consistent", "1 when conserving and positive; null unless start > 0"),
    ("bias_share", "relevance given to biases / start"),
    ("lost_share", "relevance lost elsewhere / start; negative where it was gained"),
    ("largest_size", "largest sum of absolute relevance at any layer / |start|"),
    ("selectivity", "rank correlation with the map of the runner-up; 1 is class-blind"),
    ("position", "place of the layer on the way from the output, from 0"),
    ("node", "name of the node in the model file"),
    ("operator", "its ONNX operator"),
    ("rule", "the rule, or what the node does without one"),
    ("whole", "1 where no branch lies beside the node, so that all relevance passes it"),
    ("arrived", "sum of the relevance that arrived"),
    ("arrived_size", "sum of its absolute values"),
    ("sent", "sum of the relevance sent on to the inputs"),
    ("to_bias", "relevance given to the bias"),
    ("lost", "relevance lost otherwise; negative where it was gained"),
    ("total", "relevance on its way to the input behind this node, on all branches"),
    ("total_ratio", "total / start"),
    ("size_ratio", "arrived_size / |start|"),
    ("parameter", "what is swept: epsilon of lrp-epsilon or gamma of lrp-gamma"),
    ("value", "its value"),
    ("limit", "the method that the map is compared with"),
    ("correlation", "rank correlation with the map of the limit"),
    ("distance", "sum of absolute differences from the map of the limit / its size"),
    ("reason", "why there are no values"),
];

impl Measured {
    /// One row per picture and method.
    pub fn properties(&self) -> Table {
        let mut t = Table::default();
        let rows = &self.rows;
        t.push("image", texts(rows, |r| Some(&r.image)));
        t.push("method", texts(rows, |r| Some(&r.method)));
        t.push("target", Column::Integer(rows.iter().map(|r| Some(r.target as u64)).collect()));
        let runner_up = rows.iter().map(|r| r.runner_up.map(|c| c as u64));
        t.push("runner_up", Column::Integer(runner_up.collect()));
        t.push("score", numbers(rows, |r| Some(r.score)));
        let found = |of: fn(&Found) -> Option<f64>| {
            numbers(rows, move |r| r.found.as_ref().ok().and_then(of))
        };
        t.push("start", found(|f| Some(f.start)));
        t.push("relevance_sum", found(|f| Some(f.sum)));
        t.push("relevance_size", found(|f| Some(f.size)));
        t.push("ratio", found(Found::ratio));
        t.push("negative_share", found(|f| f.negative));
        let flag = |of: fn(&Found) -> Option<bool>| {
            let each = |r: &Row| r.found.as_ref().ok().and_then(of).map(u64::from);
            Column::Integer(rows.iter().map(each).collect())
        };
        t.push("conserving", flag(Found::conserving));
        t.push("positive", flag(Found::positive));
        t.push("consistent", flag(Found::consistent));
        t.push("bias_share", found(|f| share(f.to_bias?, f.start)));
        t.push("lost_share", found(|f| share(f.lost?, f.start)));
        t.push("largest_size", found(Found::largest));
        t.push("selectivity", found(|f| f.selectivity));
        t.push("reason", texts(rows, |r| r.found.as_ref().err()));
        t
    }

    /// One row per picture, method and layer.
    pub fn layers(&self) -> Table {
        let rows: Vec<LayerRow<'_>> = self.rows.iter().flat_map(layers_of).collect();
        let mut t = Table::default();
        t.push("image", texts(&rows, |r| Some(&r.row.image)));
        t.push("method", texts(&rows, |r| Some(&r.row.method)));
        let position = rows.iter().map(|r| Some(r.position as u64)).collect();
        t.push("position", Column::Integer(position));
        t.push("node", texts(&rows, |r| Some(&r.layer.name)));
        let operator = rows.iter().map(|r| Some(r.layer.op.to_owned())).collect();
        t.push("operator", Column::Text(operator));
        t.push("rule", texts(&rows, |r| Some(&r.layer.by)));
        let whole = rows.iter().map(|r| Some(u64::from(r.layer.whole))).collect();
        t.push("whole", Column::Integer(whole));
        let number = |of: fn(&Layer) -> Option<f64>| numbers(&rows, move |r| of(r.layer));
        t.push("arrived", number(|l| Some(l.arrived)));
        t.push("arrived_size", number(|l| Some(l.size)));
        t.push("sent", number(|l| Some(l.sent)));
        t.push("to_bias", number(|l| Some(l.to_bias)));
        t.push("lost", number(|l| Some(l.lost)));
        t.push("total", number(|l| Some(l.total)));
        t.push("total_ratio", numbers(&rows, |r| share(r.layer.total, r.start)));
        t.push("size_ratio", numbers(&rows, |r| share(r.layer.size, r.start.abs())));
        t.push("selectivity", number(|l| l.selectivity));
        t
    }

    /// One row per picture and point of a sweep.
    pub fn sweeps(&self) -> Table {
        let (mut t, rows) = (Table::default(), &self.sweeps);
        t.push("image", texts(rows, |r| Some(&r.image)));
        let word = |of: fn(&SweepRow) -> &'static str| {
            Column::Text(rows.iter().map(|r| Some(of(r).to_owned())).collect())
        };
        t.push("parameter", word(|r| r.parameter.name()));
        t.push("value", numbers(rows, |r| r.value.parse().ok()));
        t.push("method", texts(rows, |r| Some(&r.method)));
        t.push("limit", word(|r| r.parameter.limit()));
        t.push("score", numbers(rows, |r| Some(r.score)));
        t.push("ratio", numbers(rows, |r| r.found.as_ref().ok()?.ratio));
        t.push("negative_share", numbers(rows, |r| r.found.as_ref().ok()?.negative));
        t.push("correlation", numbers(rows, |r| r.found.as_ref().ok()?.correlation));
        t.push("distance", numbers(rows, |r| r.found.as_ref().ok()?.distance));
        t.push("reason", texts(rows, |r| r.found.as_ref().err()));
        t
    }
}

struct LayerRow<'a> {
    row: &'a Row,
    start: f64,
    position: usize,
    layer: &'a Layer,
}

fn layers_of(row: &Row) -> impl Iterator<Item = LayerRow<'_>> {
    let found = row.found.as_ref().ok();
    found.into_iter().flat_map(move |found| {
        let with_place = found.layers.iter().enumerate();
        let start = found.start;
        with_place.map(move |(position, layer)| LayerRow { row, start, position, layer })
    })
}

/// `part / whole`; `None` when the whole is 0.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}

fn texts<T>(rows: &[T], of: impl Fn(&T) -> Option<&String>) -> Column {
    Column::Text(rows.iter().map(|row| of(row).cloned()).collect())
}

fn numbers<T>(rows: &[T], of: impl Fn(&T) -> Option<f64>) -> Column {
    Column::Float(rows.iter().map(of).collect())
}
