//! Relevance as text: what the LRP toolbox (Lapuschkin et al. 2016) writes.

use super::Values;
use crate::DataError;
use ndarray::Array3;
use std::{fs, path::Path, str::FromStr};

/// Reads a map. The toolbox's Caffe program writes the number of channels, height and width, then
/// the values channel by channel and row by row; its Python and Matlab programs write plain rows of
/// one map. Commas count as blanks.
pub(super) fn read(path: &Path) -> Result<Values, DataError> {
    let text = fs::read_to_string(path).map_err(|e| DataError::read(path, &e))?;
    let wrong = |found: String| {
        let expected = "channels, height and width with as many numbers behind them, or rows of \
                        equally many numbers";
        DataError::unexpected(path, expected, found)
    };
    let sizes = rows::<f64>(&text).map_err(wrong)?;
    let sides = sides(&sizes).map_err(wrong)?;
    let behind = if header(&sizes).is_some() { 2 } else { 0 };
    Ok(match whole(&text) {
        Some(whole) => Values::Whole(shaped(sides, whole[behind..].concat())),
        None => Values::Real(shaped(sides, sizes[behind..].concat())),
    })
}

/// The numbers of each line, where all are whole and none is too large for a sum of many.
fn whole(text: &str) -> Option<Vec<Vec<i128>>> {
    let rows = rows::<i128>(text).ok()?;
    let fits = |v: &i128| v.unsigned_abs() <= u128::from(u64::MAX);
    rows.iter().flatten().all(fits).then_some(rows)
}

fn shaped<T>(sides: (usize, usize, usize), values: Vec<T>) -> Array3<T> {
    Array3::from_shape_vec(sides, values).expect("the numbers were counted")
}

/// The numbers of each line that has some, or what stands in the place of one.
fn rows<T: FromStr>(text: &str) -> Result<Vec<Vec<T>>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
    let numbers = |(i, line): (usize, &str)| {
        let words = line.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
        let number = |word: &str| word.parse().map_err(|_| format!("`{word}` in line {}", i + 1));
        words.map(number).collect()
    };
    lines.map(numbers).collect()
}

/// Channels, height and width of a map; the error says what there is instead.
fn sides(rows: &[Vec<f64>]) -> Result<(usize, usize, usize), String> {
    if let Some((c, h, w)) = header(rows) {
        let count: usize = rows[2..].iter().map(Vec::len).sum();
        return if c.checked_mul(h).and_then(|n| n.checked_mul(w)) == Some(count) {
            Ok((c, h, w))
        } else {
            Err(format!("{c} channels of {h}x{w} and {count} numbers"))
        };
    }
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 {
        return Err("no numbers".to_owned());
    }
    match rows.iter().position(|row| row.len() != width) {
        Some(i) => Err(format!("{width} numbers in row 1 and {} in row {}", rows[i].len(), i + 1)),
        None => Ok((1, rows.len(), width)),
    }
}

/// Channels, height and width, where the first two lines say them.
fn header(rows: &[Vec<f64>]) -> Option<(usize, usize, usize)> {
    let whole = |v: f64| ((1.0..=1e6).contains(&v) && v.fract().abs() < 1e-9).then_some(v as usize);
    match rows {
        [first, second, _, ..] if first.len() == 1 && second.len() == 2 => {
            Some((whole(first[0])?, whole(second[0])?, whole(second[1])?))
        }
        _ => None,
    }
}
