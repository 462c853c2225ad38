//! The measured properties as rows of tables, one per measurement; nothing is averaged.

use super::{ExplainedMethod, Layer, MethodProperties, Parameter, SweepRow};
use crate::table::{record, record::Word};

record! {
    /// A method on a picture.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PropertyRow {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name, with all parameters
        pub method: String,
        /// class whose score is explained
        pub target: u64,
        /// the other class with the largest score
        pub runner_up: Option<u64>,
        /// score of the target, f
        pub score: f64,
        /// relevance handed back from the output: f unless start=one
        pub start: Option<f64>,
        /// sum of the input's relevance
        pub relevance_sum: Option<f64>,
        /// sum of its absolute values
        pub relevance_size: Option<f64>,
        /// relevance_sum / start, 1 where relevance is conserved
        pub ratio: Option<f64>,
        /// share of negative relevance in relevance_size
        pub negative_share: Option<f64>,
        /// 1 when ratio is 1 within 1e-3
        pub conserving: Option<bool>,
        /// 1 when negative_share is at most 1e-3
        pub positive: Option<bool>,
        /// 1 when conserving and positive; null unless start > 0
        pub consistent: Option<bool>,
        /// relevance given to biases / start
        pub bias_share: Option<f64>,
        /// relevance lost elsewhere / start; negative where it was gained
        pub lost_share: Option<f64>,
        /// largest sum of absolute relevance at any layer / |start|
        pub largest_size: Option<f64>,
        /// rank correlation with the map of the runner-up; 1 is class-blind
        pub selectivity: Option<f64>,
        /// why there are no values
        pub reason: Option<String>,
    }
}

record! {
    /// A method on a picture at a layer.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LayerRow {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name, with all parameters
        pub method: String,
        /// place of the layer on the way from the output, from 0
        pub position: u64,
        /// name of the node in the model file
        pub node: String,
        /// its ONNX operator
        pub operator: String,
        /// the rule, or what the node does without one
        pub rule: String,
        /// 1 where no branch lies beside the node, so that all relevance passes it
        pub whole: bool,
        /// sum of the relevance that arrived
        pub arrived: f64,
        /// sum of its absolute values
        pub arrived_size: f64,
        /// sum of the relevance sent on to the inputs
        pub sent: f64,
        /// relevance given to the bias
        pub to_bias: f64,
        /// relevance lost otherwise; negative where it was gained
        pub lost: f64,
        /// relevance on its way to the input behind this node, on all branches
        pub total: f64,
        /// total / start
        pub total_ratio: Option<f64>,
        /// arrived_size / |start|
        pub size_ratio: Option<f64>,
        /// rank correlation with the map of the runner-up; 1 is class-blind
        pub selectivity: Option<f64>,
    }
}

record! {
    /// A picture at a point of a sweep.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PointRow {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// what is swept: epsilon of lrp-epsilon or gamma of lrp-gamma
        pub parameter: Parameter as Word,
        /// its value
        pub value: Option<f64>,
        /// canonical name, with all parameters
        pub method: String,
        /// the method that the map is compared with
        pub limit: String,
        /// score of the target, f
        pub score: f64,
        /// relevance_sum / start, 1 where relevance is conserved
        pub ratio: Option<f64>,
        /// share of negative relevance in relevance_size
        pub negative_share: Option<f64>,
        /// rank correlation with the map of the limit
        pub correlation: Option<f64>,
        /// sum of absolute differences from the map of the limit / its size
        pub distance: Option<f64>,
        /// why there are no values
        pub reason: Option<String>,
    }
}

impl From<&ExplainedMethod> for PropertyRow {
    fn from(row: &ExplainedMethod) -> PropertyRow {
        let found = row.found.as_ref().ok();
        let number = |of: fn(&MethodProperties) -> Option<f64>| found.and_then(of);
        let flag = |of: fn(&MethodProperties) -> Option<bool>| found.and_then(of);
        PropertyRow {
            image: row.image.clone(),
            method: row.method.clone(),
            target: row.target as u64,
            runner_up: row.runner_up.map(|class| class as u64),
            score: row.score,
            start: number(|f| Some(f.start)),
            relevance_sum: number(|f| Some(f.sum)),
            relevance_size: number(|f| Some(f.size)),
            ratio: number(MethodProperties::ratio),
            negative_share: number(|f| f.negative),
            conserving: flag(MethodProperties::conserving),
            positive: flag(MethodProperties::positive),
            consistent: flag(MethodProperties::consistent),
            bias_share: number(|f| share(f.to_bias?, f.start)),
            lost_share: number(|f| share(f.lost?, f.start)),
            largest_size: number(MethodProperties::largest),
            selectivity: number(|f| f.selectivity),
            reason: row.found.as_ref().err().cloned(),
        }
    }
}

impl LayerRow {
    /// All layers of a method on a picture; none where it failed.
    pub(super) fn of(row: &ExplainedMethod) -> Vec<LayerRow> {
        let Ok(found) = &row.found else { return Vec::new() };
        let layer = |(position, layer): (usize, &Layer)| LayerRow {
            image: row.image.clone(),
            method: row.method.clone(),
            position: position as u64,
            node: layer.name.clone(),
            operator: layer.op.to_owned(),
            rule: layer.by.clone(),
            whole: layer.whole,
            arrived: layer.arrived,
            arrived_size: layer.size,
            sent: layer.sent,
            to_bias: layer.to_bias,
            lost: layer.lost,
            total: layer.total,
            total_ratio: share(layer.total, found.start),
            size_ratio: share(layer.size, found.start.abs()),
            selectivity: layer.selectivity,
        };
        found.layers.iter().enumerate().map(layer).collect()
    }
}

impl From<SweepRow> for PointRow {
    fn from(row: SweepRow) -> PointRow {
        let (found, reason) = match row.found {
            Ok(point) => (Some(point), None),
            Err(reason) => (None, Some(reason)),
        };
        let found = found.as_ref();
        PointRow {
            image: row.image,
            parameter: row.parameter,
            value: row.value.parse().ok(),
            method: row.method,
            limit: row.parameter.limit().to_owned(),
            score: row.score,
            ratio: found.and_then(|p| p.ratio),
            negative_share: found.and_then(|p| p.negative),
            correlation: found.and_then(|p| p.correlation),
            distance: found.and_then(|p| p.distance),
            reason,
        }
    }
}

/// `part / whole`; `None` when the whole is 0.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}
