//! Two runs compared: the same methods on the same pictures, before and after something changed.

use super::{
    cells::{self, CellsError, Group},
    columns,
    naming::Names,
    ranking::{align, decimals_for, wrap},
};
use crate::{
    base::words::{are, count},
    eval::{
        metric::{Chosen, CurveMetric},
        rounding::differences,
        stats::{
            Estimate, Resampling, estimate,
            wilcoxon::{can_reach, fewest_pictures, holm, wilcoxon},
        },
    },
    explain::labels::labels,
    run::{manifest::Manifest, record::Row},
    table::{Sheet, Table},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// One method in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Canonical name of the perturbation.
    pub perturbation: String,
    /// Canonical name of the method.
    pub method: String,
    /// Pictures that both runs have.
    pub images: usize,
    /// Mean in the first run, over these pictures.
    pub before: f64,
    /// Mean in the second run.
    pub after: f64,
    /// Second minus first, picture by picture.
    pub difference: Estimate,
    /// p-value of the signed-rank test; `None` when nothing changed.
    pub p: Option<f64>,
    /// The same corrected for all methods (Holm).
    pub p_holm: Option<f64>,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// Canonical name of the metric.
    pub metric: String,
    /// By setting, then by method.
    pub changes: Vec<Change>,
    /// What was changed, in words, from the manifests.
    pub causes: Vec<String>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// Records of a run and its manifest.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// One row per curve.
    pub rows: &'a [Row],
    /// Where there is one.
    pub manifest: Option<&'a Manifest>,
}

/// Compares the second run with the first.
pub fn diff(
    a: Side<'_>,
    b: Side<'_>,
    chosen: &Chosen<'_>,
    resampling: Resampling,
) -> Result<Diff, CellsError> {
    let (first, second) = (cells::group(a.rows)?, cells::group(b.rows)?);
    let mut notes = Vec::new();
    let mut changes = Vec::new();
    for group in &first {
        match second.iter().find(|other| same_setting(group, other)) {
            None => notes.push(only(group, "first")),
            Some(other) => {
                notes.extend(unlike(group, other));
                changes.extend(compare(group, other, chosen, resampling));
            }
        }
    }
    for group in &second {
        if !first.iter().any(|other| same_setting(group, other)) {
            notes.push(only(group, "second"));
        }
    }
    notes.extend(targets(a.rows, b.rows));
    correct(&mut changes);
    notes.extend(too_few(&changes));
    let causes = match (a.manifest, b.manifest) {
        (Some(a), Some(b)) => causes(a, b),
        _ => vec!["unknown: a manifest is missing".to_owned()],
    };
    Ok(Diff { metric: chosen.name.to_owned(), changes, causes, notes })
}

/// Whether two settings are compared, however many steps they have.
fn same_setting(a: &Group<'_>, b: &Group<'_>) -> bool {
    let (x, y) = (&a.setting, &b.setting);
    let key =
        |s: &cells::Setting| (s.perturbation.clone(), s.region, s.score_kind, s.removed.clone());
    key(x) == key(y)
}

fn only(group: &Group<'_>, which: &str) -> String {
    let s = &group.setting;
    format!(
        "`{}` with regions of {r}x{r}{} ({}) is in the {which} run only",
        s.perturbation,
        s.at_stops(),
        s.score_kind,
        r = s.region
    )
}

/// Methods, pictures and steps that are not in both.
fn unlike(a: &Group<'_>, b: &Group<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let under = &a.setting.perturbation;
    for (x, y, which) in [(a, b, "first"), (b, a, "second")] {
        let methods: Vec<&str> = y.methods().collect();
        let only: Vec<&str> = x.methods().filter(|m| !methods.contains(m)).collect();
        if !only.is_empty() {
            notes.push(format!("under `{under}` in the {which} run only: {}", only.join(", ")));
        }
        let images: Vec<&str> = y.image_names().collect();
        let only = x.image_names().filter(|i| images.binary_search(i).is_err()).count();
        if only > 0 {
            let (images, are) = (count(only, "image"), are(only));
            notes.push(format!("under `{under}` {images} {are} in the {which} run only"));
        }
    }
    if a.setting.steps != b.setting.steps {
        let steps = |n: Option<usize>| n.map_or("no steps".to_owned(), |n| count(n, "step"));
        let both = steps(a.setting.steps.min(b.setting.steps));
        notes.push(format!(
            "the first run has {}, the second {}; compared is what both have, {both}",
            steps(a.setting.steps),
            steps(b.setting.steps)
        ));
    }
    notes
}

/// The metric of a method after so many steps, picture by picture.
fn values_after(
    group: &Group<'_>,
    method: &str,
    metric: &dyn CurveMetric,
    steps: Option<usize>,
) -> Vec<Option<f64>> {
    match steps {
        Some(steps) if group.setting.steps != Some(steps) => {
            let along = group.values_along(method, metric).into_iter();
            along.map(|values| values?.get(steps).copied()).collect()
        }
        _ => group.values(method, metric),
    }
}

