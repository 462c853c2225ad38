//! Means by group and by model, and whether they go together with accuracy.

use super::About;
use crate::{
    eval::{
        precision::AveragePrecision,
        stats::{
            Estimate, Resampling, association::Association, estimate, proportion::Proportion,
            quantile::median,
        },
    },
    explain::labels::label,
    run::context::{Answer, Use, Uses},
    table::{Sheet, TableError},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Groups with fewer pictures than this are in no correlation: their accuracy is a matter of chance.
pub(super) const FEWEST: usize = 5;

/// What is said of some context uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Middle {
    /// Mean with its interval.
    pub mean: Option<Estimate>,
    /// Median.
    pub median: Option<f64>,
    /// Exponential of the mean logarithm of those above 0; few large ratios do not rule it.
    pub log_mean: Option<f64>,
    /// Pictures without a ratio.
    pub undefined: usize,
}

impl Middle {
    fn of(rows: &[&Use]) -> Middle {
        let values: Vec<f64> = rows.iter().filter_map(|row| row.ratio).collect();
        let logs: Vec<f64> = values.iter().filter(|v| **v > 0.0).map(|v| v.ln()).collect();
        Middle {
            mean: estimate(&values, Resampling::default()),
            median: median(values.iter().copied()),
            log_mean: (!logs.is_empty())
                .then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp()),
            undefined: rows.len() - values.len(),
        }
    }
}

/// How well a model does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Skill {
    /// Pictures that it says right.
    pub right: Option<Proportion>,
    /// Average precision, where pictures show several classes and the group is one.
    pub ap: Option<f64>,
}

impl Skill {
    /// The average precision, or else the share of right pictures.
    pub fn value(&self) -> Option<f64> {
        self.ap.or_else(|| self.right?.share())
    }
}

/// A group under a model and a method.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRow {
    /// Name of the model.
    pub model: String,
    /// Canonical name of the method.
    pub method: String,
    /// The group.
    pub group: String,
    /// Pictures.
    pub pictures: usize,
    /// Context use.
    pub used: Middle,
    /// How well the model does.
    pub skill: Skill,
}

/// A model under a method.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Name of the model.
    pub model: String,
    /// Canonical name of the method.
    pub method: String,
    /// Pictures.
    pub pictures: usize,
    /// Context use.
    pub used: Middle,
    /// Mean over groups of the groups' means: each group counts alike.
    pub over_groups: Option<f64>,
    /// How well the model does.
    pub skill: Skill,
    /// Groups with enough pictures.
    pub groups: usize,
    /// Correlation over these of mean context use and accuracy.
    pub with_skill: Option<Association>,
}

/// All means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// By model, method and group.
    pub groups: Vec<GroupRow>,
    /// By model and method.
    pub models: Vec<ModelRow>,
    /// By method: correlation over the models of mean context use and accuracy.
    pub over_models: Vec<(String, Option<Association>)>,
    /// Pictures that belong to no group.
    pub without_group: usize,
}

impl Summary {
    /// Of what was found.
    pub fn of(found: &Uses, about: &About) -> Summary {
        let answers: BTreeMap<(&str, &str), &Answer> =
            found.answers.iter().map(|a| ((&a.model[..], &a.image[..]), a)).collect();
        let (mut groups, mut models) = (Vec::new(), Vec::new());
        for model in &about.models {
            for method in &about.methods {
                let rows: Vec<&Use> = found
                    .uses
                    .iter()
                    .filter(|u| u.model == *model && u.method == *method)
                    .collect();
                let own = self::groups(model, method, &rows, &answers, about);
                models.push(self::model(model, method, &rows, &own, &answers));
                groups.extend(own);
            }
        }
        let over_models = about.methods.iter().map(|method| {
            let own = models.iter().filter(|row| row.method == *method);
            let pairs = own.filter_map(|row| Some((row.used.mean?.mean, row.skill.value()?)));
            (method.clone(), Association::of(&pairs.collect::<Vec<_>>()))
        });
        let over_models = over_models.collect();
        let loose = found.uses.iter().filter(|row| row.group.is_none());
        let without_group = loose.map(|row| &row.image).collect::<BTreeSet<_>>().len();
        Summary { groups, models, over_models, without_group }
    }

    /// Writes `groups` and `models` as CSV and Parquet.
    pub fn write(&self, folder: &Path, about: &About) -> Result<(), TableError> {
        let data = &about.data;
        group_sheet().about("data", data).write(folder, "groups", &self.groups)?;
        model_sheet().about("data", data).write(folder, "models", &self.models)
    }

