//! What tells a data set from another, so that results of one are not taken for those of the other.

use crate::base::hex;
use sha2::{Digest as _, Sha256};

/// What is known of a picture without reading it.
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) label: Option<usize>,
    /// Boxes in words; empty without.
    pub(super) object: String,
}

/// Digest of the list of a set, hexadecimal: of the lines of all its pictures in order. No picture is
/// opened, so it is the same everywhere, at any time, and where some cannot be read; what is in them
/// is for [`Dataset::content`](super::Dataset::content).
pub(super) fn fingerprint(lines: impl Iterator<Item = Listed>) -> String {
    let mut hash = Sha256::new();
    for Listed { id, label, object } in lines {
        let label = label.map_or(String::new(), |l| l.to_string());
        hash.update(format!("{id}\0{label}\0{object}\n"));
    }
    hex(&hash.finalize())
}

/// Digest of bytes, hexadecimal, as `sha256sum` has it.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// At most `most` of `count` positions, spread evenly.
pub(super) fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(most);
    (0..taken).map(move |k| k * count / taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(lines: &[(&str, Option<usize>, &str)]) -> String {
        let line = |&(id, label, object): &(&str, Option<usize>, &str)| Listed {
            id: id.to_owned(),
            label,
            object: object.to_owned(),
        };
        fingerprint(lines.iter().map(line))
    }

    #[test]
    fn everything_that_is_listed_counts() {
        let base = digest_of(&[("a", Some(0), "")]);
        // printf 'a\0000\000\n' | sha256sum
        assert_eq!(base[..16], *"c6bfdc0b80501c3a");
        for other in [
            digest_of(&[("b", Some(0), "")]),
            digest_of(&[("a", None, "")]),
            digest_of(&[("a", Some(0), "box")]),
            digest_of(&[("a", Some(0), ""), ("b", None, "")]),
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
