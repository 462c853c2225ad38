//! Markers, tables and the order of things in a file.

use super::{
    Block, Fault, Pixels, ZIGZAG,
    bits::{self, Huffman},
    colour::Colours,
    scan, smooth, transform,
    upsample::Upsampled,
};

/// Longest legal progressions have fewer scans; without a bound a small file can cost hours.
const MAX_SCANS: usize = 100;

/// One colour component of a picture.
pub(super) struct Component {
    id: u8,
    /// Sampling factors, 1..=4: its samples per unit of the frame.
    pub(super) across: usize,
    pub(super) down: usize,
    table: usize,
    /// Divisors of the coefficients, row by row; those in force at its first scan.
    pub(super) divisors: Option<[u16; 64]>,
    /// Samples, without padding.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Blocks, without padding.
    pub(super) wide: usize,
    pub(super) high: usize,
    /// Blocks of a row with padding to whole units of the frame.
    pub(super) stride: usize,
    /// All blocks with padding.
    pub(super) blocks: Vec<Block>,
    /// For each coefficient in zigzag order: how many of its lowest bits are not known yet; -1 when
    /// nothing is.
    pub(super) unknown_bits: [i8; 64],
}

impl Component {
    /// Its name in the file.
    pub(super) fn id(&self) -> u8 {
        self.id
    }
}

/// What the frame header says.
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
    /// Largest sampling factors.
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Frame {
    /// Units of the frame (all blocks that belong together): columns and rows.
    pub(super) fn units(&self) -> (usize, usize) {
        (self.width.div_ceil(8 * self.across), self.height.div_ceil(8 * self.down))
    }
}

/// Tables in force.
pub(super) struct Tables {
    divisors: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Huffman>; 4],
    pub(super) ac: [Option<Huffman>; 4],
    /// Units between restart markers; 0 for none.
    pub(super) restart: usize,
}

/// A JPEG file whose headers are read up to the first scan.
pub(crate) struct Jpeg<'a> {
    data: &'a [u8],
    at: usize,
    tables: Tables,
    frame: Option<Frame>,
    jfif: bool,
    adobe: Option<u8>,
    exif: Option<&'a [u8]>,
    scans: usize,
}

/// What ends a run of tables.
enum Stop<'a> {
    Scan(&'a [u8]),
    End,
}

impl<'a> Jpeg<'a> {
    /// Reads the headers; allocates nothing that grows with the picture.
    pub(crate) fn new(data: &'a [u8]) -> Result<Self, Fault> {
        let [luminance_dc, luminance_ac, chrominance_dc, chrominance_ac] = bits::standard();
        let tables = Tables {
            divisors: [None; 4],
            dc: [Some(luminance_dc), Some(chrominance_dc), None, None],
            ac: [Some(luminance_ac), Some(chrominance_ac), None, None],
            restart: 0,
        };
        if data.get(..2) != Some(&[0xFF, 0xD8]) {
            return Err(Fault::Damaged("no start-of-image marker"));
        }
        let mut jpeg = Self {
            data,
            at: 2,
            tables,
            frame: None,
            jfif: false,
            adobe: None,
            exif: None,
            scans: 0,
        };
        let first = loop {
            // the start of scan is read again by `decode`
            let start = jpeg.at;
            match jpeg.marker()? {
                0xDA => break start,
                0xD9 => return Err(Fault::Damaged("no scan")),
                marker => jpeg.table(marker)?,
            }
        };
        jpeg.at = first;
        if jpeg.frame.is_none() {
            return Err(Fault::Damaged("a scan before the frame header"));
        }
        Ok(jpeg)
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.frame.as_ref().map_or((0, 0), |f| (f.width, f.height))
    }

