//! `NumPy`'s `.npy` format: a header in the syntax of Python, then the values (NEP 1).

use super::DataError;
use half::{bf16, f16};
use std::path::Path;

/// Longer headers belong to no array of numbers.
const MAX_HEADER: usize = 1 << 16;

/// Type of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// False is 0, all else 1.
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    /// Upper half of an `F32`; `.npy` files have no name for it.
    BF16,
    F32,
    F64,
}

impl Type {
    /// The type without the sign of its byte order.
    fn parse(name: &str) -> Option<Type> {
        Some(match name {
            "b1" => Type::Bool,
            "u1" => Type::U8,
            "u2" => Type::U16,
            "u4" => Type::U32,
            "u8" => Type::U64,
            "i1" => Type::I8,
            "i2" => Type::I16,
            "i4" => Type::I32,
            "i8" => Type::I64,
            "f2" => Type::F16,
            "f4" => Type::F32,
            "f8" => Type::F64,
            _ => return None,
        })
    }

    /// Bytes of a value.
    pub(super) fn size(self) -> usize {
        match self {
            Type::Bool | Type::U8 | Type::I8 => 1,
            Type::U16 | Type::I16 | Type::F16 | Type::BF16 => 2,
            Type::U32 | Type::I32 | Type::F32 => 4,
            Type::U64 | Type::I64 | Type::F64 => 8,
        }
    }

    /// True for floating point.
    pub(super) fn is_float(self) -> bool {
        matches!(self, Type::F16 | Type::BF16 | Type::F32 | Type::F64)
    }

    /// The value in [`Type::size`] bytes, little-endian, exactly where it is a whole number; others are cut off.
    pub(super) fn whole(self, bytes: &[u8]) -> i128 {
        match self {
            Type::U64 => u64::from_le_bytes(array(bytes)).into(),
            Type::I64 => i64::from_le_bytes(array(bytes)).into(),
            _ => self.value(bytes) as i128,
        }
    }

    /// The value in [`Type::size`] bytes, little-endian; of 64-bit numbers the nearest in double precision.
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        match self {
            Type::Bool => u8::from(bytes[0] != 0).into(),
            Type::U8 => bytes[0].into(),
            Type::I8 => (bytes[0] as i8).into(),
            Type::U16 => u16::from_le_bytes(array(bytes)).into(),
            Type::I16 => i16::from_le_bytes(array(bytes)).into(),
            Type::U32 => u32::from_le_bytes(array(bytes)).into(),
            Type::I32 => i32::from_le_bytes(array(bytes)).into(),
            Type::U64 => u64::from_le_bytes(array(bytes)) as f64,
            Type::I64 => i64::from_le_bytes(array(bytes)) as f64,
            Type::F16 => f16::from_le_bytes(array(bytes)).into(),
            Type::BF16 => bf16::from_le_bytes(array(bytes)).into(),
            Type::F32 => f32::from_le_bytes(array(bytes)).into(),
            Type::F64 => f64::from_le_bytes(array(bytes)),
        }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the caller passes one value")
}

/// What stands before the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Type,
    /// The first byte of a value is its largest part.
    pub(super) big_endian: bool,
    /// First index fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// Where the values begin.
    pub(super) offset: usize,
}

impl Header {
    /// Bytes of a file's beginning that hold any header.
    pub(super) const MAX_LEN: usize = MAX_HEADER + 12;

