//! The answer, in sentences.

use super::{
    Source,
    contenders::{Contenders, ranked},
    pairs::{is_clear, plain},
    svg::escape,
};
use crate::{
    base::words::{are, count},
    cells::{Group, RANDOM, common, common_means},
    contest::Contest,
    eval::{
        metric::Abpc,
        order::Order,
        stats::{Resampling, estimate, paired::Pair, wilcoxon::can_reach},
    },
    run::manifest::{Manifest, Outcome},
    summary::SummaryRow,
    verdict::{Lack, Leader, Words, against_random, named, removal, too_few_for_pairs},
};

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
    let words = Words { name: &|method| name(contenders, method), text: &escape, number: &plain };
    let sentences = match contest {
        Some(contest) => {
            let wins = leader(row.order, contest).lack().is_none();
            let if_it_wins = |sentence: Option<String>| sentence.filter(|_| wins);
            [
                Some(first(row.order, contest, words)),
                if_it_wins(lead(contest, words)),
                both_orders(&source.groups[0], contest, wins, words),
                if_it_wins(other_settings(row.order, contests, words)),
                against_random(&contest.challengers(), words),
            ]
        }
        None => [Some(NOT_COMPARED.to_owned()), None, None, None, None],
    };
    let incomplete = missing(source.manifest);
    incomplete.into_iter().chain(sentences.into_iter().flatten()).collect()
}

/// How much of the run there is yet, where some of it is missing.
fn missing(manifest: &Manifest) -> Option<String> {
    if manifest.is_whole() {
        return None;
    }
    let results = manifest.results.as_ref();
    let parts = results.map(Outcome::missing_parts).filter(|n| *n > 0);
    let parts = parts.map(|n| format!(" ({} {} missing)", count(n, "part"), are(n)));
    let of = results.map(Outcome::pictures).zip(manifest.config.images);
    let of = of.map_or("some pictures are missing".to_owned(), |(found, all)| {
        format!("this is of {found} of {}", count(all, "picture"))
    });
    Some(format!("<b>The run is not complete:</b> {of}{}.", parts.unwrap_or_default()))
}

