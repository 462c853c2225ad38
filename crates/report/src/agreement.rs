//! How much rankings agree across perturbations, region sizes, scores, steps and metrics.

use super::{
    cells::{Group, Setting, common, common_means},
    map_metrics::MapRow,
    naming,
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
    /// The method that is first in each, if one is.
    pub first: Vec<Option<String>>,
    /// The way before that ranks the same by definition: one mean is a linear function of the other.
    pub same: Vec<Option<usize>>,
}

/// From this tau on rankings are much alike, below the other one they have little in common.
const ALIKE: f64 = 0.8;
const UNLIKE: f64 = 0.4;

impl Agreement {
    /// The other ways that say something about the first one, each with its tau: not those that rank the same by
    /// definition, or for which there is no tau.
    pub fn others(&self) -> Vec<(usize, f64)> {
        let Some(taus) = self.tau.first() else { return Vec::new() };
        let known = taus.iter().enumerate().skip(1).filter(|(i, _)| self.same[*i].is_none());
        known.filter_map(|(i, tau)| Some((i, (*tau)?))).collect()
    }

    /// Whether the ranking depends on how one measures, in one sentence; `None` without other ways.
    pub fn answer(&self, name: &dyn Fn(&str) -> String) -> Option<String> {
        let others = self.others();
        let (least, lowest) = *others.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let count_of = |fits: &dyn Fn(f64) -> bool| others.iter().filter(|(_, t)| fits(*t)).count();
        let all = others.len();
        let (alike, unlike) = (count_of(&|t| t >= ALIKE), count_of(&|t| t < UNLIKE));
        let name_of = spoken(&self.names[least]);
        let least = format!("the least alike: {name_of} ({lowest:.2})");
        let start = match (all, unlike) {
            (1, _) => {
                let (answer, how) = match lowest {
                    t if t >= ALIKE => ("Hardly", "ranks much alike"),
                    t if t >= UNLIKE => ("In part", "ranks in part otherwise"),
                    _ => ("Yes", "has little in common with this one"),
                };
                format!("{answer}: the other way to measure, {name_of}, {how} ({lowest:.2})")
            }
            _ if alike == all => {
                format!("Hardly: all {all} other ways to measure rank much alike; {least}")
            }
            (_, 0) => format!(
                "In part: of {all} other ways to measure {alike} rank much alike, and none has little in common \
                 with this one; {least}"
            ),
            _ => format!(
                "Yes: of {all} other ways to measure {alike} rank much alike, and {unlike} {} little in common \
                 with this one; {least}",
                if unlike == 1 { "has" } else { "have" }
            ),
        };
        let winner = self.first[0].as_ref().map_or(String::new(), |winner| {
            let kept =
                others.iter().filter(|(i, _)| self.first[*i].as_ref() == Some(winner)).count();
            format!("; {} is first in {kept} of {all}", name(winner))
        });
        Some(format!("{start}{winner}."))
    }

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
    let settings = setting_names(&groups.iter().map(|g| &g.setting).collect::<Vec<_>>());
    let named = groups.par_iter().zip(settings);
    let name = |setting| format!("{setting}, {}", plain(chosen.name));
    let mut views: Vec<View> = named.map(|(g, s)| view(g, name(s), chosen.metric)).collect();
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
        first: views.iter().map(View::first).collect(),
        same: (0..views.len()).map(|i| (0..i).find(|j| is_linear(&views[*j], &views[i]))).collect(),
        names: views.iter().map(|v| v.name.clone()).collect(),
        tau: views.iter().map(|a| views.iter().map(|b| tau(a, b)).collect()).collect(),
    }
}

impl View {
    /// The method that is better than all others.
    fn first(&self) -> Option<String> {
        let best = self.merits.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
        let shares = self.merits.values().filter(|merit| merit.total_cmp(best.1).is_eq()).count();
        (shares == 1).then(|| best.0.clone())
    }
}

/// Values that differ by less than this share of their range are the same but for rounding.
const ROUNDING: f64 = 1e-9;

