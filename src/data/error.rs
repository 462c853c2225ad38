//! What can be wrong with a data set or one of its pictures.

use std::path::PathBuf;

/// Why a data set cannot be opened, or one of its pictures cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The file system says no.
    #[error("cannot {verb} `{}`: {reason}", .path.display())]
    File {
        /// "read" or "write".
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
    },
    /// The content is not what it should be.
    #[error("`{}`: expected {expected}, found {found}{}", .path.display(), hinted(.hint))]
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
    if hint.is_empty() { String::new() } else { format!("; {hint}") }
}
