//! How much rankings agree across perturbations, region sizes, scores, steps and metrics.

use super::{
    cells::{Group, common, common_means},
    map_metrics::MapRow,
};
use crate::{
    base::registry::build,
    eval::{
        metric::{Chosen, CurveMetric, Direction, METRICS},
        stats::kendall::kendall,
    },
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// One way to rank: the mean of each method, larger being better.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What differs from the ranking that counts.
    pub name: String,
    /// By canonical name of the method.
    merits: BTreeMap<String, f64>,
}

/// Kendall's tau between all ways to rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Names of the ways.
    pub names: Vec<String>,
    /// `tau[a][b]`; `None` where fewer than two methods are in both, or all are tied.
    pub tau: Vec<Vec<Option<f64>>>,
}

impl Agreement {
    /// How the other rankings agree with the first one, in words; `None` without others.
    pub fn line(&self) -> Option<String> {
        let (names, taus) = (self.names.get(1..)?, self.tau.first()?.get(1..)?);
        let one = |(name, tau): (&String, &Option<f64>)| {
            tau.map_or_else(|| format!("- {name}"), |tau| format!("{tau:.2} {name}"))
        };
        let all: Vec<String> = names.iter().zip(taus).map(one).collect();
        let all = all.join("; ");
        (!names.is_empty()).then(|| format!("agreement with other rankings, Kendall's tau: {all}"))
    }
}

/// Shares of the steps at which the first setting is ranked again.
const CUTS: [(usize, usize); 3] = [(1, 10), (1, 4), (1, 2)];

/// All settings by one metric, the first setting after fewer steps and by other metrics, and metrics
/// of heat maps.
pub(super) fn agreement(groups: &[Group<'_>], chosen: &Chosen<'_>, maps: &[MapRow]) -> Agreement {
    // a setting alone is no ranking
    let name = |g| format!("{}, {}", setting_name(g, groups), plain(chosen.name));
    let mut views: Vec<View> = groups.par_iter().map(|g| view(g, name(g), chosen.metric)).collect();
    views.extend(cuts(&groups[0], chosen.metric));
    views.extend(metrics(&groups[0], chosen));
    views.extend(of_maps(maps));
    views.retain(|v| v.merits.len() > 1);
    let tau = |a: &View, b: &View| {
        let both: Vec<&String> =
            a.merits.keys().filter(|method| b.merits.contains_key(*method)).collect();
        let of = |v: &View| both.iter().map(|m| v.merits[*m]).collect::<Vec<f64>>();
        kendall(&of(a), &of(b))
    };
    Agreement {
        names: views.iter().map(|v| v.name.clone()).collect(),
        tau: views.iter().map(|a| views.iter().map(|b| tau(a, b)).collect()).collect(),
    }
}

fn sign(metric: &dyn CurveMetric) -> f64 {
    if metric.direction() == Direction::Higher { 1.0 } else { -1.0 }
}

fn view(group: &Group<'_>, name: String, metric: &dyn CurveMetric) -> View {
    let values: Vec<_> = group.methods().map(|method| group.values(method, metric)).collect();
    let means = group.methods().zip(common_means(&values));
    let merit = |(method, mean): (&str, Option<f64>)| {
        let merit = sign(metric) * mean?;
        merit.is_finite().then(|| (method.to_owned(), merit))
    };
    View { name, merits: means.filter_map(merit).collect() }
}

/// A metric's name as it is read: `aopc morf`.
fn plain(metric: &str) -> String {
    metric.replace(":order=", " ")
}

/// What tells a setting from the others.
fn setting_name(group: &Group<'_>, all: &[Group<'_>]) -> String {
    let (s, mut name) = (&group.setting, group.setting.perturbation.clone());
    if all.iter().any(|g| g.setting.region != s.region) {
        name = format!("{name}, {r}x{r}", r = s.region);
    }
    if all.iter().any(|g| g.setting.score_kind != s.score_kind) {
        name = format!("{name}, {}", s.score_kind);
    }
    name
}

