//! The safetensors format: length of a JSON header, the header, the values.

use crate::{DataError, npy::Type};
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// Longest header that is read; the format's own library has the same limit.
const MAX_HEADER: u64 = 100_000_000;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) shape: Vec<usize>,
    pub(super) kind: Type,
    /// Position of its first byte in the file.
    at: u64,
}

impl Entry {
    /// The bytes of `count` values from position `first`.
    pub(super) fn read(
        &self,
        path: &Path,
        first: usize,
        count: usize,
    ) -> Result<Vec<u8>, DataError> {
        let failed = |e| DataError::read(path, &e);
        let size = self.kind.size();
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.at + (first * size) as u64)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take((count * size) as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() != count * size {
            return Err(DataError::unexpected(path, "all its values", "the end of the file"));
        }
        Ok(bytes)
    }
}

/// The tensors of a file with their names.
pub(super) fn entries(path: &Path) -> Result<Vec<(String, Entry)>, DataError> {
    let failed = |e| DataError::read(path, &e);
    let wrong = |found: &str| DataError::unexpected(path, "a .safetensors file", found);
    let mut file = File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| wrong("fewer than 8 bytes"))?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER.min(total.saturating_sub(8)) {
        return Err(wrong("a header longer than the file, or another format"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(failed)?;
    let header: Value =
        serde_json::from_slice(&header).map_err(|_| wrong("a header that is not JSON"))?;
    let tensors = header.as_object().ok_or_else(|| wrong("a header that is no object"))?;
    let tensors = tensors.iter().filter(|(name, _)| *name != "__metadata__");
    let entry = |(name, value): (&String, &Value)| {
        let entry = entry(value, 8 + length, total);
        let entry = entry.map_err(|problem| wrong(&format!("tensor `{name}` with {problem}")));
        Ok((name.clone(), entry?))
    };
    tensors.map(entry).collect()
}

/// A tensor's place, checked against the length of the file.
fn entry(value: &Value, data: u64, total: u64) -> Result<Entry, String> {
    let kind = value.get("dtype").and_then(Value::as_str).unwrap_or_default();
    let kind = match kind {
        "BOOL" => Type::Bool,
        "U8" => Type::U8,
        "I8" => Type::I8,
        "U16" => Type::U16,
        "I16" => Type::I16,
        "U32" => Type::U32,
        "I32" => Type::I32,
        "U64" => Type::U64,
        "I64" => Type::I64,
        "F16" => Type::F16,
        "BF16" => Type::BF16,
        "F32" => Type::F32,
        "F64" => Type::F64,
        other => return Err(format!("values of the type `{other}`")),
    };
    let list = |key: &str| -> Option<Vec<u64>> {
        value.get(key)?.as_array()?.iter().map(Value::as_u64).collect()
    };
    let shape = list("shape").ok_or("no shape")?;
    let offsets = list("data_offsets").filter(|o| o.len() == 2).ok_or("no offsets")?;
    let bytes = shape.iter().try_fold(kind.size() as u64, |n, side| n.checked_mul(*side));
    let inside = offsets[1].checked_add(data).is_some_and(|end| end <= total);
    if bytes.is_none() || bytes != offsets[1].checked_sub(offsets[0]) || !inside {
        return Err(format!("offsets {offsets:?} that do not fit its shape {shape:?} or the file"));
    }
    let shape = shape.into_iter().map(|side| side as usize).collect();
    Ok(Entry { shape, kind, at: data + offsets[0] })
}
