//! Huffman codes and the bits of a scan (ITU-T T.81, annex F).

use super::Fault;

/// Codes of up to this many bits are looked up in one step.
const SHORT: u32 = 9;

/// A Huffman table: from codes of at most 16 bits to symbols of one byte.
#[derive(Clone)]
pub(super) struct Huffman {
    /// Length and symbol of the code that the next [`SHORT`] bits begin with; length 0 for longer codes.
    short: Vec<(u8, u8)>,
    /// For each length 1..=16: the first code above those of this length, at the left end of 16 bits.
    above: [u32; 17],
    /// For each length 1..=16: index of the symbol of code 0, if it had this length.
    first: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// The table with `counts[n - 1]` codes of `n` bits; `symbols` go with the codes in order.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Fault> {
        let mut table = Self {
            short: vec![(0, 0); 1 << SHORT],
            above: [0; 17],
            first: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut at) = (0u32, 0usize);
        for (length, &count) in (1u32..).zip(counts) {
            table.first[length as usize] = at as i32 - code as i32;
            for &symbol in &symbols[at..at + usize::from(count)] {
                if code >> length != 0 {
                    return Err(Fault::Damaged("a Huffman table with more codes than there are"));
                }
                table.enter(code, length, symbol);
                code += 1;
            }
            at += usize::from(count);
            table.above[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(table)
    }

    fn enter(&mut self, code: u32, length: u32, symbol: u8) {
        if length <= SHORT {
            let from = (code << (SHORT - length)) as usize;
            self.short[from..from + (1 << (SHORT - length))].fill((length as u8, symbol));
        }
    }

    /// True when all symbols are at most `most`.
    pub(super) fn is_within(&self, most: u8) -> bool {
        self.symbols.iter().all(|s| *s <= most)
    }
}

/// Reads the entropy-coded bytes of a scan up to the next marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not yet in the buffer; never beyond a marker.
    at: usize,
    /// The next bits, at the left end.
    buffer: u64,
    /// Number of bits in the buffer.
    count: u32,
    /// How many of them stand for bytes that are not there.
    missing: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, buffer: 0, count: 0, missing: 0 }
    }

    /// Where the search for the next marker begins; bits in the buffer are given up.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn refill(&mut self) {
        if let Some(eight) = self.data.get(self.at..self.at + 8) {
            let word = u64::from_be_bytes(eight.try_into().unwrap_or_default());
            // a byte FF in the word is a byte 0 in its complement
            let inverse = !word;
            let has_ff =
                inverse.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0;
            if !has_ff {
                // bits beyond whole bytes are those that the next call writes there again
                self.buffer |= word >> self.count;
                let bytes = (64 - self.count) / 8;
                self.at += bytes as usize;
                self.count += bytes * 8;
                return;
            }
        }
        while self.count <= 56 {
            let byte = self.next_byte();
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next byte of data, or 0 where a marker or the end of the file is reached.
    fn next_byte(&mut self) -> u8 {
        match self.data.get(self.at) {
            // the end was found before: not again, it may lie behind a million pads
            _ if self.missing > 0 => {
                self.missing += 8;
                0
            }
            Some(0xFF) => {
                let pads = self.data[self.at..].iter().take_while(|b| **b == 0xFF).count();
                if self.data.get(self.at + pads) == Some(&0) {
                    self.at += pads + 1;
                    return 0xFF;
                }
                self.missing += 8;
                0
            }
            Some(byte) => {
                self.at += 1;
                *byte
            }
            None => {
                self.missing += 8;
                0
            }
        }
    }

    /// Fails when bits were used that are not there.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.count >= self.missing {
            return Ok(());
        }
        let at_end = self.data[self.at..].iter().all(|b| *b == 0xFF);
        Err(if at_end { Fault::Truncated } else { Fault::Damaged("a scan that ends early") })
    }

    fn peek(&self, bits: u32) -> u32 {
        (self.buffer >> 1 >> (63 - bits)) as u32
    }

    fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// The next `bits` <= 16 bits as a number.
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        if self.count < bits {
            self.refill();
        }
        let value = self.peek(bits);
        self.skip(bits);
        value
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, table: &Huffman) -> Result<u8, Fault> {
        if self.count < 16 {
            self.refill();
        }
        let (length, symbol) = table.short[self.peek(SHORT) as usize];
        if length > 0 {
            self.skip(length.into());
            return Ok(symbol);
        }
        let next = self.peek(16);
        let length = (SHORT as usize + 1..17).find(|n| next < table.above[*n]);
        let length = length.ok_or(Fault::Damaged("bits that are no Huffman code"))?;
        let index = (next >> (16 - length)) as i32 + table.first[length];
        self.skip(length as u32);
        let symbol = usize::try_from(index).ok().and_then(|i| table.symbols.get(i));
        symbol.copied().ok_or(Fault::Damaged("bits that are no Huffman code"))
    }

    /// The next signed number of `bits` <= 16 bits (T.81, F.2.2.1): the first half are negative.
    pub(super) fn signed(&mut self, bits: u32) -> i32 {
        if bits == 0 {
            return 0;
        }
        let value = self.take(bits) as i32;
        if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value }
    }
}

/// The tables of T.81, annex K.3.3, that pictures without tables mean (frames of motion JPEG):
/// DC and AC of luminance, DC and AC of chrominance.
pub(super) fn standard() -> [Huffman; 4] {
    [
        (&DC_COUNTS[0], &DC[..]),
        (&AC_COUNTS[0], &AC_LUMINANCE[..]),
        (&DC_COUNTS[1], &DC[..]),
        (&AC_COUNTS[1], &AC_CHROMINANCE[..]),
    ]
    .map(|(counts, symbols)| {
        Huffman::new(counts, symbols).unwrap_or_else(|_| unreachable!("the tables of the standard"))
    })
}

const DC_COUNTS: [[u8; 16]; 2] = [
    [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
];
const DC: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const AC_COUNTS: [[u8; 16]; 2] = [
    [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D],
    [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
];
const AC_LUMINANCE: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
    0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
    0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];
const AC_CHROMINANCE: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
    0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
    0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
    0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];
