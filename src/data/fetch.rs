//! Downloading a data set, with the system's `curl`: what was begun is taken up again, what arrives
//! is checked, archives are unpacked. There is no HTTP client of our own, because one with TLS would
//! cost more to build than the rest of this module.

use super::{
    DataError,
    catalogue::{Description, Remote},
    digest::digests,
    tar,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Exit codes of curl for a server that cannot continue in the middle of a file.
const NO_RESUME: [i32; 2] = [33, 36];

/// Why a data set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Its licence or its host does not allow it.
    #[error("`{name}` cannot be fetched: {reason}; see {homepage}")]
    Manual {
        /// The data set.
        name: String,
        /// Why.
        reason: String,
        /// Where to read on.
        homepage: String,
    },
    /// There is no `curl`.
    #[error(
        "the program `curl` is needed to download and was not found ({reason}); install it, or \
         download {url} to `{}` yourself", .path.display()
    )]
    NoCurl {
        /// What the system says.
        reason: String,
        /// What was to be downloaded.
        url: String,
        /// Where to.
        path: PathBuf,
    },
    /// The download ended early.
    #[error("{url} could not be downloaded: {reason}; what arrived is kept, fetch again to go on")]
    Download {
        /// What was to be downloaded.
        url: String,
        /// What curl says.
        reason: String,
    },
    /// What arrived is not what was expected.
    #[error(
        "`{}`: expected the {kind} checksum {expected}, found {found}; the file was removed, fetch \
         it again", .path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// MD5 or SHA-256.
        kind: &'static str,
        /// As published.
        expected: String,
        /// As computed.
        found: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// What is going on, for the person who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A file is there already, with the right checksum.
    There {
        /// Its name.
        name: &'a str,
    },
    /// So many bytes have arrived, of so many (0 where unknown).
    Arrived {
        /// The file's name.
        name: &'a str,
        /// Bytes on disk.
        bytes: u64,
        /// Bytes of the whole file.
        of: u64,
    },
    /// The server cannot continue, so the file is begun again.
    Restarted {
        /// Its name.
        name: &'a str,
    },
    /// The checksum was right.
    Checked {
        /// The file's name.
        name: &'a str,
    },
    /// An archive was unpacked.
    Unpacked {
        /// The archive's name.
        name: &'a str,
        /// Files that were written.
        files: usize,
        /// Links and the like, which were not.
        others: usize,
    },
}