/// True when the second is a linear function of the first, rising, for three methods or more that are not tied.
fn is_linear(first: &View, second: &View) -> bool {
    let pairs: Vec<(f64, f64)> =
        first.merits.iter().filter_map(|(m, a)| Some((*a, *second.merits.get(m)?))).collect();
    let by_first = |a: &&(f64, f64), b: &&(f64, f64)| a.0.total_cmp(&b.0);
    let ends = pairs.iter().min_by(by_first).zip(pairs.iter().max_by(by_first));
    let Some((low, high)) = ends.filter(|(low, high)| low.0 < high.0 && low.1 < high.1) else {
        return false;
    };
    let slope = (high.1 - low.1) / (high.0 - low.0);
    let fits = |(a, b): &(f64, f64)| {
        (b - low.1 - slope * (a - low.0)).abs() <= ROUNDING * (high.1 - low.1)
    };
    let counts = [first.merits.len(), second.merits.len(), pairs.len()];
    counts[2] >= 3 && counts.iter().all(|n| *n == counts[2]) && pairs.iter().all(fits)
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

/// The name of a way to rank for people: `uniform, aopc morf` is `uniform, AOPC, most relevant first`, and `L = 10` is `after
/// 10 regions`.
pub fn spoken(way: &str) -> String {
    if let Some(steps) = way.strip_prefix("L = ") {
        return format!("after {steps} regions");
    }
    let (setting, metric) = way.rsplit_once(", ").map_or(("", way), |(s, m)| (s, m));
    let (id, order) = metric.split_once(' ').unwrap_or((metric, ""));
    let spec = if order.is_empty() { id.to_owned() } else { format!("{id}:order={order}") };
    let metric = naming::spoken(&spec);
    if setting.is_empty() { metric } else { format!("{setting}, {metric}") }
}

/// What tells settings from each other, one name each.
pub fn setting_names(all: &[&Setting]) -> Vec<String> {
    let one = |s: &&Setting| {
        let mut name = s.perturbation.clone();
        if all.iter().any(|other| other.region != s.region) {
            name = format!("{name}, {r}x{r}", r = s.region);
        }
        if all.iter().any(|other| other.score_kind != s.score_kind) {
            name = format!("{name}, {}", s.score_kind);
        }
        name
    };
    all.iter().map(one).collect()
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
    fn one_sentence_says_whether_it_depends_on_how_one_measures() {
        let of = |taus: &[f64]| {
            let n = taus.len() + 1;
            let row = std::iter::once(Some(1.0)).chain(taus.iter().map(|t| Some(*t))).collect();
            let first = |i: usize| Some(if i == 2 { "b" } else { "a" }.to_owned());
            let found = Agreement {
                names: ["uniform, aopc morf", "L = 10", "abpc", "grey-entropy"][..n]
                    .iter()
                    .map(|n| (*n).to_owned())
                    .collect(),
                tau: std::iter::once(row).chain((1..n).map(|_| vec![None; n])).collect(),
                first: (0..n).map(first).collect(),
                same: vec![None; n],
            };
            found.answer(&|name| name.to_uppercase()).unwrap_or_default()
        };
        let said = [&[][..], &[0.9], &[0.9, 0.8], &[0.9, 0.5, 0.7], &[0.9, -0.1, 0.7]].map(of);
        assert_eq!(
            said,
            [
                "",
                "Hardly: the other way to measure, after 10 regions, ranks much alike (0.90); A is first in 1 of 1.",
                "Hardly: all 2 other ways to measure rank much alike; the least alike: ABPC (0.80); A is first in 1 of 2.",
                "In part: of 3 other ways to measure 1 rank much alike, and none has little in common with this one; \
                 the least alike: ABPC (0.50); A is first in 2 of 3.",
                "Yes: of 3 other ways to measure 1 rank much alike, and 1 has little in common with this one; \
                 the least alike: ABPC (-0.10); A is first in 2 of 3.",
            ]
        );
    }

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
        // what is relative to the random order differs by the same number for all methods
        assert_eq!(found.same[at("relative-aopc morf")], Some(0));
        assert_eq!(
            found.same[at("blur:sigma=3, aopc morf")],
            None,
            "it falls where the other rises"
        );
        let answer = found.answer(&str::to_owned).unwrap();
        assert!(
            answer.starts_with("Yes: of ")
                && answer
                    .contains("the least alike: blur:sigma=3, AOPC, most relevant first (-1.00)"),
            "{answer}"
        );
        for (a, row) in found.tau.iter().enumerate() {
            row.iter().enumerate().for_each(|(b, tau)| assert_eq!(*tau, found.tau[b][a]));
        }
    }
}
