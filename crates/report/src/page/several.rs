//! The page of several runs: their rankings side by side, and below them the page of each.

use super::{
    contenders::{Contender, Contenders},
    places,
    study::{self, DataTable, Part, Section, StudyPage},
    svg::number,
};
use crate::{
    base::words::{count, list},
    bump::Bump,
    cells::RANDOM,
    contest::Contest,
    curves::Dress,
    eval::{order::Order, stats::kendall::kendall},
    naming::spoken,
    plot::FigureError,
    verdict::Leader,
};
use std::collections::BTreeMap;

/// A run with its own page.
pub struct Member<'a> {
    /// What it is called, unique among the runs.
    pub name: String,
    /// Model and data.
    pub subject: String,
    /// Whether it came to its end.
    pub whole: bool,
    /// One per setting.
    pub rankings: Vec<Ranking<'a>>,
    /// Its own page, as HTML.
    pub page: String,
}

/// A ranking of a run.
pub struct Ranking<'a> {
    /// What tells it from the others of its run; empty where there are none.
    pub setting: String,
    /// The methods, compared.
    pub contest: &'a Contest,
}

/// A ranking under its name on the page.
struct Named<'a> {
    name: String,
    contest: &'a Contest,
}

/// The page, as HTML.
pub fn page(members: &[Member<'_>], dress: &Dress) -> Result<String, FigureError> {
    let rankings: Vec<Named<'_>> = members.iter().flat_map(named).collect();
    let by = rankings.first().map_or_else(String::new, |r| spoken(&r.contest.metric));
    study::render(&StudyPage {
        kicker: "report".to_owned(),
        question: "Do these runs rank explanation methods alike?".to_owned(),
        title: list(&members.iter().map(|m| m.name.clone()).collect::<Vec<_>>()),
        subtitle: format!(
            "{} with {} by {by}",
            count(members.len(), "run"),
            count(rankings.len(), "ranking")
        ),
        answer: answer(&rankings, dress),
        caveats: caveats(members),
        sections: vec![side_by_side(&rankings, dress)],
        gallery: None,
        facts: members.iter().map(|m| (m.name.clone(), fact(m))).collect(),
        parts: members.iter().map(part).collect(),
    })
}

fn named<'a>(member: &Member<'a>) -> Vec<Named<'a>> {
    let name = |r: &Ranking<'a>| match &r.setting[..] {
        "" => member.name.clone(),
        setting => format!("{}: {setting}", member.name),
    };
    member.rankings.iter().map(|r| Named { name: name(r), contest: r.contest }).collect()
}

fn part(member: &Member<'_>) -> Part {
    Part { name: member.name.clone(), note: member.subject.clone(), page: member.page.clone() }
}

fn fact(member: &Member<'_>) -> String {
    let pictures = member.rankings.first().map_or(0, |r| r.contest.images.len());
    format!("{}, {}", member.subject, count(pictures, "picture"))
}

