//! Downloading a data set, with the system's `curl`: what was begun is taken up again, what arrives
//! is checked and bounded, archives are unpacked.
//!
//! There is no HTTP client of our own. A kept crate (`ureq` with `rustls`) needs `ring` or `aws-lc` for TLS,
//! of which both are C and assembly, so that a fresh machine would need a C compiler to build pixelflip, and
//! brings more than thirty crates for something that is called once per data set; TLS without C has no kept
//! implementation. `curl` is on every system that has a package manager, and the place to mend TLS.

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
    thread,
    time::Duration,
};

/// Exit codes of curl for a server that cannot continue in the middle of a file.
const NO_RESUME: [i32; 2] = [33, 36];

/// Exit codes of curl for what may be otherwise a moment later: no name, no connection, a broken one, one
/// that is too slow, no answer.
const MOMENTARY: [i32; 7] = [5, 6, 7, 18, 28, 52, 56];

/// Bytes of a file whose description does not say how many it has, at most: a server may send without end.
const MOST_UNKNOWN: u64 = 16 << 30;

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Seconds in which fewer than [`SLOWEST`] bytes a second arrive, at most.
    stall: u32,
    /// How often a file is asked for, if it may be otherwise a moment later.
    tries: u32,
}

/// Bytes a second; less is taken for silence.
const SLOWEST: u32 = 100;

const PATIENCE: Patience = Patience { stall: 30, tries: 3 };

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
    /// The server sends more than the file has.
    #[error(
        "{url} is longer than {limit} bytes, {}; what arrived was removed",
        if *.known { "its size" } else { "the limit for files whose description has no `bytes`" }
    )]
    TooLong {
        /// What was to be downloaded.
        url: String,
        /// The most that is taken.
        limit: u64,
        /// True where that is the size of the file.
        known: bool,
    },
    /// What arrived, or what was there before, is not what was expected.
    #[error(
        "`{}`: expected the {kind} checksum {expected}, found {found}; {}", .path.display(),
        if *.kept {
            "it was there before and is kept: move it away, or choose another `--out`"
        } else {
            "the file was removed, fetch it again"
        }
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// True for a file that was there before.
        kept: bool,
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
    /// What arrived earlier cannot be continued, so the file is begun again.
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
    patiently(about, folder, PATIENCE, progress)
}

fn patiently(
    about: &Description,
    folder: &Path,
    patience: Patience,
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
        Fetch { remote, patience, progress }.bring_to(folder)?;
    }
    Ok(if about.folder.is_empty() { folder.to_owned() } else { folder.join(&about.folder) })
}

/// An empty file that says that an archive was unpacked to its end.
fn unpacked_mark(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unpacked");
    path.with_file_name(name)
}

/// Bytes of a file, 0 where there is none.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

fn remove(path: &Path) -> Result<(), FetchError> {
    Ok(fs::remove_file(path).map_err(|e| DataError::write(path, &e))?)
}

/// What became of the rest of a file.
#[derive(Debug)]
enum Rest {
    /// Nothing more comes: all of it is there, if the checksum is right.
    Whole,
    /// The server cannot continue in the middle.
    NoResume,
    /// More came than the file has.
    TooLong,
}

/// How a transfer ended.
#[derive(Debug)]
enum End {
    /// With the rest of the file.
    Rest(Rest),
    /// It failed, for a reason in curl's words.
    Failed {
        /// True where it may be otherwise a moment later.
        momentary: bool,
        reason: String,
    },
}

/// One file on its way.
struct Fetch<'a> {
    remote: &'a Remote,
    patience: Patience,
    progress: &'a dyn Fn(&Progress<'_>),
}

