//! Unpacking of tar archives, plain and gzipped: files and folders below one folder. Links and
//! devices are left out and counted; owners, rights and times are not taken over. What is there already
//! stays, and must be what the archive holds.

use super::{DataError, digest::digests};
use flate2::read::MultiGzDecoder;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
};

const COMPLETE: &str = "a complete tar archive";

/// Name of the file that is being written.
const HALF: &str = ".unpacking";

/// What was in an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files that were written.
    pub files: usize,
    /// Links and the like, which were not.
    pub others: usize,
}

/// Unpacks an archive into a folder.
pub fn unpack(archive: &Path, folder: &Path) -> Result<Unpacked, DataError> {
    let file = File::open(archive).map_err(|e| DataError::read(archive, &e))?;
    let mut file = BufReader::new(file);
    let mut magic = [0; 2];
    let start = file.read(&mut magic).map_err(|e| DataError::read(archive, &e))?;
    let stream = magic[..start].chain(file);
    if magic == [0x1f, 0x8b] {
        return members(&mut MultiGzDecoder::new(stream), archive, folder);
    }
    members(&mut { stream }, archive, folder)
}

fn members(stream: &mut dyn Read, archive: &Path, folder: &Path) -> Result<Unpacked, DataError> {
    let broken = |e: io::Error| match e.kind() {
        // its words quote the bytes that it found
        io::ErrorKind::Other => {
            DataError::unexpected(archive, "a tar archive", "a block that is no header")
        }
        _ => DataError::unexpected(archive, COMPLETE, format!("a fault ({e})")),
    };
    let mut done = Unpacked::default();
    let (mut folders, mut written) = (0, BTreeSet::new());
    let mut archived = tar::Archive::new(stream);
    for member in archived.entries().map_err(broken)? {
        let mut member = member.map_err(broken)?;
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        match member.header().entry_type() {
            kind if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() => {
                let (path, beside) = (inside(folder, &name, archive)?, folder.join(HALF));
                write(&mut member, &path, &beside, archive)?;
                // of a name that is there twice in an archive the later one counts
                place(&beside, &path, written.contains(&path))?;
                written.insert(path);
                done.files += 1;
            }
            kind if kind.is_dir() => {
                let path = inside(folder, &name, archive)?;
                fs::create_dir_all(&path).map_err(|e| DataError::write(&path, &e))?;
                folders += 1;
            }
            kind if kind.is_pax_global_extensions() => {}
            _ => done.others += 1,
        }
    }
    if done.files + done.others + folders == 0 {
        return Err(DataError::unexpected(archive, "a tar archive", "one with nothing in it"));
    }
    Ok(done)
}

/// Writes a member to the file `beside` the place it is for.
fn write(
    member: &mut tar::Entry<'_, impl Read>,
    path: &Path,
    beside: &Path,
    archive: &Path,
) -> Result<(), DataError> {
    let failed = |e: io::Error| DataError::write(path, &e);
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    let mut file = File::create(beside).map_err(failed)?;
    let (size, n) = (member.size(), io::copy(member, &mut file).map_err(failed)?);
    if n < size {
        fs::remove_file(beside).map_err(failed)?;
        let found = format!("its end inside `{}`", path.display());
        return Err(DataError::unexpected(archive, COMPLETE, found));
    }
    Ok(())
}

/// Brings a file to its place. What is there may be the user's own: it stays, and is an error if it is not
/// the same, unless it is `ours`.
fn place(beside: &Path, path: &Path, ours: bool) -> Result<(), DataError> {
    if ours || fs::symlink_metadata(path).is_err() {
        return fs::rename(beside, path).map_err(|e| DataError::write(path, &e));
    }
    let same = digests(beside).and_then(|new| Ok(new == digests(path)?));
    fs::remove_file(beside).map_err(|e| DataError::write(beside, &e))?;
    if same? {
        return Ok(());
    }
    let expected = "no file, or the one of the archive";
    Err(DataError::unexpected(path, expected, "another file")
        .hint("move it away, or choose another `--out`"))
}

