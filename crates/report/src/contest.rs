//! Methods compared by one metric under one setting, on the pictures that all of them have.

use super::cells::{Group, RANDOM, Setting, common};
use crate::eval::{
    metric::{CurveMetric, Direction},
    rounding::settled_means,
    stats::{
        Resampling,
        against::{Against, against},
        paired::{Comparison, Pair, compare},
        variance::{Power, Split, power, split},
    },
};
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

/// A comparison with the names of what is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Contest {
    /// Perturbation, region, score and steps.
    pub setting: Setting,
    /// Canonical name of the metric.
    pub metric: String,
    /// Which way it is better.
    pub direction: Direction,
    /// Methods with values, by place.
    pub methods: Vec<String>,
    /// The pictures that all of them have, by name.
    pub images: Vec<String>,
    /// Pictures on which at least one method was tried and at least one lacks its value.
    pub left_out: usize,
    /// Methods without any value.
    pub without: Vec<String>,
    /// Values over repeats: pictures x methods, in the order of `images` and `methods`.
    pub means: Array2<f64>,
    /// The numbers; methods in the order of `methods`.
    pub comparison: Comparison,
    /// Each method against removing regions at random, a family of tests of its own; `None` for the random
    /// order itself and where there is none.
    pub against_random: Vec<Option<Against>>,
    /// Spread of each method over pictures and repeats.
    pub splits: Vec<Option<Split>>,
    /// The same of each pair's differences, and what would separate the two.
    pub powers: Vec<Option<(Split, Power)>>,
}

/// Values of all methods on the pictures that all of them have.
struct Common {
    methods: Vec<String>,
    without: Vec<String>,
    images: Vec<String>,
    /// Per method, picture and repeat.
    values: Vec<Vec<Vec<f64>>>,
    tried: usize,
}

impl Contest {
    /// Compares all methods of a group. `None` when no picture has values of all methods that have
    /// any, or none has any.
    pub fn new(
        group: &Group<'_>,
        name: &str,
        metric: &dyn CurveMetric,
        resampling: Resampling,
    ) -> Option<Contest> {
        let mut common = Common::of(group, metric);
        if common.methods.is_empty() {
            return None;
        }
        let direction = metric.direction();
        let higher = direction == Direction::Higher;
        common.sort(higher);
        let means = common.means();
        let comparison = compare(&means.view(), higher, resampling)?;
        let tests = comparison.tests();
        let powers = comparison.pairs.iter().map(|pair| common.power(pair, tests)).collect();
        let random = common.methods.iter().position(|m| m == RANDOM);
        let against_random = match random {
            Some(random) => against(&means.view(), random, higher),
            None => vec![None; common.methods.len()],
        };
        Some(Contest {
            against_random,
            setting: group.setting.clone(),
            metric: name.to_owned(),
            direction,
            left_out: common.tried - common.images.len(),
            splits: common.values.iter().map(|v| split(v)).collect(),
            methods: common.methods,
            images: common.images,
            without: common.without,
            means,
            comparison,
            powers,
        })
    }

    /// The pair of the methods at these positions of `methods`.
    pub fn pair(&self, a: usize, b: usize) -> Option<&Pair> {
        let same = |p: &&Pair| (p.first, p.second) == (a, b) || (p.first, p.second) == (b, a);
        self.comparison.pairs.iter().find(same)
    }

    /// The methods that are compared with removing regions at random, by place.
    pub fn challengers(&self) -> Vec<(&str, Against)> {
        let found = self.methods.iter().zip(&self.against_random);
        found.filter_map(|(method, against)| Some((&method[..], (*against)?))).collect()
    }
}

