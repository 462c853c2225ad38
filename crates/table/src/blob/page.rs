//! Pages: where they are, unpacking them, the values in them.

use super::{
    BOOLEAN, BYTE_ARRAY, DOUBLE, FLOAT, INT32, INT64, levels,
    thrift::{self, Value},
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// No page is longer than this many times its packed form.
const MAX_RATIO: usize = 1032;

/// No page has more values than this; runs could claim any number.
const MAX_VALUES: usize = 1 << 22;

/// What is read at first of a page's header, and how often four times as much is tried.
const HEADER: u64 = 1 << 10;
const TRIES: u32 = 6;

// types of pages
const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

// encodings
const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE_DICTIONARY: i64 = 8;

/// One page of a column chunk.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) is_dictionary: bool,
    /// Values, nulls included.
    pub(super) values: usize,
    /// Where its content begins.
    pub(super) start: u64,
    /// Bytes in the file.
    pub(super) compressed: usize,
    uncompressed: usize,
    encoding: i64,
    /// In pages of version 2: bytes of definition levels before the packed part, and whether that
    /// is packed at all.
    apart: Option<(usize, bool)>,
}

/// The pages of a chunk; `None` where their headers make no sense.
pub(super) fn list(file: &mut File, start: u64, length: u64) -> io::Result<Option<Vec<Page>>> {
    let (mut at, end) = (start, start + length);
    let mut pages = vec![];
    while at < end {
        let Some((header, size)) = header(file, at, end)? else { return Ok(None) };
        let Some(page) = page(&header, at + size as u64, end) else { return Ok(None) };
        at = page.start + page.compressed as u64;
        let is_index = header.field(1) == Some(&Value::Int(1));
        if !is_index {
            pages.push(page);
        }
    }
    Ok(Some(pages))
}

/// A page's header and its size; statistics make some of them long.
fn header(file: &mut File, at: u64, end: u64) -> io::Result<Option<(Value, usize)>> {
    for round in 0..TRIES {
        let mut bytes = vec![];
        file.seek(SeekFrom::Start(at))?;
        file.take((HEADER << (2 * round)).min(end - at)).read_to_end(&mut bytes)?;
        let found = thrift::parse_prefix(&bytes);
        if found.is_some() || bytes.len() as u64 == end - at {
            return Ok(found);
        }
    }
    Ok(None)
}

fn page(header: &Value, start: u64, end: u64) -> Option<Page> {
    let size = |id| usize::try_from(header.field(id)?.int()?).ok();
    let (uncompressed, compressed) = (size(2)?, size(3)?);
    let kind = header.field(1)?.int()?;
    let about = match kind {
        DATA => header.field(5)?,
        DICTIONARY => header.field(7)?,
        DATA_2 => header.field(8)?,
        // index pages are passed over
        _ => header,
    };
    let number = |id| about.field(id).and_then(Value::int);
    let count = |id| number(id).and_then(|n| usize::try_from(n).ok());
    let apart = if kind == DATA_2 {
        if count(6)? != 0 {
            return None;
        }
        Some((count(5)?, number(7) != Some(0)))
    } else {
        None
    };
    let encoding = match kind {
        DATA | DICTIONARY => number(2)?,
        DATA_2 => number(4)?,
        _ => PLAIN,
    };
    let fits = start.checked_add(compressed as u64).is_some_and(|last| last <= end);
    let values = if matches!(kind, DATA | DICTIONARY | DATA_2) { count(1)? } else { 0 };
    (fits && values <= MAX_VALUES).then_some(Page {
        is_dictionary: kind == DICTIONARY,
        values,
        start,
        compressed,
        uncompressed,
        encoding,
        apart,
    })
}

impl Page {
    /// The content without compression.
    pub(super) fn unpacked(&self, bytes: Vec<u8>, codec: i64) -> Option<Vec<u8>> {
        if bytes.len() != self.compressed {
            return None;
        }
        match self.apart {
            Some((_, false)) => Some(bytes),
            Some((levels, true)) => {
                let (levels, packed) = bytes.split_at_checked(levels)?;
                let rest = unpack(packed, codec, self.uncompressed.checked_sub(levels.len())?)?;
                Some([levels, &rest].concat())
            }
            None => unpack(&bytes, codec, self.uncompressed),
        }
    }

