//! Checksums of files: MD5, which most data sets publish, and SHA-256.

use super::DataError;
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
        Ok(Digests { md5: hex(&md5.finish()), sha256: hex(&sha256.finalize()) })
    };
    of().map_err(|e| DataError::read(path, &e))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Left rotations of the four rounds, four each.
const ROTATE: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// MD5 of what was fed so far.
struct Md5 {
    state: [u32; 4],
    length: u64,
    /// Less than a block of 64 bytes.
    rest: Vec<u8>,
}

impl Md5 {
    fn new() -> Md5 {
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        Md5 { state, length: 0, rest: vec![] }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() / 64 * 64;
        let blocks = std::mem::take(&mut self.rest);
        blocks[..whole].chunks_exact(64).for_each(|block| self.block(block));
        self.rest = blocks[whole..].to_vec();
    }

    fn finish(mut self) -> [u8; 16] {
        let bits = self.length.wrapping_mul(8);
        let zeros = (119 - self.length % 64) % 64;
        let mut end = vec![0x80];
        end.resize(1 + zeros as usize, 0);
        end.extend(bits.to_le_bytes());
        self.update(&end);
        let mut out = [0; 16];
        out.chunks_exact_mut(4)
            .zip(self.state)
            .for_each(|(o, s)| o.copy_from_slice(&s.to_le_bytes()));
        out
    }

    fn block(&mut self, block: &[u8]) {
        let word =
            |k: usize| u32::from_le_bytes(block[4 * k..][..4].try_into().expect("four bytes"));
        let [mut a, mut b, mut c, mut d] = self.state;
        for k in 0..64 {
            let (f, at) = match k / 16 {
                0 => ((b & c) | (!b & d), k),
                1 => ((d & b) | (!d & c), (5 * k + 1) % 16),
                2 => (b ^ c ^ d, (3 * k + 5) % 16),
                _ => (c ^ (b | !d), (7 * k) % 16),
            };
            // 2^32 |sin(k + 1)|, exact in double precision after truncation
            let sine = (((k + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(f).wrapping_add(sine).wrapping_add(word(at));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(ROTATE[k / 16][k % 4]));
        }
        let add = [a, b, c, d];
        self.state.iter_mut().zip(add).for_each(|(s, v)| *s = s.wrapping_add(v));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::Folder;

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

    #[test]
    fn what_is_fed_in_pieces_is_what_is_fed_at_once() {
        let bytes: Vec<u8> = (0..300u32).map(|v| (v * 7) as u8).collect();
        let of = |pieces: usize| {
            let mut md5 = Md5::new();
            bytes.chunks(pieces).for_each(|piece| md5.update(piece));
            md5.finish()
        };
        assert!((1..200).all(|pieces| of(pieces) == of(300)));
    }
}
