//! The results of `pixelflip rank` as tables: files for machines, text for people.

use super::{
    agreement::Agreement,
    colours::short,
    columns,
    contest::Contest,
    naming::Names,
    rank::{Cost, Rank},
    ranking::{align, decimals_for, wrap},
    subsets::Subset,
    verdict::{Words, against_random},
};
use crate::{
    base::{atomic, text::plain, words::count},
    eval::{
        metric::Direction,
        stats::{
            Interval,
            paired::Pair,
            variance::{Power, Split},
        },
    },
    explain::labels::labels,
    table::{Sheet, TableError},
};
use std::path::Path;

/// A method of a contest.
struct Place<'a> {
    contest: &'a Contest,
    j: usize,
    cost: Cost,
    tied: Option<f64>,
}

/// Two methods of a contest.
struct Duel<'a> {
    contest: &'a Contest,
    pair: &'a Pair,
    power: Option<(Split, Power)>,
}

/// A method in a part of the pictures.
struct Part<'a> {
    contest: &'a Contest,
    subset: &'a Subset,
    j: usize,
}

/// Two ways to rank.
struct Likeness<'a> {
    first: &'a str,
    second: &'a str,
    tau: Option<f64>,
}

/// The columns of what is compared.
fn compared<'s, R: 's>(
    sheet: Sheet<'s, R>,
    of: impl Fn(&R) -> &Contest + Copy + 's,
) -> Sheet<'s, R> {
    columns::setting(sheet, [""; 4], move |r| &of(r).setting)
        .text("metric", "", move |r| Some(&of(r).metric))
        .text("direction", "", move |r| Some(of(r).direction.name()))
}

/// The columns of `ranking`.
fn places(names: &Names) -> Sheet<'_, Place<'_>> {
    let sheet = compared(Sheet::default(), |r: &Place| r.contest)
        .note("perturbation, region, score_kind, steps", "the setting, as in the curves")
        .note("metric, direction", "what is compared, and which way it is better: higher or lower")
        .whole("rank", "place by mean, 1 being the best; equal means share the better place", |r| {
            Some(r.contest.comparison.ranks[r.j] as u64)
        })
        .number("rank_lo", "", |r| Some(r.interval()?.lo))
        .number("rank_hi", "", |r| Some(r.interval()?.hi))
        .note("rank_lo, rank_hi", "places in 95 % of the bootstrap resamples, counted as `rank`");
    let sheet = columns::method(sheet, names, |r| r.method())
        .whole("images", "images that all methods have: everything is computed on these", |r| {
            Some(r.contest.images.len() as u64)
        })
        .whole(
            "images_left_out",
            "images on which some method was tried and some method has no value",
            |r| Some(r.contest.left_out as u64),
        );
    let sheet =
        columns::estimate(sheet, "mean", "", "", |r| Some(r.contest.comparison.estimates[r.j]))
            .note("mean, stderr", "over images, repeats averaged first")
            .note("lo, hi", "95 % bootstrap interval of the mean, BCa")
            .note("percentile_lo, percentile_hi", "the same between percentiles")
            .number("mean_rank", "mean over images of the rank on each image (Friedman)", |r| {
                Some(r.contest.comparison.friedman.as_ref()?.mean_ranks[r.j])
            })
            .whole("wins", "", |r| Some(tally(r.contest, r.j)[0] as u64))
            .whole("ties", "", |r| Some(tally(r.contest, r.j)[1] as u64))
            .whole("losses", "", |r| Some(tally(r.contest, r.j)[2] as u64))
            .note(
                "wins, ties, losses",
                "other methods that it beats, cannot be told from, loses to (Holm, 5 %)",
            )
            .number("p_next", "", |r| r.next()?.p)
            .number("p_next_holm", "", |r| r.next()?.p_holm)
            .note(
                "p_next, p_next_holm",
                "signed-rank p against the method at the next place; corrected",
            )
            .number(
                "milliseconds",
                "median time of an explanation; null for heat maps from files",
                |r| r.cost.milliseconds,
            )
            .number("forwards", "the same in forward passes of the model", |r| r.cost.forwards);
    columns::against_random(sheet, |r| r.contest.against_random[r.j])
        .note(
            "random_p, random_p_holm, random_tests",
            "signed-rank p against removing regions at random; corrected for these tests alone; how many",
        )
        .number("tied_fraction", "mean share of regions whose place is chance", |r| r.tied)
        .number("variance_images", "", |r| Some(r.contest.splits[r.j]?.between_images))
        .number("variance_repeats", "", |r| r.contest.splits[r.j]?.between_repeats)
        .note(
            "variance_images, variance_repeats",
            "variance between images, and between repeats of one",
        )
}

