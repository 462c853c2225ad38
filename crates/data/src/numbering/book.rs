//! The network's classes by their names.

use std::collections::BTreeMap;

/// Names of classes as lists have them (`n01440764 tench, Tinca tinca`), to be found by any of their parts.
pub(super) struct Book {
    /// The whole line; what stands first, with and without a `WordNet` id, or that id; other names. `None`
    /// for what several classes have.
    levels: [BTreeMap<String, Option<usize>>; 3],
}

impl Book {
    pub(super) fn of(known: &[String]) -> Book {
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

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = normal(name);
        self.levels.iter().find_map(|level| level.get(&name).copied().flatten())
    }
}

fn is_wordnet_id(word: &str) -> bool {
    word.len() == 9 && word.starts_with('n') && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// Small letters, words parted by single spaces.
pub(super) fn normal(name: &str) -> String {
    let name = name.to_lowercase().replace(['_', '-'], " ");
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
