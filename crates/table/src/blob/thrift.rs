//! Thrift's compact protocol, read without a schema.

use std::collections::BTreeMap;

/// Structs and lists inside each other; a Parquet footer has six.
const MAX_DEPTH: usize = 24;

/// A value of any type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Whole numbers and truth values.
    Int(i64),
    /// Texts and other bytes.
    Bytes(Vec<u8>),
    /// Lists and sets.
    List(Vec<Value>),
    /// Fields by number.
    Struct(BTreeMap<i64, Value>),
    /// What nobody asks for: floating point, maps.
    Other,
}

impl Value {
    /// A field of a struct.
    pub(super) fn field(&self, id: i64) -> Option<&Value> {
        if let Value::Struct(fields) = self { fields.get(&id) } else { None }
    }

    pub(super) fn int(&self) -> Option<i64> {
        if let Value::Int(n) = self { Some(*n) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Value]> {
        if let Value::List(values) = self { Some(values) } else { None }
    }

    pub(super) fn text(&self) -> Option<String> {
        if let Value::Bytes(bytes) = self { String::from_utf8(bytes.clone()).ok() } else { None }
    }
}

/// The struct at the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Option<Value> {
    Reader(bytes).fields(0)
}

/// The struct at the beginning of `bytes`, and how many bytes it takes.
pub(super) fn parse_prefix(bytes: &[u8]) -> Option<(Value, usize)> {
    let mut reader = Reader(bytes);
    let value = reader.fields(0)?;
    Some((value, bytes.len() - reader.0.len()))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let n = self.varint()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    fn fields(&mut self, depth: usize) -> Option<Value> {
        let mut fields = BTreeMap::new();
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(Value::Struct(fields));
            }
            id = match head >> 4 {
                0 => self.zigzag()?,
                delta => id + i64::from(delta),
            };
            // truth values of fields are in their type
            let value = match head & 15 {
                kind @ (1 | 2) => Value::Int(i64::from(kind == 1)),
                kind => self.value(kind, depth + 1)?,
            };
            fields.insert(id, value);
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            1..=3 => self.byte().map(|b| Value::Int(i64::from(b as i8))),
            4..=6 => self.zigzag().map(Value::Int),
            7 => self.take(8).map(|_| Value::Other),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length).map(|bytes| Value::Bytes(bytes.to_vec()))
            }
            9 | 10 => self.list(depth),
            11 => self.map(depth),
            12 => self.fields(depth),
            _ => None,
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let head = self.byte()?;
        let n = match head >> 4 {
            15 => self.varint()?,
            n => n.into(),
        };
        // every element takes a byte at least, so a wrong count ends with the bytes
        let mut values = vec![];
        for _ in 0..n {
            values.push(self.value(head & 15, depth + 1)?);
        }
        Some(Value::List(values))
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let n = self.varint()?;
        let kinds = if n == 0 { 0 } else { self.byte()? };
        for _ in 0..n {
            self.value(kinds >> 4, depth + 1)?;
            self.value(kinds & 15, depth + 1)?;
        }
        Some(Value::Other)
    }
}
