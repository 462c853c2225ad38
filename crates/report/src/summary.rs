//! From records to a ranking. Everything here follows from the records alone.

use super::{
    cells::{self, CellsError, Group, Setting, common_means},
    columns,
    naming::Names,
};
use crate::{
    base::words::count,
    eval::{
        curve::ScoreKind,
        metric::{Abpc, Aopc, CurveMetric, Direction, Range, RelativeAopc, Trial},
        order::Order,
        stats::{
            Estimate, FEWEST, Resampling,
            against::{Against, against},
            estimates_of_known,
        },
    },
    run::record::Row,
    table::{Sheet, Table, TableError},
};
use ndarray::Array2;
use std::{cmp::Ordering, fmt, path::Path};

/// One method under one setting and order.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// Perturbation, region, score and steps.
    pub setting: Setting,
    /// Which regions went first.
    pub order: Order,
    /// Canonical name of the method.
    pub method: String,
    /// Place by mean AOPC, on the pictures that all methods of this setting and order have, 1 being the
    /// best; equal means share a place. `None` without such pictures.
    pub rank: Option<u64>,
    /// Which way AOPC is better in this order.
    pub direction: Direction,
    /// Pictures on which the method has all its curves of this order.
    pub images: usize,
    /// Pictures on which some method was tried and this one lacks curves.
    pub images_missing: usize,
    /// AOPC after all steps.
    pub aopc: Option<Estimate>,
    /// AOPC minus that of the random order, picture by picture.
    pub relative_aopc: Option<Estimate>,
    /// Area between the LeRF and the MoRF curve; the same in the rows of both orders.
    pub abpc: Option<Estimate>,
    /// The same as a sum over steps.
    pub abpc_sum: Option<Estimate>,
    /// The method against removing regions at random, on the pictures that all methods have; `None` for
    /// the random order itself and where there is none.
    pub against_random: Option<Against>,
    /// Mean share of regions whose place is chance.
    pub tied_fraction: Option<f64>,
    /// Mean multiply-adds of a curve.
    pub macs: Option<f64>,
}

/// What a reader of the summary must know.
#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    /// A method lacks curves.
    Incomplete {
        /// The method.
        method: String,
        /// The order.
        order: Order,
        /// The perturbation.
        perturbation: String,
        /// Orders and settings beyond these of which the same is true.
        more: usize,
        /// Pictures it has.
        images: usize,
        /// Pictures there are.
        of: usize,
        /// The reasons, with the number of images where there are several.
        reason: String,
    },
    /// LRP starts from scores below 0.
    BelowZero {
        /// Pictures with such a score.
        images: usize,
        /// Pictures there are.
        of: usize,
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
    /// Too few pictures for intervals.
    FewImages {
        /// How many.
        images: usize,
    },
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caveat::Incomplete { method, order, perturbation, more, images: 0, reason, .. } => {
                write!(
                    f,
                    "`{method}` has no {order} curves under `{perturbation}`{} ({reason})",
                    and_more(*more)
                )
            }
            Caveat::Incomplete { method, order, perturbation, more, images, of, reason } => write!(
                f,
                "`{method}` has its {order} curves under `{perturbation}`{} on {images} of {of} \
                 only, and its means are over those; places are by the images that all methods have \
                 ({reason})",
                and_more(*more),
                of = count(*of, "image"),
            ),
            Caveat::BelowZero { images, of } => write!(
                f,
                "the target's logit is below 0 on {images} of {}: LRP from the score has all signs \
                 turned there, `start=one` keeps them",
                count(*of, "image")
            ),
            Caveat::AllTied { method, images, of } => all_tied(f, method, *images, *of),
            Caveat::FewImages { images } => {
                write!(f, "too few images for intervals: {images}, at least {FEWEST} are needed")
            }
        }
    }
}