impl Common {
    fn of(group: &Group<'_>, metric: &dyn CurveMetric) -> Common {
        let names: Vec<&str> = group.image_names().collect();
        let methods: Vec<&str> = group.methods().collect();
        let values = methods.par_iter().map(|method| group.values_by_repeat(method, metric));
        let values: Vec<Vec<Option<Vec<f64>>>> = values.collect();
        let all = methods.iter().map(|&method| method.to_owned()).zip(values);
        let (without, known): (Vec<_>, Vec<_>) =
            all.partition(|(_, values)| values.iter().all(Option::is_none));
        let without = without.into_iter().map(|(method, _)| method).collect();
        let (methods, mut known): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let common = common(&known);
        let taken = |values: &mut Vec<Option<Vec<f64>>>| {
            common.iter().map(|&i| values[i].take().expect("chosen above")).collect()
        };
        let values = known.iter_mut().map(taken).collect();
        let images = common.iter().map(|&i| names[i].to_owned()).collect();
        Common { methods, without, images, values, tried: names.len() }
    }

    /// Best mean first, then by name.
    fn sort(&mut self, higher: bool) {
        let sign = if higher { -1.0 } else { 1.0 };
        let mean = |column: ArrayView1<'_, f64>| {
            let size = column.iter().map(|v| v.abs()).sum::<f64>();
            (sign * column.sum(), size)
        };
        let means =
            settled_means(&self.means().columns().into_iter().map(mean).collect::<Vec<_>>());
        let mut order: Vec<usize> = (0..self.methods.len()).collect();
        order.sort_by(|&a, &b| means[a].total_cmp(&means[b]));
        self.methods = order.iter().map(|&j| self.methods[j].clone()).collect();
        self.values = order.iter().map(|&j| std::mem::take(&mut self.values[j])).collect();
    }

    /// Means over repeats: pictures x methods.
    fn means(&self) -> Array2<f64> {
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let shape = (self.images.len(), self.methods.len());
        Array2::from_shape_fn(shape, |(i, j)| mean(&self.values[j][i]))
    }

    /// Spread of a pair's differences; repeats of both methods saw the same noise.
    fn power(&self, pair: &Pair, tests: usize) -> Option<(Split, Power)> {
        let (a, b) = (&self.values[pair.first], &self.values[pair.second]);
        let row = |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| x - y).collect();
        let differences: Vec<Vec<f64>> = a.iter().zip(b).map(row).collect();
        let split = split(&differences)?;
        Some((split, power(pair.difference.mean, &split, differences.len(), tests)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cells::group,
        demo,
        eval::{metric::Aopc, order::Order},
        run::record::Status,
    };

    fn contest(rows: &[crate::run::record::Row]) -> Contest {
        let groups = group(rows).unwrap();
        let resampling = Resampling { count: 500, ..Resampling::default() };
        Contest::new(&groups[0], "aopc", &Aopc(Order::Morf), resampling).unwrap()
    }

    #[test]
    fn methods_are_compared_on_the_pictures_that_all_have_and_the_rest_is_counted() {
        let mut rows = demo::records(10, 2, 20);
        for row in rows.iter_mut().filter(|r| r.method == "gradient" && r.image.contains("0003")) {
            (row.status, row.scores) = (Status::Failed, None);
        }
        for row in rows.iter_mut().filter(|r| r.method == "gradient-x-input") {
            (row.status, row.scores) = (Status::Failed, None);
        }
        let found = contest(&rows);
        assert_eq!((found.images.len(), found.left_out), (9, 1));
        assert_eq!(found.without, ["gradient-x-input"]);
        assert_eq!(found.methods.len(), demo::METHODS.len() - 1);
        assert!(!found.images.contains(&"val/0003.png".to_owned()));
        assert_eq!(found.comparison.estimates[0].n, 9);
        assert!(found.against_random[..found.methods.len() - 1].iter().all(Option::is_some));
        assert_eq!(found.against_random.last(), Some(&None), "the random order itself");
        let best = found.pair(1, 0).unwrap();
        assert_eq!((best.first, best.second), (0, 1));
    }

    #[test]
    fn methods_stand_by_place() {
        let found = contest(&demo::records(12, 1, 20));
        assert!(found.comparison.ranks.is_sorted());
        assert!(found.comparison.pairs.iter().all(|p| p.first < p.second));
        assert_eq!(found.splits[0].unwrap().between_repeats, None, "there is one repeat");
    }
}
