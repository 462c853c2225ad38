//! Progressive files that stop early: the nine AC coefficients of lowest frequency are estimated from
//! the DC values of the 25 blocks around, where they are 0 and not known in full (ITU-T T.81, K.8,
//! with a larger window, as libjpeg-turbo does since version 2.1).

use super::{
    Block, ZIGZAG,
    header::{Component, Frame},
};

/// Weights of the DC values of 5x5 blocks, in units of 1/256.
type Weights = [[i64; 5]; 5];

/// What is estimated: coefficients 1..=ESTIMATED in zigzag order.
const ESTIMATED: usize = 9;

/// Rows become columns.
const fn turned(weights: Weights) -> Weights {
    let mut out = [[0; 5]; 5];
    let mut i = 0;
    while i < 25 {
        out[i % 5][i / 5] = weights[i / 5][i % 5];
        i += 1;
    }
    out
}

const fn line(weights: [i64; 5]) -> Weights {
    [[0; 5], [0; 5], weights, [0; 5], [0; 5]]
}

const fn square(weights: [[i64; 3]; 3]) -> Weights {
    let [[a, b, c], [d, e, f], [g, h, i]] = weights;
    [[0; 5], [0, a, b, c, 0], [0, d, e, f, 0], [0, g, h, i, 0], [0; 5]]
}

/// Where no AC coefficient is known: a smooth surface through the blocks around.
mod alone {
    use super::{Weights, square};

    pub(super) const SLOPE: Weights = [
        [-1, -1, 0, 1, 1],
        [-3, 13, 0, -13, 3],
        [-3, 38, 0, -38, 3],
        [-3, 13, 0, -13, 3],
        [-1, -1, 0, 1, 1],
    ];
    pub(super) const TWIST: Weights =
        [[-1, 0, 0, 0, 1], [0, 9, 0, -9, 0], [0, 0, 0, 0, 0], [0, -9, 0, 9, 0], [1, 0, 0, 0, -1]];
    pub(super) const CURVE: Weights =
        [[0, 0, 0, 0, 0], [0, 2, -5, 2, 0], [1, 7, -14, 7, 1], [0, 2, -5, 2, 0], [0, 0, 0, 0, 0]];
    pub(super) const THIRD: Weights = square([[1, 0, -1], [2, 0, -2], [1, 0, -1]]);
    pub(super) const MIXED: Weights = square([[1, -3, 1], [0, 0, 0], [-1, 3, -1]]);
    pub(super) const MEAN: Weights = [
        [-2, -6, -8, -6, -2],
        [-6, 6, 42, 6, -6],
        [-8, 42, 152, 42, -8],
        [-6, 6, 42, 6, -6],
        [-2, -6, -8, -6, -2],
    ];
}

/// Where some AC coefficients are known, the blocks' own means stay.
mod beside {
    use super::{Weights, line};

    pub(super) const SLOPE: Weights = line([-7, 50, 0, -50, 7]);
    pub(super) const CURVE: Weights = line([-1, 13, -24, 13, -1]);
    pub(super) const TWIST: Weights = [
        [0, -1, 0, 1, 0],
        [-1, 10, 0, -10, 1],
        [0, 0, 0, 0, 0],
        [1, -10, 0, 10, -1],
        [0, 1, 0, -1, 0],
    ];
}

const ALONE: [Weights; ESTIMATED] = [
    alone::SLOPE,
    turned(alone::SLOPE),
    turned(alone::CURVE),
    alone::TWIST,
    alone::CURVE,
    alone::THIRD,
    alone::MIXED,
    turned(alone::MIXED),
    turned(alone::THIRD),
];

const BESIDE: [Weights; 5] =
    [beside::SLOPE, turned(beside::SLOPE), turned(beside::CURVE), beside::TWIST, beside::CURVE];

/// Estimates what the scans of the frame leave out; nothing where they are complete.
pub(super) fn smooth(frame: &mut Frame) {
    let incomplete = |c: &Component| c.unknown_bits[1..=ESTIMATED].iter().any(|b| *b != 0);
    let divisible = |c: &Component| {
        let positions = &ZIGZAG[..=ESTIMATED];
        c.divisors.is_some_and(|d| positions.iter().all(|p| d[usize::from(*p)] != 0))
    };
    let all = &mut frame.components;
    if frame.progressive && all.iter().any(incomplete) && all.iter().all(divisible) {
        for component in all {
            component_smoothed(component);
        }
    }
}

fn component_smoothed(c: &mut Component) {
    let dc: Vec<i16> = c.blocks.iter().map(|b| b[0]).collect();
    let units = c.high.div_ceil(c.down);
    let (unknown, divisors) = (c.unknown_bits, c.divisors.unwrap_or([1; 64]));
    for y in 0..c.high {
        let rows = rows(y, c.high, c.down, units);
        for x in 0..c.wide {
            let columns = [-2, -1, 0, 1, 2].map(|d| x.saturating_add_signed(d).min(c.wide - 1));
            let window =
                rows.map(|row| columns.map(|column| i64::from(dc[row * c.stride + column])));
            estimate(&mut c.blocks[y * c.stride + x], &window, &unknown, &divisors);
        }
    }
}

/// Rows of blocks around row `y`. Rows of padding count as neighbours except in the last unit: so does
/// libjpeg-turbo.
fn rows(y: usize, high: usize, down: usize, units: usize) -> [usize; 5] {
    let unit = y / down;
    let in_unit = if unit + 1 < units || high.is_multiple_of(down) { down } else { high % down };
    let (counted, all) = (unit * in_unit + y % down, in_unit * units);
    let mut rows = [y; 5];
    if counted > 0 {
        rows[1] = y - 1;
    }
    rows[0] = if counted > 1 { y - 2 } else { rows[1] };
    if counted + 1 < all {
        rows[3] = y + 1;
    }
    rows[4] = if counted + 2 < all { y + 2 } else { rows[3] };
    rows
}

fn estimate(block: &mut Block, window: &Weights, unknown: &[i8; 64], divisors: &[u16; 64]) {
    let alone = unknown[1..=ESTIMATED].iter().all(|b| *b < 0);
    let filters: &[Weights] = if alone { &ALONE } else { &BESIDE };
    let value = |weights: &Weights, position: usize| {
        let pairs = weights.as_flattened().iter().zip(window.as_flattened());
        let sum: i64 = pairs.map(|(w, v)| w * v).sum();
        let (scaled, divisor) = (sum * i64::from(divisors[0]), i64::from(divisors[position]));
        scaled.signum() * ((divisor * 128 + scaled.abs()) / (divisor * 256))
    };
    for (k, weights) in (1..).zip(filters) {
        let position = usize::from(ZIGZAG[k]);
        if unknown[k] != 0 && block[position] == 0 {
            let most = if unknown[k] > 0 { (1 << unknown[k]) - 1 } else { i64::MAX };
            block[position] = value(weights, position).clamp(-most, most) as i16;
        }
    }
    if alone {
        block[0] = value(&alone::MEAN, 0) as i16;
    }
}