/// That ties, not the heat map, decide the order.
pub(super) fn all_tied(
    f: &mut fmt::Formatter<'_>,
    method: &str,
    images: usize,
    of: usize,
) -> fmt::Result {
    write!(
        f,
        "by `{method}` the place of every region is chance on {images} of {}: each has the score of \
         another one, as in an all-zero or constant heat map",
        count(of, "image")
    )
}

/// What follows the first of several settings.
fn and_more(settings: usize) -> String {
    match settings {
        0 => String::new(),
        1 => ", and in one more setting or order,".to_owned(),
        n => format!(", and in {n} more settings and orders,"),
    }
}

/// The ranking with all its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// By setting in the order of the records, MoRF before LeRF, then by rank.
    pub rows: Vec<SummaryRow>,
    /// What a reader must know.
    pub caveats: Vec<Caveat>,
}

/// Summarises records, with 10,000 bootstrap resamples.
pub fn summarise(rows: &[Row]) -> Result<Summary, CellsError> {
    Ok(summarise_groups(&cells::group(rows)?))
}

/// Summarises records that are in order.
pub fn summarise_groups(groups: &[Group<'_>]) -> Summary {
    let rows: Vec<SummaryRow> = groups.iter().flat_map(summarise_group).collect();
    let mut caveats = once_each(groups.iter().flat_map(|g| incomplete(g, &rows)));
    caveats.extend(groups.iter().find_map(below_zero));
    caveats.extend(groups.iter().take(1).flat_map(tied_maps));
    if let Some(images) = groups.iter().map(Group::images).min().filter(|n| *n < FEWEST) {
        caveats.push(Caveat::FewImages { images });
    }
    Summary { rows, caveats }
}

/// Methods that leave the order to chance, by the regions that rank.
fn tied_maps<'g>(group: &'g Group<'_>) -> impl Iterator<Item = Caveat> + 'g {
    group.all_tied().map(|(method, images)| Caveat::AllTied {
        method: method.to_owned(),
        images,
        of: group.images(),
    })
}

/// What is estimated for every method.
const ESTIMATED: [&dyn CurveMetric; 6] = [
    &Aopc(Order::Morf),
    &Aopc(Order::Lerf),
    &RelativeAopc(Order::Morf),
    &RelativeAopc(Order::Lerf),
    &Abpc { sum: false },
    &Abpc { sum: true },
];

fn summarise_group(group: &Group<'_>) -> Vec<SummaryRow> {
    // one method after the other: the resamples are the same, and fewer values are in memory
    let of = |method| {
        let mut columns: Vec<Vec<Option<f64>>> =
            ESTIMATED.iter().map(|metric| group.values(method, *metric)).collect();
        let estimates = estimates_of_known(&columns, Resampling::default());
        // AOPC by both orders stays, for the places
        columns.truncate(Order::ALL.len());
        (estimates, columns)
    };
    let (estimates, aopcs): (Vec<_>, Vec<_>) = group.methods().map(of).unzip();
    let row = |order, method: &str, found: &[Option<Estimate>]| {
        let by_order = |first: usize| found[first + usize::from(order == Order::Lerf)];
        let aopc = by_order(0);
        let images = aopc.map_or(0, |e| e.n);
        SummaryRow {
            setting: group.setting.clone(),
            order,
            method: method.to_owned(),
            rank: None,
            direction: Aopc(order).direction(),
            images,
            images_missing: group.images() - images,
            aopc,
            relative_aopc: by_order(2),
            abpc: found[4],
            abpc_sum: found[5],
            against_random: None,
            tied_fraction: group.tied_fraction(method, order),
            macs: group.macs(method, order),
        }
    };
    let mut rows = Vec::new();
    for order in group.orders() {
        let column = usize::from(order == Order::Lerf);
        let values: Vec<&[_]> = aopcs.iter().map(|of| &of[column][..]).collect();
        let found = group.methods().zip(&estimates);
        let peers = found.map(|(m, found)| row(order, m, found)).zip(common_means(&values));
        let mut peers: Vec<Peer> = peers.collect();
        judge(&mut peers, &values, Aopc(order).direction());
        rows.extend(ranked(peers));
    }
    rows
}

/// Compares each method with removing regions at random, where that was done; `values` per method and
/// picture.
fn judge(peers: &mut [Peer], values: &[&[Option<f64>]], direction: Direction) {
    let known: Vec<usize> = (0..peers.len()).filter(|j| peers[*j].1.is_some()).collect();
    let Some(random) = known.iter().position(|j| peers[*j].0.method == cells::RANDOM) else {
        return;
    };
    let common = cells::common(values);
    let at = |(i, k): (usize, usize)| values[known[k]][common[i]].expect("all have these");
    let matrix = Array2::from_shape_fn((common.len(), known.len()), at);
    let found = against(&matrix.view(), random, direction == Direction::Higher);
    known.iter().zip(found).for_each(|(&j, against)| peers[j].0.against_random = against);
}

/// A method with its mean on the pictures that all have.
type Peer = (SummaryRow, Option<f64>);

/// The methods of one order, best first, with their places.
fn ranked(mut peers: Vec<Peer>) -> Vec<SummaryRow> {
    peers.sort_by(|a, b| by_mean(a, b).then_with(|| a.0.method.cmp(&b.0.method)));
    for i in 0..peers.len() {
        let tied = i > 0 && by_mean(&peers[i - 1], &peers[i]) == Ordering::Equal;
        let place = if tied { peers[i - 1].0.rank } else { Some(i as u64 + 1) };
        peers[i].0.rank = peers[i].1.and(place);
    }
    peers.into_iter().map(|(row, _)| row).collect()
}

/// Better first; then those that cannot be compared, with curves before those without.
fn by_mean((a, mine): &Peer, (b, other): &Peer) -> Ordering {
    match (mine, other) {
        (Some(x), Some(y)) if a.direction == Direction::Lower => x.total_cmp(y),
        (Some(x), Some(y)) => y.total_cmp(x),
        (None, None) => b.aopc.is_some().cmp(&a.aopc.is_some()),
        (x, y) => y.is_some().cmp(&x.is_some()),
    }
}

fn incomplete<'r>(
    group: &'r Group<'_>,
    rows: &'r [SummaryRow],
) -> impl Iterator<Item = Caveat> + 'r {
    let lacking = |row: &&SummaryRow| row.setting == group.setting && row.images_missing > 0;
    rows.iter().filter(lacking).map(|row| Caveat::Incomplete {
        method: row.method.clone(),
        order: row.order,
        perturbation: row.setting.perturbation.clone(),
        more: 0,
        images: row.images,
        of: row.images + row.images_missing,
        reason: reasons(&group.failures(&row.method, row.order), row.images_missing),
    })
}

