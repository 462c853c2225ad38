//! What became of the relevance at each layer, as a table for people.

use super::text::{Align, table};
use crate::explain::lrp::{rule::Bias, trace::NodeRelevance};

/// Headings of the columns.
const COLUMNS: [(&str, Align); 9] = [
    ("#", Align::Right),
    ("layer", Align::Left),
    ("operator", Align::Left),
    ("rule", Align::Left),
    ("bias", Align::Left),
    ("in", Align::Right),
    ("out", Align::Right),
    ("to bias", Align::Right),
    ("lost", Align::Right),
];

/// Significant digits of the largest sum.
const DIGITS: i32 = 5;

/// One line per node, from the output to the picture: its rule, whether its bias takes part, the
/// sum of the relevance that arrives (`in`) and that goes on to its inputs (`out`), what the bias
/// absorbs, and what is lost (gained, where negative).
pub fn trace_table(trace: &[NodeRelevance]) -> String {
    let decimals = decimals(trace);
    let rows: Vec<[String; 9]> = trace.iter().map(|row| cells(row, decimals)).collect();
    table(COLUMNS, &rows)
}

fn cells(row: &NodeRelevance, decimals: usize) -> [String; 9] {
    let number = |value: f64| fixed(value, decimals);
    // the policy has a column of its own
    let rule = row.by.split(':').filter(|part| !part.starts_with("bias=")).collect::<Vec<_>>();
    let bias = row.bias.map_or("", |bias| match bias {
        Bias::Keep => "keep",
        Bias::Ignore => "ignore",
    });
    [
        row.node.0.to_string(),
        row.name.clone(),
        row.op.to_owned(),
        rule.join(":"),
        bias.to_owned(),
        number(row.arrived),
        number(row.sent),
        number(row.to_bias),
        number(row.lost()),
    ]
}

/// Decimals that show [`DIGITS`] digits of the largest sum. The others are compared with it, so
/// their own last digits are of no interest.
fn decimals(trace: &[NodeRelevance]) -> usize {
    let sums = trace.iter().flat_map(|row| [row.arrived.abs(), row.sent.abs()]);
    let largest = sums.fold(0.0, f64::max);
    let places = if largest > 0.0 { largest.log10().floor() as i32 + 1 } else { 0 };
    (DIGITS - places).clamp(0, 15) as usize
}

/// Without a minus sign in front of nothing; sums of more digits than anyone reads as powers of ten.
fn fixed(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e9 {
        return format!("{value:.4e}");
    }
    let text = format!("{value:.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::graph::NodeId;

    fn row(
        name: &str,
        by: &str,
        bias: Option<Bias>,
        [arrived, sent, to_bias]: [f64; 3],
    ) -> NodeRelevance {
        let (op, size, name, by) = ("Conv", arrived.abs(), name.to_owned(), by.to_owned());
        NodeRelevance { node: NodeId(7), name, op, by, bias, arrived, size, sent, to_bias }
    }

    #[test]
    fn the_columns_of_a_trace() {
        let rows = [
            row("fc", "lrp-epsilon:eps=0.01:bias=keep", Some(Bias::Keep), [12.5, 11.0, 1.25]),
            row("pool", "winner", None, [11.0, 11.0, 0.0]),
            row("conv", "lrp-flat:bias=ignore", Some(Bias::Ignore), [11.0, 11.000_000_1, 0.0]),
        ];
        insta::assert_snapshot!(trace_table(&rows));
    }

    #[test]
    fn small_sums_show_as_many_digits_as_large_ones() {
        let of = |arrived: f64| decimals(&[row("", "", None, [arrived, 0.0, 0.0])]);
        assert_eq!([of(12.5), of(0.012_5), of(123_456.0), of(0.0)], [3, 6, 0, 5]);
        assert_eq!([fixed(-0.001, 2), fixed(3.65e37, 0)], ["0.00", "3.6500e37"]);
    }
}
