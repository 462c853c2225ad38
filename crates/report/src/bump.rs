//! The place of each method in each setting: how a ranking changes with what is measured.

use super::{agreement::setting_names, contest::Contest, naming::spoken};

/// A chart of places.
pub struct Bump<'a> {
    /// What tells the settings apart, one name each.
    pub settings: Vec<String>,
    /// The metric that ranks, for people.
    pub metric: String,
    /// One per method, by its place in the first setting.
    pub lines: Vec<Places<'a>>,
}

/// One method.
pub struct Places<'a> {
    /// Canonical name.
    pub method: &'a str,
    /// Its place in each setting; `None` where it has none.
    pub places: Vec<Option<f64>>,
}

impl<'a> Bump<'a> {
    /// Of all settings, called by what tells them apart.
    pub fn of(contests: &'a [Contest]) -> Bump<'a> {
        let settings = setting_names(&contests.iter().map(|c| &c.setting).collect::<Vec<_>>());
        Bump::named(&contests.iter().collect::<Vec<_>>(), settings)
    }

    /// Of rankings with these names.
    pub fn named(contests: &[&'a Contest], settings: Vec<String>) -> Bump<'a> {
        let mut methods: Vec<&str> = Vec::new();
        for method in contests.iter().copied().flat_map(|contest| &contest.methods) {
            if !methods.contains(&&method[..]) {
                methods.push(method);
            }
        }
        let line = |method| Places {
            method,
            places: contests.iter().map(|contest| place(contest, method)).collect(),
        };
        Bump {
            settings,
            metric: contests.first().map_or_else(String::new, |c| spoken(&c.metric)),
            lines: methods.into_iter().map(line).collect(),
        }
    }
}

/// The place of a method, equal means sharing the better one.
fn place(contest: &Contest, method: &str) -> Option<f64> {
    let at = contest.methods.iter().position(|name| name == method)?;
    let estimates = &contest.comparison.estimates;
    // methods are in the order of their places
    let better =
        estimates.iter().take(at).filter(|e| e.mean.total_cmp(&estimates[at].mean).is_ne()).count();
    Some(better as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cells::group,
        demo,
        eval::{metric::Aopc, order::Order, stats::Resampling},
        run::record::Row,
    };

    #[test]
    fn places_are_those_of_each_setting() {
        let mut rows = demo::records(4, 1, 10);
        let turned = rows.iter().cloned().map(|row| Row {
            perturbation: "blur:sigma=3".to_owned(),
            scores: row.scores.map(|s| s.iter().map(|v| -v).collect()),
            ..row
        });
        rows.extend(turned.collect::<Vec<Row>>());
        let groups = group(&rows).unwrap();
        let resampling = Resampling { count: 20, ..Resampling::default() };
        let contest = |g| Contest::new(g, "aopc:order=morf", &Aopc(Order::Morf), resampling);
        let contests: Vec<Contest> = groups.iter().filter_map(contest).collect();
        let found = Bump::of(&contests);
        assert_eq!(found.settings, ["uniform", "blur:sigma=3"]);
        assert_eq!(found.metric, "AOPC, most relevant first");
        let count = found.lines.len() as f64;
        for (i, line) in found.lines.iter().enumerate() {
            let first = i as f64 + 1.0;
            // in the other setting all is turned round
            assert_eq!(line.places, [Some(first), Some(count - i as f64)], "{}", line.method);
        }
    }
}
