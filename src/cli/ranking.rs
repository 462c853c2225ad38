//! What people see of a ranking in the end.

use super::{
    study::{End, Seen},
    terminal::count,
};
use pixelflip::{
    report::{outcome, ranking::ranking},
    run::manifest::{Manifest, Outcome, Results},
};

/// Where things lie in the results, in the order in which people look at them.
const PLACES: &[(&str, &str)] = &[
    ("report.html", "everything to look at, in one file for a browser"),
    ("summary.csv", "the ranking with intervals; `pixelflip rank` tests the differences"),
    ("aopc.png", "the figure of the paper, also as .svg"),
    ("texts.html", "texts with their words in the colours of each method"),
    ("heatmaps", "heat maps of some pictures"),
    ("classes.csv", "how well the network tells each class, since pictures show several"),
    ("curves", "one row per curve, as Parquet"),
    ("manifest.json", "what was run; `pixelflip run` takes it to do it again"),
];

/// Writes the page, figures and tables of a ranking.
pub(super) fn view(end: &End<'_>) -> anyhow::Result<Seen> {
    let End { study, output, progress, .. } = *end;
    let Outcome::Ranking(results) = end.outcome else { unreachable!("of the ranking") };
    let plan = study.plan();
    let manifest = Manifest::new(study).with(end.outcome.clone());
    let exhibits = outcome::exhibits(output.root())?;
    let summary =
        outcome::write(output.root(), &manifest, &exhibits, end.look, &|what| progress.end(what))?;
    // those about inputs were said at the beginning
    let begun = plan.warnings();
    let doubts = results.doubts.iter().map(ToString::to_string);
    doubts.filter(|doubt| !begun.contains(doubt)).for_each(|doubt| progress.warn(&doubt));
    Ok(Seen {
        text: ranking(&summary),
        parts: parts(results),
        places: PLACES,
        failed: (results.failed_curves > 0)
            .then(|| format!("{} failed", count(results.failed_curves, "curve"))),
    })
}

/// What came out, as the last line begins.
fn parts(results: &Results) -> Vec<String> {
    let mut parts = vec![count(results.pictures, "picture")];
    let right = [("top-1", results.top1), ("top-5", results.top5), ("mAP", results.mean_ap)];
    let right = right.into_iter().filter_map(|(name, share)| Some((name, share?)));
    parts.extend(right.map(|(name, share)| format!("{name} {:.1} %", 100.0 * share)));
    parts.push(count(results.curves - results.failed_curves, "curve"));
    parts
}