/// Whether a relative path stays below the folder that it starts from.
pub(super) fn is_inside(name: &str) -> bool {
    Path::new(name).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
}

/// A member's place, which is never outside the folder.
fn inside(folder: &Path, name: &str, archive: &Path) -> Result<PathBuf, DataError> {
    if is_inside(name) {
        return Ok(folder.join(name));
    }
    Err(DataError::unexpected(archive, "names inside the folder", format!("`{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, tar_member as member};
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    #[test]
    fn files_and_folders_are_unpacked_and_links_are_counted() {
        let folder = Folder::new();
        let long = format!("{}/{}", "a".repeat(90), "b".repeat(40));
        let archive = [
            member("set/", b'5', b""),
            member("set/a.txt", b'0', b"one"),
            member("././@LongLink", b'L', format!("{long}\0").as_bytes()),
            member("short", b'0', b"two"),
            member("x", b'x', "15 path=deep/c\n19 mtime=123456789\n".as_bytes()),
            member("short", b'0', &[7; 600]),
            member("set/link", b'2', b""),
            vec![0; 1024],
        ]
        .concat();
        let mut zipped = GzEncoder::new(vec![], Compression::fast());
        zipped.write_all(&archive).unwrap();
        for (name, bytes) in [("a.tar", archive), ("a.tgz", zipped.finish().unwrap())] {
            let out = folder.child(&format!("out {name}"));
            let done = unpack(&folder.file(name, bytes), &out).unwrap();
            assert_eq!(done, Unpacked { files: 3, others: 1 });
            assert_eq!(fs::read(out.join("set/a.txt")).unwrap(), b"one");
            assert_eq!(fs::read(out.join(&long)).unwrap(), b"two");
            assert_eq!(fs::read(out.join("deep/c")).unwrap(), [7; 600]);
        }
    }

    #[test]
    fn a_file_of_ones_own_is_kept_and_the_same_file_is_no_matter() {
        let folder = Folder::new();
        let archive = [
            member("a.txt", b'0', b"old"),
            member("a.txt", b'0', b"new"),
            member("b.txt", b'0', b"two"),
        ];
        let archive = folder.file("a.tar", archive.concat());
        folder.file("out/b.txt", "my own");
        let told = folder.says(unpack(&archive, &folder.child("out")));
        assert_eq!(
            told,
            "`DIR/out/b.txt`: expected no file, or the one of the archive, found another file; move it \
             away, or choose another `--out`"
        );
        assert_eq!(fs::read(folder.child("out/b.txt")).unwrap(), b"my own");
        folder.file("out/b.txt", "two");
        fs::remove_file(folder.child("out/a.txt")).unwrap();
        unpack(&archive, &folder.child("out")).unwrap();
        assert_eq!(fs::read(folder.child("out/a.txt")).unwrap(), b"new", "the later one counts");
        assert_eq!(fs::read_dir(folder.child("out")).unwrap().count(), 2, "nothing half is left");
    }

    #[test]
    fn what_is_no_archive_or_leads_outside_is_refused() {
        let folder = Folder::new();
        let say = |bytes: Vec<u8>| {
            folder.says(unpack(&folder.file("a.tar", bytes), &folder.child("out")))
        };
        let whole = member("a.txt", b'0', &[1; 700]);
        let messages = [
            say(member("../a.txt", b'0', b"")),
            say(member("/etc/a.txt", b'0', b"")),
            say(whole[..612].to_vec()),
            say(b"<html>".repeat(100)),
            say(vec![]),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn damaged_archives_never_panic(
            damage in proptest::collection::vec((0usize..1500, proptest::prelude::any::<u8>()), 0..4),
            length in 0usize..1600,
        ) {
            let folder = Folder::new();
            let mut bytes = [member("a", b'0', b"one"), member("b", b'x', b"9 path=c\n")].concat();
            for (at, value) in damage {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            bytes.truncate(length);
            let _ = unpack(&folder.file("a.tar", bytes), &folder.child("out"));
        }
    }
}