    /// The values of an unpacked data page, null as `None`.
    pub(super) fn values(
        &self,
        bytes: &[u8],
        kind: i64,
        levels: u32,
        dictionary: Option<&[Vec<u8>]>,
    ) -> Option<Vec<Option<Vec<u8>>>> {
        let (defined, bytes) = self.defined(bytes, levels)?;
        let n = defined.iter().filter(|there| **there).count();
        let values: Vec<Vec<u8>> = match self.encoding {
            PLAIN => plain(bytes, kind, n)?,
            PLAIN_DICTIONARY | RLE_DICTIONARY => {
                let indices = match bytes.split_first() {
                    None if n == 0 => vec![],
                    None => return None,
                    Some((bits, packed)) => self::levels::decode(packed, (*bits).into(), n)?,
                };
                let dictionary = dictionary?;
                indices
                    .iter()
                    .map(|i| dictionary.get(*i as usize).cloned())
                    .collect::<Option<_>>()?
            }
            _ => return None,
        };
        let mut values = values.into_iter();
        Some(defined.into_iter().map(|there| if there { values.next() } else { None }).collect())
    }

    /// Which values are there, and the bytes behind the levels.
    fn defined<'a>(&self, bytes: &'a [u8], levels: u32) -> Option<(Vec<bool>, &'a [u8])> {
        if levels == 0 {
            return Some((vec![true; self.values], bytes));
        }
        let (packed, rest) = match self.apart {
            Some((size, _)) => bytes.split_at_checked(size)?,
            None => {
                let (size, rest) = bytes.split_at_checked(4)?;
                let size = u32::from_le_bytes(size.try_into().expect("four bytes"));
                rest.split_at_checked(size as usize)?
            }
        };
        let bits = u32::BITS - levels.leading_zeros();
        let found = levels::decode(packed, bits, self.values)?;
        Some((found.into_iter().map(|level| level == levels).collect(), rest))
    }
}

fn unpack(packed: &[u8], codec: i64, size: usize) -> Option<Vec<u8>> {
    if size > packed.len().saturating_mul(MAX_RATIO) {
        return (size == 0).then(Vec::new);
    }
    let read = |stream: &mut dyn Read| {
        let mut bytes = vec![];
        stream.take(size as u64 + 1).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let bytes = match codec {
        0 => packed.to_vec(),
        // its own length comes first and is not trusted
        1 if snap::raw::decompress_len(packed).ok()? == size => {
            snap::raw::Decoder::new().decompress_vec(packed).ok()?
        }
        2 => read(&mut flate2::read::MultiGzDecoder::new(packed))?,
        6 => read(&mut zstd::stream::read::Decoder::new(packed).ok()?)?,
        _ => return None,
    };
    (bytes.len() == size).then_some(bytes)
}

/// The first `n` values in plain encoding.
pub(super) fn plain(bytes: &[u8], kind: i64, n: usize) -> Option<Vec<Vec<u8>>> {
    match kind {
        BYTE_ARRAY => {
            let mut rest = bytes;
            let mut values = vec![];
            for _ in 0..n {
                let (length, after) = rest.split_at_checked(4)?;
                let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
                let (value, after) = after.split_at_checked(length as usize)?;
                values.push(value.to_vec());
                rest = after;
            }
            Some(values)
        }
        BOOLEAN => {
            let bit = |at: usize| bytes.get(at / 8).map(|byte| vec![byte >> (at % 8) & 1]);
            (0..n).map(bit).collect()
        }
        INT32 | INT64 | FLOAT | DOUBLE => {
            let size = if matches!(kind, INT32 | FLOAT) { 4 } else { 8 };
            let values = bytes.get(..n.checked_mul(size)?)?;
            Some(values.chunks_exact(size).map(<[u8]>::to_vec).collect())
        }
        _ => None,
    }
}
