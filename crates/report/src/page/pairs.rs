//! Every method against every other, picture by picture.

use super::contenders::{Contender, Contenders};
use crate::{
    base::words::count,
    cells::{Group, Setting},
    colours::short,
    contest::Contest,
    eval::stats::{Estimate, paired::Pair},
    naming::spoken,
    verdict::too_few_for_pairs,
};
use serde::Serialize;

/// Differences between the methods of one setting, oriented so that positive is better for the
/// method of the row.
#[derive(Serialize)]
pub(super) struct Matrix {
    /// Number of its setting.
    setting: Option<usize>,
    /// The setting and metric, in words.
    pub(super) title: String,
    /// Short names of the methods of rows and columns.
    names: Vec<String>,
    /// Places of the methods.
    marks: Vec<String>,
    /// Row by row.
    cells: Vec<Vec<Cell>>,
    /// The same as a list, for paper and for readers without a script.
    list: Vec<Line>,
    /// Pairs for which the list has no room.
    more: usize,
    /// That no test of a pair can find anything, where that is so; empty elsewhere.
    note: String,
}

/// A pair in the list, the better method first.
#[derive(Serialize)]
struct Line {
    better: String,
    other: String,
    difference: String,
    interval: String,
    /// On how many pictures the first is better, and of how many.
    wins: String,
    /// The corrected p-value, with a star where the test finds the difference.
    p: String,
}

/// Most pairs of a list: those of 16 methods.
const LISTED: usize = 120;

/// One method against another.
#[derive(Clone, Serialize)]
struct Cell {
    /// The mean difference, with a star where the test finds the same one.
    text: String,
    /// Class: `better`, `worse`, `open` (the interval holds 0) or `none`.
    verdict: &'static str,
    /// How strong the colour is, from 0 to 1.
    strength: f64,
    /// The same in words, with the interval, wins and p-value.
    words: String,
}

/// One matrix per contest of at least two methods.
pub(super) fn matrices(
    contests: &[Contest],
    contenders: &Contenders<'_>,
    groups: &[Group<'_>],
) -> Vec<Matrix> {
    contests.iter().filter_map(|contest| matrix(contest, contenders, groups)).collect()
}

fn matrix(contest: &Contest, contenders: &Contenders<'_>, groups: &[Group<'_>]) -> Option<Matrix> {
    let found = contest.methods.iter().map(|m| contenders.find(m));
    let methods: Vec<_> = found.collect::<Option<Vec<_>>>()?;
    if methods.len() < 2 {
        return None;
    }
    let pairs = &contest.comparison.pairs;
    let largest = pairs.iter().map(|p| p.difference.mean.abs()).fold(0.0, f64::max);
    let nothing =
        Cell { text: String::new(), verdict: "none", strength: 0.0, words: String::new() };
    let mut cells = vec![vec![nothing; methods.len()]; methods.len()];
    for pair in pairs {
        let ((_, first), (_, second)) = (methods[pair.first], methods[pair.second]);
        let back = pair.difference.reversed();
        let names = format!("{} against {}", first.label, second.label);
        cells[pair.first][pair.second] = cell(pair.difference, pair.wins, pair, largest, &names);
        let names = format!("{} against {}", second.label, first.label);
        cells[pair.second][pair.first] = cell(back, pair.losses, pair, largest, &names);
    }
    Some(Matrix {
        setting: groups.iter().position(|g| g.setting == contest.setting),
        title: title(&contest.setting, &spoken(&contest.metric)),
        names: methods.iter().map(|(_, c)| c.label.clone()).collect(),
        marks: methods.iter().map(|(_, c)| c.mark.clone()).collect(),
        cells,
        list: pairs.iter().take(LISTED).map(|pair| line(pair, &methods)).collect(),
        more: pairs.len().saturating_sub(LISTED),
        note: too_few_for_pairs(contest.images.len(), contest.comparison.tests())
            .map_or(String::new(), |note| format!("{note}.")),
    })
}

/// Three digits, with a minus sign as printers set it.
pub(super) fn plain(v: f64) -> String {
    short(v).replace('-', "−")
}

fn line(pair: &Pair, methods: &[(usize, &Contender<'_>)]) -> Line {
    let label = |at: usize| methods[at].1.label.clone();
    let range = pair.difference.lo().zip(pair.difference.hi());
    let star = if pair.is_found() { "*" } else { "" };
    Line {
        better: label(pair.first),
        other: label(pair.second),
        difference: plain(pair.difference.mean),
        interval: range
            .map_or("–".to_owned(), |(lo, hi)| format!("{} to {}", plain(lo), plain(hi))),
        wins: format!("{} of {}", pair.wins, pair.difference.n),
        p: pair.p_holm.map_or("–".to_owned(), |p| format!("{}{star}", plain(p))),
    }
}

/// A setting and what was measured, in words.
pub(super) fn title(s: &Setting, metric: &str) -> String {
    format!(
        "{metric}, {} of the target, {}, regions of {r}x{r}",
        s.score_kind,
        s.perturbation,
        r = s.region
    )
}

/// True when an interval is on one side of 0.
pub(super) fn is_clear(e: &Estimate) -> bool {
    e.lo().zip(e.hi()).is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0)
}

fn cell(e: Estimate, wins: usize, pair: &Pair, largest: f64, names: &str) -> Cell {
    let verdict = match e.mean {
        _ if !is_clear(&e) => "open",
        mean if mean > 0.0 => "better",
        _ => "worse",
    };
    let interval = e.lo().zip(e.hi());
    let range =
        interval.map_or(String::new(), |(lo, hi)| format!(" [{}, {}]", plain(lo), plain(hi)));
    let p = pair.p_holm.map_or(String::new(), |p| format!(", p = {}", plain(p)));
    let star = if pair.is_found() { "*" } else { "" };
    Cell {
        text: format!("{}{star}", plain(e.mean)),
        verdict,
        strength: if largest > 0.0 { (e.mean.abs() / largest).sqrt() } else { 0.0 },
        words: format!(
            "{names}: {}{range}, better on {wins} of {}{p}",
            plain(e.mean),
            count(e.n, "picture")
        ),
    }
}