impl Place<'_> {
    fn method(&self) -> &str {
        &self.contest.methods[self.j]
    }

    fn interval(&self) -> Option<Interval> {
        Some(self.contest.comparison.rank_intervals.as_ref()?[self.j])
    }

    /// The test against the method at the next place.
    fn next(&self) -> Option<&Pair> {
        self.contest.pair(self.j, self.j + 1)
    }
}

/// The columns of `pairs`.
fn duels(names: &Names) -> Sheet<'_, Duel<'_>> {
    let sheet = compared(Sheet::default(), |r: &Duel| r.contest)
        .made("first_name", "", |r| Some(names.get(&r.contest.methods[r.pair.first])))
        .made("second_name", "", |r| Some(names.get(&r.contest.methods[r.pair.second])))
        .note("first_name, second_name", "short names, unique in the table")
        .text("first", "", |r| Some(&r.contest.methods[r.pair.first]))
        .text("second", "", |r| Some(&r.contest.methods[r.pair.second]))
        .note("first, second", "the method with the better mean, and the other")
        .whole("images", "", |r| Some(r.contest.images.len() as u64));
    let difference = "mean over images by which the first is better";
    columns::estimate(sheet, "difference", difference, "", |r| Some(r.pair.difference))
        .whole("wins", "", |r| Some(r.pair.wins as u64))
        .whole("ties", "", |r| Some(r.pair.ties as u64))
        .whole("losses", "", |r| Some(r.pair.losses as u64))
        .note("wins, ties, losses", "images on which the first is better, equal, worse")
        .number("win_rate", "share of wins, ties counting half", |r| Some(r.pair.win_rate()))
        .number("p", "", |r| r.pair.p)
        .number("p_holm", "", |r| r.pair.p_holm)
        .note("p, p_holm", "two-sided signed-rank test (Pratt), corrected for all pairs")
        .number("nemenyi", "p of Nemenyi's test on mean ranks", |r| {
            let friedman = r.contest.comparison.friedman.as_ref()?;
            Some(friedman.nemenyi(r.pair.first, r.pair.second))
        })
        .number("variance_images", "", |r| Some(r.power?.0.between_images))
        .number("variance_repeats", "", |r| r.power?.0.between_repeats)
        .note("variance_images, variance_repeats", "of the differences")
        .whole(
            "images_needed",
            "images that would separate the two at 5 % with power 80 %, as one of all pairs that are tested",
            |r| r.power?.1.images,
        )
        .whole(
            "repeats_needed",
            "repeats that would do so with as many images; null when none would",
            |r| r.power?.1.repeats,
        )
}

/// The columns of `subsets`.
fn parts(names: &Names) -> Sheet<'_, Part<'_>> {
    let sheet =
        Sheet::default()
            .text("by", "", |r: &Part| Some(r.subset.by))
            .text("value", "", |r| Some(&r.subset.value));
    let sheet = compared(sheet, |r| r.contest)
        .whole("rank", "", |r| Some(r.subset.standing.ranks[r.j] as u64));
    let sheet =
        columns::method(sheet, names, |r| &r.contest.methods[r.j])
            .whole("images", "", |r| Some(r.subset.images as u64));
    columns::estimate(sheet, "mean", "", "", |r| Some(r.subset.standing.estimates[r.j]))
}

/// The columns of `agreement`.
fn likenesses<'a>() -> Sheet<'a, Likeness<'a>> {
    Sheet::default()
        .text("first", "", |r: &Likeness| Some(r.first))
        .text("second", "", |r| Some(r.second))
        .number("tau", "", |r| r.tau)
}

