//! Columns that several tables have.

use super::{cells::Setting, naming::Names};
use crate::{
    eval::stats::{Estimate, against::Against},
    table::Sheet,
};

/// The columns of a method: its short name, and the canonical one.
pub(super) fn method<'s, R: 's>(
    sheet: Sheet<'s, R>,
    names: &'s Names,
    of: impl Fn(&R) -> &str + Copy + 's,
) -> Sheet<'s, R> {
    sheet
        .made("name", "short name of the method, unique in the table", move |r| {
            Some(names.get(of(r)))
        })
        .text("method", "canonical name, with all parameters", move |r| Some(of(r)))
}

/// The columns of an estimate: `name`, then `stderr`, `lo`, `hi`, `percentile_lo` and `percentile_hi`, each behind
/// `prefix`.
pub(super) fn estimate<'s, R: 's>(
    sheet: Sheet<'s, R>,
    name: &str,
    note: &str,
    prefix: &str,
    of: impl Fn(&R) -> Option<Estimate> + Copy + 's,
) -> Sheet<'s, R> {
    let named = |end: &str| format!("{prefix}{end}");
    sheet
        .number(name, note, move |r| Some(of(r)?.mean))
        .number(&named("stderr"), "", move |r| of(r)?.stderr)
        .number(&named("lo"), "", move |r| Some(of(r)?.bca?.lo))
        .number(&named("hi"), "", move |r| Some(of(r)?.bca?.hi))
        .number(&named("percentile_lo"), "", move |r| Some(of(r)?.percentile?.lo))
        .number(&named("percentile_hi"), "", move |r| Some(of(r)?.percentile?.hi))
}

/// The columns of a comparison with removing regions at random.
pub(super) fn against_random<'s, R: 's>(
    sheet: Sheet<'s, R>,
    of: impl Fn(&R) -> Option<Against> + Copy + 's,
) -> Sheet<'s, R> {
    sheet
        .number("random_p", "", move |r| of(r)?.p)
        .number("random_p_holm", "", move |r| of(r)?.p_holm)
        .whole("random_tests", "", move |r| Some(of(r)?.tests as u64))
        .text(
            "against_random",
            "what follows at 5 %: better, worse, open, equal (no difference), too-few (no test could reach 5 %)",
            move |r| Some(of(r)?.verdict.name()),
        )
}

/// The columns of a setting.
pub(super) fn setting<'s, R: 's>(
    sheet: Sheet<'s, R>,
    notes: [&str; 4],
    of: impl Fn(&R) -> &Setting + Copy + 's,
) -> Sheet<'s, R> {
    sheet
        .text("perturbation", notes[0], move |r| Some(&of(r).perturbation))
        .whole("region", notes[1], move |r| Some(of(r).region))
        .text("score_kind", notes[2], move |r| Some(of(r).score_kind.name()))
        .whole("steps", notes[3], move |r| of(r).regions().map(|n| n as u64))
}