    /// The cells of a table for a terminal.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let head = [
            "model",
            "method",
            "context use",
            "95 % interval",
            "median",
            "log mean",
            "accuracy",
            "pictures",
        ];
        let short = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
        let line = |row: &ModelRow| {
            let interval = row.used.mean.and_then(|m| Some((m.lo()?, m.hi()?)));
            vec![
                row.model.clone(),
                label(&row.method),
                short(row.used.mean.map(|m| m.mean)),
                interval.map_or("-".to_owned(), |(lo, hi)| format!("{lo:.3} to {hi:.3}")),
                short(row.used.median),
                short(row.used.log_mean),
                short(row.skill.value()),
                row.used.mean.map_or(0, |m| m.n).to_string(),
            ]
        };
        std::iter::once(head.map(str::to_owned).to_vec())
            .chain(self.models.iter().map(line))
            .collect()
    }

    /// What came out, in words, for the first method.
    pub fn sentences(&self, about: &About) -> Vec<String> {
        let Some(method) = about.methods.first() else { return Vec::new() };
        let own: Vec<&ModelRow> = self.models.iter().filter(|row| row.method == *method).collect();
        let mut said: Vec<String> = own.iter().map(|row| model_words(row)).collect();
        said.extend(own.iter().filter_map(|row| extremes(row, &self.groups)));
        said.extend(own.iter().map(|row| {
            let what = format!(
                "`{}`: over {} with {FEWEST} pictures or more",
                row.model,
                counted(row.groups, &about.groups)
            );
            association(&what, row.with_skill, row.groups, "groups")
        }));
        if about.models.len() > 1 {
            let found = self.over_models.first().and_then(|(_, association)| *association);
            said.push(association("Over the models", found, about.models.len(), "models"));
        }
        said
    }

    /// What a reader must know.
    pub fn caveats(&self, about: &About) -> Vec<String> {
        let undefined: usize = self.models.iter().map(|row| row.used.undefined).max().unwrap_or(0);
        let undefined = (undefined > 0).then(|| {
            format!("up to {undefined} pictures have no ratio (`reason` in context.csv says why); none of them counts")
        });
        let loose = (self.without_group > 0)
            .then(|| format!("{} pictures belong to no group", self.without_group));
        let small = self.groups.iter().filter(|g| Some(&g.method) == about.methods.first());
        let small = small.filter(|g| g.pictures < FEWEST).count();
        let small = (small > 0).then(|| {
            format!("{small} groups have fewer than {FEWEST} pictures: too few for a statement on each of them")
        });
        [undefined, loose, small].into_iter().flatten().collect()
    }
}

fn counted(count: usize, groups: &str) -> String {
    format!("{count} groups ({groups})")
}

fn model_words(row: &ModelRow) -> String {
    let Some(mean) = row.used.mean else {
        return format!("`{}`: no picture has a ratio.", row.model);
    };
    let interval = mean.lo().zip(mean.hi());
    let interval = interval.map_or_else(
        || ", too few pictures for an interval".to_owned(),
        |(lo, hi)| format!(" ({lo:.2} to {hi:.2})"),
    );
    let skill =
        row.skill.value().map_or(String::new(), |v| format!("; it says {:.1} % right", 100.0 * v));
    format!(
        "`{}` has {:.2} times as much positive relevance per pixel outside the object as on it{interval}, median {:.2}{skill}.",
        row.model,
        mean.mean,
        row.used.median.unwrap_or(f64::NAN)
    )
}

/// The group whose median context use is the largest, where it is far above the others'.
fn extremes(row: &ModelRow, groups: &[GroupRow]) -> Option<String> {
    let own = groups.iter().filter(|g| g.model == row.model && g.method == row.method);
    let mut own: Vec<&GroupRow> =
        own.filter(|g| g.used.mean.is_some_and(|m| m.n >= FEWEST)).collect();
    own.sort_by(|a, b| mean_of(b).total_cmp(&mean_of(a)));
    let [first, rest @ ..] = &own[..] else { return None };
    let highest = rest.iter().filter_map(|g| g.used.mean?.hi()).reduce(f64::max)?;
    let lowest = first.used.mean?.lo()?;
    (lowest > highest).then(|| {
        format!(
            "`{}`: the group `{}` uses the context most, {:.2} on average ({:.2} to {:.2}), more than any other beyond \
             doubt (the next one `{}`, {:.2}).",
            row.model,
            first.group,
            mean_of(first),
            lowest,
            first.used.mean.and_then(|m| m.hi()).unwrap_or(f64::NAN),
            rest[0].group,
            mean_of(rest[0])
        )
    })
}

fn mean_of(group: &GroupRow) -> f64 {
    group.used.mean.map_or(f64::NEG_INFINITY, |m| m.mean)
}

