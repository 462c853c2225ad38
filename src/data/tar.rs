//! Unpacking of tar archives, plain and gzipped: files and folders below one folder. Links and
//! devices are left out and counted. Format: POSIX ustar, with the long names of GNU and pax.

use super::DataError;
use flate2::read::MultiGzDecoder;
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
};

const BLOCK: usize = 512;

/// Names longer than this are no names.
const MAX_NAME: u64 = 1 << 16;

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
    let broken = |e: io::Error| {
        DataError::unexpected(archive, "a complete tar archive", format!("a fault ({e})"))
    };
    let mut done = Unpacked::default();
    let mut long_name = None;
    loop {
        let mut head = [0; BLOCK];
        match stream.read_exact(&mut head) {
            // some writers leave out the two blank blocks at the end
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && done.files > 0 => {
                return Ok(done);
            }
            other => other.map_err(broken)?,
        }
        if head.iter().all(|b| *b == 0) {
            return Ok(done);
        }
        let head = Head::of(&head).ok_or_else(|| {
            DataError::unexpected(archive, "a tar archive", "a block that is no header")
        })?;
        let mut content = (&mut *stream).take(head.size);
        match head.kind {
            b'L' | b'x' if head.size <= MAX_NAME => {
                let mut bytes = vec![];
                content.read_to_end(&mut bytes).map_err(broken)?;
                let name = if head.kind == b'L' { Some(text(&bytes)) } else { pax_path(&bytes) };
                long_name = name.or(long_name);
            }
            b'0' | 0 => {
                let name = long_name.take().unwrap_or(head.name);
                write(&mut content, head.size, &inside(folder, &name, archive)?, archive)?;
                done.files += 1;
            }
            b'5' => {
                let path = inside(folder, &long_name.take().unwrap_or(head.name), archive)?;
                fs::create_dir_all(&path).map_err(|e| DataError::write(&path, &e))?;
            }
            b'g' => {}
            _ => {
                long_name = None;
                done.others += 1;
            }
        }
        let padding = content.limit() + (BLOCK as u64 - head.size % BLOCK as u64) % BLOCK as u64;
        io::copy(&mut (&mut *stream).take(padding), &mut io::sink()).map_err(broken)?;
    }
}

fn write(content: &mut dyn Read, size: u64, path: &Path, archive: &Path) -> Result<(), DataError> {
    let failed = |e: io::Error| DataError::write(path, &e);
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    let mut file = File::create(path).map_err(failed)?;
    let n = io::copy(content, &mut file).map_err(failed)?;
    if n < size {
        let found = format!("its end inside `{}`", path.display());
        return Err(DataError::unexpected(archive, "a complete tar archive", found));
    }
    Ok(())
}

/// Header of a member.
struct Head {
    name: String,
    size: u64,
    kind: u8,
}

impl Head {
    /// `None` when the checksum is not that of a header.
    fn of(block: &[u8; BLOCK]) -> Option<Head> {
        let sum: u64 = block.iter().map(|b| u64::from(*b)).sum();
        let own: u64 = block[148..156].iter().map(|b| u64::from(*b)).sum();
        if octal(&block[148..156])? != sum - own + 8 * u64::from(b' ') {
            return None;
        }
        let (name, prefix) = (text(&block[..100]), text(&block[345..500]));
        let is_ustar = &block[257..262] == b"ustar" && block[263] != b' ';
        let name = if is_ustar && !prefix.is_empty() { format!("{prefix}/{name}") } else { name };
        Some(Head { name, size: octal(&block[124..136])?, kind: block[156] })
    }
}

/// Bytes up to the first zero.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
}

fn octal(bytes: &[u8]) -> Option<u64> {
    if bytes[0] & 0x80 != 0 {
        // GNU's form for sizes of 8 GiB and more
        let last = &bytes[bytes.len() - 8..];
        return Some(u64::from_be_bytes(last.try_into().ok()?) & (u64::MAX >> 1));
    }
    let digits = text(bytes);
    let digits = digits.trim();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The `path` in the records `LENGTH KEY=VALUE` of a pax header.
fn pax_path(mut bytes: &[u8]) -> Option<String> {
    while let Some(blank) = bytes.iter().position(|b| *b == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
        let record = bytes.get(blank + 1..length)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(String::from_utf8_lossy(path).trim_end_matches('\n').to_owned());
        }
        bytes = &bytes[length..];
    }
    None
}

/// A member's place, which is never outside the folder.
fn inside(folder: &Path, name: &str, archive: &Path) -> Result<PathBuf, DataError> {
    let path = Path::new(name);
    if path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return Ok(folder.join(path));
    }
    Err(DataError::unexpected(archive, "names inside the folder", format!("`{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Folder, tar_member as member};
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
            vec![0; 2 * BLOCK],
        ]
        .concat();
        let mut zipped = GzEncoder::new(vec![], Compression::fast());
        zipped.write_all(&archive).unwrap();
        for (name, bytes) in [("a.tar", archive), ("a.tgz", zipped.finish().unwrap())] {
            let out = folder.at(&format!("out {name}"));
            let done = unpack(&folder.file(name, bytes), &out).unwrap();
            assert_eq!(done, Unpacked { files: 3, others: 1 });
            assert_eq!(fs::read(out.join("set/a.txt")).unwrap(), b"one");
            assert_eq!(fs::read(out.join(&long)).unwrap(), b"two");
            assert_eq!(fs::read(out.join("deep/c")).unwrap(), [7; 600]);
        }
    }

    #[test]
    fn what_is_no_archive_or_leads_outside_is_refused() {
        let folder = Folder::new();
        let say =
            |bytes: Vec<u8>| folder.says(unpack(&folder.file("a.tar", bytes), &folder.at("out")));
        let whole = member("a.txt", b'0', &[1; 700]);
        let messages = [
            say(member("../a.txt", b'0', b"")),
            say(member("/etc/a.txt", b'0', b"")),
            say(whole[..BLOCK + 100].to_vec()),
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
            let _ = unpack(&folder.file("a.tar", bytes), &folder.at("out"));
        }
    }
}
