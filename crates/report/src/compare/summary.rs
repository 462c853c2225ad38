//! Means over pictures: by model, by two models, and by map and model.

use super::About;
use crate::{
    eval::{
        order::Order,
        stats::{
            Estimate, Resampling,
            association::Association,
            estimate,
            proportion::{Proportion, mcnemar},
            quantile::median,
        },
    },
    explain::labels::label,
    run::compare::{Compared, Crossed, Pair},
    table::{Sheet, TableError},
};
use std::{collections::BTreeMap, path::Path};

/// A model under a method.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Its name.
    pub model: String,
    /// Canonical name of the method.
    pub method: String,
    /// Pictures that it says right, of those with a label.
    pub right: Option<Proportion>,
    /// AOPC of its maps under itself, most relevant regions first.
    pub aopc: Option<Estimate>,
    /// Context use, and its median.
    pub context: Option<Estimate>,
    /// Median context use.
    pub context_median: Option<f64>,
}

/// Two models under a method.
#[derive(Clone, Debug, PartialEq)]
pub struct PairRow {
    /// A model.
    pub model: String,
    /// Another one.
    pub other: String,
    /// Canonical name of the method.
    pub method: String,
    /// Pictures of which both say the same class.
    pub same: Option<Proportion>,
    /// Pictures that only the first, and only the other, says right.
    pub apart: (usize, usize),
    /// Exact p-value of McNemar's test of these.
    pub p: Option<f64>,
    /// Rank correlation of the maps.
    pub correlation: Option<Estimate>,
    /// The same over pictures of which both say the same class.
    pub correlation_same: Option<Estimate>,
    /// Overlap of the top regions.
    pub overlap: Option<Estimate>,
    /// Pictures whose maps are not compared.
    pub undefined: usize,
}

/// The maps of a model under a model, with a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Faith {
    /// Whose maps.
    pub map_of: String,
    /// Under which model.
    pub model: String,
    /// Canonical name of the method.
    pub method: String,
    /// The perturbation.
    pub perturbation: String,
    /// Side of the regions.
    pub region: u64,
    /// Which regions go first.
    pub order: Order,
    /// AOPC.
    pub aopc: Option<Estimate>,
    /// The same minus that of the model's own maps, picture by picture.
    pub less: Option<Estimate>,
    /// Pictures without it.
    pub undefined: usize,
}

/// Two models on the pictures of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow {
    /// A model.
    pub model: String,
    /// Another one.
    pub other: String,
    /// Canonical name of the method.
    pub method: String,
    /// Name of the class.
    pub class: String,
    /// Rank correlation of the maps.
    pub correlation: Option<Estimate>,
    /// Overlap of the top regions.
    pub overlap: Option<Estimate>,
}

/// All means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// By model and method.
    pub models: Vec<ModelRow>,
    /// By two models and method.
    pub pairs: Vec<PairRow>,
    /// By two models, method and class.
    pub classes: Vec<ClassRow>,
    /// By map, model, method, perturbation, region and order.
    pub faith: Vec<Faith>,
    /// Correlation over the models of accuracy and AOPC, for the first method.
    pub with_skill: Option<Association>,
}

/// Mean fall of a curve from its first score (Samek et al. 2017, eq. 11).
pub(super) fn aopc(scores: &[f32]) -> Option<f64> {
    let first = f64::from(*scores.first()?);
    let sum: f64 = scores.iter().map(|score| first - f64::from(*score)).sum();
    Some(sum / scores.len() as f64)
}

/// Where a curve belongs, but for its picture and repeat.
type Cell<'a> = (&'a str, &'a str, &'a str, &'a str, u64, &'static str);

/// AOPC by picture, a mean over the repeats; `None` where a curve is missing.
type ByPicture<'a> = BTreeMap<&'a str, Option<f64>>;

