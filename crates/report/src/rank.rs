//! Everything that `pixelflip rank` says, from records alone.

use super::{
    agreement::{Agreement, agreement},
    cells::{self, CellsError, Group, RANDOM},
    contest::Contest,
    map_metrics::MapRow,
    subsets::{Sets, Subset, subsets},
    summary::all_tied,
    verdict::{Lack, too_few_for_pairs},
};
use crate::{
    base::words::{are, count},
    eval::{
        metric::{Aopc, Chosen, CurveMetric},
        order::Order,
        stats::{FEWEST, Resampling, quantile::median},
    },
    run::record::{Row, Timing},
};
use std::{collections::BTreeMap, fmt};

/// What an explanation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Median time of an explanation in milliseconds; `None` for heat maps from files.
    pub milliseconds: Option<f64>,
    /// The same in forward passes of the model, whose time is a median, too.
    pub forwards: Option<f64>,
}

/// What a reader must know.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Pictures that some method lacks.
    LeftOut {
        /// Canonical name of the perturbation.
        perturbation: String,
        /// How many.
        left_out: usize,
        /// How many were compared.
        common: usize,
        /// The methods that lack some, with how many each and why.
        lacking: Vec<(String, usize, String)>,
    },
    /// Methods without curves.
    Without {
        /// Canonical name of the perturbation.
        perturbation: String,
        /// The methods, and why.
        methods: Vec<(String, String)>,
    },
    /// No picture has all methods.
    NothingInCommon {
        /// Canonical name of the perturbation.
        perturbation: String,
        /// Methods without any value, and why.
        without: Vec<(String, String)>,
    },
    /// A run that has not come to its end.
    Unfinished,
    /// Too few pictures for intervals.
    FewImages {
        /// How many.
        images: usize,
    },
    /// Too few pictures for a test of every two methods.
    FewForTests {
        /// Canonical name of the perturbation.
        perturbation: String,
        /// How many.
        images: usize,
        /// Pairs that are tested.
        tests: usize,
    },
    /// No method is worth anything by the metric.
    NoWinner {
        /// Canonical name of the perturbation.
        perturbation: String,
        /// What that means.
        meaning: &'static str,
    },
    /// The random order has the first place, or a share of it.
    Chance {
        /// Canonical name of the perturbation.
        perturbation: String,
    },
    /// Heat maps that do not say which regions go first.
    AllTied {
        /// The method.
        method: String,
        /// Pictures on which the place of every region is chance.
        images: usize,
        /// Pictures there are.
        of: usize,
    },
    /// The best methods cannot be told apart.
    AllEqual {
        /// Canonical name of the perturbation.
        perturbation: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::LeftOut { perturbation, left_out, common, lacking } => {
                let of = |(method, n, why): &(String, usize, String)| {
                    format!("`{method}` lacks {n}: {why}")
                };
                let lacking: Vec<String> = lacking.iter().map(of).collect();
                write!(
                    f,
                    "under `{perturbation}` methods are compared on the {} that all of them have; \
                     {left_out} {} left out ({})",
                    count(*common, "image"),
                    are(*left_out),
                    lacking.join("; ")
                )
            }
            Note::Without { perturbation, methods } => {
                write!(f, "no values under `{perturbation}` for {}", with_reasons(methods))
            }
            Note::NothingInCommon { perturbation, without } => {
                let why = with_reasons(without);
                let why = if why.is_empty() { why } else { format!("; no values for {why}") };
                write!(
                    f,
                    "under `{perturbation}` no image has curves of all methods, so nothing is \
                     compared{why}"
                )
            }
            Note::Unfinished => f.write_str(
                "a run has not come to its end, so some of its images are missing; the same \
                 `pixelflip run` goes on with it",
            ),
            Note::FewImages { images } => {
                write!(f, "too few images for intervals: {images}, at least {FEWEST} are needed")
            }
            Note::FewForTests { perturbation, images, tests } => {
                let note = too_few_for_pairs(*images, *tests).unwrap_or_default();
                write!(f, "under `{perturbation}`: {note}")
            }
            Note::NoWinner { perturbation, meaning } => {
                write!(f, "under `{perturbation}` no method is above 0: {meaning}")
            }
            Note::Chance { perturbation } => {
                write!(f, "under `{perturbation}` no {}", Lack::Chance.words())
            }
            Note::AllTied { method, images, of } => all_tied(f, method, *images, *of),
            Note::AllEqual { perturbation } => {
                write!(f, "under `{perturbation}` all methods have the same value on every image")
            }
        }
    }
}