/// Downloads what is not there yet into `folder`, and returns the path to give to `--data`.
pub fn fetch(
    about: &Description,
    folder: &Path,
    progress: &dyn Fn(&Progress<'_>),
) -> Result<PathBuf, FetchError> {
    if about.files.is_empty() {
        return Err(FetchError::Manual {
            name: about.name.clone(),
            reason: about.manual.clone(),
            homepage: about.homepage.clone(),
        });
    }
    fs::create_dir_all(folder).map_err(|e| DataError::write(folder, &e))?;
    for remote in &about.files {
        file(remote, folder, progress)?;
    }
    Ok(if about.folder.is_empty() { folder.to_owned() } else { folder.join(&about.folder) })
}

fn file(
    remote: &Remote,
    folder: &Path,
    progress: &dyn Fn(&Progress<'_>),
) -> Result<(), FetchError> {
    let (path, name) = (folder.join(&remote.name), remote.name.as_str());
    if path.is_file() {
        check(remote, &path)?;
        progress(&Progress::There { name });
    } else {
        let part = folder.join(format!("{name}.part"));
        download(remote, &part, progress)?;
        check(remote, &part)?;
        progress(&Progress::Checked { name });
        fs::rename(&part, &path).map_err(|e| DataError::write(&path, &e))?;
    }
    if remote.unpack && !unpacked_mark(&path).exists() {
        let tar::Unpacked { files, others } = tar::unpack(&path, folder)?;
        let mark = unpacked_mark(&path);
        File::create(&mark).map_err(|e| DataError::write(&mark, &e))?;
        progress(&Progress::Unpacked { name, files, others });
    }
    Ok(())
}

/// An empty file that says that an archive was unpacked to its end.
fn unpacked_mark(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unpacked");
    path.with_file_name(name)
}

/// Compares with every checksum that is published; a wrong file is removed.
fn check(remote: &Remote, path: &Path) -> Result<(), FetchError> {
    let found = digests(path)?;
    let pairs = [("MD5", &remote.md5, found.md5), ("SHA-256", &remote.sha256, found.sha256)];
    for (kind, expected, found) in pairs {
        let Some(expected) = expected.as_ref().filter(|sum| !sum.eq_ignore_ascii_case(&found))
        else {
            continue;
        };
        fs::remove_file(path).map_err(|e| DataError::write(path, &e))?;
        let (path, expected) = (path.to_owned(), expected.clone());
        return Err(FetchError::Checksum { path, kind, expected, found });
    }
    Ok(())
}

fn download(
    remote: &Remote,
    part: &Path,
    progress: &dyn Fn(&Progress<'_>),
) -> Result<(), FetchError> {
    let size = || fs::metadata(part).map_or(0, |about| about.len());
    if remote.bytes > 0 && size() == remote.bytes {
        return Ok(());
    }
    let (mut code, mut reason) = transfer(remote, part, size(), progress)?;
    if code.is_some_and(|code| NO_RESUME.contains(&code)) && size() > 0 {
        progress(&Progress::Restarted { name: &remote.name });
        fs::remove_file(part).map_err(|e| DataError::write(part, &e))?;
        (code, reason) = transfer(remote, part, 0, progress)?;
    }
    if code == Some(0) {
        return Ok(());
    }
    Err(FetchError::Download { url: remote.url.clone(), reason })
}

/// Appends what comes from byte `from` on; the exit code of curl and what it said.
fn transfer(
    remote: &Remote,
    part: &Path,
    from: u64,
    progress: &dyn Fn(&Progress<'_>),
) -> Result<(Option<i32>, String), FetchError> {
    let failed = |e: io::Error| DataError::write(part, &e);
    let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(failed)?;
    let mut curl = Command::new("curl");
    // no configuration of the user's, errors in words, redirects on the web only
    curl.args(["-q", "--silent", "--show-error", "--fail", "--location"]);
    curl.args(["--proto", "=http,https", "--proto-redir", "=http,https"]);
    curl.args(["--retry", "3", "--connect-timeout", "30"]);
    if from > 0 {
        curl.args(["--continue-at", &from.to_string()]);
    }
    curl.args(["--", &remote.url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = curl.spawn().map_err(|e| FetchError::NoCurl {
        reason: e.to_string(),
        url: remote.url.clone(),
        path: part.with_file_name(&remote.name),
    })?;
    let mut stdout = child.stdout.take().expect("piped");
    let (mut block, mut bytes) = (vec![0; 1 << 16], from);
    loop {
        let n = stdout.read(&mut block).map_err(failed)?;
        if n == 0 {
            break;
        }
        file.write_all(&block[..n]).map_err(failed)?;
        bytes += n as u64;
        progress(&Progress::Arrived { name: &remote.name, bytes, of: remote.bytes });
    }
    let output = child.wait_with_output().map_err(failed)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or("curl ended without a word").trim().to_owned();
    Ok((output.status.code(), said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Folder, tar_member};
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        sync::{Arc, Mutex},
        thread,
    };

    /// What a server of one file does.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Manner {
        /// Everything, also from the middle on.
        Good,
        /// Ends after this many bytes.
        Ends(usize),
        /// Knows no ranges.
        Whole,
        /// Has nothing.
        Absent,
    }

    /// Serves `content` on loopback and notes the first byte asked for in each request.
    fn serve(content: Vec<u8>, manners: Vec<Manner>) -> (String, Arc<Mutex<Vec<usize>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/set.bin", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(vec![]));
        let noted = asked.clone();
        thread::spawn(move || {
            for manner in manners {
                let (mut stream, _) = listener.accept().unwrap();
                let mut from = 0;
                for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                    let line = line.unwrap().to_lowercase();
                    if let Some(range) = line.strip_prefix("range: bytes=") {
                        from = range.trim_end_matches('-').parse().unwrap();
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                noted.lock().unwrap().push(from);
                let n = content.len();
                let start = if manner == Manner::Whole { 0 } else { from };
                let head = match (manner, from) {
                    (Manner::Absent, _) => "404 Not Found\r\nContent-Length: 0".to_owned(),
                    (Manner::Good, 1..) => format!(
                        "206 Partial Content\r\nContent-Range: bytes {from}-{}/{n}\r\nContent-Length: {}",
                        n - 1,
                        n - from
                    ),
                    _ => format!("200 OK\r\nContent-Length: {}", n - start),
                };
                let end = match manner {
                    Manner::Ends(end) => end,
                    Manner::Absent => start,
                    _ => n,
                };
                let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&content[start..end]);
            }
        });
        (url, asked)
    }

    fn has_curl() -> bool {
        let there = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok();
        if !there {
            let _ = io::stderr().write_all(b"skipped: curl is not here\n");
        }
        there
    }

    fn about(url: &str, content: &[u8], unpack: bool) -> Description {
        let folder = Folder::new();
        let sum = digests(&folder.file("a", content)).unwrap().md5;
        let text = format!(
            "name = 'a'\ntitle = 'a'\nlayout = 'flat'\npictures = 1\nlicence = 'a'\nhomepage = 'a'\n\
             citation = 'a'\n[[file]]\nname = 'set.bin'\nurl = '{url}'\nmd5 = '{sum}'\n\
             unpack = {unpack}\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn content() -> Vec<u8> {
        (0..200_000u32).map(|v| (v / 3) as u8).collect()
    }

    /// Fetches and tells what happened, without the bytes on the way.
    fn run(about: &Description, folder: &Folder) -> (Result<PathBuf, FetchError>, Vec<String>) {
        let seen = Mutex::new(vec![]);
        let note = |p: &Progress<'_>| {
            if !matches!(p, Progress::Arrived { .. }) {
                seen.lock().unwrap().push(format!("{p:?}"));
            }
        };
        let done = fetch(about, &folder.at("set"), &note);
        (done, seen.into_inner().unwrap())
    }

    #[test]
    fn an_interrupted_download_goes_on_where_it_ended() {
        if !has_curl() {
            return;
        }
        let (url, asked) = serve(content(), vec![Manner::Ends(70_000), Manner::Good]);
        let (about, folder) = (about(&url, &content(), false), Folder::new());
        let error = run(&about, &folder).0.unwrap_err();
        assert!(matches!(error, FetchError::Download { .. }), "{error}");
        let (done, seen) = run(&about, &folder);
        assert_eq!(done.unwrap(), folder.at("set"));
        assert_eq!(*asked.lock().unwrap(), [0, 70_000]);
        assert_eq!(seen, ["Checked { name: \"set.bin\" }"]);
        assert_eq!(fs::read(folder.at("set/set.bin")).unwrap(), content());
        assert!(!folder.at("set/set.bin.part").exists());
        // the third time nothing is asked for
        assert_eq!(run(&about, &folder).1, ["There { name: \"set.bin\" }"]);
        assert_eq!(asked.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_server_without_ranges_begins_again() {
        if !has_curl() {
            return;
        }
        let (url, _) = serve(content(), vec![Manner::Whole, Manner::Whole]);
        let (about, folder) = (about(&url, &content(), false), Folder::new());
        folder.file("set/set.bin.part", "the beginning of something else");
        let (done, seen) = run(&about, &folder);
        done.unwrap();
        assert_eq!(seen[0], "Restarted { name: \"set.bin\" }");
        assert_eq!(fs::read(folder.at("set/set.bin")).unwrap(), content());
    }

    #[test]
    fn archives_are_unpacked_once() {
        if !has_curl() {
            return;
        }
        let archive = [tar_member("val/a.txt", b'0', b"one"), vec![0; 1024]].concat();
        let (url, _) = serve(archive.clone(), vec![Manner::Good]);
        let (about, folder) = (about(&url, &archive, true), Folder::new());
        let (done, seen) = run(&about, &folder);
        done.unwrap();
        assert_eq!(seen[1], "Unpacked { name: \"set.bin\", files: 1, others: 0 }");
        assert_eq!(fs::read(folder.at("set/val/a.txt")).unwrap(), b"one");
        assert_eq!(run(&about, &folder).1, ["There { name: \"set.bin\" }"]);
    }

    #[test]
    fn wrong_checksums_and_missing_files_are_said() {
        if !has_curl() {
            return;
        }
        let (url, _) = serve(b"other".to_vec(), vec![Manner::Good, Manner::Absent]);
        let (about, folder) = (about(&url, b"expected", false), Folder::new());
        let say = || {
            let text = run(&about, &folder).0.unwrap_err().to_string();
            text.replace(folder.path().to_str().unwrap(), "DIR").replace(&url, "URL")
        };
        let wrong = say();
        assert_eq!(fs::read_dir(folder.at("set")).unwrap().count(), 0, "nothing wrong is kept");
        let manual =
            Description { files: vec![], manual: "it is sold".to_owned(), ..about.clone() };
        let manual = run(&manual, &folder).0.unwrap_err().to_string();
        insta::assert_snapshot!([wrong, say(), manual].join("\n"));
    }
}