/// Whether the first is first by the other settings, too, and by which of them there is no first.
fn other_settings(order: Order, contests: &[Contest], words: Words<'_>) -> Option<String> {
    let (first, others) = contests.split_first()?;
    let winner = &first.methods[0];
    let (lost, others): (Vec<&Contest>, Vec<&Contest>) =
        others.iter().partition(|c| leader(order, c).lack().is_some());
    let places = others
        .iter()
        .filter_map(|c| Some(c.comparison.ranks[c.methods.iter().position(|m| m == winner)?]));
    let said = [agreeing(winner, places.collect(), !lost.is_empty(), words), nowhere(order, &lost)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// The places of a winner by other settings; `more` where there are settings without a winner.
fn agreeing(winner: &str, mut places: Vec<usize>, more: bool, words: Words<'_>) -> Option<String> {
    places.sort_unstable();
    let (best, worst) = (places.first()?, places.last()?);
    let name = (words.name)(winner);
    let matter = "what replaces a region, and its size, matter here";
    let wins = places.iter().filter(|place| **place == 1).count();
    let (other, others) = if more {
        ("other setting that has a first", "other settings that have a first")
    } else {
        ("other setting", "other settings")
    };
    Some(match (places.len(), wins) {
        (1, 1) => format!("{name} is first by the {other}, too."),
        (1, _) => format!("By the {other} {name} is number {worst}: {matter}."),
        (n, wins) if wins == n => format!("{name} is first by the {n} {others}, too."),
        (n, 0) => {
            format!("By none of the {n} {others} {name} is first (place {best} at best): {matter}.")
        }
        (n, wins) => format!(
            "{name} is first by {wins} of the {n} {others} (place {worst} at worst): {matter}."
        ),
    })
}

/// Settings by which no method makes the score fall, or none further than chance does.
fn nowhere(order: Order, lost: &[&Contest]) -> Option<String> {
    let name = |c: &&Contest| {
        let s = &c.setting;
        escape(&format!("{}, {r}x{r}, {}", s.perturbation, s.score_kind, r = s.region))
    };
    let of = |lack: Lack| {
        let lost = lost.iter().filter(|c| leader(order, c).lack() == Some(lack));
        let names: Vec<String> = lost.map(name).collect();
        let by = match names.len() {
            0 => return None,
            1 => format!("By another setting ({})", names[0]),
            n => format!("By {n} other settings ({})", names.join("; ")),
        };
        Some(format!("{by} no {}.", lack.words()))
    };
    let said: Vec<String> = Lack::ALL.into_iter().filter_map(of).collect();
    (!said.is_empty()).then(|| said.join(" "))
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

fn leader(order: Order, contest: &Contest) -> Leader<'_> {
    let first = contest.methods.iter().zip(&contest.comparison.ranks);
    Leader {
        method: &contest.methods[0],
        chance: first.into_iter().any(|(method, rank)| method == RANDOM && *rank == 1),
        of: contest.methods.len(),
        order,
        setting: &contest.setting,
        aopc: contest.comparison.estimates[0],
    }
}

fn first(order: Order, contest: &Contest, words: Words<'_>) -> String {
    let leader = leader(order, contest);
    if let Some(no_winner) = leader.no_winner(words) {
        return no_winner;
    }
    let (e, count_of) = (leader.aopc, leader.of);
    let removed = match order {
        Order::Morf => "most relevant regions first: its score falls furthest,",
        Order::Lerf if e.mean < 0.0 => "least relevant regions first: its score even rises,",
        Order::Lerf => "least relevant regions first: its score falls least,",
    };
    let removed = match (count_of, order) {
        (1, Order::Morf) => "most relevant regions first: its score falls",
        (1, Order::Lerf) if e.mean >= 0.0 => "least relevant regions first: its score falls",
        _ => removed,
    };
    let risen = order == Order::Lerf && e.mean < 0.0;
    let change = if risen { e.reversed() } else { e };
    let place = if count_of == 1 {
        "is the only method".to_owned()
    } else {
        format!("ranks first of {count_of} by AOPC")
    };
    format!(
        "{} {place}, when {}, {removed} by {}{} on average over the steps and {}.",
        (words.name)(leader.method),
        removal(leader.setting, words),
        plain(change.mean),
        words.interval(&change),
        if e.n == 1 { "one picture".to_owned() } else { count(e.n, "picture") },
    )
}

/// Whether the lead of the first over the others is more than chance.
fn lead(contest: &Contest, words: Words<'_>) -> Option<String> {
    let to_second = contest.pair(0, 1)?.difference;
    let label = |j: usize| (words.name)(&contest.methods[j]);
    if to_second.lo().is_none() {
        return Some("There are too few pictures to say how much of that is chance.".to_owned());
    }
    let lead = format!(
        "Its lead over the second, {}, is {}{}",
        label(1),
        plain(to_second.mean),
        words.interval(&to_second)
    );
    // the interval first: where it holds 0, no test is needed
    let of = |fits: &dyn Fn(&Pair) -> bool| -> Vec<String> {
        let some = (1..contest.methods.len()).filter(|j| contest.pair(0, *j).is_some_and(fits));
        some.map(label).collect()
    };
    let unclear = of(&|pair| !is_clear(&pair.difference));
    if let Some(too_few) = too_few_for_pairs(contest.images.len(), contest.comparison.tests()) {
        let intervals = match &unclear[..] {
            [] => "leave out 0".to_owned(),
            some => format!("hold 0 for {}", named(some, "method")),
        };
        return Some(format!(
            "{lead}. {too_few}. The intervals of its differences from the others {intervals}."
        ));
    }
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
        (some, []) => format!("{} ({holds})", named(some, "method")),
        ([], some) => format!("{} ({finds})", named(some, "method")),
        (some, others) => {
            let others = named(others, "other");
            format!("{} ({holds}), nor from {others} ({finds})", named(some, "method"))
        }
    };
    Some(format!("{lead}. These pictures do not tell it apart from {why}."))
}

/// Whether the first is first, too, when the least relevant regions count; nothing where one order was
/// run.
fn both_orders(
    group: &Group<'_>,
    contest: &Contest,
    wins: bool,
    words: Words<'_>,
) -> Option<String> {
    let methods: Vec<&str> = group.methods().collect();
    let values: Vec<_> = methods.iter().map(|m| group.values(m, &Abpc { sum: false })).collect();
    let means: Vec<Option<f64>> = common_means(&values);
    let own = methods.iter().position(|m| *m == contest.methods[0])?;
    let best = (0..methods.len()).filter(|j| means[*j] > means[own]);
    let best = best.max_by(|a, b| means[*a].partial_cmp(&means[*b]).expect("they are finite"));
    let asks = "which also asks that the least relevant regions leave the score alone";
    let largest = means[best.unwrap_or(own)]?;
    if largest <= 0.0 {
        return Some(format!(
            "By ABPC, {asks}, no method is above 0 (the largest is {}): the score falls as far when the \
             least relevant regions are removed first.",
            plain(largest)
        ));
    }
    if methods.len() == 1 {
        return Some(format!("Its ABPC, {asks}, is {}.", plain(largest)));
    }
    let Some(best) = best else {
        let as_well = if wins { " as well" } else { "" };
        let name = (words.name)(methods[own]);
        let it = if wins { "It" } else { &name };
        return Some(format!("{it} is first by ABPC{as_well}, {asks}: {}.", plain(largest)));
    };
    let place = 1 + means.iter().filter(|mean| **mean > means[own]).count();
    let difference: Option<Vec<f64>> =
        common(&values).into_iter().map(|i| Some(values[best][i]? - values[own][i]?)).collect();
    let difference = estimate(&difference?, Resampling::default())?;
    let (clear, chance) = match is_clear(&difference) {
        _ if !can_reach(difference.n, 1) => ("", ", on too few pictures for a test"),
        true => ("clear ", ""),
        false => ("", ", which may be chance"),
    };
    Some(format!(
        "By ABPC, {asks}, {} is first and {} number {place}: {} against {}, a {clear}difference of {}{}{chance}.",
        (words.name)(methods[best]),
        (words.name)(methods[own]),
        plain(means[best]?),
        plain(means[own]?),
        plain(difference.mean),
        words.interval(&difference),
    ))
}