/// Reasons that are told; others are counted.
const REASONS: usize = 3;

/// Why a method lacks so many images, in words.
fn reasons(failures: &[(usize, &str)], missing: usize) -> String {
    let told: usize = failures.iter().take(REASONS).map(|(n, _)| n).sum();
    let known: usize = failures.iter().map(|(n, _)| n).sum();
    let mut parts: Vec<(usize, &str)> = failures.iter().take(REASONS).copied().collect();
    parts.push((known - told, "other reasons"));
    parts.push((missing.saturating_sub(known), "there is no record of them"));
    parts.retain(|(n, _)| *n > 0);
    match &parts[..] {
        [(_, only)] => (*only).to_owned(),
        all => all.iter().map(|(n, why)| format!("{n}: {why}")).collect::<Vec<_>>().join("; "),
    }
}

/// What is true in several settings is said for the first.
fn once_each(all: impl Iterator<Item = Caveat>) -> Vec<Caveat> {
    let mut found: Vec<Caveat> = Vec::new();
    for caveat in all {
        match found.iter_mut().find_map(|other| other.more_of(&caveat)) {
            Some(more) => *more += 1,
            None => found.push(caveat),
        }
    }
    found
}

impl Caveat {
    /// The count of further settings, where both say the same of one method.
    fn more_of(&mut self, other: &Caveat) -> Option<&mut usize> {
        let Caveat::Incomplete { method, images, of, reason, more, .. } = self else { return None };
        let Caveat::Incomplete { method: m, images: i, of: o, reason: r, .. } = other else {
            return None;
        };
        (&*method == m && &*images == i && &*of == o && &*reason == r).then_some(more)
    }
}

