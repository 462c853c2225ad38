//! Which picture a map belongs to, by its name.

use super::Map;
use crate::{base::registry::near, data::DataError};
use std::{collections::BTreeMap, path::Path};

/// The LRP toolbox appends this to the name of the picture.
const SUFFIX: &str = "_rawhm";

/// Names of pictures: the id, the id without its ending, the index in the data set.
pub(super) struct Keys<'a> {
    ids: &'a [String],
    /// Several pictures under a name make it useless.
    names: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(ids: &'a [String]) -> Keys<'a> {
        let mut names = BTreeMap::new();
        for (i, id) in ids.iter().enumerate() {
            names.entry(stem(id)).and_modify(|found| *found = None).or_insert(Some(i));
        }
        names.extend(ids.iter().enumerate().map(|(i, id)| (id.as_str(), Some(i))));
        Keys { ids, names }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<usize> {
        let named = |name: &str| self.names.get(name).copied().flatten();
        let index = || name.parse().ok().filter(|i| *i < self.ids.len());
        let bare = || name.strip_suffix(SUFFIX).and_then(named);
        named(name).or_else(bare).or_else(index)
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
        let Some(index) = keys.find(&name) else {
            unused.push(name);
            continue;
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

fn no_picture(path: &Path, names: &[String], ids: &[String]) -> DataError {
    let first = names.first().map_or("", String::as_str);
    let close = near(first, ids.iter().map(String::as_str));
    let example = close.first().cloned().unwrap_or_else(|| format!("`{}`", ids[0]));
    let found = if names.is_empty() { "none".to_owned() } else { format!("`{first}`") };
    DataError::unexpected(path, "maps named by the ids or indices of pictures", found)
        .hint(format!("an id of the data set is {example}"))
}
