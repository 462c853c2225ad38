//! The results of `pixelflip rank` as tables: files for machines, text for people.

use super::{
    colours::short,
    contest::Contest,
    labels::labels,
    rank::Rank,
    ranking::{align, decimals_for, wrap},
    subsets::Subset,
    verdict::{Words, against_random},
};
use crate::{
    base::{atomic, text::plain, words::count},
    eval::{
        metric::Direction,
        stats::{Estimate, Interval, paired::Pair},
    },
    table::{Column, Table, TableError},
};
use std::{collections::BTreeMap, path::Path};

const RANK_NOTES: &[(&str, &str)] = &[
    ("perturbation, region, score_kind, steps", "the setting, as in the curves"),
    ("metric, direction", "what is compared, and which way it is better: higher or lower"),
    ("rank", "place by mean, 1 being the best; equal means share the better place"),
    ("rank_lo, rank_hi", "places in 95 % of the bootstrap resamples, counted as `rank`"),
    ("images", "images that all methods have: everything is computed on these"),
    ("images_left_out", "images on which some method was tried and some method has no value"),
    ("mean, stderr", "over images, repeats averaged first"),
    ("lo, hi", "95 % bootstrap interval of the mean, BCa"),
    ("percentile_lo, percentile_hi", "the same between percentiles"),
    ("mean_rank", "mean over images of the rank on each image (Friedman)"),
    (
        "wins, ties, losses",
        "other methods that it beats, cannot be told from, loses to (Holm, 5 %)",
    ),
    ("p_next, p_next_holm", "signed-rank p against the method at the next place; corrected"),
    ("milliseconds", "median time of an explanation; null for heat maps from files"),
    ("forwards", "the same in forward passes of the model"),
    (
        "random_p, random_p_holm, random_tests",
        "signed-rank p against removing regions at random; corrected for these tests alone; how many",
    ),
    (
        "against_random",
        "what follows at 5 %: better, worse, open, equal (no difference), too-few (no test could reach 5 %)",
    ),
    ("tied_fraction", "mean share of regions whose place is chance"),
    ("variance_images, variance_repeats", "variance between images, and between repeats of one"),
];

const PAIR_NOTES: &[(&str, &str)] = &[
    ("first, second", "the method with the better mean, and the other"),
    ("difference", "mean over images by which the first is better"),
    ("wins, ties, losses", "images on which the first is better, equal, worse"),
    ("win_rate", "share of wins, ties counting half"),
    ("p, p_holm", "two-sided signed-rank test (Pratt), corrected for all pairs"),
    ("nemenyi", "p of Nemenyi's test on mean ranks"),
    ("variance_images, variance_repeats", "of the differences"),
    (
        "images_needed",
        "images that would separate the two at 5 % with power 80 %, as one of all pairs that are tested",
    ),
    ("repeats_needed", "repeats that would do so with as many images; null when none would"),
];

impl Rank {
    /// Writes `ranking`, `pairs`, `subsets` and `agreement` as CSV and Parquet, `ranking.md` and
    /// `ranking.tex` into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), TableError> {
        let named = |notes: &[(&str, &str)]| -> BTreeMap<String, String> {
            let note = |(k, v): &(&str, &str)| (format!("column {k}"), (*v).to_owned());
            notes.iter().map(note).collect()
        };
        for (name, table, notes) in [
            ("ranking", self.ranking(), named(RANK_NOTES)),
            ("pairs", self.pairs(), named(PAIR_NOTES)),
            ("subsets", self.subsets_table(), BTreeMap::new()),
            ("agreement", self.agreement_table(), BTreeMap::new()),
        ] {
            table.write_parquet(&folder.join(format!("{name}.parquet")), &notes)?;
            table.write_csv(&folder.join(format!("{name}.csv")))?;
        }
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

    /// One row per setting and method.
    pub fn ranking(&self) -> Table {
        let mut rows = Sheet::default();
        for (contest, tied) in self.contests.iter().zip(&self.tied) {
            for (j, method) in contest.methods.iter().enumerate() {
                rows.setting(contest);
                let c = &contest.comparison;
                let interval = c.rank_intervals.as_ref().map(|all| all[j]);
                rows.whole("rank", Some(c.ranks[j]));
                rows.number("rank_lo", interval.map(|i| i.lo));
                rows.number("rank_hi", interval.map(|i| i.hi));
                rows.text("method", method);
                rows.whole("images", Some(contest.images.len()));
                rows.whole("images_left_out", Some(contest.left_out));
                rows.estimate("mean", &c.estimates[j]);
                rows.number("mean_rank", c.friedman.as_ref().map(|f| f.mean_ranks[j]));
                let [wins, ties, losses] = tally(contest, j);
                rows.whole("wins", Some(wins));
                rows.whole("ties", Some(ties));
                rows.whole("losses", Some(losses));
                let next = contest.pair(j, j + 1);
                rows.number("p_next", next.and_then(|p| p.p));
                rows.number("p_next_holm", next.and_then(|p| p.p_holm));
                let cost = self.costs.get(method).copied().unwrap_or_default();
                rows.number("milliseconds", cost.milliseconds);
                rows.number("forwards", cost.forwards);
                let against = contest.against_random[j];
                rows.number("random_p", against.and_then(|a| a.p));
                rows.number("random_p_holm", against.and_then(|a| a.p_holm));
                rows.whole("random_tests", against.map(|a| a.tests));
                rows.maybe("against_random", against.map(|a| a.verdict.name()));
                rows.number("tied_fraction", tied.get(method).copied());
                rows.number("variance_images", contest.splits[j].map(|s| s.between_images));
                rows.number("variance_repeats", contest.splits[j].and_then(|s| s.between_repeats));
            }
        }
        rows.finish()
    }