fn compare(
    a: &Group<'_>,
    b: &Group<'_>,
    chosen: &Chosen<'_>,
    resampling: Resampling,
) -> Vec<Change> {
    let steps = a.setting.steps.min(b.setting.steps);
    let values = |group: &Group<'_>, method: &str| -> BTreeMap<String, f64> {
        let named = group.image_names().zip(values_after(group, method, chosen.metric, steps));
        named.filter_map(|(image, v)| Some((image.to_owned(), v?))).collect()
    };
    let change = |method: &str| {
        let (x, y) = (values(a, method), values(b, method));
        let pairs: Vec<(f64, f64)> =
            x.iter().filter_map(|(image, v)| Some((*v, *y.get(image)?))).collect();
        let (before, after): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let differences = differences(&after, &before);
        let mean =
            |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
        Some(Change {
            perturbation: a.setting.perturbation.clone(),
            method: method.to_owned(),
            images: pairs.len(),
            before: mean(|p| p.0),
            after: mean(|p| p.1),
            difference: estimate(&differences, resampling)?,
            p: wilcoxon(&differences).map(|test| test.p),
            p_holm: None,
        })
    };
    a.methods().filter_map(change).collect()
}

/// That no test of a change can find anything.
fn too_few(changes: &[Change]) -> Option<String> {
    let tests = changes.iter().filter(|c| c.p.is_some()).count();
    let most = changes.iter().map(|c| c.images).max()?;
    (tests > 0 && !can_reach(most, tests)).then(|| {
        format!(
            "{} {} too few for a test: even if a change has one sign on every image, p (Holm) cannot reach \
             5 %; {} could",
            count(most, "image"),
            are(most),
            count(fewest_pictures(tests), "image"),
        )
    })
}

fn correct(changes: &mut [Change]) {
    let known: Vec<f64> = changes.iter().filter_map(|c| c.p).collect();
    let tested = changes.iter_mut().filter(|c| c.p.is_some());
    tested.zip(holm(&known)).for_each(|(change, p)| change.p_holm = Some(p));
}

/// Pictures on which the two runs followed different classes.
fn targets(a: &[Row], b: &[Row]) -> Option<String> {
    let of = |rows: &[Row]| -> BTreeMap<String, u64> {
        rows.iter().filter_map(|r| Some((r.image.clone(), r.target?))).collect()
    };
    let (x, y) = (of(a), of(b));
    let common = x.iter().filter_map(|(image, t)| Some((t, y.get(image)?)));
    let (all, other) = common.fold((0, 0), |(n, m), (s, t)| (n + 1, m + usize::from(s != t)));
    (other > 0).then(|| {
        format!(
            "on {other} of {} the runs followed the scores of different classes",
            count(all, "common image")
        )
    })
}

/// What differs in the manifests, in words; times and results do not count.
fn causes(a: &Manifest, b: &Manifest) -> Vec<String> {
    let content = |m: &Manifest| Some(m.results.as_ref()?.content()?.to_owned());
    let facts = |m: &Manifest| -> [(&str, Option<Value>); 5] {
        [
            ("model", Some(m.model.digest.clone().into())),
            ("data", Some(m.data.fingerprint.clone().into())),
            ("content of the pictures", content(m).map(Value::from)),
            ("version of pixelflip", Some(m.version.clone().into())),
            ("version of the results", Some(m.results_version.into())),
        ]
    };
    let mut found = Vec::new();
    for ((what, x), (_, y)) in facts(a).into_iter().zip(facts(b)) {
        if x != y {
            found.push(format!("{what}: {} -> {}", brief(x.as_ref()), brief(y.as_ref())));
        }
    }
    let (x, y) = (a.config.entries(), b.config.entries());
    let mut keys: Vec<&String> = x.keys().chain(y.keys().filter(|k| !x.contains_key(*k))).collect();
    // where the same model and pictures lie is no cause
    keys.retain(|key| x.get(*key) != y.get(*key) && !["model", "data"].contains(&key.as_str()));
    found.extend(keys.iter().map(|k| format!("{k}: {} -> {}", brief(x.get(*k)), brief(y.get(*k)))));
    if found.is_empty() {
        found.push("nothing: the same config, model and data".to_owned());
    }
    found
}

/// A value as text; digests by their beginning.
fn brief(value: Option<&Value>) -> String {
    let text = match value {
        None => return "absent".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            items.iter().map(|v| brief(Some(v))).collect::<Vec<_>>().join(",")
        }
        Some(other) => other.to_string(),
    };
    let digest = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    if digest { text[..12].to_owned() } else { text }
}