/// What a correlation says.
fn association(what: &str, found: Option<Association>, count: usize, of: &str) -> String {
    match found {
        None => format!(
            "{what} nothing can be said on context use and accuracy: there are fewer than two, or one of the two does not vary."
        ),
        Some(Association { interval: None, r, .. }) => format!(
            "{what} the correlation of context use and accuracy is {r:.2}, which {count} {of} are too few to tell from chance."
        ),
        Some(Association { r, interval: Some(interval), .. }) => {
            let verdict = if interval.hi < 0.0 {
                "more context goes with less accuracy"
            } else if interval.lo > 0.0 {
                "more context goes with more accuracy"
            } else {
                "no direction can be told"
            };
            format!(
                "{what} context use and accuracy correlate with {r:.2} ({:.2} to {:.2}): {verdict}.",
                interval.lo, interval.hi
            )
        }
    }
}

type Answers<'a> = BTreeMap<(&'a str, &'a str), &'a Answer>;

fn right_of(rows: &[&Use]) -> Option<Proportion> {
    let known: Vec<bool> = rows.iter().filter_map(|row| row.right).collect();
    (!known.is_empty()).then(|| Proportion::of(known.into_iter()))
}

fn groups(
    model: &str,
    method: &str,
    rows: &[&Use],
    answers: &Answers<'_>,
    about: &About,
) -> Vec<GroupRow> {
    let mut by_group: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    for row in rows {
        if let Some(group) = &row.group {
            by_group.entry(group).or_default().push(row);
        }
    }
    let group = |(group, rows): (&str, Vec<&Use>)| {
        let ap = about.classes.iter().position(|class| class == group);
        let ap = ap.and_then(|class| precision(model, class as u64, answers));
        GroupRow {
            model: model.to_owned(),
            method: method.to_owned(),
            group: group.to_owned(),
            pictures: rows.len(),
            used: Middle::of(&rows),
            skill: Skill { right: right_of(&rows), ap },
        }
    };
    by_group.into_iter().map(group).collect()
}

/// The average precision of a class, where pictures show several.
fn precision(model: &str, class: u64, answers: &Answers<'_>) -> Option<f64> {
    let own = answers.iter().filter(|((name, _), _)| *name == model).map(|(_, answer)| answer);
    let scores = own.filter_map(|answer| {
        let (labels, logits) = (answer.labels.as_ref()?, answer.logits.as_ref()?);
        let shows = labels.contains(&class);
        let open = answer.unsure.as_ref().is_some_and(|unsure| unsure.contains(&class));
        (shows || !open).then(|| Some((*logits.get(class as usize)?, shows)))?
    });
    Some(AveragePrecision::of(&scores.collect::<Vec<_>>())?.area)
}

fn model(
    name: &str,
    method: &str,
    rows: &[&Use],
    groups: &[GroupRow],
    answers: &Answers<'_>,
) -> ModelRow {
    let own = answers.iter().filter(|((model, _), _)| *model == name);
    let right: Vec<bool> = own.filter_map(|(_, answer)| answer.right).collect();
    let right = (!right.is_empty()).then(|| Proportion::of(right.into_iter()));
    let means: Vec<f64> = groups.iter().filter_map(|g| Some(g.used.mean?.mean)).collect();
    let enough = groups.iter().filter(|g| g.used.mean.is_some_and(|m| m.n >= FEWEST));
    let pairs: Vec<(f64, f64)> =
        enough.filter_map(|g| Some((g.used.mean?.mean, g.skill.value()?))).collect();
    ModelRow {
        model: name.to_owned(),
        method: method.to_owned(),
        pictures: rows.len(),
        used: Middle::of(rows),
        over_groups: (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64),
        skill: Skill { right, ap: None },
        groups: pairs.len(),
        with_skill: Association::of(&pairs),
    }
}