fn falls(found: &Compared) -> BTreeMap<Cell<'_>, ByPicture<'_>> {
    let mut sums: BTreeMap<Cell<'_>, BTreeMap<&str, (f64, usize, bool)>> = BTreeMap::new();
    for row in &found.crossed {
        let Crossed {
            image,
            method,
            map_of,
            model,
            perturbation,
            region,
            removal_order,
            scores,
            ..
        } = row;
        let cell = (
            &map_of[..],
            &model[..],
            &method[..],
            &perturbation[..],
            *region,
            removal_order.name(),
        );
        let sum = sums.entry(cell).or_default().entry(image).or_insert((0.0, 0, true));
        match scores.as_deref().and_then(aopc) {
            Some(value) => *sum = (sum.0 + value, sum.1 + 1, sum.2),
            None => sum.2 = false,
        }
    }
    let mut all = BTreeMap::new();
    for (cell, pictures) in sums {
        let mean = |(sum, n, whole): (f64, usize, bool)| (whole && n > 0).then(|| sum / n as f64);
        all.insert(cell, pictures.into_iter().map(|(image, sum)| (image, mean(sum))).collect());
    }
    all
}

impl Summary {
    /// Of what was found.
    pub fn of(found: &Compared, about: &About) -> Summary {
        let falls = falls(found);
        let faith = falls.iter().map(|(cell, own)| faith(*cell, own, &falls)).collect::<Vec<_>>();
        let models: Vec<ModelRow> = about
            .models
            .iter()
            .flat_map(|model| about.methods.iter().map(move |method| (model, method)))
            .map(|(model, method)| model_row(found, about, &faith, model, method))
            .collect();
        let first = about.methods.first();
        let pairs = models.iter().filter(|row| Some(&row.method) == first);
        let pairs: Vec<(f64, f64)> =
            pairs.filter_map(|row| Some((row.right?.share()?, row.aopc?.mean))).collect();
        Summary {
            pairs: pair_rows(found, about),
            classes: class_rows(found, about),
            with_skill: Association::of(&pairs),
            models,
            faith,
        }
    }

    /// The row of a map under a model for what counts: the first perturbation and region, most relevant first.
    pub fn faith_of(
        &self,
        about: &About,
        map_of: &str,
        model: &str,
        method: &str,
    ) -> Option<&Faith> {
        self.faith.iter().find(|row| {
            row.map_of == map_of
                && row.model == model
                && row.method == method
                && Some(&row.perturbation) == about.perturbations.first()
                && row.region == about.region
                && row.order == Order::Morf
        })
    }

    /// Writes `models`, `pairs` and `faithfulness` as CSV and Parquet.
    pub fn write(&self, folder: &Path, about: &About) -> Result<(), TableError> {
        let data = &about.data;
        model_sheet().about("data", data).write(folder, "models", &self.models)?;
        pair_sheet().about("data", data).write(folder, "likeness", &self.pairs)?;
        class_sheet().about("data", data).write(folder, "likeness_by_class", &self.classes)?;
        faith_sheet().about("data", data).write(folder, "faithfulness", &self.faith)
    }