impl Fetch<'_> {
    /// The most that is taken, and whether that is the size of the file.
    fn limit(&self) -> (u64, bool) {
        if self.remote.bytes > 0 { (self.remote.bytes, true) } else { (MOST_UNKNOWN, false) }
    }

    fn bring_to(&self, folder: &Path) -> Result<(), FetchError> {
        let (path, name) = (folder.join(&self.remote.name), self.remote.name.as_str());
        if path.exists() {
            // it may be the user's own
            self.check(&path, true)?;
            (self.progress)(&Progress::There { name });
        } else {
            let part = folder.join(format!("{name}.part"));
            self.download(&part)?;
            (self.progress)(&Progress::Checked { name });
            fs::rename(&part, &path).map_err(|e| DataError::write(&path, &e))?;
        }
        if self.remote.unpack && !unpacked_mark(&path).exists() {
            let tar::Unpacked { files, others } = tar::unpack(&path, folder)?;
            let mark = unpacked_mark(&path);
            File::create(&mark).map_err(|e| DataError::write(&mark, &e))?;
            (self.progress)(&Progress::Unpacked { name, files, others });
        }
        Ok(())
    }

    /// Compares with every checksum that is published.
    fn check(&self, path: &Path, kept: bool) -> Result<(), FetchError> {
        let (found, remote) = (digests(path)?, self.remote);
        let pairs = [("MD5", &remote.md5, found.md5), ("SHA-256", &remote.sha256, found.sha256)];
        let wrong = pairs.into_iter().find_map(|(kind, expected, found)| {
            let expected = expected.as_ref().filter(|sum| !sum.eq_ignore_ascii_case(&found))?;
            let (path, expected) = (path.to_owned(), expected.clone());
            Some(FetchError::Checksum { path, kept, kind, expected, found })
        });
        wrong.map_or(Ok(()), Err)
    }

    /// Downloads the file and checks it. What arrived earlier is continued, and begun again where that
    /// does not lead to the right file.
    fn download(&self, part: &Path) -> Result<(), FetchError> {
        let (before, (limit, known)) = (size(part), self.limit());
        if before > 0 {
            let whole = before <= limit && matches!(self.rest(part)?, Rest::Whole);
            if whole && self.check(part, false).is_ok() {
                return Ok(());
            }
            (self.progress)(&Progress::Restarted { name: &self.remote.name });
            remove(part)?;
        }
        let url = self.remote.url.clone();
        match self.rest(part)? {
            Rest::Whole => self.check(part, false).or_else(|wrong| remove(part).and(Err(wrong))),
            Rest::TooLong => remove(part).and(Err(FetchError::TooLong { url, limit, known })),
            Rest::NoResume => {
                let reason = "the server cannot continue in the middle".to_owned();
                Err(FetchError::Download { url, reason })
            }
        }
    }

    /// Gets what is missing of a file.
    fn rest(&self, part: &Path) -> Result<Rest, FetchError> {
        let (limit, known) = self.limit();
        let mut tries = 0;
        loop {
            if known && size(part) == limit {
                return Ok(Rest::Whole);
            }
            tries += 1;
            match self.transfer(part, size(part))? {
                End::Rest(rest) => return Ok(rest),
                End::Failed { momentary: true, .. } if tries < self.patience.tries => {
                    thread::sleep(Duration::from_secs(1 << tries));
                }
                End::Failed { reason, .. } => {
                    return Err(FetchError::Download { url: self.remote.url.clone(), reason });
                }
            }
        }
    }

    /// Appends what comes from byte `from` on.
    fn transfer(&self, part: &Path, from: u64) -> Result<End, FetchError> {
        let failed = |e: io::Error| DataError::write(part, &e);
        let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(failed)?;
        let mut child = self.curl(from).spawn().map_err(|e| FetchError::NoCurl {
            reason: e.to_string(),
            url: self.remote.url.clone(),
            path: part.with_file_name(&self.remote.name),
        })?;
        let stdout = child.stdout.take().expect("piped");
        let copied = self.copy(stdout, &mut file, from);
        if !matches!(copied, Ok(true)) {
            let _ = child.kill();
        }
        let output = child.wait_with_output().map_err(failed)?;
        if !copied.map_err(failed)? {
            return Ok(End::Rest(Rest::TooLong));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("curl ended without a word").trim();
        Ok(ended(output.status.code(), said, from))
    }

    /// The program with its arguments.
    fn curl(&self, from: u64) -> Command {
        let mut curl = Command::new("curl");
        // no configuration of the user's, errors in words, redirects on the web only, addresses as they are
        curl.args(["-q", "--silent", "--show-error", "--fail", "--location", "--globoff"]);
        curl.args(["--proto", "=http,https", "--proto-redir", "=http,https", "--max-redirs", "10"]);
        curl.args(["--connect-timeout", "30", "--speed-limit", &SLOWEST.to_string()]);
        curl.args(["--speed-time", &self.patience.stall.to_string()]);
        if from > 0 {
            curl.args(["--continue-at", &from.to_string()]);
        }
        curl.args(["--", &self.remote.url]);
        curl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        curl
    }

    /// Copies what comes, up to the limit; false where there is more.
    fn copy(&self, mut from: impl Read, to: &mut File, mut bytes: u64) -> io::Result<bool> {
        let (limit, _) = self.limit();
        let mut block = vec![0; 1 << 16];
        loop {
            let n = from.read(&mut block)?;
            if n == 0 {
                return Ok(true);
            }
            to.write_all(&block[..n])?;
            bytes += n as u64;
            let (name, of) = (self.remote.name.as_str(), self.remote.bytes);
            (self.progress)(&Progress::Arrived { name, bytes, of });
            if bytes > limit {
                return Ok(false);
            }
        }
    }
}