    /// The Exif block that cameras write, without its name.
    pub(crate) fn exif(&self) -> Option<&'a [u8]> {
        self.exif
    }

    /// Decodes all scans.
    pub(crate) fn decode(mut self) -> Result<Pixels, Fault> {
        let Some(mut frame) = self.frame.take() else {
            return Err(Fault::Damaged("no frame header"));
        };
        let colours = Colours::of(&frame, self.jfif, self.adobe)?;
        self.allocate(&mut frame)?;
        while let Stop::Scan(header) = self.tables_to_scan()? {
            self.scans += 1;
            if self.scans > MAX_SCANS {
                return Err(Fault::Damaged("more scans than any encoder writes"));
            }
            let scan = self.scan(header, &mut frame)?;
            self.at = scan::decode(&scan, &mut frame, &self.tables, self.data, self.at)?;
        }
        if frame.components.iter().any(|c| c.unknown_bits[0] < 0) {
            return Err(Fault::Damaged("a colour component without data"));
        }
        smooth::smooth(&mut frame);
        let planes = frame.components.iter_mut().map(transform::plane).collect();
        Ok(Upsampled::new(&frame, planes)?.pixels(&colours))
    }

    /// Room for all coefficients, if the file is long enough to fill it.
    fn allocate(&self, frame: &mut Frame) -> Result<(), Fault> {
        let (columns, rows) = frame.units();
        let blocks =
            columns * rows * frame.components.iter().map(|c| c.across * c.down).sum::<usize>();
        // each block takes a bit at least, and no legal unit has more than 57 pixels for a block
        let bytes = self.data.len();
        if blocks > bytes.saturating_mul(8)
            || frame.width * frame.height > bytes.saturating_mul(512)
        {
            return Err(Fault::Damaged("a file too short for the size that it states"));
        }
        for c in &mut frame.components {
            c.stride = columns * c.across;
            c.blocks = vec![[0; 64]; c.stride * rows * c.down];
        }
        Ok(())
    }

    /// The code of the next marker. Bytes before it are passed over, as decoders do.
    fn marker(&mut self) -> Result<u8, Fault> {
        loop {
            let rest = self.data.get(self.at..).unwrap_or_default();
            let skipped = rest.iter().position(|b| *b == 0xFF).ok_or(Fault::Truncated)?;
            let pads = rest[skipped..].iter().take_while(|b| **b == 0xFF).count();
            let code = *rest.get(skipped + pads).ok_or(Fault::Truncated)?;
            self.at += skipped + pads + 1;
            if code != 0 {
                return Ok(code);
            }
        }
    }

    /// The content of the segment that begins here with its length.
    fn segment(&mut self) -> Result<&'a [u8], Fault> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let (length, _) = rest.split_first_chunk::<2>().ok_or(Fault::Truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            return Err(Fault::Damaged("a segment shorter than its length"));
        }
        self.at += length;
        rest.get(2..length).ok_or(Fault::Truncated)
    }

    fn tables_to_scan(&mut self) -> Result<Stop<'a>, Fault> {
        loop {
            match self.marker()? {
                0xDA => return Ok(Stop::Scan(self.segment()?)),
                0xD9 => return Ok(Stop::End),
                // `decode` holds the frame
                0xC0..=0xC2 if self.scans > 0 => {
                    return Err(Fault::Damaged("two frame headers"));
                }
                marker => self.table(marker)?,
            }
        }
    }

    /// Reads what stands between scans.
    fn table(&mut self, marker: u8) -> Result<(), Fault> {
        match marker {
            0x01 | 0xD0..=0xD7 => Ok(()),
            0xC0..=0xC2 => self.frame_header(marker == 0xC2),
            0xC4 => self.huffman_tables(),
            0xDB => self.divisors(),
            0xDD => self.restart_interval(),
            0xE0 => {
                let segment = self.segment()?;
                self.jfif |= segment.len() >= 14 && segment.starts_with(b"JFIF\0");
                Ok(())
            }
            0xE1 => {
                let segment = self.segment()?;
                self.exif = self.exif.or(segment.strip_prefix(b"Exif\0\0"));
                Ok(())
            }
            0xEE => {
                let segment = self.segment()?;
                if segment.len() >= 12 && segment.starts_with(b"Adobe") {
                    self.adobe = Some(segment[11]);
                }
                Ok(())
            }
            0xDC | 0xCC | 0xE2..=0xED | 0xEF | 0xFE => self.segment().map(|_| ()),
            0xC3 | 0xC5..=0xC7 | 0xCB | 0xCD..=0xCF => Err(kind("a lossless or hierarchical JPEG")),
            0xC9 | 0xCA => Err(kind("a JPEG with arithmetic coding")),
            0xD8 => Err(Fault::Damaged("two starts of the picture")),
            _ => Err(Fault::Damaged("an unknown marker")),
        }
    }

    fn frame_header(&mut self, progressive: bool) -> Result<(), Fault> {
        let segment = self.segment()?;
        if self.frame.is_some() {
            return Err(Fault::Damaged("two frame headers"));
        }
        self.frame = Some(frame(segment, progressive)?);
        Ok(())
    }

    fn huffman_tables(&mut self) -> Result<(), Fault> {
        const SHORT: Fault = Fault::Damaged("a Huffman table shorter than it says");
        let mut rest = self.segment()?;
        while let Some((&place, after)) = rest.split_first() {
            let (counts, after) = after.split_first_chunk::<16>().ok_or(SHORT)?;
            let symbols = counts.iter().map(|n| usize::from(*n)).sum();
            let (symbols, after) = after.split_at_checked(symbols).ok_or(SHORT)?;
            if symbols.len() > 256 || place & 0xEF > 3 {
                return Err(Fault::Damaged("a Huffman table that cannot be"));
            }
            let table = Huffman::new(counts, symbols)?;
            let tables = if place & 0x10 == 0 { &mut self.tables.dc } else { &mut self.tables.ac };
            tables[usize::from(place & 3)] = Some(table);
            rest = after;
        }
        Ok(())
    }

    fn divisors(&mut self) -> Result<(), Fault> {
        const SHORT: Fault = Fault::Damaged("a quantisation table shorter than 64 numbers");
        let mut rest = self.segment()?;
        while let Some((&place, after)) = rest.split_first() {
            let wide = place >> 4 != 0;
            let (values, after) =
                after.split_at_checked(if wide { 128 } else { 64 }).ok_or(SHORT)?;
            let slot = self.tables.divisors.get_mut(usize::from(place & 15));
            let slot = slot.ok_or(Fault::Damaged("a quantisation table with a number above 3"))?;
            let table = slot.insert([0; 64]);
            for (i, position) in ZIGZAG.iter().enumerate() {
                table[usize::from(*position)] = if wide {
                    u16::from_be_bytes([values[2 * i], values[2 * i + 1]])
                } else {
                    values[i].into()
                };
            }
            rest = after;
        }
        Ok(())
    }

    fn restart_interval(&mut self) -> Result<(), Fault> {
        let [high, low] = *self.segment()? else {
            return Err(Fault::Damaged("a restart interval that is no number"));
        };
        self.tables.restart = u16::from_be_bytes([high, low]).into();
        Ok(())
    }

    /// The scan of a header; components get the divisors that are in force.
    fn scan(&self, header: &[u8], frame: &mut Frame) -> Result<scan::Scan, Fault> {
        const BAD: Fault = Fault::Damaged("a scan header that cannot be");
        let (&count, rest) = header.split_first().ok_or(BAD)?;
        let (list, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(BAD)?;
        let [from, to, bits] = *rest else { return Err(BAD) };
        if !(1..=4).contains(&count) {
            return Err(BAD);
        }
        let mut components = Vec::new();
        for pair in list.chunks_exact(2) {
            let fits = |i: &usize| {
                frame.components[*i].id == pair[0] && components.iter().all(|(c, _, _)| c != i)
            };
            let index = (0..frame.components.len()).find(fits).ok_or(BAD)?;
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            if dc > 3 || ac > 3 {
                return Err(BAD);
            }
            components.push((index, dc, ac));
        }
        for (index, _, _) in &components {
            let c = &mut frame.components[*index];
            c.divisors = c.divisors.or(self.tables.divisors[c.table]);
            if c.divisors.is_none() {
                return Err(Fault::Damaged("a scan without its quantisation table"));
            }
        }
        scan::Scan::new(components, (from, to), (bits >> 4, bits & 15), frame)
    }
}