/// The score of the untouched picture, by the curve of an order.
struct Untouched(Order);

impl CurveMetric for Untouched {
    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn range(&self) -> Range {
        Range::ANY
    }

    fn along(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        Some(vec![f64::from(*trial.own.curve(self.0)?.first()?)])
    }
}

/// Whether a method that starts from the score met scores below 0.
fn below_zero(group: &Group<'_>) -> Option<Caveat> {
    if group.setting.score_kind != ScoreKind::Logit {
        return None;
    }
    let method = group.methods().find(|method| method.contains(":start=score"))?;
    let scores = group.values(method, &Untouched(group.orders().next()?));
    let known: Vec<f64> = scores.into_iter().flatten().collect();
    let images = known.iter().filter(|score| **score < 0.0).count();
    (images > 0).then_some(Caveat::BelowZero { images, of: known.len() })
}

/// The columns of the summary.
fn sheet(names: &Names) -> Sheet<'_, SummaryRow> {
    let notes = [
        "canonical name",
        "side of a region in pixels",
        "logit or softmax of the target",
        "number L of removed regions",
    ];
    let sheet = columns::setting(Sheet::default(), notes, |r: &SummaryRow| &r.setting)
        .text("removal_order", "morf = most relevant regions first, lerf = the reverse", |r| Some(r.order.name()))
        .whole(
            "rank",
            "place by mean AOPC on the images that all methods of this setting and order have; null without",
            |r| r.rank,
        );
    let sheet = columns::method(sheet, names, |r| &r.method)
        .text("direction", "which way AOPC is better in this order: higher or lower", |r| {
            Some(r.direction.name())
        })
        .whole("images", "images on which the method has all its curves of this order", |r| {
            Some(r.images as u64)
        })
        .whole(
            "images_missing",
            "images on which some method was tried and this one lacks curves",
            |r| Some(r.images_missing as u64),
        );
    let aopc = "area over the perturbation curve after L steps, mean over images";
    let sheet = columns::estimate(sheet, "aopc", aopc, "aopc_", |r| r.aopc);
    let relative = "AOPC minus that of the random order, image by image";
    let sheet =
        columns::estimate(sheet, "relative_aopc", relative, "relative_aopc_", |r| r.relative_aopc)
            .whole("relative_aopc_images", "", |r| Some(r.relative_aopc?.n as u64));
    let sheet = columns::against_random(sheet, |r| r.against_random);
    let abpc = "area between the LeRF and the MoRF curve, the same in the rows of both orders";
    let sheet = columns::estimate(sheet, "abpc", abpc, "abpc_", |r| r.abpc);
    columns::estimate(sheet, "abpc_sum", "the same as a sum over steps", "abpc_sum_", |r| r.abpc_sum)
        .whole("abpc_images", "", |r| Some(r.abpc?.n as u64))
        .number(
            "tied_fraction",
            "mean share of regions whose place is chance; null for random orders",
            |r| r.tied_fraction,
        )
        .number("macs", "mean multiply-adds of a curve", |r| r.macs)
        .note(
            "random_p, random_p_holm",
            "signed-rank p of that difference on the images that all methods have; corrected for these tests",
        )
        .note("random_tests", "tests of that family: methods that differ from the random order")
        .note("*_stderr", "standard error of the mean")
        .note("*_lo, *_hi", "95 % bootstrap interval over images, BCa, 10000 resamples")
        .note("*_percentile_lo, *_percentile_hi", "the same, between percentiles")
        .note("*_images", "images in the mean")
}

