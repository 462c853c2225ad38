//! Relevance as text: what the LRP toolbox (Lapuschkin et al. 2016) writes.

use crate::{data::DataError, nn::tensor::Tensor};
use ndarray::ArrayView3;
use std::{fs, path::Path};

/// Reads a map. The toolbox's Caffe program writes the number of channels, height and width, then
/// the values channel by channel and row by row; its Python and Matlab programs write plain rows of
/// one map. Commas count as blanks.
pub(super) fn read(path: &Path) -> Result<Tensor, DataError> {
    let text = fs::read_to_string(path).map_err(|e| DataError::read(path, &e))?;
    let wrong = |found: String| {
        let expected = "channels, height and width with as many numbers behind them, or rows of \
                        equally many numbers";
        DataError::unexpected(path, expected, found)
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let rows = lines.iter().enumerate().map(|(i, line)| {
        numbers(line).map_err(|word| wrong(format!("`{word}` in line {}", i + 1)))
    });
    let rows = rows.collect::<Result<Vec<Vec<f32>>, DataError>>()?;
    if let Some((c, h, w)) = header(&rows) {
        let values: Vec<f32> = rows[2..].concat();
        let count = values.len();
        let found = || wrong(format!("{c} channels of {h}x{w} and {count} numbers"));
        return ArrayView3::from_shape((c, h, w), &values)
            .map(Tensor::from_chw)
            .map_err(|_| found());
    }
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 {
        return Err(wrong("no numbers".to_owned()));
    }
    if let Some(i) = rows.iter().position(|row| row.len() != width) {
        return Err(wrong(format!(
            "{width} numbers in row 1 and {} in row {}",
            rows[i].len(),
            i + 1
        )));
    }
    let values = rows.concat();
    let map = ArrayView3::from_shape((1, rows.len(), width), &values).expect("counted above");
    Ok(Tensor::from_chw(map))
}

/// The numbers of a line, or the first word that is none.
fn numbers(line: &str) -> Result<Vec<f32>, &str> {
    let words = line.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
    words.map(|word| word.parse().map_err(|_| word)).collect()
}

/// Channels, height and width, where the first two lines say them.
fn header(rows: &[Vec<f32>]) -> Option<(usize, usize, usize)> {
    let whole =
        |v: f32| ((1.0..=1e6).contains(&v) && v.fract().abs() < f32::EPSILON).then_some(v as usize);
    match rows {
        [first, second, _, ..] if first.len() == 1 && second.len() == 2 => {
            Some((whole(first[0])?, whole(second[0])?, whole(second[1])?))
        }
        _ => None,
    }
}
