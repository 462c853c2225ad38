//! Scores of curves in a file while a report is made, so that memory does not grow with their number.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::base::atomic;

/// A file of curves, each found by the number it was given. What goes wrong is kept and told by
/// [`Scratch::check`]: a curve that cannot be read is empty, and nobody sees what is made of it.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// Where each curve ends, in values.
    ends: Vec<u32>,
    trouble: Option<io::Error>,
}

impl Scratch {
    /// A new file in a folder; it goes when this goes.
    pub(super) fn new(folder: &Path) -> io::Result<Scratch> {
        let path = atomic::temporary(&folder.join("scores"));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        let inner = Mutex::new(Inner { file, ends: vec![], trouble: None });
        Ok(Scratch { path, inner })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a curve; its number.
    pub(super) fn append(&self, scores: &[f32]) -> u32 {
        let mut inner = self.inner();
        let number = inner.ends.len() as u32;
        let written = inner.append(scores);
        inner.note(written);
        number
    }

    /// A curve.
    pub(super) fn read(&self, number: u32) -> Vec<f32> {
        let mut inner = self.inner();
        let read = inner.read(number as usize);
        inner.note(read)
    }

    /// The first thing that went wrong.
    pub(super) fn check(&self) -> io::Result<()> {
        self.inner().trouble.take().map_or(Ok(()), Err)
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Inner {
    fn append(&mut self, scores: &[f32]) -> io::Result<()> {
        let start = self.ends.last().copied().unwrap_or(0);
        let end = u32::try_from(scores.len()).ok().and_then(|n| start.checked_add(n));
        self.ends.push(end.unwrap_or(start));
        let too_many = || io::Error::other("more scores than a report can hold");
        end.ok_or_else(too_many)?;
        let bytes: Vec<u8> = scores.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.file.seek(SeekFrom::Start(4 * u64::from(start)))?;
        self.file.write_all(&bytes)
    }

    fn read(&mut self, number: usize) -> io::Result<Vec<f32>> {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        let mut bytes = vec![0; 4 * (self.ends[number] - start) as usize];
        self.file.seek(SeekFrom::Start(4 * u64::from(start)))?;
        self.file.read_exact(&mut bytes)?;
        let values = bytes.as_chunks::<4>().0.iter();
        Ok(values.map(|value| f32::from_le_bytes(*value)).collect())
    }

    fn note<T: Default>(&mut self, result: io::Result<T>) -> T {
        result.unwrap_or_else(|error| {
            self.trouble.get_or_insert(error);
            T::default()
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // what is left is swept by the next run
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_come_back_by_their_numbers_and_the_file_goes() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(folder.path()).unwrap();
        assert_eq!(scratch.append(&[1.0, 2.0]), 0);
        assert_eq!(scratch.append(&[]), 1);
        assert_eq!(scratch.append(&[-0.0, f32::MAX, 3.0]), 2);
        assert_eq!(scratch.read(0), [1.0, 2.0]);
        assert_eq!(scratch.append(&[4.0]), 3);
        assert_eq!(scratch.read(2), [-0.0, f32::MAX, 3.0]);
        assert_eq!((scratch.read(1), scratch.read(3)), (vec![], vec![4.0]));
        assert!(scratch.check().is_ok());
        drop(scratch);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_curve_that_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(folder.path()).unwrap();
        scratch.append(&[1.0, 2.0]);
        File::options().write(true).truncate(true).open(scratch.path()).unwrap();
        assert!(scratch.read(0).is_empty());
        assert!(scratch.check().is_err());
    }
}
