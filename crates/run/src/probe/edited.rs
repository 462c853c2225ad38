//! Pictures that somebody edited by hand, as the author of the slides did: of the same names as the originals.

use crate::{
    base::hex,
    data::decode,
    nn::tensor::Tensor,
    plan::{Plan, PlanError},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Edited pictures by the id of their original.
#[derive(Debug)]
pub(super) struct Edited {
    files: BTreeMap<String, PathBuf>,
    /// Digest of names and contents.
    pub(super) digest: String,
    /// Files of no picture of the plan.
    pub(super) strays: Vec<String>,
    max_pixels: u64,
    orientation: decode::Orientation,
}

/// A path without its ending.
fn stem(name: &str) -> &str {
    let cut = name.rfind('.').filter(|dot| !name[*dot..].contains('/'));
    cut.map_or(name, |dot| &name[..dot])
}

impl Edited {
    /// Reads a folder. A file belongs to the picture with its path, or with its name alone where only one has it; the
    /// ending does not count.
    pub(super) fn open(folder: &Path, plan: &Plan) -> Result<Edited, PlanError> {
        let unreadable = |source: io::Error| PlanError::Study {
            problem: format!("`--edited` `{}` cannot be read: {source}", folder.display()),
        };
        let mut found = Vec::new();
        list(folder, "", &mut found).map_err(unreadable)?;
        found.sort();
        let ids: Vec<String> = plan.images.iter().map(|i| plan.data.id(*i)).collect();
        let mut by_path: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for id in &ids {
            by_path.entry(stem(id)).or_default().push(id);
            if let Some((_, name)) = stem(id).rsplit_once('/') {
                by_path.entry(name).or_default().push(id);
            }
        }
        let mut hash = Sha256::new();
        let (mut files, mut strays) = (BTreeMap::new(), Vec::new());
        for name in found {
            let path = folder.join(&name);
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(Sha256::digest(fs::read(&path).map_err(unreadable)?));
            match by_path.get(stem(&name)).map(Vec::as_slice) {
                Some([id]) => drop(files.insert((*id).clone(), path)),
                _ => strays.push(name),
            }
        }
        if files.is_empty() {
            let problem = format!(
                "`--edited` `{}` has no picture with the name of an original, such as `{}`",
                folder.display(),
                ids.first().map_or("", String::as_str)
            );
            return Err(PlanError::Study { problem });
        }
        let (max_pixels, orientation) = (plan.config.max_pixels, plan.config.orientation);
        Ok(Edited { files, digest: hex(&hash.finalize()), strays, max_pixels, orientation })
    }

    /// The edited picture of an original, in image space; the error says why there is none.
    pub(super) fn picture(&self, id: &str, plan: &Plan) -> Result<Tensor, String> {
        let path = self.files.get(id).ok_or("there is no edited picture of this name")?;
        let read = decode::read(path, self.max_pixels).map_err(|e| e.to_string())?;
        let (image, _) = read.turned(self.orientation);
        plan.preprocess.picture(&image).map_err(|e| e.to_string())
    }
}

/// All files below a folder, with `/` between folders; hidden ones are passed over.
fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), &format!("{prefix}{name}/"), found)?;
        } else if kind.is_file() {
            found.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn the_ending_of_a_name_does_not_count() {
        assert_eq!(["a/b.jpg", "a.b/c", "x.y.png"].map(stem), ["a/b", "a.b/c", "x.y"]);
    }
}