/// Methods in backticks with their reasons; those that follow each other with the same one have it once.
fn with_reasons(methods: &[(String, String)]) -> String {
    let some = |some: &[(String, String)]| {
        let names: Vec<String> = some.iter().map(|(method, _)| format!("`{method}`")).collect();
        format!("{} ({})", names.join(", "), some[0].1)
    };
    methods.chunk_by(|a, b| a.1 == b.1).map(some).collect::<Vec<_>>().join(", ")
}

/// All results of one `rank`.
#[derive(Debug)]
pub struct Rank {
    /// One per setting, in the order of the records; the first one ranks.
    pub contests: Vec<Contest>,
    /// By canonical name of the method.
    pub costs: BTreeMap<String, Cost>,
    /// Mean share of regions whose place is chance, by setting and canonical name of the method.
    pub tied: Vec<BTreeMap<String, f64>>,
    /// The ranking of the first setting on parts of the pictures.
    pub subsets: Vec<Subset>,
    /// Rankings against each other.
    pub agreement: Agreement,
    /// What a reader must know.
    pub notes: Vec<Note>,
}

/// Ranks the methods of these records by a metric, or by AOPC of the first order there is. `maps`
/// are other ways to rank, for the agreement; `sets` has the classes of pictures that show several.
pub fn rank(
    rows: &[Row],
    sets: &Sets,
    timings: &[Timing],
    maps: &[MapRow],
    chosen: Option<Chosen<'_>>,
    resampling: Resampling,
) -> Result<Rank, CellsError> {
    let groups = cells::group(rows)?;
    let order = groups[0].orders().next().unwrap_or(Order::Morf);
    let (default, default_name) = (Aopc(order), format!("aopc:order={order}"));
    let chosen = chosen.unwrap_or(Chosen { name: &default_name, metric: &default });
    let mut notes = Vec::new();
    let mut contests = Vec::new();
    let mut tied = Vec::new();
    for group in &groups {
        let contest = Contest::new(group, chosen.name, chosen.metric, resampling);
        notes.extend(notes_on(group, contest.as_ref(), chosen.metric));
        let Some(contest) = contest else { continue };
        let share = |m: &String| Some((m.clone(), group.tied_fraction(m, order)?));
        tied.push(contest.methods.iter().filter_map(share).collect());
        contests.push(contest);
    }
    notes.extend(groups[0].all_tied().map(|(method, images)| Note::AllTied {
        method: method.to_owned(),
        images,
        of: groups[0].images(),
    }));
    // the first setting ranks; where it has nothing in common, there are no parts of it
    let first = contests.first().filter(|c: &&Contest| c.setting == groups[0].setting);
    Ok(Rank {
        subsets: first.map_or_else(Vec::new, |contest| subsets(rows, sets, contest, resampling)),
        agreement: agreement(&groups, &chosen, maps),
        costs: costs(timings),
        contests,
        tied,
        notes,
    })
}