/// Who is first where, and how much the rankings agree.
fn answer(rankings: &[Named<'_>], dress: &Dress) -> Vec<String> {
    firsts(rankings, dress).into_iter().chain(agreement(rankings)).collect()
}

fn firsts(rankings: &[Named<'_>], dress: &Dress) -> Vec<String> {
    let mut wins: Vec<(&str, Vec<String>)> = Vec::new();
    let mut none = Vec::new();
    for ranking in rankings {
        let Some(winner) = winner(ranking.contest) else {
            none.push(ranking.name.clone());
            continue;
        };
        match wins.iter_mut().find(|(method, _)| *method == winner) {
            Some((_, names)) => names.push(ranking.name.clone()),
            None => wins.push((winner, vec![ranking.name.clone()])),
        }
    }
    let all = rankings.len();
    let said = |(method, names): &(&str, Vec<String>)| {
        let method = dress.names.get(method);
        match names.len() {
            n if n == all && n == 2 => format!("`{method}` is first in both rankings."),
            n if n == all => format!("`{method}` is first in all {n} rankings."),
            n => format!("`{method}` is first in {n} of {all} rankings: {}.", list(names)),
        }
    };
    let mut said: Vec<String> = wins.iter().map(said).collect();
    if !none.is_empty() {
        said.push(format!(
            "No method is first in {}: none makes the score fall, or none does better than removing regions at random.",
            list(&none)
        ));
    }
    said
}

/// The method with the first place, where it is one.
fn winner(contest: &Contest) -> Option<&str> {
    let estimates = &contest.comparison.estimates;
    let method = contest.methods.first()?;
    let ties = contest.comparison.ranks.iter().filter(|rank| **rank == 1).count();
    let chance = contest.methods.iter().take(ties).any(|m| m == RANDOM);
    let order =
        if contest.metric.ends_with(Order::Lerf.name()) { Order::Lerf } else { Order::Morf };
    let leader = Leader {
        method,
        chance,
        of: contest.methods.len(),
        order,
        setting: &contest.setting,
        aopc: estimates[0],
    };
    (ties == 1 && leader.lack().is_none()).then_some(method)
}

/// Kendall's tau of every two rankings over the methods that both have.
fn taus(rankings: &[Named<'_>]) -> Vec<(usize, usize, Option<f64>)> {
    let merits = |contest: &Contest| -> BTreeMap<String, f64> {
        let means = contest.comparison.estimates.iter().map(|e| e.mean);
        contest.methods.iter().cloned().zip(means).collect()
    };
    let all: Vec<BTreeMap<String, f64>> = rankings.iter().map(|r| merits(r.contest)).collect();
    let tau = |a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>| {
        let both = a.iter().filter_map(|(method, x)| Some((*x, *b.get(method)?)));
        let (x, y): (Vec<f64>, Vec<f64>) = both.unzip();
        kendall(&x, &y)
    };
    let pairs = (0..all.len()).flat_map(|a| (a + 1..all.len()).map(move |b| (a, b)));
    pairs.map(|(a, b)| (a, b, tau(&all[a], &all[b]))).collect()
}

fn agreement(rankings: &[Named<'_>]) -> Option<String> {
    let known = taus(rankings);
    let known: Vec<_> = known.iter().filter_map(|(a, b, tau)| Some((*a, *b, (*tau)?))).collect();
    let (a, b, lowest) = *known.iter().min_by(|x, y| x.2.total_cmp(&y.2))?;
    let names = format!("{} and {}", rankings[a].name, rankings[b].name);
    let mean = known.iter().map(|(_, _, tau)| tau).sum::<f64>() / known.len() as f64;
    Some(match known.len() {
        1 => format!(
            "Kendall's tau of the two rankings is {lowest:.2} (1: the same order, −1: the reverse)."
        ),
        _ => format!(
            "Kendall's tau of two rankings is {mean:.2} on average (1: the same order, −1: the reverse); the least alike \
             are {names} ({lowest:.2})."
        ),
    })
}

fn caveats(members: &[Member<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    let subjects = |k: usize| members.iter().any(|m| m.subject != members[k].subject);
    if !members.is_empty() && subjects(0) {
        said.push(
            "the runs have different models or data: their places can be compared, their AOPC cannot.".to_owned(),
        );
    }
    let begun: Vec<String> = members.iter().filter(|m| !m.whole).map(|m| m.name.clone()).collect();
    if !begun.is_empty() {
        said.push(format!("not complete: {}.", list(&begun)));
    }
    said
}

/// Places as a chart, and a table of AOPC.
fn side_by_side(rankings: &[Named<'_>], dress: &Dress) -> Section {
    let contests: Vec<Contest> = rankings.iter().map(|r| r.contest.clone()).collect();
    let names: Vec<String> = rankings.iter().map(|r| r.name.clone()).collect();
    let found = Bump::named(&contests, names.clone());
    let contender = |method: &'_ str| Contender {
        method: "",
        label: dress.names.get(method),
        style: dress.styles.class(method),
        mark: String::new(),
    };
    let contenders =
        found.lines.iter().map(|line| Contender { method: line.method, ..contender(line.method) });
    let contenders = Contenders(contenders.collect());
    let chart = places::chart(&found, &contenders).map(|chart| chart.chart_html);
    let row = |(line, contender): (&crate::bump::Places<'_>, &Contender<'_>)| {
        let cells = rankings
            .iter()
            .zip(&line.places)
            .map(|(r, place)| cell(r.contest, line.method, *place));
        std::iter::once(contender.label.clone()).chain(cells).collect()
    };
    let numbered = names.iter().enumerate().map(|(i, name)| format!("{} {name}", i + 1));
    Section {
        id: "rankings".to_owned(),
        heading: "Rankings".to_owned(),
        hint: format!(
            "The place of each method by {}; the numbers below the chart are those of the columns.",
            found.metric
        ),
        charts_html: chart.into_iter().collect(),
        tables: vec![DataTable {
            caption: "Place, then the mean with its 95 % interval".to_owned(),
            head: std::iter::once("method".to_owned()).chain(numbered).collect(),
            rows: found.lines.iter().zip(&contenders.0).map(row).collect(),
        }],
        ..Section::default()
    }
}

fn cell(contest: &Contest, method: &str, place: Option<f64>) -> String {
    let at = contest.methods.iter().position(|name| name == method);
    let Some((at, place)) = at.zip(place) else { return "–".to_owned() };
    let estimate = &contest.comparison.estimates[at];
    let ends = estimate.lo().zip(estimate.hi());
    let ends =
        ends.map_or(String::new(), |(lo, hi)| format!(" ({} to {})", number(lo), number(hi)));
    format!("{place:.0}. {}{ends}", number(estimate.mean))
}
