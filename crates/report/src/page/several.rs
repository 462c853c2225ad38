//! The page of several runs: their rankings side by side, and below them the page of each.

use super::{
    contenders::{Contender, Contenders},
    places,
    study::{self, DataTable, Part, Section, StudyPage},
    svg::number,
};
use crate::{
    base::words::{count, list},
    bump::{Bump, Places},
    cells::RANDOM,
    contest::Contest,
    curves::Dress,
    eval::{
        order::Order,
        stats::{kendall::kendall, paired::Pair},
    },
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

/// The methods with the first place of a ranking: one, or several with equal means; none where removing what they call
/// most relevant does not make the score fall, or chance does as well.
fn first(contest: &Contest) -> Vec<&str> {
    let shares = contest.comparison.ranks.iter().filter(|rank| **rank == 1).count();
    let methods: Vec<&str> = contest.methods.iter().take(shares).map(String::as_str).collect();
    let lerf = contest.metric.ends_with(Order::Lerf.name());
    let leader = Leader {
        method: &contest.methods[0],
        chance: methods.contains(&RANDOM),
        of: contest.methods.len(),
        order: if lerf { Order::Lerf } else { Order::Morf },
        setting: &contest.setting,
        aopc: contest.comparison.estimates[0],
    };
    if leader.lack().is_some() { Vec::new() } else { methods }
}

/// Rankings that some methods lead together.
struct Lead<'a> {
    methods: Vec<&'a str>,
    rankings: Vec<String>,
    /// Those of them in which the test tells the first from the second.
    clear: Vec<String>,
}

fn leads<'a>(rankings: &[Named<'a>]) -> Vec<Lead<'a>> {
    let mut all: Vec<Lead<'a>> = Vec::new();
    for Named { name, contest } in rankings {
        let methods = first(contest);
        let at = all.iter().position(|lead| lead.methods == methods).unwrap_or(all.len());
        if at == all.len() {
            all.push(Lead { methods, rankings: Vec::new(), clear: Vec::new() });
        }
        all[at].rankings.push(name.clone());
        if contest.pair(0, 1).is_some_and(Pair::is_found) {
            all[at].clear.push(name.clone());
        }
    }
    all
}

fn firsts(rankings: &[Named<'_>], dress: &Dress) -> Vec<String> {
    let total = rankings.len();
    leads(rankings).iter().map(|lead| lead_words(lead, total, dress)).collect()
}

fn lead_words(lead: &Lead<'_>, total: usize, dress: &Dress) -> String {
    let names: Vec<String> =
        lead.methods.iter().map(|method| format!("`{}`", dress.names.get(method))).collect();
    let place = match lead.rankings.len() {
        n if n == total && n == 2 => "in both rankings".to_owned(),
        n if n == total => format!("in all {n} rankings"),
        n => format!("in {n} of {total} rankings ({})", list(&lead.rankings)),
    };
    match &names[..] {
        [] => format!(
            "No method is first {place}: none makes the score fall, or none does better than removing regions at random."
        ),
        [name] => format!("{name} is first {place}; {}.", clear_words(lead)),
        some => format!("{} share the first place {place}.", list(some)),
    }
}

/// In which rankings the lead over the second is more than chance.
fn clear_words(lead: &Lead<'_>) -> String {
    let found = match (lead.clear.len(), lead.rankings.len()) {
        (0, 1) => "does not find its lead over the second".to_owned(),
        (0, _) => "finds its lead over the second in none of them".to_owned(),
        (1, 1) => "finds its lead over the second".to_owned(),
        (n, all) if n == all => "finds its lead over the second in each of them".to_owned(),
        _ => format!("finds its lead over the second in {}", list(&lead.clear)),
    };
    format!("the signed-rank test (5 % after Holm's correction) {found}")
}

/// Kendall's tau of two rankings.
struct Tau<'a> {
    names: [&'a str; 2],
    /// Methods that both have.
    methods: usize,
    value: f64,
}

/// Of every two rankings over the methods that both have; where all of these are tied in one there is none.
fn taus<'a>(rankings: &'a [Named<'_>]) -> Vec<Tau<'a>> {
    let merits = |contest: &Contest| -> BTreeMap<String, f64> {
        let means = contest.comparison.estimates.iter().map(|e| e.mean);
        contest.methods.iter().cloned().zip(means).collect()
    };
    let all: Vec<BTreeMap<String, f64>> = rankings.iter().map(|r| merits(r.contest)).collect();
    let tau = |a: usize, b: usize| {
        let both = all[a].iter().filter_map(|(method, x)| Some((*x, *all[b].get(method)?)));
        let (x, y): (Vec<f64>, Vec<f64>) = both.unzip();
        let names = [a, b].map(|at| &rankings[at].name[..]);
        Some(Tau { names, methods: x.len(), value: kendall(&x, &y)? })
    };
    let pairs = (0..all.len()).flat_map(|a| (a + 1..all.len()).map(move |b| (a, b)));
    pairs.filter_map(|(a, b)| tau(a, b)).collect()
}

const SCALE: &str = "1: the same order, −1: the reverse";

fn agreement(rankings: &[Named<'_>]) -> Option<String> {
    let known = taus(rankings);
    let least = known.iter().min_by(|x, y| x.value.total_cmp(&y.value))?;
    let Tau { names: [a, b], methods, value } = least;
    let over = count(*methods, "method");
    if known.len() == 1 {
        return Some(format!(
            "Kendall's tau of {a} and {b} over the {over} that both have is {value:.2} ({SCALE})."
        ));
    }
    let mean = known.iter().map(|tau| tau.value).sum::<f64>() / known.len() as f64;
    Some(format!(
        "Kendall's tau of two rankings over the methods that both have is {mean:.2} on average ({SCALE}); the least alike \
         are {a} and {b} ({value:.2}, {over})."
    ))
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
    let contests: Vec<&Contest> = rankings.iter().map(|r| r.contest).collect();
    let names: Vec<String> = rankings.iter().map(|r| r.name.clone()).collect();
    let found = Bump::named(&contests, names.clone());
    let contenders = found.lines.iter().map(|line| Contender {
        method: line.method,
        label: dress.names.get(line.method),
        style: dress.styles.class(line.method),
        mark: String::new(),
    });
    let contenders = Contenders(contenders.collect());
    let chart = places::chart(&found, &contenders).map(|chart| chart.chart_html);
    let row = |(line, contender): (&Places<'_>, &Contender<'_>)| {
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