fn notes_on(group: &Group<'_>, contest: Option<&Contest>, metric: &dyn CurveMetric) -> Vec<Note> {
    let perturbation = group.setting.perturbation.clone();
    let reasons = |methods: &[String]| -> Vec<(String, String)> {
        methods.iter().map(|m| (m.clone(), why_missing(group, m, metric))).collect()
    };
    let Some(contest) = contest else {
        let empty = |m: &&str| group.values(m, metric).iter().all(Option::is_none);
        let methods: Vec<String> = group.methods().filter(empty).map(str::to_owned).collect();
        return vec![Note::NothingInCommon { perturbation, without: reasons(&methods) }];
    };
    let mut notes = Vec::new();
    if contest.left_out > 0 {
        let missing = |m: &String| {
            let n = group.values(m, metric).iter().filter(|v| v.is_none()).count();
            (n > 0).then(|| (m.clone(), n, why_missing(group, m, metric)))
        };
        notes.push(Note::LeftOut {
            perturbation: perturbation.clone(),
            left_out: contest.left_out,
            common: contest.images.len(),
            lacking: contest.methods.iter().filter_map(missing).collect(),
        });
    }
    if !contest.without.is_empty() {
        let methods = reasons(&contest.without);
        notes.push(Note::Without { perturbation: perturbation.clone(), methods });
    }
    if contest.images.len() < FEWEST {
        notes.push(Note::FewImages { images: contest.images.len() });
    }
    notes.extend(verdicts(contest, metric, &perturbation));
    let pairs = &contest.comparison.pairs;
    if !pairs.is_empty() && pairs.iter().all(|p| p.p.is_none()) {
        notes.push(Note::AllEqual { perturbation });
    }
    notes
}