    /// The cells of a table for a terminal.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let head = ["model", "method", "accuracy", "AOPC", "95 % interval", "context use"];
        let short = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
        let line = |row: &ModelRow| {
            let interval = row.aopc.and_then(|a| Some((a.lo()?, a.hi()?)));
            vec![
                row.model.clone(),
                label(&row.method),
                short(row.right.and_then(Proportion::share)),
                short(row.aopc.map(|a| a.mean)),
                interval.map_or("-".to_owned(), |(lo, hi)| format!("{lo:.3} to {hi:.3}")),
                short(row.context.map(|c| c.mean)),
            ]
        };
        std::iter::once(head.map(str::to_owned).to_vec())
            .chain(self.models.iter().map(line))
            .collect()
    }

    /// What came out, in words, for the first method.
    pub fn sentences(&self, about: &About) -> Vec<String> {
        let Some(method) = about.methods.first() else { return Vec::new() };
        let mut said = Vec::new();
        for pair in self.pairs.iter().filter(|pair| pair.method == *method) {
            said.push(pair_words(pair));
            said.extend(self.least_alike(pair));
            for (map_of, model) in [(&pair.model, &pair.other), (&pair.other, &pair.model)] {
                let own = self.faith_of(about, map_of, model, method);
                said.extend(own.and_then(faith_words));
            }
        }
        if about.models.len() > 2 {
            said.push(match self.with_skill {
                Some(Association { r, interval: Some(interval), n, .. }) => format!(
                    "Over {n} models accuracy and AOPC correlate with {r:.2} ({:.2} to {:.2}).",
                    interval.lo, interval.hi
                ),
                Some(Association { r, n, .. }) => {
                    format!("Over the models accuracy and AOPC correlate with {r:.2}, which {n} models are too few to tell from chance.")
                }
                None => "Nothing can be said on accuracy and AOPC over the models.".to_owned(),
            });
        }
        said
    }

    /// The class whose maps are less alike than those of any other class, beyond doubt.
    fn least_alike(&self, pair: &PairRow) -> Option<String> {
        let own = |r: &&ClassRow| {
            r.model == pair.model && r.other == pair.other && r.method == pair.method
        };
        let mut rows: Vec<(&ClassRow, Estimate)> =
            self.classes.iter().filter(own).filter_map(|r| Some((r, r.correlation?))).collect();
        rows.sort_by(|a, b| a.1.mean.total_cmp(&b.1.mean));
        let [(first, least), rest @ ..] = &rows[..] else { return None };
        let others = rest.iter().filter_map(|(_, e)| e.lo()).reduce(f64::min)?;
        (least.hi()? < others).then(|| {
            format!(
                "They look at the most different things in pictures of `{}`: a rank correlation of {:.2} ({:.2} to {:.2}), \
                 lower than that of any other class beyond doubt (the next one `{}`, {:.2}).",
                first.class,
                least.mean,
                least.lo().unwrap_or(f64::NAN),
                least.hi().unwrap_or(f64::NAN),
                rest[0].0.class,
                rest[0].1.mean
            )
        })
    }

    /// What a reader must know.
    pub fn caveats(&self, about: &About) -> Vec<String> {
        let mut said: Vec<String> =
            about.apart.iter().map(|why| format!("predictions are not compared: {why}")).collect();
        let undefined = self.pairs.iter().map(|pair| pair.undefined).max().unwrap_or(0);
        if undefined > 0 {
            said.push(format!("the maps of up to {undefined} pictures are not compared (`reason` in pairs.csv says why)"));
        }
        let undefined = self.faith.iter().map(|row| row.undefined).max().unwrap_or(0);
        if undefined > 0 {
            said.push(format!(
                "up to {undefined} pictures have no curve (`reason` in crossed.parquet says why)"
            ));
        }
        said
    }
}

fn pair_words(pair: &PairRow) -> String {
    let (a, b) = (&pair.model, &pair.other);
    let same = pair.same.and_then(|same| Some((same.share()?, same.wilson()?)));
    let same = same.map_or_else(
        || "no prediction can be compared".to_owned(),
        |(share, i)| {
            format!(
                "say the same of {:.1} % of the pictures ({:.1} to {:.1} %)",
                100.0 * share,
                100.0 * i.lo,
                100.0 * i.hi
            )
        },
    );
    let better = match pair.p {
        Some(p) if p < 0.05 => {
            let (better, other) = if pair.apart.0 > pair.apart.1 { (a, b) } else { (b, a) };
            format!("`{better}` is right more often than `{other}` (p {p:.1e})")
        }
        Some(p) => format!("none is right more often beyond doubt (p {p:.2})"),
        None => "none is right where the other is wrong".to_owned(),
    };
    let alike = pair.correlation.map_or_else(
        || "their heat maps are not compared".to_owned(),
        |c| {
            let overlap = pair.overlap.map_or(String::new(), |o| {
                format!(
                    ", and {:.0} % of the top regions are the same (10 % by chance)",
                    100.0 * o.mean
                )
            });
            format!("the rank correlation of their heat maps is {:.2} on average{overlap}", c.mean)
        },
    );
    format!("`{a}` and `{b}` {same}; {better}; {alike}.")
}

