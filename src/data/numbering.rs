//! The numbers of classes that a data set knows by their names only: folders, names in a table.

use super::DataError;
use crate::base::registry::{Kind, Param, near};
use std::{collections::BTreeMap, path::Path};

/// The parameter of layouts that number names.
pub(super) const PARAM: Param = Param {
    key: "numbers",
    default: "auto",
    kind: Kind::Word(&["auto", "order"]),
    help: "auto: those of the network's classes of these names, where it names its classes so; order: \
           0, 1, ... in the order of the names",
};

/// Class indices of some names.
pub(super) struct Numbering {
    /// Index of each name.
    pub(super) numbers: Vec<usize>,
    /// Names by class index.
    pub(super) classes: Vec<String>,
    /// How they were found, to be said of a data set; empty where there is nothing to say.
    pub(super) words: &'static str,
}

/// Numbers the `names` of what is at `path`, distinct and in order, like the network's classes (`known`,
/// by index; none where it does not name them). Names of which none is known are numbered in their
/// order, as torchvision's `ImageFolder` does. An error where only some are known, which names the
/// `layout` that numbers all in order.
pub(super) fn number(
    names: &[String],
    known: &[String],
    path: &Path,
    layout: &str,
) -> Result<Numbering, DataError> {
    let in_order = |words| {
        Ok(Numbering { numbers: (0..names.len()).collect(), classes: names.to_vec(), words })
    };
    if known.is_empty() {
        return in_order("");
    }
    let book = Book::of(known);
    let found: Vec<Option<usize>> = names.iter().map(|name| book.find(name)).collect();
    if found.iter().all(Option::is_none) {
        return in_order(", numbered in the order of their names, of which the network knows none");
    }
    let advice = format!(
        "rename it, or number all in the order of their names with the layout `{layout}:numbers=order`"
    );
    if let Some(at) = found.iter().position(Option::is_none) {
        let near = near(&normal(&names[at]), known.iter().map(String::as_str));
        let near = near.first().map_or(String::new(), |name| format!(" (near {name})"));
        let found = format!("`{}`, which the network does not know{near}", names[at]);
        let expected = "names of the network's classes, as others are";
        return Err(DataError::unexpected(path, expected, found).hint(advice));
    }
    let numbers: Vec<usize> = found.into_iter().flatten().collect();
    let mut classes = known.to_vec();
    let mut taken = vec![None; known.len()];
    for (&number, name) in numbers.iter().zip(names) {
        if let Some(other) = taken[number].replace(name) {
            let found = format!("`{other}` and `{name}`, both class {number} of the network");
            return Err(DataError::unexpected(path, "one name per class", found).hint(advice));
        }
        classes[number].clone_from(name);
    }
    Ok(Numbering { numbers, classes, words: ", numbered by the network's class names" })
}

/// Names of classes as lists have them (`n01440764 tench, Tinca tinca`), to be found by any of their parts.
struct Book {
    /// The whole line; what stands first, with and without a `WordNet` id, or that id; other names. `None`
    /// for what several classes have.
    levels: [BTreeMap<String, Option<usize>>; 3],
}

impl Book {
    fn of(known: &[String]) -> Book {
        let mut levels = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for (class, line) in known.iter().enumerate() {
            let line = normal(line);
            let (id, rest) = match line.split_once(' ') {
                Some((id, rest)) if is_wordnet_id(id) => (Some(id), rest),
                _ => (None, line.as_str()),
            };
            let mut parts = rest.split(',').map(str::trim);
            let first = [id, Some(rest), parts.next()].into_iter().flatten();
            let keys = [vec![line.as_str()], first.collect(), parts.collect()];
            for (level, keys) in levels.iter_mut().zip(keys) {
                for key in keys {
                    let entry = level.entry(key.to_owned()).or_insert(Some(class));
                    *entry = entry.filter(|other| *other == class);
                }
            }
        }
        Book { levels }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = normal(name);
        self.levels.iter().find_map(|level| level.get(&name).copied().flatten())
    }
}

fn is_wordnet_id(word: &str) -> bool {
    word.len() == 9 && word.starts_with('n') && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// Small letters, words parted by single spaces.
fn normal(name: &str) -> String {
    let name = name.to_lowercase().replace(['_', '-'], " ");
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(names: &[&str], known: &[&str]) -> Result<Numbering, String> {
        let own = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        number(&own(names), &own(known), Path::new("pictures"), "classes")
            .map_err(|e| e.to_string())
    }

    #[test]
    fn names_get_the_numbers_of_the_networks_classes() {
        let cifar = ["airplane", "automobile", "bird", "cat"];
        let found = numbered(&["Bird", "airplane"], &cifar).unwrap();
        assert_eq!(found.numbers, [2, 0]);
        assert_eq!(found.classes, ["airplane", "automobile", "Bird", "cat"]);
        // names as lists of ImageNet have them
        let known = ["n01440764 tench, Tinca tinca", "n01443537 goldfish, Carassius auratus"];
        for name in ["tench", "n01440764", "Tinca_tinca", "tench, Tinca tinca"] {
            assert_eq!(numbered(&[name], &known).unwrap().numbers, [0], "{name}");
        }
        assert_eq!(numbered(&["great-white shark"], &["great white shark"]).unwrap().numbers, [0]);
    }

    #[test]
    fn a_name_of_two_classes_is_none_unless_it_is_the_whole_of_one() {
        let birds = ["crane, bird", "crane, machine", "maillot, tank suit", "maillot"];
        assert!(numbered(&["crane"], &birds).unwrap().words.contains("knows none"));
        assert_eq!(numbered(&["maillot"], &birds).unwrap().numbers, [3]);
    }

    #[test]
    fn unknown_names_stand_in_order_and_a_mixture_is_refused() {
        let found = numbered(&["a", "b"], &["x", "y", "z"]).unwrap();
        assert_eq!((found.numbers, found.classes.len()), (vec![0, 1], 2));
        assert_eq!(numbered(&["a", "b"], &[]).unwrap().words, "");
        let error = |names: &[&str], known: &[&str]| numbered(names, known).err().unwrap();
        let mixture = error(&["cat", "dgo"], &["bird", "cat", "dog"]);
        let twice = error(&["n01440764", "tench"], &["n01440764 tench"]);
        insta::assert_snapshot!([mixture, twice].join("\n"));
    }
}