fn kind(words: &str) -> Fault {
    Fault::Unsupported(words.to_owned())
}

fn frame(segment: &[u8], progressive: bool) -> Result<Frame, Fault> {
    const BAD: Fault = Fault::Damaged("a frame header that cannot be");
    let (start, list) = segment.split_first_chunk::<6>().ok_or(BAD)?;
    let [bits, height_1, height_0, width_1, width_0, count] = *start;
    if bits != 8 {
        return Err(Fault::Unsupported(format!("a JPEG with {bits} bits per sample")));
    }
    let height = usize::from(u16::from_be_bytes([height_1, height_0]));
    let width = usize::from(u16::from_be_bytes([width_1, width_0]));
    if list.len() != 3 * usize::from(count) {
        return Err(BAD);
    }
    if !matches!(count, 1 | 3 | 4) {
        return Err(Fault::Unsupported(format!("a JPEG with {count} colour components")));
    }
    let sampling = |c: &[u8]| (usize::from(c[1] >> 4), usize::from(c[1] & 15));
    let valid = |n| (1..=4).contains(&n);
    if !list.chunks_exact(3).all(|c| valid(sampling(c).0) && valid(sampling(c).1) && c[2] < 4) {
        return Err(BAD);
    }
    let across = list.chunks_exact(3).map(|c| sampling(c).0).max().unwrap_or(1);
    let down = list.chunks_exact(3).map(|c| sampling(c).1).max().unwrap_or(1);
    let component = |c: &[u8]| {
        let (h, v) = sampling(c);
        let (width, height) = ((width * h).div_ceil(across), (height * v).div_ceil(down));
        Component {
            id: c[0],
            across: h,
            down: v,
            table: c[2].into(),
            divisors: None,
            width,
            height,
            wide: width.div_ceil(8),
            high: height.div_ceil(8),
            stride: 0,
            blocks: Vec::new(),
            unknown_bits: [-1; 64],
        }
    };
    let components = list.chunks_exact(3).map(component).collect();
    Ok(Frame { width, height, progressive, components, across, down })
}