fn faith_words(row: &Faith) -> Option<String> {
    let (less, lo, hi) = (row.less?.mean, row.less?.lo()?, row.less?.hi()?);
    let verdict = if hi < 0.0 {
        "less than its own maps do: the two look at different things"
    } else if lo > 0.0 {
        "more than its own maps do"
    } else {
        "as much as its own maps do, as far as can be told"
    };
    Some(format!(
        "The maps of `{}` lower the score of `{}` by {:.3} on average, {verdict} (difference {less:.3}, {lo:.3} to {hi:.3}).",
        row.map_of, row.model, row.aopc?.mean
    ))
}

fn faith(cell: Cell<'_>, own: &ByPicture<'_>, all: &BTreeMap<Cell<'_>, ByPicture<'_>>) -> Faith {
    let (map_of, model, method, perturbation, region, order) = cell;
    let values: Vec<f64> = own.values().flatten().copied().collect();
    let self_ = all.get(&(model, model, method, perturbation, region, order));
    let pairs = self_.filter(|_| map_of != model).into_iter().flatten();
    let less: Vec<f64> =
        pairs.filter_map(|(image, value)| Some(own.get(image).copied()?? - (*value)?)).collect();
    Faith {
        map_of: map_of.to_owned(),
        model: model.to_owned(),
        method: method.to_owned(),
        perturbation: perturbation.to_owned(),
        region,
        order: if order == Order::Morf.name() { Order::Morf } else { Order::Lerf },
        aopc: estimate(&values, Resampling::default()),
        less: estimate(&less, Resampling::default()),
        undefined: own.len() - values.len(),
    }
}

fn model_row(
    found: &Compared,
    about: &About,
    faith: &[Faith],
    model: &str,
    method: &str,
) -> ModelRow {
    let right: Vec<bool> = found
        .answers
        .iter()
        .filter(|answer| answer.model == model)
        .filter_map(|answer| answer.right)
        .collect();
    let ratios = found.uses.iter().filter(|row| row.model == model && row.method == method);
    let ratios: Vec<f64> = ratios.filter_map(|row| row.ratio).collect();
    let own = Summary { faith: faith.to_vec(), ..Summary::default() };
    ModelRow {
        model: model.to_owned(),
        method: method.to_owned(),
        right: (!right.is_empty()).then(|| Proportion::of(right.into_iter())),
        aopc: own.faith_of(about, model, model, method).and_then(|row| row.aopc),
        context: estimate(&ratios, Resampling::default()),
        context_median: median(ratios),
    }
}