    /// Reads the header of a file of `length` bytes from its `beginning` (all of a short file), and
    /// checks that the values fill the rest of it.
    pub(super) fn read(beginning: &[u8], length: u64, path: &Path) -> Result<Header, DataError> {
        let wrong = |expected: &str, found: String| DataError::unexpected(path, expected, found);
        let (text, offset) = header_text(beginning).ok_or_else(|| {
            wrong("a NumPy .npy file", "another format or a truncated header".into())
        })?;
        let descr = descr(text).unwrap_or(text);
        let (kind, big_endian) = kind(descr).ok_or_else(|| {
            wrong("an array of numbers", format!("values of the type `{}`", shorten(descr)))
                .hint(remedy(descr))
        })?;
        let (fortran, shape) = order_and_shape(text).ok_or_else(|| {
            wrong("a header with `fortran_order` and `shape`", format!("`{}`", shorten(text)))
        })?;
        let header = Header { kind, big_endian, fortran, shape, offset };
        let values =
            header.shape.iter().try_fold(header.kind.size(), |n, &side| n.checked_mul(side));
        let expected = values.and_then(|n| n.checked_add(offset)).map(|n| n as u64);
        if expected != Some(length) {
            let bytes = expected.map_or("more".to_owned(), |n| n.to_string());
            let expected = format!("{bytes} bytes, as the shape {:?} says", header.shape);
            return Err(wrong(&expected, format!("{length} bytes")));
        }
        Ok(header)
    }
}

/// The dictionary as text, and where it ends.
fn header_text(beginning: &[u8]) -> Option<(&str, usize)> {
    let rest = beginning.strip_prefix(b"\x93NUMPY")?;
    let (start, length) = match rest {
        [1, _, low, high, ..] => (10, usize::from(u16::from_le_bytes([*low, *high]))),
        [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => return None,
    };
    let end = start + length.min(MAX_HEADER);
    let text = std::str::from_utf8(beginning.get(start..end)?).ok()?;
    (length <= MAX_HEADER).then_some((text, end))
}

/// What follows a key of the dictionary.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let at = text.find(&format!("'{key}'"))?;
    text[at..].split_once(':').map(|(_, rest)| rest.trim_start())
}

/// The type as it is written: `'<f4'`, or the fields of a structured one.
fn descr(text: &str) -> Option<&str> {
    let rest = after(text, "descr")?;
    match rest.strip_prefix('\'') {
        Some(inside) => inside.find('\'').map(|end| &rest[..end + 2]),
        None => Some(rest.split_once(']').map_or(rest, |(fields, _)| &rest[..=fields.len()])),
    }
}

/// The type, and whether its bytes are in the order of large machines.
fn kind(descr: &str) -> Option<(Type, bool)> {
    let descr = descr.strip_prefix('\'')?.strip_suffix('\'')?;
    let name = descr.strip_prefix(['<', '>', '|', '='])?;
    Some((Type::parse(name)?, descr.starts_with('>')))
}

fn order_and_shape(text: &str) -> Option<(bool, Vec<usize>)> {
    let fortran = after(text, "fortran_order")?.starts_with("True");
    let sides = after(text, "shape")?.strip_prefix('(')?.split(')').next()?;
    let sides = sides.split(',').map(str::trim).filter(|side| !side.is_empty());
    Some((fortran, sides.map(|side| side.parse().ok()).collect::<Option<_>>()?))
}

/// What to do about a type that is none of numbers.
fn remedy(descr: &str) -> &'static str {
    let name = descr.trim_start_matches(['\'', '<', '>', '|', '=']);
    match name.chars().next() {
        Some('O') => {
            "it holds Python objects (pickle): save numbers, as `a.astype('float32')`, or one array per \
             picture with `numpy.savez`"
        }
        Some('f') => "save `a.astype('<f8')`",
        Some('c') => "save one real number per value, as `abs(a)` or `a.real`",
        Some('U' | 'S' | 'a') => "it holds text: save numbers, as `a.astype('int64')`",
        Some('M' | 'm') => "it holds times: save numbers, as `a.astype('int64')`",
        Some('[') => "it holds records: save one of their fields, as `a['name']`",
        _ => "save numbers, as `a.astype('float32')`",
    }
}

/// On one line, and not too long for a message.
fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Turns the bytes of values of `size` bytes round.
pub(super) fn swap(bytes: &mut [u8], size: usize) {
    bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
}