/// What an exit code of curl and its last words mean, for a transfer from byte `from` on.
fn ended(code: Option<i32>, said: &str, from: u64) -> End {
    let status = said.split("returned error: ").nth(1).and_then(|rest| rest.get(..3));
    match (code, status) {
        (Some(0), _) => End::Rest(Rest::Whole),
        // nothing from there on: what is there is all, or not what the server has
        (Some(22), Some("416")) if from > 0 => End::Rest(Rest::Whole),
        (Some(code), _) if from > 0 && NO_RESUME.contains(&code) => End::Rest(Rest::NoResume),
        (code, status) => {
            let busy = status.is_some_and(|s| s.starts_with('5') || s == "429" || s == "408");
            let momentary = code.is_some_and(|code| MOMENTARY.contains(&code)) || busy;
            End::Failed { momentary, reason: said.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, tar_member};
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
        /// Says 206, and sends everything from the beginning.
        Lies,
        /// Sends without end.
        Endless,
        /// Sends a few bytes and no more.
        Silent,
        /// Sends the asker to the same place once more.
        Redirects,
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
                let from_start = matches!(manner, Manner::Whole | Manner::Lies);
                let start = if from_start { 0 } else { from.min(n) };
                let head = match (manner, from) {
                    (Manner::Absent, _) => "404 Not Found\r\nContent-Length: 0".to_owned(),
                    (Manner::Redirects, _) => {
                        "302 Found\r\nLocation: /set.bin\r\nContent-Length: 0".to_owned()
                    }
                    (Manner::Endless | Manner::Silent, _) => "200 OK".to_owned(),
                    (Manner::Good, from) if from >= n => {
                        format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{n}")
                    }
                    (Manner::Lies, 1..) => format!(
                        "206 Partial Content\r\nContent-Range: bytes {from}-{}/{n}\r\nContent-Length: {n}",
                        n - 1
                    ),
                    (Manner::Good, 1..) => format!(
                        "206 Partial Content\r\nContent-Range: bytes {from}-{}/{n}\r\nContent-Length: {}",
                        n - 1,
                        n - from
                    ),
                    _ => format!("200 OK\r\nContent-Length: {}", n - start),
                };
                let end = match manner {
                    Manner::Ends(end) => end,
                    Manner::Absent | Manner::Redirects => start,
                    Manner::Silent => 10,
                    _ => n,
                };
                let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&content[start..end]);
                while manner == Manner::Endless && stream.write_all(&content).is_ok() {}
                if manner == Manner::Silent {
                    // until the asker gives up
                    let _ = stream.read(&mut [0]);
                }
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
        let patience = Patience { stall: 1, tries: 1 };
        let done = patiently(about, &folder.child("set"), patience, &note);
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
        assert_eq!(done.unwrap(), folder.child("set"));
        assert_eq!(*asked.lock().unwrap(), [0, 70_000]);
        assert_eq!(seen, ["Checked { name: \"set.bin\" }"]);
        assert_eq!(fs::read(folder.child("set/set.bin")).unwrap(), content());
        assert!(!folder.child("set/set.bin.part").exists());
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
        assert_eq!(fs::read(folder.child("set/set.bin")).unwrap(), content());
    }

    #[test]
    fn what_a_killed_call_left_heals_itself() {
        if !has_curl() {
            return;
        }
        let whole = content();
        let longer = [whole.as_slice(), b"zzz"].concat();
        let wrong = vec![7; whole.len()];
        // what is there, what the server does then, and from which bytes it is asked
        let cases: [(&[u8], Vec<Manner>, &[usize]); 6] = [
            (&whole, vec![Manner::Good], &[200_000]),
            (&longer, vec![Manner::Good; 2], &[200_003, 0]),
            (&wrong, vec![Manner::Good; 2], &[200_000, 0]),
            (&whole[..9], vec![Manner::Good], &[9]),
            (&wrong[..9], vec![Manner::Good; 2], &[9, 0]),
            (&whole[..9], vec![Manner::Lies, Manner::Good], &[9, 0]),
        ];
        for (there, manners, from) in cases {
            let (url, asked) = serve(content(), manners);
            let (about, folder) = (about(&url, &whole, false), Folder::new());
            folder.file("set/set.bin.part", there);
            run(&about, &folder).0.unwrap();
            assert!(fs::read(folder.child("set/set.bin")).unwrap() == whole);
            assert!(!folder.child("set/set.bin.part").exists());
            assert_eq!(*asked.lock().unwrap(), from);
        }
    }

    #[test]
    fn a_size_that_is_known_saves_the_question() {
        if !has_curl() {
            return;
        }
        let (url, asked) = serve(content(), vec![Manner::Good]);
        let mut about = about(&url, &content(), false);
        about.files[0].bytes = content().len() as u64;
        let folder = Folder::new();
        folder.file("set/set.bin.part", content());
        run(&about, &folder).0.unwrap();
        assert_eq!(*asked.lock().unwrap(), [0; 0]);
        // too long: begun again without a question in the middle
        let folder = Folder::new();
        folder.file("set/set.bin.part", [content(), content()].concat());
        run(&about, &folder).0.unwrap();
        assert_eq!(*asked.lock().unwrap(), [0]);
    }

    #[test]
    fn a_file_of_ones_own_is_kept() {
        let (mut about, folder) =
            (about("http://127.0.0.1:9/x", b"expected", false), Folder::new());
        about.files[0].md5 = Some("0".repeat(32));
        folder.file("set/set.bin", "my own");
        let told = run(&about, &folder).0.unwrap_err().to_string();
        assert!(told.ends_with("is kept: move it away, or choose another `--out`"), "{told}");
        assert_eq!(fs::read(folder.child("set/set.bin")).unwrap(), b"my own");
    }

    #[test]
    fn servers_without_end_or_word_are_left() {
        if !has_curl() {
            return;
        }
        let (url, _) = serve(content(), vec![Manner::Endless, Manner::Silent]);
        let mut about = about(&url, &content(), false);
        about.files[0].bytes = 500_000;
        let folder = Folder::new();
        let say = || run(&about, &folder).0.unwrap_err().to_string().replace(&url, "URL");
        assert_eq!(say(), "URL is longer than 500000 bytes, its size; what arrived was removed");
        assert_eq!(fs::read_dir(folder.child("set")).unwrap().count(), 0);
        let told = say();
        assert!(told.starts_with("URL could not be downloaded: curl: (28) "), "{told}");
        assert_eq!(size(&folder.child("set/set.bin.part")), 10, "what arrived is kept");
    }

    #[test]
    fn addresses_are_taken_as_they_are_and_redirects_are_followed() {
        if !has_curl() {
            return;
        }
        // curl's own patterns would ask three times
        let (url, asked) = serve(content(), vec![Manner::Redirects, Manner::Good, Manner::Good]);
        let (about, folder) =
            (about(&format!("{url}?[1-3]{{a,b}}"), &content(), false), Folder::new());
        run(&about, &folder).0.unwrap();
        assert_eq!(asked.lock().unwrap().len(), 2, "the redirect, and the file");
        assert!(fs::read(folder.child("set/set.bin")).unwrap() == content());
    }

    #[test]
    fn what_curl_says_tells_what_to_do() {
        let refused = "curl: (22) The requested URL returned error: 416";
        assert!(matches!(ended(Some(22), refused, 5), End::Rest(Rest::Whole)));
        assert!(matches!(ended(Some(22), refused, 0), End::Failed { momentary: false, .. }));
        let busy = "curl: (22) The requested URL returned error: 503 Service Unavailable";
        assert!(matches!(ended(Some(22), busy, 5), End::Failed { momentary: true, .. }));
        assert!(matches!(
            ended(Some(56), "curl: (56) reset", 5),
            End::Failed { momentary: true, .. }
        ));
        assert!(matches!(ended(Some(33), "curl: (33) no", 5), End::Rest(Rest::NoResume)));
        assert!(matches!(ended(None, "", 5), End::Failed { momentary: false, .. }));
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
        assert_eq!(fs::read(folder.child("set/val/a.txt")).unwrap(), b"one");
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
        assert_eq!(fs::read_dir(folder.child("set")).unwrap().count(), 0, "nothing wrong is kept");
        let manual =
            Description { files: vec![], manual: "it is sold".to_owned(), ..about.clone() };
        let manual = run(&manual, &folder).0.unwrap_err().to_string();
        insta::assert_snapshot!([wrong, say(), manual].join("\n"));
    }
}