impl Rank {
    /// Writes `ranking`, `pairs`, `subsets` and `agreement` as CSV and Parquet, `ranking.md` and
    /// `ranking.tex` into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), TableError> {
        let names = &self.names();
        places(names).write(folder, "ranking", &self.places())?;
        duels(names).write(folder, "pairs", &self.duels())?;
        parts(names).write(folder, "subsets", &self.parts())?;
        likenesses().write(folder, "agreement", &self.likenesses())?;
        for (name, text) in [("ranking.md", self.markdown()), ("ranking.tex", self.latex())] {
            let path = folder.join(name);
            atomic::write(&path, text.as_bytes()).map_err(|source| TableError::Io {
                action: "write",
                path,
                source,
            })?;
        }
        Ok(())
    }

    fn names(&self) -> Names {
        Names::of(self.contests.iter().flat_map(|c| &c.methods).map(String::as_str))
    }

    /// One row per setting and method.
    fn places(&self) -> Vec<Place<'_>> {
        let mut rows = Vec::new();
        for (contest, tied) in self.contests.iter().zip(&self.tied) {
            rows.extend(contest.methods.iter().enumerate().map(|(j, method)| Place {
                contest,
                j,
                cost: self.costs.get(method).copied().unwrap_or_default(),
                tied: tied.get(method).copied(),
            }));
        }
        rows
    }

    /// One row per setting and two methods.
    fn duels(&self) -> Vec<Duel<'_>> {
        let mut rows = Vec::new();
        for contest in &self.contests {
            let pairs = contest.comparison.pairs.iter().zip(&contest.powers);
            rows.extend(pairs.map(|(pair, power)| Duel { contest, pair, power: *power }));
        }
        rows
    }

    /// One row per part of the pictures and method, for the first setting.
    fn parts(&self) -> Vec<Part<'_>> {
        let Some(contest) = self.contests.first() else { return Vec::new() };
        let mut rows = Vec::new();
        for subset in &self.subsets {
            rows.extend(subset.standing.order.iter().map(|&j| Part { contest, subset, j }));
        }
        rows
    }

    /// Kendall's tau of every two ways to rank.
    fn likenesses(&self) -> Vec<Likeness<'_>> {
        let Agreement { names, tau, .. } = &self.agreement;
        let mut rows = Vec::new();
        for (first, taus) in names.iter().zip(tau) {
            let pairs = names.iter().zip(taus);
            rows.extend(pairs.map(|(second, tau)| Likeness { first, second, tau: *tau }));
        }
        rows
    }

    /// The rank table of the first setting, with what a reader must know, in at most 100 columns.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(contest) = self.contests.first() {
            text.push_str(&wrap(&heading(contest)));
            text.push('\n');
            text.push_str(&align(&self.cells(contest), 1));
            text.push('\n');
            text.push_str(&wrap(LEGEND));
            for line in [beside_random(contest), friedman_line(contest)].into_iter().flatten() {
                text.push('\n');
                text.push_str(&wrap(&line));
            }
            // of two or three methods tau says next to nothing
            let several = contest.methods.len() > 3;
            if let Some(line) = self.agreement.line().filter(|_| several) {
                text.push('\n');
                text.push_str(&wrap(&line));
            }
        }
        for note in &self.notes {
            text.push('\n');
            text.push_str(&wrap(&format!("note: {note}")));
        }
        text
    }

    fn cells(&self, contest: &Contest) -> Vec<[String; 9]> {
        let c = &contest.comparison;
        let means: Vec<f64> = c.estimates.iter().map(|e| e.mean).collect();
        let digits = decimals_for(&means);
        let names: Vec<&str> = contest.methods.iter().map(String::as_str).collect();
        let tied = &self.tied[0];
        let row = |(j, label): (usize, String)| {
            let cost = self.costs.get(&contest.methods[j]).copied().unwrap_or_default();
            let [wins, ties, losses] = tally(contest, j);
            let dash = || "-".to_owned();
            let interval = |i: Interval| format!("[{:.digits$}, {:.digits$}]", i.lo, i.hi);
            [
                place(c.ranks[j], c.rank_intervals.as_ref().map(|all| all[j])),
                label,
                format!("{:.digits$}", means[j]),
                c.estimates[j].bca.map_or_else(dash, interval),
                format!("{wins}/{ties}/{losses}"),
                contest.pair(j, j + 1).and_then(|p| p.p_holm).map_or_else(dash, p_value),
                cost.milliseconds.map_or_else(dash, |v| format!("{v:.1}")),
                cost.forwards.map_or_else(dash, |v| format!("{v:.1}")),
                tied.get(&contest.methods[j]).map_or_else(dash, |v| format!("{:.0}%", 100.0 * v)),
            ]
        };
        let header =
            ["rank", "method", "mean", "95 % interval", "w/t/l", "p next", "ms", "fwd", "tied"];
        let mut cells = vec![header.map(str::to_owned)];
        cells.extend(labels(&names).into_iter().enumerate().map(row));
        cells
    }

    /// The rank table of the first setting as Markdown.
    pub fn markdown(&self) -> String {
        let Some(contest) = self.contests.first() else { return String::new() };
        let line = |row: &[String; 9]| {
            let escaped: Vec<String> = row.iter().map(|c| plain(c).replace('|', "\\|")).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let cells = self.cells(contest);
        let rule = "|---:|:---|---:|---:|---:|---:|---:|---:|---:|\n".to_owned();
        let mut lines = vec![format!("{}\n\n", heading(contest)), line(&cells[0]), rule];
        lines.extend(cells[1..].iter().map(line));
        lines.extend(beside_random(contest).map(|sentence| format!("\n{sentence}\n")));
        lines.extend(
            self.notes.iter().map(|note| format!("\nNote: {}.\n", plain(&note.to_string()))),
        );
        lines.concat()
    }

    /// The rank table as a LaTeX `tabular` (package `booktabs`).
    pub fn latex(&self) -> String {
        let Some(contest) = self.contests.first() else { return String::new() };
        let line = |row: &[String; 9]| {
            let escaped: Vec<String> = row.iter().map(|c| latex_escape(c)).collect();
            format!("{} \\\\\n", escaped.join(" & "))
        };
        let cells = self.cells(contest);
        let start = format!("% {}\n\\begin{{tabular}}{{rlrrrrrrr}}\n\\toprule\n", heading(contest));
        let mut lines = vec![start, line(&cells[0]), "\\midrule\n".to_owned()];
        lines.extend(cells[1..].iter().map(line));
        lines.push("\\bottomrule\n\\end{tabular}\n".to_owned());
        lines.concat()
    }
}