fn pair_rows(found: &Compared, about: &About) -> Vec<PairRow> {
    let right: BTreeMap<(&str, &str), Option<bool>> =
        found.answers.iter().map(|a| ((&a.model[..], &a.image[..]), a.right)).collect();
    let mut groups: BTreeMap<(usize, usize, usize), Vec<&Pair>> = BTreeMap::new();
    let place = |list: &[String], name: &str| {
        list.iter().position(|other| other == name).unwrap_or(usize::MAX)
    };
    for pair in &found.pairs {
        let key = (
            place(&about.methods, &pair.method),
            place(&about.models, &pair.model),
            place(&about.models, &pair.other),
        );
        groups.entry(key).or_default().push(pair);
    }
    let row = |pairs: Vec<&Pair>| {
        let (model, other) = (pairs[0].model.clone(), pairs[0].other.clone());
        let of = |name: &str, image: &str| right.get(&(name, image)).copied().flatten();
        let both =
            pairs.iter().filter_map(|p| Some((of(&model, &p.image)?, of(&other, &p.image)?)));
        let both: Vec<(bool, bool)> = both.collect();
        let only = |one: bool| both.iter().filter(|pair| **pair == (one, !one)).count();
        let apart = (only(true), only(false));
        let same: Vec<bool> = pairs.iter().filter_map(|p| p.same_prediction).collect();
        let mean = |values: Vec<f64>| estimate(&values, Resampling::default());
        let agreeing = pairs.iter().filter(|p| p.same_prediction == Some(true));
        PairRow {
            method: pairs[0].method.clone(),
            same: (!same.is_empty()).then(|| Proportion::of(same.into_iter())),
            apart,
            p: mcnemar(apart.0, apart.1),
            correlation: mean(pairs.iter().filter_map(|p| p.rank_correlation).collect()),
            correlation_same: mean(agreeing.filter_map(|p| p.rank_correlation).collect()),
            overlap: mean(pairs.iter().filter_map(|p| p.top_overlap).collect()),
            undefined: pairs.iter().filter(|p| p.rank_correlation.is_none()).count(),
            model,
            other,
        }
    };
    groups.into_values().map(row).collect()
}

/// Method, two models, class.
type Key<'a> = (&'a str, &'a str, &'a str, u64);

fn class_rows(found: &Compared, about: &About) -> Vec<ClassRow> {
    let labels: BTreeMap<&str, u64> =
        found.answers.iter().filter_map(|a| Some((&a.image[..], a.label?))).collect();
    let mut groups: BTreeMap<Key<'_>, Vec<&Pair>> = BTreeMap::new();
    for pair in &found.pairs {
        if let Some(class) = labels.get(&pair.image[..]) {
            groups.entry((&pair.method, &pair.model, &pair.other, *class)).or_default().push(pair);
        }
    }
    let row = |((method, model, other, class), pairs): (Key<'_>, Vec<&Pair>)| {
        let mean = |of: fn(&Pair) -> Option<f64>| {
            let values: Vec<f64> = pairs.iter().filter_map(|pair| of(pair)).collect();
            estimate(&values, Resampling::default())
        };
        let name = about.classes.get(class as usize).cloned();
        ClassRow {
            model: model.to_owned(),
            other: other.to_owned(),
            method: method.to_owned(),
            class: name.unwrap_or_else(|| format!("class {class}")),
            correlation: mean(|pair| pair.rank_correlation),
            overlap: mean(|pair| pair.top_overlap),
        }
    };
    groups.into_iter().map(row).collect()
}

/// The columns of the table of pairs of models by class.
pub(crate) fn class_sheet<'a>() -> Sheet<'a, ClassRow> {
    let sheet = Sheet::default()
        .text("model", "name of a model", |r: &ClassRow| Some(&r.model))
        .text("other", "name of another model", |r| Some(&r.other))
        .text("method", "canonical name, with all parameters", |r| Some(&r.method))
        .text("class", "name of the class, by the label", |r| Some(&r.class))
        .whole("pictures", "pictures whose maps are compared", |r| {
            r.correlation.map(|e| e.n as u64)
        });
    let sheet = estimated(
        sheet,
        ["correlation", "correlation_lo", "correlation_hi"],
        "mean rank correlation of the two heat maps",
        |r| r.correlation,
    );
    estimated(
        sheet,
        ["overlap", "overlap_lo", "overlap_hi"],
        "mean share of the top tenth of the picture that is the same in both maps",
        |r| r.overlap,
    )
}

/// Columns of an estimate.
fn estimated<'a, R: 'a>(
    sheet: Sheet<'a, R>,
    names: [&str; 3],
    note: &str,
    of: fn(&R) -> Option<Estimate>,
) -> Sheet<'a, R> {
    sheet
        .number(names[0], note, move |r| of(r).map(|e| e.mean))
        .number(names[1], "lower end of its 95 % bootstrap interval", move |r| {
            of(r).and_then(|e| e.lo())
        })
        .number(names[2], "upper end", move |r| of(r).and_then(|e| e.hi()))
}

