//! The answer, in sentences.

use super::{
    Source,
    contenders::{Contenders, ranked},
    pairs::{is_clear, plain, reversed},
    svg::escape,
};
use crate::{
    eval::{
        metric::Abpc,
        order::Order,
        stats::{Estimate, Resampling, estimate, paired::Pair},
    },
    report::{
        cells::{Group, common, common_means},
        contest::Contest,
        summary::SummaryRow,
    },
    run::output::is_whole,
};
use serde_json::Value;

/// What came out, the most important first; HTML. `contests` compare the methods of each setting on the
/// pictures that all have; that of the first setting counts, if it is there.
pub(super) fn sentences(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
    contests: &[Contest],
) -> Vec<String> {
    let contest = counting(source, contests);
    let rows = ranked(source.summary);
    let known: Vec<&SummaryRow> = rows.into_iter().filter(|r| r.aopc.is_some()).collect();
    let Some(row) = known.first() else {
        return vec!["No method has curves, so there is no answer.".to_owned()];
    };
    let sentences = match contest {
        Some(contest) => [
            Some(first(row, contest, contenders)),
            lead(contest, contenders),
            both_orders(&source.groups[0], contest, contenders),
            other_settings(contests, contenders),
            against_chance(contest, contenders),
        ],
        None => [Some(NOT_COMPARED.to_owned()), None, None, None, None],
    };
    let incomplete = missing(source.manifest);
    incomplete.into_iter().chain(sentences.into_iter().flatten()).collect()
}

/// How much of the run there is yet, where some of it is missing.
fn missing(manifest: &Value) -> Option<String> {
    if is_whole(manifest) {
        return None;
    }
    let number = |at: &str| manifest.pointer(at).and_then(Value::as_u64);
    let parts = number("/results/missing_parts").map(|n| match n {
        1 => " (1 part is missing)".to_owned(),
        n => format!(" ({n} parts are missing)"),
    });
    let of = number("/results/pictures").zip(number("/config/images"));
    let of = of.map_or("some pictures are missing".to_owned(), |(found, all)| {
        format!("this is of {found} of {all} pictures")
    });
    Some(format!("<b>The run is not complete:</b> {of}{}.", parts.unwrap_or_default()))
}

/// Whether the first is first by the other settings, too.
fn other_settings(contests: &[Contest], contenders: &Contenders<'_>) -> Option<String> {
    let (first, others) = contests.split_first()?;
    let winner = &first.methods[0];
    let mut places: Vec<usize> = others
        .iter()
        .filter_map(|c| Some(c.comparison.ranks[c.methods.iter().position(|m| m == winner)?]))
        .collect();
    places.sort_unstable();
    let (best, worst) = (places.first()?, places.last()?);
    let name = name(contenders, winner);
    let matter = "what replaces a region, and its size, matter here";
    let wins = places.iter().filter(|place| **place == 1).count();
    Some(match (places.len(), wins) {
        (1, 1) => format!("{name} is first by the other setting, too."),
        (1, _) => format!("By the other setting {name} is number {worst}: {matter}."),
        (n, wins) if wins == n => format!("{name} is first by the {n} other settings, too."),
        (n, 0) => {
            format!(
                "By none of the {n} other settings {name} is first (place {best} at best): {matter}."
            )
        }
        (n, wins) => format!(
            "{name} is first by {wins} of the {n} other settings (place {worst} at worst): {matter}."
        ),
    })
}

const NOT_COMPARED: &str = "No picture has curves of all methods, so their means cannot be compared and \
                            there is no ranking.";

/// The contest that ranks: that of the first setting; where it has nothing in common, no other one
/// stands in for it.
pub(super) fn counting<'c>(source: &Source<'_>, contests: &'c [Contest]) -> Option<&'c Contest> {
    let counts = |c: &&Contest| source.groups.first().is_some_and(|g| g.setting == c.setting);
    contests.first().filter(counts)
}

fn name(contenders: &Contenders<'_>, method: &str) -> String {
    let label = contenders.find(method).map_or(method, |(_, c)| &c.label);
    format!("<b>{}</b>", escape(label))
}

/// `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

fn interval(e: &Estimate) -> String {
    let range = e.lo().zip(e.hi());
    range.map_or(String::new(), |(lo, hi)| format!(" [{}, {}]", plain(lo), plain(hi)))
}

/// `row` is any of the ranking.
fn first(row: &SummaryRow, contest: &Contest, contenders: &Contenders<'_>) -> String {
    let (e, count) = (contest.comparison.estimates[0], contest.methods.len());
    let steps = row.setting.steps.unwrap_or(0);
    let pictures = if e.n == 1 { "one picture".to_owned() } else { format!("{} pictures", e.n) };
    let removed = match row.order {
        Order::Morf => "most relevant regions first: its score falls furthest,",
        Order::Lerf if e.mean < 0.0 => "least relevant regions first: its score even rises,",
        Order::Lerf => "least relevant regions first: its score falls least,",
    };
    let risen = row.order == Order::Lerf && e.mean < 0.0;
    let change = if risen { reversed(e) } else { e };
    format!(
        "{} ranks first of {count} by AOPC, when {steps} regions of {r}x{r} pixels are removed \
         ({}), {removed} by {}{} on average over the steps and {pictures}.",
        name(contenders, &contest.methods[0]),
        escape(&row.setting.perturbation),
        plain(change.mean),
        interval(&change),
        r = row.setting.region,
    )
}

