//! Which picture a map belongs to, by its name.

use super::Map;
use crate::{DataError, base::registry::near};
use std::{collections::BTreeMap, path::Path};

/// The LRP toolbox appends this to the name of the picture.
const SUFFIX: &str = "_rawhm";

/// Names of pictures: the id, the id without its ending, the index in the data set.
pub(super) struct Keys<'a> {
    ids: &'a [String],
    names: BTreeMap<&'a str, Fit>,
    /// Pictures whose names (without folders and ending) are whole numbers, by the number.
    numbers: BTreeMap<u64, Vec<usize>>,
}

/// The picture that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    One(usize),
    /// The first two of several.
    Several(usize, usize),
}

impl<'a> Keys<'a> {
    pub(super) fn new(ids: &'a [String]) -> Keys<'a> {
        let mut names = BTreeMap::new();
        let mut numbers: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (i, id) in ids.iter().enumerate() {
            let also = |found: &mut Fit| {
                if let Fit::One(first) = *found {
                    *found = Fit::Several(first, i);
                }
            };
            names.entry(stem(id)).and_modify(also).or_insert(Fit::One(i));
            let bare = stem(id).rsplit('/').next();
            if let Some(number) = bare.and_then(|name| name.parse().ok()) {
                numbers.entry(number).or_default().push(i);
            }
        }
        names.extend(ids.iter().enumerate().map(|(i, id)| (id.as_str(), Fit::One(i))));
        Keys { ids, names, numbers }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<Fit> {
        let named = |name: &str| self.names.get(name).copied();
        let bare = || name.strip_suffix(SUFFIX).and_then(named);
        named(name).or_else(bare).or_else(|| self.index(name))
    }

    /// An index, unless a picture is called by the same number in another writing (`7`, `0007`) or in some
    /// folder.
    fn index(&self, name: &str) -> Option<Fit> {
        let number: u64 = name.parse().ok()?;
        let index = usize::try_from(number).ok().filter(|i| *i < self.ids.len());
        let fits = self.numbers.get(&number).into_iter().flatten().copied();
        let mut fits = fits.filter(|named| Some(*named) != index).chain(index);
        let first = fits.next()?;
        Some(fits.next().map_or(Fit::One(first), |second| Fit::Several(first, second)))
    }
}

/// The id without the ending of its last part.
fn stem(id: &str) -> &str {
    let from = id.rfind('/').map_or(0, |at| at + 1);
    id[from..].rfind('.').filter(|at| *at > 0).map_or(id, |at| &id[..from + at])
}

/// Maps by the id of their picture, and the names of those that belong to none.
pub(super) fn look_up(
    path: &Path,
    maps: Vec<(String, Map)>,
    ids: &[String],
) -> Result<(BTreeMap<String, Map>, Vec<String>), DataError> {
    let keys = Keys::new(ids);
    let (mut found, mut unused, mut named) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
    for (name, map) in maps {
        let index = match keys.find(&name) {
            Some(Fit::One(index)) => index,
            Some(Fit::Several(a, b)) => return Err(several(path, &name, [&ids[a], &ids[b]])),
            None => {
                unused.push(name);
                continue;
            }
        };
        if let Some(other) = named.insert(index, name.clone()) {
            let what = format!("`{other}` and `{name}`, both of picture `{}`", ids[index]);
            return Err(DataError::unexpected(path, "one map for each picture", what));
        }
        found.insert(ids[index].clone(), map);
    }
    if found.is_empty() {
        return Err(no_picture(path, &unused, ids));
    }
    Ok((found, unused))
}

fn several(path: &Path, name: &str, ids: [&String; 2]) -> DataError {
    let [a, b] = ids;
    let found = format!("`{name}`, which fits the pictures `{a}` and `{b}`");
    DataError::unexpected(path, "maps that are named by one picture each", found)
        .hint(format!("name it by the whole id of its picture, as `{a}`"))
}

fn no_picture(path: &Path, names: &[String], ids: &[String]) -> DataError {
    let first = names.first().map_or("", String::as_str);
    let close = near(first, ids.iter().map(String::as_str));
    let example = close.first().cloned().unwrap_or_else(|| format!("`{}`", ids[0]));
    let found = if names.is_empty() { "none".to_owned() } else { format!("`{first}`") };
    DataError::unexpected(path, "maps named by the ids or indices of pictures", found)
        .hint(format!("an id of the data set is {example}"))
}
