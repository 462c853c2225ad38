//! The coefficients of a scan (ITU-T T.81, annexes F and G).

use super::{
    Block, Fault, ZIGZAG,
    bits::{Bits, Huffman},
    header::{Component, Frame, Tables},
};

/// What a scan header says.
pub(super) struct Scan {
    /// Index in the frame, DC table, AC table.
    components: Vec<(usize, usize, usize)>,
    kind: Kind,
    /// First and last coefficient in zigzag order.
    band: (usize, usize),
    /// How many of the lowest bits come in later scans.
    shift: u8,
}

/// What the bits of a scan mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Everything (not progressive).
    Whole,
    /// Leading bits of the DC coefficients.
    DcFirst,
    /// One more bit of them.
    DcMore,
    /// Leading bits of a band of AC coefficients.
    AcFirst,
    /// One more bit of them.
    AcMore,
}

impl Scan {
    /// Checks that the scan builds on what is known, and notes what will be known after it.
    /// `bits`: how many lowest bits were unknown before, and will be afterwards.
    pub(super) fn new(
        components: Vec<(usize, usize, usize)>,
        (from, to): (u8, u8),
        (before, after): (u8, u8),
        frame: &mut Frame,
    ) -> Result<Self, Fault> {
        const ORDER: Fault = Fault::Damaged("scans that do not build on each other");
        // headers of sequential scans are not looked at, as in libjpeg
        let (from, to, before, after) =
            if frame.progressive { (from, to, before, after) } else { (0, 63, 0, 0) };
        let (band, dc) = ((usize::from(from), usize::from(to)), from == 0);
        let alone = components.len() == 1;
        let fits = !frame.progressive || if dc { to == 0 } else { from <= to && to < 64 && alone };
        if !fits || after > 13 || before > 0 && before != after + 1 {
            return Err(Fault::Damaged("a progressive scan that cannot be"));
        }
        for (index, _, _) in &components {
            let unknown = &mut frame.components[*index].unknown_bits;
            if !dc && unknown[0] < 0 {
                return Err(ORDER);
            }
            for bits in &mut unknown[band.0..=band.1] {
                let expected = if before == 0 { -1 } else { before as i8 };
                if std::mem::replace(bits, after as i8) != expected {
                    return Err(ORDER);
                }
            }
        }
        let kind = match (frame.progressive, dc, before) {
            (false, _, _) => Kind::Whole,
            (true, true, 0) => Kind::DcFirst,
            (true, true, _) => Kind::DcMore,
            (true, false, 0) => Kind::AcFirst,
            (true, false, _) => Kind::AcMore,
        };
        Ok(Self { components, kind, band, shift: after })
    }
}

/// One component's part in a scan.
struct Part<'a> {
    index: usize,
    dc: Option<&'a Huffman>,
    ac: Option<&'a Huffman>,
    /// DC value of the block before.
    last: i32,
}

/// Where a scan is read.
struct Reader<'a> {
    scan: &'a Scan,
    bits: Bits<'a>,
    parts: Vec<Part<'a>>,
    /// Blocks whose band has nothing more.
    empty: u32,
}

/// Reads the scan that begins at `at` into the coefficients of the frame. Where it ends.
pub(super) fn decode(
    scan: &Scan,
    frame: &mut Frame,
    tables: &Tables,
    data: &[u8],
    at: usize,
) -> Result<usize, Fault> {
    let mut reader = Reader::new(scan, tables, data, at)?;
    let (columns, rows) = match reader.parts[..] {
        [Part { index, .. }] => (frame.components[index].wide, frame.components[index].high),
        _ => frame.units(),
    };
    let blocks: usize = reader
        .parts
        .iter()
        .map(|p| {
            let c = &frame.components[p.index];
            c.across * c.down
        })
        .sum();
    if reader.parts.len() > 1 && blocks > 10 {
        return Err(Fault::Damaged("more blocks in a unit than the standard allows"));
    }
    let mut units = 0;
    for y in 0..rows {
        for x in 0..columns {
            if tables.restart > 0 && units > 0 && units % tables.restart == 0 {
                reader.restart(units / tables.restart, data)?;
            }
            reader.unit(&mut frame.components, x, y)?;
            units += 1;
        }
    }
    Ok(reader.bits.position())
}

impl<'a> Reader<'a> {
    fn new(scan: &'a Scan, tables: &'a Tables, data: &'a [u8], at: usize) -> Result<Self, Fault> {
        let needs_dc = matches!(scan.kind, Kind::Whole | Kind::DcFirst);
        let needs_ac = matches!(scan.kind, Kind::Whole | Kind::AcFirst | Kind::AcMore);
        let mut parts = Vec::new();
        for &(index, dc, ac) in &scan.components {
            let (dc, ac) = (tables.dc[dc].as_ref(), tables.ac[ac].as_ref());
            if needs_dc && dc.is_none() || needs_ac && ac.is_none() {
                return Err(Fault::Damaged("a scan without its Huffman table"));
            }
            if needs_dc && dc.is_some_and(|t| !t.is_within(15)) {
                return Err(Fault::Damaged("a Huffman table that cannot be"));
            }
            parts.push(Part { index, dc, ac, last: 0 });
        }
        Ok(Self { scan, bits: Bits::new(data, at), parts, empty: 0 })
    }