/// The columns of the table of models.
pub(crate) fn model_sheet<'a>() -> Sheet<'a, ModelRow> {
    let sheet = Sheet::default()
        .text("model", "name of the model", |r: &ModelRow| Some(&r.model))
        .text("method", "canonical name, with all parameters", |r| Some(&r.method))
        .whole("pictures", "pictures with a label", |r| r.right.map(|p| p.of as u64))
        .number("accuracy", "share of them whose label the model says", |r| r.right?.share())
        .number("accuracy_lo", "lower end of its 95 % Wilson interval", |r| {
            Some(r.right?.wilson()?.lo)
        })
        .number("accuracy_hi", "upper end", |r| Some(r.right?.wilson()?.hi));
    let sheet = estimated(
        sheet,
        ["aopc", "aopc_lo", "aopc_hi"],
        "mean AOPC of its maps under itself, most relevant regions first, first perturbation and region",
        |r| r.aopc,
    );
    estimated(sheet, ["context", "context_lo", "context_hi"], "mean context use", |r| r.context)
        .number("context_median", "median context use", |r| r.context_median)
}

/// The columns of the table of pairs of models.
pub(crate) fn pair_sheet<'a>() -> Sheet<'a, PairRow> {
    let sheet = Sheet::default()
        .text("model", "name of a model", |r: &PairRow| Some(&r.model))
        .text("other", "name of another model", |r| Some(&r.other))
        .text("method", "canonical name, with all parameters", |r| Some(&r.method))
        .number("same", "share of pictures of which both say the same class", |r| r.same?.share())
        .number("same_lo", "lower end of its 95 % Wilson interval", |r| Some(r.same?.wilson()?.lo))
        .number("same_hi", "upper end", |r| Some(r.same?.wilson()?.hi))
        .whole("only_model", "pictures that only the first says right", |r| Some(r.apart.0 as u64))
        .whole("only_other", "pictures that only the other says right", |r| Some(r.apart.1 as u64))
        .number("p", "two-sided exact p-value of McNemar's test of these two counts", |r| r.p);
    let sheet = estimated(
        sheet,
        ["correlation", "correlation_lo", "correlation_hi"],
        "mean rank correlation of the two heat maps",
        |r| r.correlation,
    );
    let sheet = estimated(
        sheet,
        ["correlation_same", "correlation_same_lo", "correlation_same_hi"],
        "the same over pictures of which both say the same class",
        |r| r.correlation_same,
    );
    estimated(
        sheet,
        ["overlap", "overlap_lo", "overlap_hi"],
        "mean share of the top tenth of the picture that is the same in both maps",
        |r| r.overlap,
    )
    .whole("undefined", "pictures whose maps are not compared", |r| Some(r.undefined as u64))
}