/// The first setting after fewer steps.
fn cuts(group: &Group<'_>, metric: &dyn CurveMetric) -> Vec<View> {
    let steps = group.setting.steps.unwrap_or(0);
    let mut at: Vec<usize> = CUTS.iter().map(|(a, b)| steps * a / b).filter(|l| *l > 0).collect();
    at.dedup();
    let named = |point| format!("L = {}", group.setting.stops().gone(point));
    let mut views: Vec<View> =
        at.iter().map(|l| View { name: named(*l), merits: BTreeMap::new() }).collect();
    let along: Vec<_> = group.methods().map(|m| group.values_along(m, metric)).collect();
    let common = common(&along);
    for (method, along) in group.methods().zip(&along) {
        let along: Vec<&Vec<f64>> = common.iter().filter_map(|i| along[*i].as_ref()).collect();
        for (view, &l) in views.iter_mut().zip(&at) {
            let values: Vec<f64> = along.iter().filter_map(|a| a.get(l).copied()).collect();
            let mean = sign(metric) * values.iter().sum::<f64>() / values.len() as f64;
            if mean.is_finite() {
                view.merits.insert(method.to_owned(), mean);
            }
        }
    }
    views
}

/// The first setting by other metrics, each with its default parameters and by both orders.
fn metrics(group: &Group<'_>, chosen: &Chosen<'_>) -> Vec<View> {
    let specs = METRICS.par_iter().flat_map_iter(|entry| {
        let both = entry.params.iter().any(|p| p.key == "order");
        let second = both.then(|| format!("{}:order=lerf", entry.id));
        [Some(entry.id.to_owned()), second].into_iter().flatten()
    });
    let built = specs.filter_map(|spec| build("metric", METRICS, &spec.parse().ok()?).ok());
    let others = built.filter(|metric| metric.name != chosen.name);
    others.map(|m| view(group, plain(&m.name), &*m.value)).collect()
}

/// Rankings by metrics of heat maps, one each.
fn of_maps(maps: &[MapRow]) -> Vec<View> {
    let mut views: BTreeMap<&str, BTreeMap<String, f64>> = BTreeMap::new();
    for row in maps {
        let sign = if row.direction == Direction::Higher.name() { 1.0 } else { -1.0 };
        if let Some(estimate) = row.estimate {
            let merits = views.entry(&row.metric).or_default();
            merits.insert(row.method.clone(), sign * estimate.mean);
        }
    }
    let view = |(name, merits): (&str, _)| View { name: name.to_owned(), merits };
    views.into_iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cells::group,
        demo,
        eval::{
            metric::Aopc,
            order::Order,
            stats::{Resampling, estimate},
        },
        run::record::Row,
    };

    #[test]
    fn a_reversed_ranking_disagrees_completely() {
        let mut rows = demo::records(6, 1, 20);
        let flipped = rows.iter().map(|row| Row {
            perturbation: "blur:sigma=3".to_owned(),
            scores: row.scores.as_ref().map(|s| s.iter().map(|v| 2.0 * s[0] - v).collect()),
            ..row.clone()
        });
        rows.extend(flipped.collect::<Vec<_>>());
        let groups = group(&rows).unwrap();
        let chosen = Chosen { name: "aopc:order=morf", metric: &Aopc(Order::Morf) };
        let means = [("gradient", 3.0), ("random", 1.0), ("lrp-samek2017", 2.0)];
        let map = |metric: &str, direction: &str, (method, mean): (&str, f64)| MapRow {
            metric: metric.to_owned(),
            direction: direction.to_owned(),
            method: method.to_owned(),
            estimate: estimate(&[mean], Resampling::default()),
            median: Some(mean),
            undefined: 0,
        };
        let maps = means.map(|m| [map("sparseness", "higher", m), map("entropy", "lower", m)]);
        let found = agreement(&groups, &chosen, &maps.concat());
        let at = |name: &str| found.names.iter().position(|n| n == name).unwrap();
        assert_eq!(found.tau[at("sparseness")][at("entropy")], Some(-1.0));
        assert_eq!(found.tau[at("sparseness")][0], Some(1.0 / 3.0), "over the three in both");
        assert_eq!(
            found.names[..4],
            ["uniform, aopc morf", "blur:sigma=3, aopc morf", "L = 2", "L = 5"]
        );
        assert_eq!(found.tau[0][0], Some(1.0));
        assert_eq!(found.tau[0][1], Some(-1.0));
        assert!(found.names.contains(&"abpc".to_owned()), "{:?}", found.names);
        for (a, row) in found.tau.iter().enumerate() {
            row.iter().enumerate().for_each(|(b, tau)| assert_eq!(*tau, found.tau[b][a]));
        }
    }
}
