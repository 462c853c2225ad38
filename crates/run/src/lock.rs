//! One process at a time on an output folder, or one per shard.
//!
//! Locks are the system's own on files in `.lock/`, so those of a process that died are gone with
//! it, on whatever machine it ran. What is written into the files is only for messages.

use super::shard::Shard;
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Folder of the lock files below an output.
pub const FOLDER: &str = ".lock";

/// How often a lock is tried again that was removed while it was taken.
const TRIES: usize = 1_000;

/// Who wants an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it.
    Whole,
    /// One share of its parts, beside other processes with other shares.
    Shard(Shard),
}

impl Share {
    /// Whether a part belongs to it.
    pub fn takes(self, part: usize) -> bool {
        match self {
            Share::Whole => true,
            Share::Shard(shard) => shard.takes(part),
        }
    }
}

/// Why an output cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("`{}` is being written by {owner}", .root.display())]
    Taken {
        /// The output.
        root: PathBuf,
        /// Who.
        owner: String,
    },
    /// The lock files cannot be made.
    #[error("cannot write to `{}`: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Holds an output until it is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    share: Share,
    own: File,
    /// Held beside `own` by shards, so that no whole run begins.
    _beside: Option<File>,
    /// Who held it and died.
    stale: Option<String>,
    /// False where the file system has no locks.
    guarded: bool,
}

impl Lock {
    /// Takes the output below `root`, or says who has it.
    pub fn claim(root: &Path, share: Share) -> Result<Lock, LockError> {
        let folder = root.join(FOLDER);
        let run = folder.join("run");
        let ((mut own, guarded), beside) = match share {
            Share::Whole => (hold(root, &run, File::try_lock)?, None),
            Share::Shard(shard) => {
                let beside = hold(root, &run, File::try_lock_shared)?.0;
                let told = beside.set_len(0);
                told.map_err(|source| LockError::Unwritable { path: run.clone(), source })?;
                (hold(root, &folder.join(name(shard)), File::try_lock)?, Some(beside))
            }
        };
        let stale = signed(&mut own).ok().flatten();
        sign(&mut own).map_err(|source| LockError::Unwritable { path: folder.clone(), source })?;
        Ok(Lock { folder, share, own, _beside: beside, stale, guarded })
    }

    /// Waits until nobody else is checking or beginning this output; until the guard is dropped.
    pub fn opening(root: &Path) -> Result<impl Sized + use<>, LockError> {
        let wait = |file: &File| file.lock().map_err(TryLockError::Error);
        hold(root, &root.join(FOLDER).join("open"), wait).map(|(file, _)| file)
    }

    /// Who is at work here as a shard of another number of shards than `of`.
    pub fn other_cut(root: &Path, of: usize) -> Option<String> {
        let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten();
        let ours = format!("-of-{of}");
        let mut shards = entries.filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with(SHARD) && !name.ends_with(&ours)
        });
        shards.find_map(|entry| owner(&entry.path()))
    }

    /// Who held the output before and ended without letting go.
    pub fn stale(&self) -> Option<&str> {
        self.stale.as_deref()
    }

    /// False where the file system has no locks, so that nothing keeps a second process away.
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // what is left behind is harmless: the next one finds nobody holding it
        let _ = self.own.set_len(0);
        let _ = match self.share {
            Share::Whole => fs::remove_dir_all(&self.folder),
            Share::Shard(shard) => fs::remove_file(self.folder.join(name(shard))),
        };
    }
}

/// How the names of the shards' lock files begin.
const SHARD: &str = "shard-";

fn name(shard: Shard) -> String {
    format!("{SHARD}{}", shard.to_string().replace('/', "-of-"))
}

/// Who holds a lock file now.
fn owner(path: &Path) -> Option<String> {
    // NFS locks only what is open for writing
    let mut file = File::options().read(true).write(true).open(path).ok()?;
    let taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    taken.then(|| signed(&mut file).ok().flatten().unwrap_or_else(|| "a process".to_owned()))
}