/// Columns of a context use.
fn middle<'a, R: 'a>(sheet: Sheet<'a, R>, of: fn(&R) -> Middle) -> Sheet<'a, R> {
    sheet
        .whole("defined", "pictures with a ratio", move |r| of(r).mean.map(|m| m.n as u64))
        .number(
            "context",
            "mean of the ratio: relevance per pixel outside the object over that inside",
            move |r| of(r).mean.map(|m| m.mean),
        )
        .number("context_lo", "lower end of its 95 % bootstrap interval", move |r| {
            of(r).mean.and_then(|m| m.lo())
        })
        .number("context_hi", "upper end", move |r| of(r).mean.and_then(|m| m.hi()))
        .number("context_median", "median of the ratio", move |r| of(r).median)
        .number(
            "context_log_mean",
            "exponential of the mean logarithm of ratios above 0",
            move |r| of(r).log_mean,
        )
        .whole("undefined", "pictures without a ratio", move |r| Some(of(r).undefined as u64))
}

/// The columns of the table of groups.
pub(crate) fn group_sheet<'a>() -> Sheet<'a, GroupRow> {
    let sheet = Sheet::default()
        .text("model", "name of the model", |r: &GroupRow| Some(&r.model))
        .text("method", "canonical name, with all parameters", |r| Some(&r.method))
        .text("group", "the group", |r| Some(&r.group))
        .whole("pictures", "pictures of the group", |r| Some(r.pictures as u64));
    middle(sheet, |r| r.used)
        .number("accuracy", "share of the pictures whose label the model says", |r| {
            r.skill.right.and_then(Proportion::share)
        })
        .number("ap", "average precision of the class, where pictures show several", |r| r.skill.ap)
}

/// The columns of the table of models.
pub(crate) fn model_sheet<'a>() -> Sheet<'a, ModelRow> {
    let sheet = Sheet::default()
        .text("model", "name of the model", |r: &ModelRow| Some(&r.model))
        .text("method", "canonical name, with all parameters", |r| Some(&r.method))
        .whole("pictures", "pictures that were looked at", |r| Some(r.pictures as u64));
    middle(sheet, |r| r.used)
        .number("over_groups", "mean over groups of the groups' means", |r| r.over_groups)
        .number("accuracy", "share of the pictures whose label the model says", |r| {
            r.skill.right.and_then(Proportion::share)
        })
        .whole("groups", "groups with at least five pictures", |r| Some(r.groups as u64))
        .number(
            "correlation",
            "Pearson correlation over these groups of context and accuracy (or ap)",
            |r| r.with_skill.map(|a| a.r),
        )
        .number("correlation_lo", "lower end of its 95 % interval (Fisher)", |r| {
            r.with_skill?.interval.map(|i| i.lo)
        })
        .number("correlation_hi", "upper end", |r| r.with_skill?.interval.map(|i| i.hi))
        .number("p", "two-sided p-value of no correlation (t-test)", |r| r.with_skill?.p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ratio: impl Fn(usize, usize) -> Option<f64>) -> (Uses, About) {
        let mut uses = Vec::new();
        for (class, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
            for k in 0..6 {
                uses.push(Use {
                    image: format!("{name}{k}"),
                    model: "net".to_owned(),
                    method: "gradient".to_owned(),
                    label: Some(class as u64),
                    target: Some(class as u64),
                    right: Some(k >= class),
                    group: Some((*name).to_owned()),
                    ratio: ratio(class, k),
                    failed: false,
                    reason: None,
                });
            }
        }
        let about = About {
            models: vec!["net".to_owned()],
            methods: vec!["gradient".to_owned()],
            groups: "class".to_owned(),
            ..About::default()
        };
        (Uses { uses, answers: vec![] }, about)
    }

    #[test]
    fn more_context_and_less_accuracy_correlate_negatively() {
        let (found, about) = found(|class, k| Some(class as f64 + 0.01 * k as f64));
        let summary = Summary::of(&found, &about);
        let [row] = &summary.models[..] else { panic!("one model") };
        let association = row.with_skill.unwrap();
        assert!(association.r < -0.999 && association.interval.unwrap().hi < 0.0);
        assert!((summary.groups[1].used.median.unwrap() - 1.025).abs() < 1e-12);
        assert_eq!(summary.groups[1].skill.value(), Some(5.0 / 6.0));
        let said = summary.sentences(&about).join("\n");
        assert!(said.contains("more context goes with less accuracy"), "{said}");
        assert!(said.contains("the group `e` uses the context most"), "{said}");
    }

    #[test]
    fn what_is_undefined_is_counted_and_not_averaged() {
        let (found, about) = found(|class, k| (class == 0 && k < 2).then_some(k as f64));
        let summary = Summary::of(&found, &about);
        let [row] = &summary.models[..] else { panic!("one model") };
        assert_eq!((row.used.mean.unwrap().mean, row.used.undefined), (0.5, 28));
        // the logarithm of 0 is none
        assert_eq!((row.used.log_mean, row.groups), (Some(1.0), 0));
        let said = summary.sentences(&about).join("\n");
        assert!(said.contains("too few pictures for an interval"), "{said}");
        assert!(said.contains("nothing can be said"), "{said}");
        assert!(summary.caveats(&about)[0].starts_with("up to 28 pictures have no ratio"));
    }

    #[test]
    fn every_column_has_its_note() {
        let (groups, models) = (group_sheet(), model_sheet());
        let noted = |notes: &BTreeMap<String, String>, name: &str| {
            notes.contains_key(&format!("column {name}"))
        };
        assert!(groups.names().all(|name| noted(groups.notes(), name)));
        assert!(models.names().all(|name| noted(models.notes(), name)));
    }
}