/// The columns of the table of faithfulness.
pub(crate) fn faith_sheet<'a>() -> Sheet<'a, Faith> {
    let sheet = Sheet::default()
        .text("map_of", "model whose heat maps order the regions", |r: &Faith| Some(&r.map_of))
        .text("model", "model whose score is watched", |r| Some(&r.model))
        .text("method", "canonical name, with all parameters", |r| Some(&r.method))
        .text("perturbation", "what replaces a region", |r| Some(&r.perturbation))
        .whole("region", "side of a region in pixels", |r| Some(r.region))
        .text("removal_order", "which regions go first: morf or lerf", |r| Some(r.order.name()))
        .whole("pictures", "pictures with curves", |r| r.aopc.map(|a| a.n as u64));
    let sheet = estimated(sheet, ["aopc", "aopc_lo", "aopc_hi"], "mean AOPC", |r| r.aopc);
    estimated(
        sheet,
        ["less", "less_lo", "less_hi"],
        "the same minus that of the model's own maps, picture by picture; null for these",
        |r| r.less,
    )
    .whole("undefined", "pictures without a curve", |r| Some(r.undefined as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::context::Answer;

    fn answer(model: &str, image: &str, right: bool) -> Answer {
        Answer {
            image: image.to_owned(),
            model: model.to_owned(),
            label: Some(0),
            predicted: Some(0),
            probability: None,
            right: Some(right),
            labels: None,
            unsure: None,
            logits: None,
            reason: None,
        }
    }

    fn curve(map_of: &str, model: &str, image: &str, fall: f32) -> Crossed {
        Crossed {
            image: image.to_owned(),
            method: "gradient".to_owned(),
            map_of: map_of.to_owned(),
            model: model.to_owned(),
            target: Some(0),
            perturbation: "uniform".to_owned(),
            region: 9,
            removal_order: Order::Morf,
            repeat: 0,
            scores: Some(vec![4.0, 4.0 - fall]),
            tied_fraction: None,
            reason: None,
        }
    }

    #[test]
    fn agreement_likeness_and_faithfulness_are_summed_up() {
        let mut found = Compared::default();
        for k in 0..8 {
            let image = format!("{k}");
            found.answers.push(answer("a", &image, true));
            found.answers.push(answer("b", &image, k > 5));
            found.pairs.push(Pair {
                image: image.clone(),
                method: "gradient".to_owned(),
                model: "a".to_owned(),
                other: "b".to_owned(),
                same_prediction: Some(k > 5),
                rank_correlation: (k > 0).then_some(0.5),
                top_overlap: Some(0.25),
                cells: Some(9),
                reason: None,
            });
            for (map_of, model, fall) in
                [("a", "a", 2.0), ("b", "a", 1.0), ("a", "b", 3.0), ("b", "b", 3.0)]
            {
                found.crossed.push(curve(map_of, model, &image, fall + 0.1 * (k as f32)));
            }
        }
        let about = About {
            models: ["a", "b"].map(str::to_owned).to_vec(),
            methods: vec!["gradient".to_owned()],
            perturbations: vec!["uniform".to_owned()],
            region: 9,
            ..About::default()
        };
        let summary = Summary::of(&found, &about);
        let [pair] = &summary.pairs[..] else { panic!("one pair") };
        assert_eq!((pair.apart, pair.undefined), ((6, 0), 1));
        assert_eq!(pair.same, Some(Proportion { count: 2, of: 8 }));
        assert!((pair.correlation.unwrap().mean - 0.5).abs() < 1e-12);
        // half of the fall, since the first of two scores did not fall
        let own = summary.faith_of(&about, "a", "a", "gradient").unwrap();
        assert!((own.aopc.unwrap().mean - 1.175).abs() < 1e-6 && own.less.is_none());
        let crossed = summary.faith_of(&about, "b", "a", "gradient").unwrap();
        assert!((crossed.less.unwrap().mean + 0.5).abs() < 1e-6);
        let said = summary.sentences(&about).join("\n");
        assert!(said.contains("`a` is right more often than `b` (p 3.1e-2)"), "{said}");
        assert!(said.contains("The maps of `b` lower the score of `a`"), "{said}");
        assert!(said.contains("the two look at different things"), "{said}");
    }

    #[test]
    fn every_column_has_its_note() {
        let noted = |notes: &BTreeMap<String, String>, name: &str| {
            notes.contains_key(&format!("column {name}"))
        };
        let (models, pairs, faith) = (model_sheet(), pair_sheet(), faith_sheet());
        let classes = class_sheet();
        assert!(classes.names().all(|name| noted(classes.notes(), name)));
        assert!(models.names().all(|name| noted(models.notes(), name)));
        assert!(pairs.names().all(|name| noted(pairs.notes(), name)));
        assert!(faith.names().all(|name| noted(faith.notes(), name)));
    }
}
