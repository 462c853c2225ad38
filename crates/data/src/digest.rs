//! Checksums of files: MD5, which most data sets publish, and SHA-256.

use super::DataError;
use crate::base::hex;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Both checksums of a file, hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// MD5 (RFC 1321): finds damage, not malice.
    pub md5: String,
    /// SHA-256.
    pub sha256: String,
}

/// Reads a file once.
pub fn digests(path: &Path) -> Result<Digests, DataError> {
    let of = || -> io::Result<Digests> {
        let mut file = File::open(path)?;
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        let mut block = vec![0; 1 << 16];
        loop {
            let n = file.read(&mut block)?;
            if n == 0 {
                break;
            }
            md5.update(&block[..n]);
            sha256.update(&block[..n]);
        }
        Ok(Digests { md5: hex(&md5.finalize()), sha256: hex(&sha256.finalize()) })
    };
    of().map_err(|e| DataError::read(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn checksums_are_those_of_the_standards() {
        let folder = Folder::new();
        // RFC 1321, A.5, and FIPS 180-2
        let known = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        for (text, md5) in known {
            assert_eq!(digests(&folder.file("a", text)).unwrap().md5, md5);
        }
        let abc = digests(&folder.file("a", "abc")).unwrap().sha256;
        assert!(abc.starts_with("ba7816bf8f01cfea414140de5dae2223"));
    }
}