fn latex_escape(cell: &str) -> String {
    let mut text = String::new();
    for c in plain(cell).chars() {
        match c {
            '%' | '_' | '&' | '#' | '$' | '{' | '}' => text.extend(['\\', c]),
            '<' => text.push_str("$<$"),
            '>' => text.push_str("$>$"),
            '^' => text.push_str("\\textasciicircum{}"),
            '~' => text.push_str("\\textasciitilde{}"),
            '\\' => text.push_str("\\textbackslash{}"),
            c => text.push(c),
        }
    }
    text
}

fn heading(contest: &Contest) -> String {
    let s = &contest.setting;
    let steps = s.regions().map_or("no regions".to_owned(), |n| count(n, "region"));
    let better = match contest.direction {
        Direction::Higher => "higher is better",
        Direction::Lower => "lower is better",
    };
    format!(
        "{} ({}, {}, {steps} of {r}x{r}{at}) on {}: {better}",
        plain(&contest.metric),
        s.score_kind,
        plain(&s.perturbation),
        count(contest.images.len(), "image"),
        r = s.region,
        at = s.at_stops(),
    )
}

/// Which methods are better or worse than removing regions at random.
fn beside_random(contest: &Contest) -> Option<String> {
    let words = Words {
        name: &|method| format!("`{}`", plain(method)),
        text: &|text| plain(text).into_owned(),
        number: &short,
    };
    against_random(&contest.challengers(), words)
}

