//! How a method looks: the same in every figure of a report.

use super::{
    cells::{Group, RANDOM},
    figure::Style,
};
use crate::eval::{
    metric::{Aopc, CurveMetric as _, Direction},
    order::Order,
};

/// Colours and dashes of the methods of a report: those of the first setting by its ranking, so that neighbours look
/// different, then those that only other settings have.
#[derive(Clone, Debug, Default)]
pub struct Styles(Vec<String>);

impl Styles {
    /// Of the methods of all settings.
    pub fn of<'a>(groups: impl IntoIterator<Item = &'a Group<'a>>) -> Styles {
        let mut methods: Vec<String> = Vec::new();
        for method in groups.into_iter().flat_map(by_mean) {
            if method != RANDOM && !methods.iter().any(|known| known == method) {
                methods.push(method.to_owned());
            }
        }
        Styles(methods)
    }

    fn number(&self, method: &str) -> Option<usize> {
        self.0.iter().position(|known| known == method)
    }

    /// How a method looks; the random order as what others are compared with.
    pub fn style(&self, method: &str) -> Style {
        self.number(method).map_or(Style::BASELINE, Style::nth)
    }

    /// The same as class names of a style sheet.
    pub fn class(&self, method: &str) -> String {
        self.number(method).map_or("base".to_owned(), Style::class)
    }
}

/// The methods of a setting, the best mean by the first order first.
pub(super) fn by_mean<'a>(group: &Group<'a>) -> Vec<&'a str> {
    let metric = Aopc(group.orders().next().unwrap_or(Order::Morf));
    let sign = if metric.direction() == Direction::Higher { 1.0 } else { -1.0 };
    let mean = |method: &str| {
        let values: Vec<f64> = group.values(method, &metric).into_iter().flatten().collect();
        sign * values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let mut methods: Vec<(&str, f64)> = group.methods().map(|m| (m, mean(m))).collect();
    methods.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    methods.into_iter().map(|(method, _)| method).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cells::group, demo, run::record::Row};
    use std::collections::BTreeSet;

    #[test]
    fn a_method_looks_the_same_in_every_setting() {
        let mut rows = demo::records(4, 1, 10);
        // another setting in which the others win
        let other = rows.iter().cloned().map(|row| Row {
            perturbation: "blur:sigma=3".to_owned(),
            scores: row.scores.map(|s| s.iter().map(|v| -v).collect()),
            ..row
        });
        let other: Vec<Row> = other.collect();
        rows.extend(other);
        let groups = group(&rows).unwrap();
        assert_ne!(by_mean(&groups[0]), by_mean(&groups[1]));
        let styles = Styles::of(&groups);
        let all: BTreeSet<String> = groups[0].methods().map(|m| styles.class(m)).collect();
        assert_eq!(all.len(), demo::METHODS.len(), "all differ");
        assert_eq!(styles.style(RANDOM), Style::BASELINE);
        assert_eq!(styles.style(by_mean(&groups[0])[0]), Style::nth(0));
    }
}
