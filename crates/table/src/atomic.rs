//! Files that are either whole or not there.

use std::{
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Ending of the names under which files are written before they are renamed.
const TEMPORARY: &str = "tmp";

/// Writes `bytes` to a sibling `<name>.<random>.tmp`, waits until they are on disk, and renames it
/// to `path`. A reader, or a run that is killed here, sees the old file or the new one, never a
/// part; two processes that write the same file at the same time do not mix.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let written = write_through(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // the first error is the one to report; the leftover may not even exist
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The name under which `path` is written before it is renamed.
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    // another name in every process of every machine
    let random = RandomState::new().hash_one(std::process::id());
    name.push(format!(".{random:016x}.{TEMPORARY}"));
    PathBuf::from(name)
}

/// True for a file name that [`temporary`] gives; other files with that ending belong to others.
pub fn is_temporary(name: &str) -> bool {
    let random = name.strip_suffix(TEMPORARY).and_then(|n| n.strip_suffix('.'));
    let random = random.and_then(|n| Some(n.rsplit_once('.')?.1));
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    random.is_some_and(|r| r.len() == 16 && r.chars().all(hexadecimal))
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_no_leftover_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn writers_of_one_file_use_different_temporary_names() {
        let path = Path::new("a.csv");
        let (one, other) = (temporary(path), temporary(path));
        assert_ne!(one, other);
        assert!([one, other].iter().all(|path| is_temporary(path.to_str().unwrap())));
    }

    #[test]
    fn files_of_others_are_not_taken_for_temporary_ones() {
        for name in ["mine.tmp", "a.0123456789abcdef.csv", "a.0123456789abcdeg.tmp", ".tmp", "tmp"]
        {
            assert!(!is_temporary(name), "{name}");
        }
        assert!(is_temporary("a.csv.0123456789abcdef.tmp"));
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("taken");
        fs::create_dir(&folder).unwrap();
        assert!(write(&folder, b"x").is_err());
        assert!(write(&dir.path().join("no/such/folder/a.csv"), b"x").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
