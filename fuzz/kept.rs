//! Inputs that fuzzing has found and that reach code no other one reaches: an archive for each target.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};
use zip::ZipArchive;

/// The inputs kept for a target below `folder`; none without an archive.
pub(crate) fn kept(folder: &Path, target: &str) -> io::Result<Vec<Vec<u8>>> {
    let file = match File::open(folder.join(format!("{target}.zip"))) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut archive = ZipArchive::new(file)?;
    let count = archive.len();
    let read = |i: usize| {
        let mut bytes = Vec::new();
        archive.by_index(i)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    (0..count).map(read).collect()
}