/// Whether the lead of the first over the others is more than chance.
fn lead(contest: &Contest, contenders: &Contenders<'_>) -> Option<String> {
    let ahead = |j: usize| contest.pair(0, j).map(|pair| pair.difference);
    let label = |j: usize| name(contenders, &contest.methods[j]);
    let to_second = ahead(1)?;
    if to_second.lo().is_none() {
        return Some("There are too few pictures to say how much of that is chance.".to_owned());
    }
    let lead = format!(
        "Its lead over the second, {}, is {}{}",
        label(1),
        plain(to_second.mean),
        interval(&to_second)
    );
    // the interval first: where it holds 0, no test is needed
    let of = |fits: &dyn Fn(&Pair) -> bool| -> Vec<String> {
        let some = (1..contest.methods.len()).filter(|j| contest.pair(0, *j).is_some_and(fits));
        some.map(label).collect()
    };
    let unclear = of(&|pair| !is_clear(&pair.difference));
    let unfound = of(&|pair| is_clear(&pair.difference) && !pair.is_found());
    let holds = "the interval of the paired difference holds 0";
    let finds = "the signed-rank test, corrected for all pairs, does not find the difference";
    let why = match (&unclear[..], &unfound[..]) {
        ([], []) => {
            return Some(format!(
                "{lead}: it beats every other method on these pictures (intervals and signed-rank \
                 tests, corrected for all pairs)."
            ));
        }
        (some, []) => format!("{} ({holds})", named(some)),
        ([], some) => format!("{} ({finds})", named(some)),
        (some, others) => {
            format!("{} ({holds}), nor from {} ({finds})", named(some), others_named(others))
        }
    };
    Some(format!("{lead}. These pictures do not tell it apart from {why}."))
}

/// Whether the first is first, too, when the least relevant regions count; nothing where one order was
/// run.
fn both_orders(
    group: &Group<'_>,
    contest: &Contest,
    contenders: &Contenders<'_>,
) -> Option<String> {
    let methods: Vec<&str> = group.methods().collect();
    let values: Vec<_> = methods.iter().map(|m| group.values(m, &Abpc { sum: false })).collect();
    let means: Vec<Option<f64>> = common_means(&values);
    let own = methods.iter().position(|m| *m == contest.methods[0])?;
    let best = (0..methods.len()).filter(|j| means[*j] > means[own]);
    let best = best.max_by(|a, b| means[*a].partial_cmp(&means[*b]).expect("they are finite"));
    let asks = "which also asks that the least relevant regions leave the score alone";
    let Some(best) = best else {
        return Some(format!("It is first by ABPC as well, {asks}: {}.", plain(means[own]?)));
    };
    let place = 1 + means.iter().filter(|mean| **mean > means[own]).count();
    let difference: Option<Vec<f64>> =
        common(&values).into_iter().map(|i| Some(values[best][i]? - values[own][i]?)).collect();
    let difference = estimate(&difference?, Resampling::default())?;
    let (clear, chance) =
        if is_clear(&difference) { ("clear ", "") } else { ("", ", which may be chance") };
    Some(format!(
        "By ABPC, {asks}, {} is first and {} number {place}: {} against {}, a {clear}difference of {}{}{chance}.",
        name(contenders, methods[best]),
        name(contenders, methods[own]),
        plain(means[best]?),
        plain(means[own]?),
        plain(difference.mean),
        interval(&difference),
    ))
}

/// More names than this in a sentence are counted.
const NAMED: usize = 4;

/// Some names, or how many there are.
fn named(names: &[String]) -> String {
    if names.len() > NAMED { format!("{} methods", names.len()) } else { list(names) }
}

/// The same of methods that come after others.
fn others_named(names: &[String]) -> String {
    if names.len() > NAMED { format!("{} others", names.len()) } else { list(names) }
}

/// Which methods are better than removing regions at random, by the interval of the paired difference
/// and by the test, as `rank` counts wins.
fn against_chance(contest: &Contest, contenders: &Contenders<'_>) -> Option<String> {
    let random = contest.random()?;
    let (mut better, mut worse, mut open) = (0, Vec::new(), Vec::new());
    for j in (0..contest.methods.len()).filter(|j| *j != random) {
        let pair = contest.pair(j, random)?;
        pair.difference.lo()?;
        if !pair.is_found() || !is_clear(&pair.difference) {
            open.push(name(contenders, &contest.methods[j]));
        } else if pair.first == j {
            better += 1;
        } else {
            worse.push(name(contenders, &contest.methods[j]));
        }
    }
    let tested = contest.methods.len() - 1;
    let mut said = vec![match (better, tested) {
        (_, 0) => return None,
        (1, 1) => "The other method does better than removing regions at random.".to_owned(),
        (n, all) if n == all => {
            format!("All {n} methods do better than removing regions at random.")
        }
        (0, _) => "No method is found to do better than removing regions at random.".to_owned(),
        (n, all) => {
            format!("{n} of {all} methods are found to do better than removing regions at random.")
        }
    }];
    if !open.is_empty() {
        said.push(format!("Not told apart from it: {}.", named(&open)));
    }
    if !worse.is_empty() {
        said.push(format!("Worse than it: {}.", named(&worse)));
    }
    Some(said.join(" "))
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn lists_read_as_people_write_them() {
        let items = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!([0, 1, 2, 3].map(|n| list(&items(n))), ["", "0", "0 and 1", "0, 1 and 2"]);
    }
}