impl Summary {
    /// Writes `summary.csv` and `summary.parquet` into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), TableError> {
        sheet(&self.names()).write(folder, "summary", &self.rows)
    }

    /// As a table with one row per method, order and setting.
    pub fn table(&self) -> Table {
        sheet(&self.names()).table(&self.rows)
    }

    fn names(&self) -> Names {
        Names::of(self.rows.iter().map(|r| &r.method[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demo, run::record::Status};

    fn demo() -> Vec<Row> {
        demo::records(20, 2, 30)
    }

    fn find<'s>(summary: &'s Summary, method: &str, order: Order) -> &'s SummaryRow {
        summary.rows.iter().find(|r| r.method == method && r.order == order).unwrap()
    }

    #[test]
    fn the_numbers_are_those_of_the_formula_written_out() {
        let rows = demo();
        let summary = summarise(&rows).unwrap();
        let of = |method: &str, order: Order| {
            let mut sum = 0.0;
            for row in rows.iter().filter(|r| r.method == method && r.order == order) {
                let scores = row.scores.as_ref().unwrap();
                let fall: f64 = scores.iter().map(|s| f64::from(scores[0]) - f64::from(*s)).sum();
                sum += fall / 31.0;
            }
            sum / 40.0
        };
        let (method, random) = ("lrp-epsilon-plus-flat", cells::RANDOM);
        for order in Order::ALL {
            let row = find(&summary, method, order);
            let found = [row.aopc.unwrap().mean, row.relative_aopc.unwrap().mean];
            let expected = [of(method, order), of(method, order) - of(random, order)];
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
            let between = of(method, Order::Morf) - of(method, Order::Lerf);
            assert!((row.abpc.unwrap().mean - between).abs() < 1e-12);
            assert!((row.abpc_sum.unwrap().mean - 31.0 * between).abs() < 1e-10);
            let e = row.aopc.unwrap();
            assert!(e.lo().unwrap() < e.mean && e.mean < e.hi().unwrap() && e.n == 20);
        }
    }

    #[test]
    fn methods_are_ranked_in_the_direction_of_the_order() {
        let summary = summarise(&demo()).unwrap();
        for order in Order::ALL {
            let rows: Vec<_> = summary.rows.iter().filter(|r| r.order == order).collect();
            let ranks: Vec<_> = rows.iter().map(|r| r.rank.unwrap()).collect();
            assert_eq!(ranks, [1, 2, 3, 4, 5, 6, 7, 8]);
            let means: Vec<f64> = rows.iter().map(|r| r.aopc.unwrap().mean).collect();
            assert!(means.is_sorted_by(|a, b| if order == Order::Morf { a > b } else { a < b }));
        }
        assert_eq!(find(&summary, cells::RANDOM, Order::Morf).rank, Some(8));
    }

    #[test]
    fn what_is_true_of_a_method_in_several_settings_is_said_once() {
        let mut rows = demo::records(4, 1, 10);
        let other = |row: &Row| Row { perturbation: "blur:sigma=3".to_owned(), ..row.clone() };
        rows.extend(rows.iter().map(other).collect::<Vec<_>>());
        for row in rows.iter_mut().filter(|r| r.method == "gradient") {
            (row.status, row.scores) = (Status::Failed, None);
        }
        let said = summarise(&rows).unwrap().caveats;
        // two settings with two orders each
        let [Caveat::Incomplete { method, more: 3, images: 0, .. }] = &said[..] else {
            panic!("{said:?}")
        };
        assert_eq!(method, "gradient");
        assert!(said[0].to_string().contains("curves under `uniform`, and in 3 more settings"));
    }

    #[test]
    fn scores_below_zero_are_said_where_lrp_starts_from_them() {
        let mut rows = demo::records(4, 1, 10);
        let said = |rows: &[Row]| summarise(rows).unwrap().caveats;
        let negative = |row: &Row| row.image.contains("0001");
        for row in rows.iter_mut().filter(|row| negative(row)) {
            row.scores.iter_mut().flatten().for_each(|v| *v -= 100.0);
        }
        assert_eq!(said(&rows), [], "no method says that it starts from the score");
        for row in rows.iter_mut().filter(|row| row.method == "lrp-samek2017") {
            row.method.push_str(":start=score");
        }
        assert_eq!(said(&rows), [Caveat::BelowZero { images: 1, of: 4 }]);
    }

    #[test]
    fn equal_means_share_a_rank_and_a_failed_method_has_none() {
        let mut rows = demo();
        rows.retain(|r| r.order == Order::Morf && r.method.starts_with("sens"));
        let copy: Vec<Row> = rows.iter().filter(|r| r.method.ends_with("l2")).cloned().collect();
        rows.extend(copy.iter().map(|r| Row { method: "twin".to_owned(), ..r.clone() }));
        rows.extend(copy.into_iter().map(|r| Row {
            method: "broken".to_owned(),
            status: Status::Failed,
            scores: None,
            reason: Some("node `lrn1` (LRN): no rule".to_owned()),
            ..r
        }));
        let summary = summarise(&rows).unwrap();
        let ranks: Vec<_> = summary.rows.iter().map(|r| (r.method.as_str(), r.rank)).collect();
        let linf_first = ranks[0].0.ends_with("linf");
        let twins = if linf_first { Some(2) } else { Some(1) };
        assert_eq!(find(&summary, "twin", Order::Morf).rank, twins);
        assert_eq!(find(&summary, "sensitivity:norm=l2", Order::Morf).rank, twins);
        assert_eq!(*ranks.last().unwrap(), ("broken", None));
        assert_eq!(
            summary.caveats[0].to_string(),
            "`broken` has no morf curves under `uniform` (node `lrn1` (LRN): no rule)"
        );
        // without the random order and without LeRF these are undefined
        assert!(summary.rows.iter().all(|r| r.relative_aopc.is_none() && r.abpc.is_none()));
    }

    #[test]
    fn the_order_of_the_records_does_not_matter() {
        let rows = demo();
        let mut shuffled = rows.clone();
        shuffled.reverse();
        assert_eq!(summarise(&rows).unwrap(), summarise(&shuffled).unwrap());
    }

    #[test]
    fn two_pictures_give_means_without_intervals_and_say_so() {
        let summary = summarise(&demo::records(2, 1, 5)).unwrap();
        let estimate = summary.rows[0].aopc.unwrap();
        assert_eq!((estimate.n, estimate.lo()), (2, None));
        assert_eq!(
            summary.caveats[0].to_string(),
            "too few images for intervals: 2, at least 3 are needed"
        );
    }

    #[test]
    fn the_schema_is_documented_and_nothing_undefined_is_a_number() {
        let summary = summarise(&demo()).unwrap();
        let list = |t: Table| {
            let line = |(name, kind): &(&str, &str)| format!("{name}: {kind}\n");
            t.schema().iter().map(line).collect::<String>()
        };
        insta::assert_snapshot!(list(summary.table()));
        let dir = tempfile::tempdir().unwrap();
        summarise(&demo::records(2, 1, 5)).unwrap().write(dir.path()).unwrap();
        let csv = std::fs::read_to_string(dir.path().join("summary.csv")).unwrap();
        let undefined = |cell: &str| ["nan", "inf", "-inf"].contains(&cell.to_lowercase().as_str());
        assert!(!csv.split([',', '\n']).any(undefined), "{csv}");
        let back = Table::read_parquet(&dir.path().join("summary.parquet"), None).unwrap();
        assert_eq!(back, summarise(&demo::records(2, 1, 5)).unwrap().table());
    }
}
