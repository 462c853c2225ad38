//! What can be wrong with a data set or one of its pictures.

use crate::base::{
    registry::SpecError,
    text::{plain, plain_path},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a data set cannot be opened, or one of its pictures cannot be used. What is printed has the control
/// characters of names written out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The layout that was asked for does not exist.
    #[error(transparent)]
    Layout(#[from] SpecError),
    /// The file system says no.
    #[error("cannot {verb} `{}`: {reason}", plain_path(.path))]
    File {
        /// "read" or "write".
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
        /// True where the operating system says so: that may be otherwise the next time.
        momentary: bool,
    },
    /// The content is not what it should be.
    #[error(
        "`{}`: expected {}, found {}{}", plain_path(.path), plain(.expected), plain(.found), hinted(.hint)
    )]
    Unexpected {
        /// The file or folder.
        path: PathBuf,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
        /// What to do; empty where there is nothing to advise.
        hint: String,
    },
}

fn hinted(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("; {}", plain(hint)) }
}

impl DataError {
    /// A file that could not be opened or read.
    pub(crate) fn read(path: &Path, reason: &io::Error) -> DataError {
        DataError::file("read", path, reason)
    }

    /// A file that could not be written.
    pub(crate) fn write(path: &Path, reason: &io::Error) -> DataError {
        DataError::file("write", path, reason)
    }

    fn file(verb: &'static str, path: &Path, error: &io::Error) -> DataError {
        // without a number it is what we found in the file: too large, or its end too early
        let (reason, momentary) = (error.to_string(), error.raw_os_error().is_some());
        DataError::File { verb, path: path.to_owned(), reason, momentary }
    }

    /// True where the operating system could not read or write, as when a network file system is away:
    /// the next time it may be otherwise. What is wrong with a file's content stays wrong.
    pub fn is_momentary(&self) -> bool {
        matches!(self, DataError::File { momentary: true, .. })
    }

    /// Content other than expected.
    pub(crate) fn unexpected(
        path: &Path,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DataError {
        let (expected, found) = (expected.into(), found.into());
        DataError::Unexpected { path: path.to_owned(), expected, found, hint: String::new() }
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn hint(mut self, advice: impl Into<String>) -> DataError {
        if let DataError::Unexpected { hint, .. } = &mut self {
            *hint = advice.into();
        }
        self
    }
}