/// What the values do not say.
fn verdicts(contest: &Contest, metric: &dyn CurveMetric, perturbation: &str) -> Vec<Note> {
    let perturbation = perturbation.to_owned();
    let (images, tests) = (contest.images.len(), contest.comparison.tests());
    let few = too_few_for_pairs(images, tests);
    let worthless = metric.worthless().filter(|_| contest.comparison.estimates[0].mean <= 0.0);
    let mut places = contest.methods.iter().zip(&contest.comparison.ranks);
    // where all methods are equal, that is said
    let chance = tests > 0 && places.any(|(method, rank)| method == RANDOM && *rank == 1);
    [
        few.map(|_| Note::FewForTests { perturbation: perturbation.clone(), images, tests }),
        worthless.map(|meaning| Note::NoWinner { perturbation: perturbation.clone(), meaning }),
        chance.then_some(Note::Chance { perturbation }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why a method lacks values of a metric on some picture, in words.
fn why_missing(group: &Group<'_>, method: &str, metric: &dyn CurveMetric) -> String {
    let failures = Order::ALL.iter().map(|order| group.failures(method, *order));
    if let Some(failures) = failures.into_iter().find(|failures| !failures.is_empty()) {
        let all = failures.iter().map(|(n, reason)| format!("{n}: {reason}"));
        return match &failures[..] {
            [(_, only)] => (*only).to_owned(),
            _ => all.collect::<Vec<_>>().join(", "),
        };
    }
    let order = group.orders().next().unwrap_or(Order::Morf);
    let whole = group.values(method, &Aopc(order));
    let values = group.values(method, metric);
    let has_curves = group.macs(method, order).or(group.tied_fraction(method, order)).is_some();
    let reason = if whole.iter().zip(&values).any(|(aopc, value)| aopc.is_some() && value.is_none())
    {
        if metric.needs_all_logits() {
            "the metric needs the logits of all classes, which `run --record all` writes"
        } else {
            "the metric is not defined there"
        }
    } else if has_curves && whole.iter().all(Option::is_none) {
        "it was run with other seeds or repeats than other methods"
    } else {
        "there is no record of it"
    };
    reason.to_owned()
}

/// Mean times by method. The stage `forward` is a pass of the model through the same program.
/// Medians: a machine that is busy with something else for a second must not count.
fn costs(timings: &[Timing]) -> BTreeMap<String, Cost> {
    let mut seconds: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for t in timings {
        seconds.entry((&t.stage, &t.method)).or_default().push(t.seconds);
    }
    let of = |wanted: &'static str| seconds.iter().filter(move |((stage, _), _)| *stage == wanted);
    let forward = median(of("forward").flat_map(|(_, seconds)| seconds.iter().copied()));
    let cost = |((_, method), seconds): (&(&str, &str), &Vec<f64>)| {
        let seconds = median(seconds.iter().copied())?;
        let forwards = forward.filter(|f| *f > 0.0).map(|f| seconds / f);
        Some(((*method).to_owned(), Cost { milliseconds: Some(1e3 * seconds), forwards }))
    };
    of("explain").filter_map(cost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demo, run::record::Status};

    fn few() -> Resampling {
        Resampling { count: 300, ..Resampling::default() }
    }

    #[test]
    fn what_is_left_out_is_counted_and_said() {
        let mut rows = demo::records(6, 1, 10);
        for row in rows.iter_mut().filter(|r| r.method == "gradient" && r.image.contains("0002")) {
            (row.status, row.scores) = (Status::Failed, None);
        }
        rows.retain(|r| !(r.method == "lrp-samek2017" && r.image.contains("0004")));
        for row in rows.iter_mut().filter(|r| r.method == "gradient-x-input") {
            row.scores = row.scores.as_ref().map(|s| vec![f32::NAN; s.len()]);
        }
        let found = rank(&rows, &Sets::new(), &[], &[], None, few()).unwrap();
        let notes: Vec<String> = found.notes.iter().map(Note::to_string).collect();
        insta::assert_snapshot!(notes.join("\n"));
    }

    #[test]
    fn few_pictures_equal_methods_and_nothing_in_common_are_said() {
        let mut rows = demo::records(2, 1, 10);
        let curve = rows[0].scores.clone();
        rows.iter_mut().for_each(|row| row.scores.clone_from(&curve));
        let found = rank(&rows, &Sets::new(), &[], &[], None, few()).unwrap();
        let same = Note::AllEqual { perturbation: "uniform".to_owned() };
        assert_eq!(found.notes, [Note::FewImages { images: 2 }, same]);
        rows.retain(|r| (r.method == "random") == r.image.contains("0000"));
        let found = rank(&rows, &Sets::new(), &[], &[], None, few()).unwrap();
        let nothing = Note::NothingInCommon { perturbation: "uniform".to_owned(), without: vec![] };
        assert_eq!(found.notes, [nothing]);
        assert!(found.contests.is_empty());
    }

    #[test]
    fn methods_under_other_noise_are_not_compared_and_the_reason_is_said() {
        let mut rows = demo::records(5, 1, 10);
        rows.iter_mut().filter(|r| r.method == "gradient").for_each(|r| r.seed = 7);
        let found = rank(&rows, &Sets::new(), &[], &[], None, few()).unwrap();
        let said: Vec<String> = found.notes.iter().map(Note::to_string).collect();
        assert!(said[0].contains("run with other seeds or repeats than other methods"), "{said:?}");
        for row in &mut rows {
            (row.seed, row.scores) = (0, row.scores.as_ref().map(|s| vec![f32::INFINITY; s.len()]));
        }
        let found = rank(&rows, &Sets::new(), &[], &[], None, few()).unwrap();
        assert!(found.contests.is_empty());
        let said = found.notes[0].to_string();
        let methods =
            "`random`, `sensitivity:norm=l2`, `sensitivity:norm=linf` (a score is not a finite";
        assert!(said.contains(methods), "{said}");
    }

    #[test]
    fn costs_are_medians_in_milliseconds_and_in_forward_passes() {
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
        let found = costs(&[
            time("model", "forward", 0.01),
            time("model", "forward", 0.03),
            time("gradient", "explain", 0.05),
            time("gradient", "explain", 0.07),
            // the machine was busy
            time("gradient", "explain", 3.0),
            time("gradient", "explain", 0.04),
            time("gradient", "flip", 9.0),
            time("maps", "read", 0.5),
        ]);
        assert_eq!(found.len(), 1);
        let cost = found["gradient"];
        assert!((cost.milliseconds.unwrap() - 60.0).abs() < 1e-9);
        assert!((cost.forwards.unwrap() - 3.0).abs() < 1e-9);
    }
}
