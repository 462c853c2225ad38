//! What tells a data set from another, so that results of one are not taken for those of the other.

use super::DataError;
use crate::base::hex;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// Pictures whose content is looked at, spread evenly: reading a million files would take longer than
/// the work on a share of them.
const LOOKED_AT: usize = 64;

/// Bytes of a picture that are looked at, at most.
pub(super) const LOOKED_INTO: usize = 1 << 20;

/// What is known of a picture without reading it.
pub(super) struct Line {
    pub(super) id: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) label: Option<usize>,
    /// Boxes in words; empty without.
    pub(super) object: String,
}

/// Digest of a set, hexadecimal: of the lines of all its pictures in order, and of the content of up
/// to 64 of them, all in sets of so few. The same set has the same fingerprint everywhere; a set that
/// was made anew has another one, even where names and sizes stay.
pub(super) fn fingerprint(
    lines: impl Iterator<Item = Line>,
    content: impl Fn(usize) -> Result<Vec<u8>, DataError>,
) -> String {
    let mut hash = Sha256::new();
    let mut count = 0;
    for Line { id, size, label, object } in lines {
        let label = label.map_or(String::new(), |l| l.to_string());
        hash.update(format!("{id}\0{size}\0{label}\0{object}\n"));
        count += 1;
    }
    for i in spread(count, LOOKED_AT) {
        // what cannot be read is skipped in the run, and is another set when it can be
        hash.update(content(i).map_or([0; 32], |bytes| Sha256::digest(&bytes).into()));
    }
    hex(&hash.finalize())
}

/// At most `most` of `count` positions, spread evenly.
pub(super) fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(most);
    (0..taken).map(move |k| k * count / taken)
}

/// The beginning of a file.
pub(super) fn beginning(path: &Path) -> Result<Vec<u8>, DataError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(LOOKED_INTO as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|e| DataError::read(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(&str, u64, Option<usize>, &str)], content: &[u8]) -> String {
        let line = |&(id, size, label, object): &(&str, u64, Option<usize>, &str)| Line {
            id: id.to_owned(),
            size,
            label,
            object: object.to_owned(),
        };
        fingerprint(lines.iter().map(line), |_| Ok(content.to_owned()))
    }

    #[test]
    fn everything_that_is_known_counts() {
        let base = of(&[("a", 1, Some(0), "")], b"x");
        // (printf 'a\0001\0000\000\n'; printf x | sha256sum | cut -c1-64 | xxd -r -p) | sha256sum
        assert_eq!(base[..16], *"dad705d8b8217c2c");
        for other in [
            of(&[("b", 1, Some(0), "")], b"x"),
            of(&[("a", 2, Some(0), "")], b"x"),
            of(&[("a", 1, None, "")], b"x"),
            of(&[("a", 1, Some(0), "box")], b"x"),
            of(&[("a", 1, Some(0), "")], b"y"),
            of(&[("a", 1, Some(0), ""), ("b", 1, None, "")], b"x"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn the_pictures_looked_at_are_spread_evenly() {
        assert_eq!(spread(3, 64).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(spread(0, 64).count(), 0);
    }
}
