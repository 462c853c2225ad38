//! The answer, in sentences.

use super::{
    Source,
    contenders::{Contenders, ranked},
    pairs::is_clear,
    svg::escape,
};
use crate::{
    eval::{order::Order, stats::Estimate},
    report::{cells::RANDOM, colours::short, contest::Contest, summary::SummaryRow},
};

/// What came out, the most important first; HTML. `contest` compares the methods of the first setting
/// on the pictures that all have.
pub(super) fn sentences(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
    contest: Option<&Contest>,
) -> Vec<String> {
    let rows = ranked(source.summary);
    let known: Vec<&SummaryRow> = rows.into_iter().filter(|r| r.aopc.is_some()).collect();
    let Some(row) = known.first() else {
        return vec!["No method has curves, so there is no answer.".to_owned()];
    };
    let mut sentences = match contest {
        Some(contest) => {
            let first = first(row, contest, contenders);
            std::iter::once(first).chain(lead(contest, contenders)).collect()
        }
        None => vec![
            "No picture has curves of all methods, so their means cannot be compared and there is no \
             ranking."
                .to_owned(),
        ],
    };
    sentences.extend(against_chance(&known, contenders));
    sentences
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

fn plain(v: f64) -> String {
    short(v).replace('-', "−")
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
        Order::Lerf => "least relevant regions first: its score falls least,",
    };
    format!(
        "{} ranks first of {count} when {steps} regions are removed, {removed} by {}{} on average \
         over the steps and {pictures}.",
        name(contenders, &contest.methods[0]),
        plain(e.mean),
        interval(&e),
    )
}

/// Whether the lead of the first over the others is more than chance.
fn lead(contest: &Contest, contenders: &Contenders<'_>) -> Option<String> {
    let others = 1..contest.methods.len();
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
    // as `rank` counts wins, and the interval must say the same
    let wins = |j: usize| {
        contest.pair(0, j).is_some_and(|pair| pair.is_found() && is_clear(&pair.difference))
    };
    let open: Vec<String> = others.filter(|j| !wins(*j)).map(label).collect();
    Some(if open.is_empty() {
        format!(
            "{lead}: it beats every other method on these pictures (intervals and signed-rank tests, \
             corrected for all pairs)."
        )
    } else {
        format!(
            "{lead}. These pictures do not tell it apart from {}: the interval of the paired \
             difference holds 0, or the signed-rank test, corrected for all pairs, does not find it.",
            named(&open)
        )
    })
}

/// More names than this in a sentence are counted.
const NAMED: usize = 4;

/// Some names, or how many there are.
fn named(names: &[String]) -> String {
    if names.len() > NAMED { format!("{} methods", names.len()) } else { list(names) }
}

/// Which methods are better than removing regions at random.
fn against_chance(known: &[&SummaryRow], contenders: &Contenders<'_>) -> Option<String> {
    let tested: Vec<(&&SummaryRow, Estimate)> = known
        .iter()
        .filter(|r| r.method != RANDOM)
        .filter_map(|r| Some((r, r.relative_aopc?)))
        .filter(|(_, e)| e.lo().is_some())
        .collect();
    if tested.is_empty() {
        return None;
    }
    // the sign that is better in this order
    let sign = |row: &SummaryRow| if row.order == Order::Morf { 1.0 } else { -1.0 };
    let ends = |(row, e): &(&&SummaryRow, Estimate)| {
        let (lo, hi) = (sign(row) * e.lo()?, sign(row) * e.hi()?);
        Some((lo.min(hi), lo.max(hi)))
    };
    let those = |fits: &dyn Fn((f64, f64)) -> bool| -> Vec<String> {
        let some = tested.iter().filter(|t| ends(t).is_some_and(fits));
        some.map(|(row, _)| name(contenders, &row.method)).collect()
    };
    let (worse, open) = (those(&|(_, hi)| hi < 0.0), those(&|(lo, hi)| lo <= 0.0 && hi >= 0.0));
    let better = tested.len() - worse.len() - open.len();
    let mut said = vec![if better == tested.len() {
        format!("All {better} methods do better than removing regions at random.")
    } else {
        format!("{better} of {} methods do better than removing regions at random.", tested.len())
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