impl Diff {
    /// As text of at most 100 columns.
    pub fn text(&self) -> String {
        let mut text = "changed\n".to_owned();
        self.causes.iter().for_each(|cause| text.push_str(&wrap(&format!("  {cause}"))));
        let notes: String = self.notes.iter().map(|note| wrap(&format!("note: {note}"))).collect();
        if self.changes.is_empty() {
            return text
                + "\nnothing to compare: no setting, method and picture is in both runs\n"
                + &notes;
        }
        let means: Vec<f64> = self.changes.iter().map(|c| c.before).collect();
        let digits = decimals_for(&means);
        let header =
            ["images", "method", "before", "after", "difference", "95 % interval", "p (Holm)"];
        let mut cells = vec![header.map(str::to_owned)];
        let names: Vec<&str> = self.changes.iter().map(|c| c.method.as_str()).collect();
        for (c, label) in self.changes.iter().zip(labels(&names)) {
            let interval = |lo: f64, hi: f64| format!("[{lo:+.digits$}, {hi:+.digits$}]");
            let d = &c.difference;
            cells.push([
                c.images.to_string(),
                label,
                format!("{:.digits$}", c.before),
                format!("{:.digits$}", c.after),
                format!("{:+.digits$}", d.mean),
                d.lo().zip(d.hi()).map_or("-".to_owned(), |(lo, hi)| interval(lo, hi)),
                c.p_holm.map_or("-".to_owned(), |p| format!("{p:.4}")),
            ]);
        }
        text.extend(["\n", &self.metric, ", second run minus first\n"]);
        text.push_str(&align(&cells, 1));
        text + &notes
    }

    /// One row per setting and method.
    pub fn table(&self) -> Table {
        sheet(&Names::of(self.changes.iter().map(|c| &c.method[..]))).table(&self.changes)
    }
}

/// The columns of the table.
fn sheet(names: &Names) -> Sheet<'_, Change> {
    let sheet = Sheet::default().text("perturbation", "", |c: &Change| Some(&c.perturbation));
    columns::method(sheet, names, |c| &c.method)
        .whole("images", "", |c| Some(c.images as u64))
        .number("before", "", |c| Some(c.before))
        .number("after", "", |c| Some(c.after))
        .number("difference", "", |c| Some(c.difference.mean))
        .number("stderr", "", |c| c.difference.stderr)
        .number("lo", "", |c| c.difference.lo())
        .number("hi", "", |c| c.difference.hi())
        .number("p", "", |c| c.p)
        .number("p_holm", "", |c| c.p_holm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::OneOrMore;
    use crate::{
        demo,
        eval::{metric::Aopc, order::Order},
    };

    #[test]
    fn the_same_images_and_methods_are_paired_and_the_rest_is_said() {
        let a = demo::records(8, 1, 10);
        let mut b = a.clone();
        b.retain(|r| !r.image.contains("0007") && r.method != "lrp-samek2017");
        for row in b.iter_mut().filter(|r| r.method == "gradient") {
            row.scores = row.scores.as_ref().map(|s| {
                let fall = |(k, v): (usize, &f32)| if k == 0 { *v } else { v - 1.1 };
                s.iter().enumerate().map(fall).collect()
            });
        }
        b.iter_mut().filter(|r| r.image.contains("0001")).for_each(|r| r.target = Some(4));
        let manifest = |model: &str, region: usize| {
            let mut manifest = demo::manifest();
            model.repeat(64).clone_into(&mut manifest.model.digest);
            manifest.config.region = Some(OneOrMore(vec![region]));
            manifest
        };
        let (x, y) = (manifest("a", 9), manifest("b", 8));
        let chosen = Chosen { name: "aopc:order=morf", metric: &Aopc(Order::Morf) };
        let resampling = Resampling { count: 300, ..Resampling::default() };
        let side = |rows, manifest| Side { rows, manifest: Some(manifest) };
        let found = diff(side(&a, &x), side(&b, &y), &chosen, resampling).unwrap();
        let gradient = found.changes.iter().find(|c| c.method == "gradient").unwrap();
        assert_eq!(gradient.images, 7);
        // every one of ten steps falls 1.1 further; eleven count
        assert!((gradient.difference.mean - 1.0).abs() < 1e-6, "{gradient:?}");
        let random = found.changes.iter().find(|c| c.method == "random").unwrap();
        assert_eq!((random.difference.mean, random.p), (0.0, None));
        insta::assert_snapshot!(found.text());
    }

    #[test]
    fn runs_of_different_length_are_compared_after_the_steps_that_both_have() {
        let a = demo::records(6, 1, 20);
        let mut b = a.clone();
        for row in &mut b {
            row.scores.as_mut().unwrap().truncate(11);
        }
        let chosen = Chosen { name: "aopc:order=morf", metric: &Aopc(Order::Morf) };
        let resampling = Resampling { count: 300, ..Resampling::default() };
        let side = |rows| Side { rows, manifest: None };
        let found = diff(side(&a), side(&b), &chosen, resampling).unwrap();
        assert!(found.changes.iter().all(|c| c.p.is_none() && c.difference.mean == 0.0));
        let note =
            "the first run has 20 steps, the second 10 steps; compared is what both have, 10 steps";
        assert!(found.notes.contains(&note.to_owned()), "{:?}", found.notes);
    }
}
