//! Data to stdout, talk to stderr. Control characters in names of others are written out.

pub(crate) use pixelflip::base::words::{are, count};

use pixelflip::base::text::{plain, plain_lines};
use std::io::{self, Write};

/// Prints data. When the reader has gone (`pixelflip list methods | head -1`) nobody misses it; there
/// may be files to write yet.
pub(crate) fn data(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(plain_lines(text).as_bytes()).and_then(|()| out.flush());
    match printed {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => {
            Err(io::Error::new(e.kind(), format!("cannot print to the standard output: {e}")))
        }
        Ok(()) => Ok(()),
    }
}

/// Prints a JSON object as a line of data; as [`data`], it is not missed when the reader has gone.
pub(crate) fn object(object: &serde_json::Value) {
    let _ = data(&format!("{object}\n"));
}

/// Prints a line for the person who waits; lost without harm when nobody listens.
pub(crate) fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", plain_lines(line));
}

/// Lines of cells, padded to columns two spaces apart; the last column is left as it is.
pub(crate) fn columns(lines: &[Vec<String>]) -> String {
    let plain = |cells: &Vec<String>| cells.iter().map(|cell| plain(cell).into_owned()).collect();
    let lines: Vec<Vec<String>> = lines.iter().map(plain).collect();
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |k: usize| {
        let cells = lines.iter().filter(|line| line.len() > k + 1);
        cells.map(|line| line[k].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [vec!["a", "bcd", "x"], vec!["long", "b", "a longer text"], vec!["ü"]];
        let lines = lines.map(|line| line.into_iter().map(str::to_owned).collect());
        assert_eq!(columns(&lines), "a     bcd  x\nlong  b    a longer text\nü\n");
        let lines = [vec!["\u{1b}[31m\n".to_owned(), "b".to_owned()]];
        assert_eq!(columns(&lines), "\\u001b[31m\\n  b\n");
    }
}