fn friedman_line(contest: &Contest) -> Option<String> {
    let found = contest.comparison.friedman.as_ref()?;
    let images = count(found.n, "image");
    let p = if found.can_differ() {
        p_after(found.p?)
    } else {
        format!("{} (cannot reach 5 % on {images})", p_after(found.p?))
    };
    let ranks = if found.can_tell_apart() {
        "mean ranks further apart than this differ"
    } else {
        "more than any two mean ranks can lie apart, so none is found to differ"
    };
    Some(format!(
        "Friedman chi2 = {:.2}, p {p}; critical difference {:.3} (Nemenyi, 5 %): {ranks}",
        found.statistic?, found.critical_difference,
    ))
}

/// `3`, or `3 (2-4)`.
fn place(rank: usize, interval: Option<Interval>) -> String {
    let show = |v: f64| if v.fract() == 0.0 { format!("{v:.0}") } else { format!("{v:.1}") };
    interval.map_or(rank.to_string(), |i| format!("{rank} ({}-{})", show(i.lo), show(i.hi)))
}

/// What the columns of the text are.
const LEGEND: &str = "w/t/l: methods it beats, cannot be told from, loses to; p next: against the next \
                      one, corrected for all pairs; ms, fwd: explaining a picture, median in milliseconds and \
                      in full passes; tied: regions whose place is chance";

/// Four digits, or `<0.0001`.
fn p_value(p: f64) -> String {
    if p < 1e-4 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// `= 0.0123`, or `< 0.0001`.
fn p_after(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}

/// Methods that this one is found to beat, cannot be told from, loses to.
fn tally(contest: &Contest, j: usize) -> [usize; 3] {
    let mut count = [0; 3];
    let of = |p: &&Pair| p.first == j || p.second == j;
    for pair in contest.comparison.pairs.iter().filter(of) {
        let at = if pair.is_found() { 2 * usize::from(pair.second == j) } else { 1 };
        count[at] += 1;
    }
    count
}

/// Names of the columns of `ranking`, `pairs`, `subsets` and `agreement`.
#[cfg(test)]
pub(super) fn names() -> [(&'static str, Vec<String>); 4] {
    fn columns_of<R>(sheet: Sheet<'_, R>) -> Vec<String> {
        sheet.names().map(str::to_owned).collect()
    }
    let names = &Names::default();
    [
        ("ranking", columns_of(places(names))),
        ("pairs", columns_of(duels(names))),
        ("subsets", columns_of(parts(names))),
        ("agreement", columns_of(likenesses())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demo, eval::stats::Resampling, rank::rank, ranking::WIDTH, run::record::Timing,
        subsets::Sets, table::Table,
    };

    fn found() -> Rank {
        let rows = demo::records(30, 2, 40);
        let time = |method: &str, stage: &str, seconds: f64| Timing {
            image: "a".to_owned(),
            method: method.to_owned(),
            stage: stage.to_owned(),
            perturbation: None,
            region: None,
            order: None,
            repeat: None,
            seconds,
        };
        let times = [time("model", "forward", 0.01), time("gradient", "explain", 0.025)];
        let resampling = Resampling { count: 1000, ..Resampling::default() };
        rank(&rows, &Sets::new(), &times, &[], None, resampling).unwrap()
    }

    #[test]
    fn the_rank_table_fits_and_is_the_same_as_markdown_and_latex() {
        let found = found();
        let text = found.text();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        insta::assert_snapshot!([text, found.markdown(), found.latex()].join("\n"));
    }

    #[test]
    fn tables_have_a_row_for_each_method_and_each_pair_and_are_written() {
        let found = found();
        let n = demo::METHODS.len();
        assert_eq!((found.places().len(), found.duels().len()), (n, n * (n - 1) / 2));
        let names = &Names::default();
        let schema = |t: Table| {
            let lines = t.schema().into_iter().map(|(name, kind)| format!("{name}: {kind}\n"));
            lines.collect::<String>()
        };
        insta::assert_snapshot!(
            [schema(places(names).table(&[])), schema(duels(names).table(&[]))].join("\n")
        );
        let folder = tempfile::tempdir().unwrap();
        found.write(folder.path()).unwrap();
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [
            "agreement.csv",
            "agreement.parquet",
            "pairs.csv",
            "pairs.parquet",
            "ranking.csv",
            "ranking.md",
            "ranking.parquet",
            "ranking.tex",
            "subsets.csv",
            "subsets.parquet",
        ];
        assert_eq!(names, expected);
    }
}