    /// Passes the `n`-th restart marker of the scan, counted from 1.
    fn restart(&mut self, n: usize, data: &'a [u8]) -> Result<(), Fault> {
        let at = self.bits.position();
        let rest = data.get(at..).unwrap_or_default();
        let is_marker = |w: &[u8]| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF);
        let skipped = rest.windows(2).position(is_marker).ok_or(Fault::Truncated)?;
        if rest[skipped + 1] != 0xD0 + ((n - 1) % 8) as u8 {
            return Err(Fault::Damaged("a restart marker is missing"));
        }
        self.bits = Bits::new(data, at + skipped + 2);
        self.empty = 0;
        for part in &mut self.parts {
            part.last = 0;
        }
        Ok(())
    }

    /// All blocks of the unit in column `x` and row `y`.
    fn unit(&mut self, components: &mut [Component], x: usize, y: usize) -> Result<(), Fault> {
        let alone = self.parts.len() == 1;
        for p in 0..self.parts.len() {
            let c = &mut components[self.parts[p].index];
            let (across, down) = if alone { (1, 1) } else { (c.across, c.down) };
            for row in y * down..(y + 1) * down {
                for column in x * across..(x + 1) * across {
                    self.block(p, &mut c.blocks[row * c.stride + column])?;
                }
            }
        }
        self.bits.check()
    }

    fn block(&mut self, p: usize, block: &mut Block) -> Result<(), Fault> {
        let shift = self.scan.shift;
        match self.scan.kind {
            Kind::Whole => {
                block[0] = self.dc(p)? as i16;
                self.whole(p, block)
            }
            Kind::DcFirst => {
                block[0] = (self.dc(p)? << shift) as i16;
                Ok(())
            }
            Kind::DcMore => {
                block[0] |= (self.bits.take(1) << shift) as i16;
                Ok(())
            }
            Kind::AcFirst => self.ac_first(p, block),
            Kind::AcMore => self.ac_more(p, block),
        }
    }

    fn dc(&mut self, p: usize) -> Result<i32, Fault> {
        let part = &mut self.parts[p];
        let Some(table) = part.dc else { return Err(NO_TABLE) };
        let bits = self.bits.symbol(table)?;
        part.last = part.last.wrapping_add(self.bits.signed(bits.into()));
        Ok(part.last)
    }

    /// The AC coefficients of a block.
    fn whole(&mut self, p: usize, block: &mut Block) -> Result<(), Fault> {
        let Some(table) = self.parts[p].ac else { return Err(NO_TABLE) };
        let mut k = 1;
        while k < 64 {
            let symbol = self.bits.symbol(table)?;
            let (zeros, bits) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            match (zeros, bits) {
                (15, 0) => k += 16,
                (_, 0) => break,
                _ => {
                    k += zeros;
                    let position = ZIGZAG.get(k).ok_or(BEYOND)?;
                    block[usize::from(*position)] = self.bits.signed(bits) as i16;
                    k += 1;
                }
            }
        }
        if k > 64 { Err(BEYOND) } else { Ok(()) }
    }

    /// The leading bits of a band.
    fn ac_first(&mut self, p: usize, block: &mut Block) -> Result<(), Fault> {
        if self.empty > 0 {
            self.empty -= 1;
            return Ok(());
        }
        let Some(table) = self.parts[p].ac else { return Err(NO_TABLE) };
        let (mut k, to) = self.scan.band;
        while k <= to {
            let symbol = self.bits.symbol(table)?;
            let (zeros, bits) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            match (zeros, bits) {
                (15, 0) => k += 16,
                (_, 0) => {
                    self.empty = self.run(zeros as u32) - 1;
                    return Ok(());
                }
                _ => {
                    k += zeros;
                    if k > to {
                        return Err(BEYOND);
                    }
                    let value = self.bits.signed(bits) << self.scan.shift;
                    block[usize::from(ZIGZAG[k])] = value as i16;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// Number of blocks, this one included, that have nothing more.
    fn run(&mut self, bits: u32) -> u32 {
        (1 << bits) + self.bits.take(bits)
    }

    /// One more bit of a band.
    fn ac_more(&mut self, p: usize, block: &mut Block) -> Result<(), Fault> {
        let Some(table) = self.parts[p].ac else { return Err(NO_TABLE) };
        let (mut k, to) = self.scan.band;
        let one = 1i16 << self.scan.shift;
        while k <= to && self.empty == 0 {
            let symbol = self.bits.symbol(table)?;
            let (zeros, bits) = (u32::from(symbol >> 4), symbol & 15);
            if bits == 0 && zeros < 15 {
                self.empty = self.run(zeros);
                break;
            }
            if bits > 1 {
                return Err(Fault::Damaged("a correction of more than one bit"));
            }
            let sign = if bits == 1 && self.bits.take(1) == 0 { -one } else { one };
            k = self.pass(block, k, Some(zeros));
            if bits == 1 {
                if k > to {
                    return Err(BEYOND);
                }
                block[usize::from(ZIGZAG[k])] = sign;
            }
            k += 1;
        }
        if self.empty > 0 {
            self.pass(block, k, None);
            self.empty -= 1;
        }
        Ok(())
    }

    /// Passes over coefficients from `k`, with a bit for each that is not 0, to the first that is 0
    /// after `zeros` others, or to the end of the band. Where that is.
    fn pass(&mut self, block: &mut Block, mut k: usize, mut zeros: Option<u32>) -> usize {
        let one = 1i16 << self.scan.shift;
        while k <= self.scan.band.1 {
            let value = &mut block[usize::from(ZIGZAG[k])];
            if *value == 0 {
                match &mut zeros {
                    Some(0) => break,
                    Some(n) => *n -= 1,
                    None => {}
                }
            } else if self.bits.take(1) == 1 && *value & one == 0 {
                *value = value.wrapping_add(if *value > 0 { one } else { -one });
            }
            k += 1;
        }
        k
    }
}

const BEYOND: Fault = Fault::Damaged("a block of more than 64 coefficients");
const NO_TABLE: Fault = Fault::Damaged("a scan without its Huffman table");
