//! Small numbers as runs and as packed bits: Parquet's levels and dictionary indices.

/// The first `n` numbers of `bits` bits (at most 32) each; `None` where the bytes end before.
pub(super) fn decode(mut bytes: &[u8], bits: u32, n: usize) -> Option<Vec<u32>> {
    if bits > 32 {
        return None;
    }
    let mut values = vec![];
    while values.len() < n {
        let (head, rest) = varint(bytes)?;
        bytes = rest;
        let left = n - values.len();
        let count = usize::try_from(head >> 1).ok()?;
        if count == 0 {
            return None;
        }
        if head & 1 == 0 {
            let (value, rest) = bytes.split_at_checked(bits.div_ceil(8) as usize)?;
            bytes = rest;
            let value = value.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte));
            values.extend(std::iter::repeat_n(value, count.min(left)));
        } else {
            // groups of eight; a writer may leave out the end of the last one
            let size = count.checked_mul(bits as usize)?.min(bytes.len());
            let (packed, rest) = bytes.split_at(size);
            bytes = rest;
            let there = if bits == 0 { left } else { packed.len() * 8 / bits as usize };
            let taken = left.min(there).min(count.saturating_mul(8));
            if taken == 0 {
                return None;
            }
            values.extend((0..taken).map(|at| unpack(packed, at * bits as usize, bits)));
        }
    }
    Some(values)
}

/// Bits `at` to `at + bits`, least significant first.
fn unpack(packed: &[u8], at: usize, bits: u32) -> u32 {
    (0..bits).fold(0, |value, k| {
        let bit = at + k as usize;
        value | u32::from(packed[bit / 8] >> (bit % 8) & 1) << k
    })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups_follow_each_other() {
        // the specification's example: 0 to 7 in three bits each; then a run of five twos
        let bytes = [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010, 10, 2];
        assert_eq!(decode(&bytes, 3, 13).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 2, 2, 2, 2, 2]);
        assert_eq!(decode(&bytes, 3, 14), None);
        assert_eq!(decode(&[20, 0x39, 0x30], 16, 2).unwrap(), [12_345; 2]);
        // one distinct value needs no bits
        assert_eq!(decode(&[8], 0, 4).unwrap(), [0; 4]);
        assert_eq!(decode(&[0], 1, 4), None);
    }
}