/// Opens a lock file and locks it; also says whether the file system has locks.
fn hold(
    root: &Path,
    path: &Path,
    lock: impl Fn(&File) -> Result<(), TryLockError>,
) -> Result<(File, bool), LockError> {
    let failed = |source| LockError::Unwritable { path: path.to_owned(), source };
    for _ in 0..TRIES {
        fs::create_dir_all(root.join(FOLDER)).map_err(failed)?;
        let opened = File::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = match opened {
            // removed by its last owner, just now
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        match lock(&file) {
            Ok(()) if is_still_there(&file, path) => return Ok((file, true)),
            Ok(()) => (),
            Err(TryLockError::Error(e)) if has_no_locks(&e) => {
                return Ok((file, false));
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
            Err(TryLockError::WouldBlock) => {
                let owner = signed(&mut file).ok().flatten();
                let owner = owner.unwrap_or_else(|| "one of its shards".to_owned());
                return Err(LockError::Taken { root: root.to_owned(), owner });
            }
        }
    }
    Err(failed(io::Error::other("others take and remove the lock again and again")))
}

/// True for a file system without locks, or NFS without its lock service.
fn has_no_locks(e: &io::Error) -> bool {
    // ENOLCK has no kind of its own
    let no_service = if cfg!(target_os = "linux") { 37 } else { 77 };
    e.kind() == io::ErrorKind::Unsupported || e.raw_os_error() == Some(no_service)
}

/// False when the file was removed between opening and locking.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(held), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// Open files cannot be removed here.
#[cfg(not(unix))]
fn is_still_there(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Writes who holds the lock.
fn sign(file: &mut File) -> io::Result<()> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.is_empty() { String::new() } else { format!(" on {}", host.trim()) };
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "process {}{host}", std::process::id())
}

/// Reads who holds or held the lock.
fn signed(file: &mut File) -> io::Result<Option<String>> {
    let mut text = String::new();
    file.rewind()?;
    file.take(1_000).read_to_string(&mut text)?;
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::{super::shard::Asked, *};

    fn shard(text: &str) -> Share {
        Share::Shard(text.parse::<Asked>().unwrap().shard(None).unwrap())
    }

    #[test]
    fn one_whole_run_or_many_different_shards() {
        let dir = tempfile::tempdir().unwrap();
        let claim = |share| Lock::claim(dir.path(), share);
        let whole = claim(Share::Whole).unwrap();
        let error = claim(Share::Whole).unwrap_err().to_string();
        assert!(error.contains(&format!("is being written by process {}", std::process::id())));
        assert!(claim(shard("0/2")).is_err());
        drop(whole);
        let zero = claim(shard("0/2")).unwrap();
        let one = claim(shard("1/2")).unwrap();
        assert!(claim(shard("0/2")).is_err());
        let error = claim(Share::Whole).unwrap_err().to_string();
        assert!(error.ends_with("by one of its shards"), "{error}");
        drop((zero, one));
        claim(Share::Whole).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing stays");
    }

    #[test]
    fn shards_of_another_number_are_seen_while_they_are_at_work() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::claim(dir.path(), shard("1/4")).unwrap();
        assert_eq!(Lock::other_cut(dir.path(), 4), None);
        let other = Lock::other_cut(dir.path(), 2).unwrap();
        assert!(other.starts_with(&format!("process {}", std::process::id())), "{other}");
        drop(lock);
        assert_eq!(Lock::other_cut(dir.path(), 2), None);
        // a killed one leaves its file
        fs::write(dir.path().join(FOLDER).join("shard-1-of-4"), "process 1 on moon").unwrap();
        assert_eq!(Lock::other_cut(dir.path(), 2), None);
    }

    #[test]
    fn the_lock_of_a_process_that_died_is_recognised() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FOLDER)).unwrap();
        fs::write(dir.path().join(FOLDER).join("run"), "process 1 on moon").unwrap();
        let lock = Lock::claim(dir.path(), Share::Whole).unwrap();
        assert_eq!(lock.stale(), Some("process 1 on moon"));
        drop(lock);
        assert_eq!(Lock::claim(dir.path(), Share::Whole).unwrap().stale(), None);
    }

    #[test]
    fn many_at_once_take_turns() {
        let dir = tempfile::tempdir().unwrap();
        let inside = std::sync::atomic::AtomicUsize::new(0);
        let turn = || {
            for _ in 0..50 {
                if let Ok(lock) = Lock::claim(dir.path(), Share::Whole) {
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(lock);
                }
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(turn))));
    }
}