    /// One row per setting and two methods.
    pub fn pairs(&self) -> Table {
        let mut rows = Sheet::default();
        for contest in &self.contests {
            let c = &contest.comparison;
            for (pair, power) in c.pairs.iter().zip(&contest.powers) {
                rows.setting(contest);
                rows.text("first", &contest.methods[pair.first]);
                rows.text("second", &contest.methods[pair.second]);
                rows.whole("images", Some(contest.images.len()));
                rows.estimate("difference", &pair.difference);
                rows.whole("wins", Some(pair.wins));
                rows.whole("ties", Some(pair.ties));
                rows.whole("losses", Some(pair.losses));
                rows.number("win_rate", Some(pair.win_rate()));
                rows.number("p", pair.p);
                rows.number("p_holm", pair.p_holm);
                let nemenyi = c.friedman.as_ref().map(|f| f.nemenyi(pair.first, pair.second));
                rows.number("nemenyi", nemenyi);
                rows.number("variance_images", power.map(|(s, _)| s.between_images));
                rows.number("variance_repeats", power.and_then(|(s, _)| s.between_repeats));
                let images = power.and_then(|(_, p)| p.images);
                let repeats = power.and_then(|(_, p)| p.repeats);
                rows.whole("images_needed", images.map(|n| n as usize));
                rows.whole("repeats_needed", repeats.map(|n| n as usize));
            }
        }
        rows.finish()
    }

    /// One row per part of the pictures and method.
    pub fn subsets_table(&self) -> Table {
        let mut rows = Sheet::default();
        let Some(contest) = self.contests.first() else { return rows.finish() };
        for Subset { by, value, images, standing } in &self.subsets {
            for &j in &standing.order {
                rows.text("by", by);
                rows.text("value", value);
                rows.setting(contest);
                rows.whole("rank", Some(standing.ranks[j]));
                rows.text("method", &contest.methods[j]);
                rows.whole("images", Some(*images));
                rows.estimate("mean", &standing.estimates[j]);
            }
        }
        rows.finish()
    }

    /// Kendall's tau of every two ways to rank.
    pub fn agreement_table(&self) -> Table {
        let mut rows = Sheet::default();
        let Rank { agreement, .. } = self;
        for (a, taus) in agreement.names.iter().zip(&agreement.tau) {
            for (b, tau) in agreement.names.iter().zip(taus) {
                rows.text("first", a);
                rows.text("second", b);
                rows.number("tau", *tau);
            }
        }
        rows.finish()
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

/// Columns that grow row by row.
#[derive(Default)]
struct Sheet(Vec<(String, Column)>);

impl Sheet {
    fn column(&mut self, name: &str, empty: Column) -> &mut Column {
        let at = self.0.iter().position(|(n, _)| n == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), empty));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    fn text(&mut self, name: &str, value: &str) {
        self.maybe(name, Some(value));
    }

    fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Column::Text(v) = self.column(name, Column::Text(vec![])) {
            v.push(value.map(str::to_owned));
        }
    }

    fn whole(&mut self, name: &str, value: Option<usize>) {
        if let Column::Integer(v) = self.column(name, Column::Integer(vec![])) {
            v.push(value.map(|n| n as u64));
        }
    }

    fn number(&mut self, name: &str, value: Option<f64>) {
        if let Column::Float(v) = self.column(name, Column::Float(vec![])) {
            v.push(value);
        }
    }

    fn estimate(&mut self, name: &str, e: &Estimate) {
        self.number(name, Some(e.mean));
        self.number("stderr", e.stderr);
        self.number("lo", e.bca.map(|i| i.lo));
        self.number("hi", e.bca.map(|i| i.hi));
        self.number("percentile_lo", e.percentile.map(|i| i.lo));
        self.number("percentile_hi", e.percentile.map(|i| i.hi));
    }

    fn setting(&mut self, contest: &Contest) {
        let s = &contest.setting;
        self.text("perturbation", &s.perturbation);
        self.whole("region", Some(s.region as usize));
        self.text("score_kind", s.score_kind.name());
        self.whole("steps", s.regions());
        self.text("metric", &contest.metric);
        self.text("direction", contest.direction.name());
    }

    fn finish(self) -> Table {
        let mut table = Table::default();
        self.0.into_iter().for_each(|(name, column)| table.push(&name, column));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demo, eval::stats::Resampling, rank::rank, ranking::WIDTH, run::record::Timing,
        subsets::Sets,
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
        assert_eq!((found.ranking().rows(), found.pairs().rows()), (n, n * (n - 1) / 2));
        let schema = |t: Table| {
            let lines = t.schema().into_iter().map(|(name, kind)| format!("{name}: {kind}\n"));
            lines.collect::<String>()
        };
        insta::assert_snapshot!([schema(found.ranking()), schema(found.pairs())].join("\n"));
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
