//! Scores of curves while a report is made: as many as a report of a thousand pictures has in memory, the
//! others in a file, so that memory does not grow with their number.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, RwLock},
};

use crate::base::atomic;

/// Scores that are kept in memory, 128 MiB: those of 1,300 pictures, 12 methods, 10 repeats and both orders.
const KEPT: usize = 32 << 20;

/// Curves, each found by the number it was given. What goes wrong is kept and told by
/// [`Scratch::check`]: a curve that cannot be read is empty, and nobody sees what is made of it.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    file: File,
    /// Scores that are kept in memory.
    most: usize,
    inner: RwLock<Inner>,
    trouble: Mutex<Option<io::Error>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The first curves; complete once one has gone to the file.
    kept: Vec<f32>,
    /// Where each curve ends, in values.
    ends: Vec<u32>,
}

impl Scratch {
    /// A new file in a folder; it goes when this goes.
    pub(super) fn new(folder: &Path) -> io::Result<Scratch> {
        Scratch::keeping(KEPT, folder)
    }

    fn keeping(most: usize, folder: &Path) -> io::Result<Scratch> {
        let path = atomic::temporary(&folder.join("scores"));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Scratch { path, file, most, inner: RwLock::default(), trouble: Mutex::default() })
    }

    /// Adds a curve; its number.
    pub(super) fn append(&self, scores: &[f32]) -> u32 {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let number = inner.ends.len() as u32;
        let start = inner.ends.last().copied().unwrap_or(0);
        let end = u32::try_from(scores.len()).ok().and_then(|n| start.checked_add(n));
        inner.ends.push(end.unwrap_or(start));
        let written = match end {
            None => Err(io::Error::other("more scores than a report can hold")),
            // all before it are there, and there is room
            Some(end) if inner.kept.len() == start as usize && end as usize <= self.most => {
                inner.kept.extend_from_slice(scores);
                Ok(())
            }
            Some(_) => self.write(start as usize - inner.kept.len(), scores),
        };
        self.note(written);
        number
    }

    /// A curve.
    pub(super) fn read(&self, number: u32) -> Vec<f32> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let Range { start, end } = inner.range(number as usize);
        if let Some(kept) = inner.kept.get(start..end) {
            return kept.to_vec();
        }
        let mut bytes = vec![0; 4 * (end - start)];
        let read = read_at(&self.file, &mut bytes, 4 * (start - inner.kept.len()) as u64);
        let values = || bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value));
        self.note(read.map(|()| values().collect()))
    }

    /// Writes values to the file, where some number of values stand before them.
    fn write(&self, before: usize, scores: &[f32]) -> io::Result<()> {
        let bytes: Vec<u8> = scores.iter().flat_map(|v| v.to_le_bytes()).collect();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(4 * before as u64))?;
        file.write_all(&bytes)
    }

    /// The first thing that went wrong.
    pub(super) fn check(&self) -> io::Result<()> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.take().map_or(Ok(()), Err)
    }

    fn note<T: Default>(&self, result: io::Result<T>) -> T {
        result.unwrap_or_else(|error| {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert(error);
            T::default()
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Inner {
    /// The values of a curve.
    fn range(&self, number: usize) -> Range<usize> {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        start as usize..self.ends[number] as usize
    }
}

/// Fills `bytes` from a place of a file. Threads read at a time, so the file's own position is not used.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Fills `bytes` from a place of a file. Threads read at a time, so the file's own position is not used.
#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let rest = &mut bytes[done..];
        let read = std::os::windows::fs::FileExt::seek_read(file, rest, at + done as u64)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        done += read;
    }
    Ok(())
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
        // all in the file, some, all in memory
        for most in 0..8 {
            let scratch = Scratch::keeping(most, folder.path()).unwrap();
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
    }

    #[test]
    fn a_curve_that_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::keeping(1, folder.path()).unwrap();
        scratch.append(&[1.0, 2.0]);
        File::options().write(true).truncate(true).open(scratch.path()).unwrap();
        assert!(scratch.read(0).is_empty());
        assert!(scratch.check().is_err());
    }
}
