//! As much of MATLAB's MAT-files (version 5) as `meta.mat` of the ImageNet devkits needs: arrays of
//! structs with numbers and texts. Format: "MAT-File Format" of the program's makers.

use super::DataError;
use flate2::read::ZlibDecoder;
use std::{collections::BTreeMap, fs, io::Read, path::Path};

const HEADER: usize = 128;

/// No deflate stream is longer than this many times its bytes.
const MAX_RATIO: u64 = 1032;

/// Structs inside each other; `meta.mat` has one level.
const MAX_DEPTH: usize = 4;

// types of data elements
const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;

// classes of arrays
const STRUCT: u8 = 2;
const CHARACTERS: u8 = 4;

/// One value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Numbers, column by column.
    Numbers(Vec<f64>),
    /// A text.
    Text(String),
    /// Anything else.
    Other,
}

/// One element of an array of structs, by field.
pub(super) type Record = BTreeMap<String, Value>;

/// The first array of structs in a file.
pub(super) fn read_structs(path: &Path) -> Result<Vec<Record>, DataError> {
    let bytes = fs::read(path).map_err(|e| DataError::read(path, &e))?;
    let structs = Stream(bytes.get(HEADER..).unwrap_or_default()).structs(0);
    structs.ok_or_else(|| {
        let expected = "a MAT-file of version 5 (little endian) with an array of structs";
        DataError::unexpected(path, expected, format!("{} other bytes", bytes.len()))
    })
}

/// Data elements one after the other; `None` of its functions means that the bytes are no such
/// thing.
struct Stream<'a>(&'a [u8]);

impl<'a> Stream<'a> {
    /// The next element: its type and content.
    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        let word = |at: usize| Some(u32::from_le_bytes(self.0.get(at..at + 4)?.try_into().ok()?));
        let first = word(0)?;
        if first >> 16 != 0 {
            // small: length and type in one word, up to four bytes behind it
            let length = (first >> 16) as usize;
            let content = self.0.get(4..8)?.get(..length)?;
            self.0 = &self.0[8..];
            return Some((first & 0xffff, content));
        }
        let length = word(4)? as usize;
        let content = self.0.get(8..)?.get(..length)?;
        let padded = if first == COMPRESSED { length } else { length.next_multiple_of(8) };
        self.0 = self.0[8..].get(padded..).unwrap_or_default();
        Some((first, content))
    }

    fn structs(mut self, depth: usize) -> Option<Vec<Record>> {
        if depth > MAX_DEPTH {
            return None;
        }
        while let Some((kind, content)) = self.next() {
            let found = match kind {
                COMPRESSED => {
                    let mut bytes = vec![];
                    let limit = content.len() as u64 * MAX_RATIO;
                    ZlibDecoder::new(content).take(limit).read_to_end(&mut bytes).ok()?;
                    Stream(&bytes).structs(depth + 1)
                }
                MATRIX => array(content),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The head of an array: class, number of values.
fn head(stream: &mut Stream<'_>) -> Option<(u8, usize)> {
    let class = *stream.next()?.1.first()?;
    let sizes = stream.next()?.1.chunks_exact(4);
    let count = sizes
        .map(|size| u32::from_le_bytes(size.try_into().expect("four bytes")) as usize)
        .try_fold(1usize, usize::checked_mul)?;
    stream.next()?; // its name
    Some((class, count))
}

/// The records of an array of structs; `None` for other arrays.
fn array(content: &[u8]) -> Option<Vec<Record>> {
    let mut stream = Stream(content);
    let (class, count) = head(&mut stream)?;
    if class != STRUCT {
        return None;
    }
    let width = u32::from_le_bytes(stream.next()?.1.try_into().ok()?) as usize;
    let names = stream.next()?.1;
    if width == 0 || names.is_empty() {
        return None;
    }
    let names: Vec<String> = names.chunks(width).map(name).collect();
    let mut records = vec![];
    for _ in 0..count {
        // a count beyond the bytes ends here
        let value = |name: &String| {
            let (kind, content) = stream.next()?;
            (kind == MATRIX).then(|| (name.clone(), value(content)))
        };
        records.push(names.iter().map(value).collect::<Option<Record>>()?);
    }
    Some(records)
}

/// A name padded with zeros.
fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
}

fn value(content: &[u8]) -> Value {
    let mut stream = Stream(content);
    let Some((class, _)) = head(&mut stream) else { return Value::Other };
    let Some((kind, data)) = stream.next() else { return Value::Other };
    match (class, numbers(kind, data)) {
        (CHARACTERS, Some(codes)) => {
            let text = codes.iter().map(|v| char::from_u32(*v as u32).unwrap_or('\u{fffd}'));
            Value::Text(text.collect())
        }
        (STRUCT, _) | (_, None) => Value::Other,
        (_, Some(numbers)) => Value::Numbers(numbers),
    }
}

/// The values of an element of a numeric type.
fn numbers(kind: u32, data: &[u8]) -> Option<Vec<f64>> {
    macro_rules! as_numbers {
        ($type:ty) => {{
            let chunks = data.chunks_exact(size_of::<$type>());
            chunks
                .map(|c| f64::from(<$type>::from_le_bytes(c.try_into().expect("its size"))))
                .collect()
        }};
    }
    Some(match kind {
        1 => as_numbers!(i8),
        2 => as_numbers!(u8),
        3 => as_numbers!(i16),
        4 | 17 => as_numbers!(u16),
        5 => as_numbers!(i32),
        6 => as_numbers!(u32),
        7 => as_numbers!(f32),
        9 => data.chunks_exact(8).map(double).collect(),
        16 => String::from_utf8_lossy(data).chars().map(|c| f64::from(c as u32)).collect(),
        _ => return None,
    })
}

fn double(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &[u8] = include_bytes!("../../../tests/data/pictures/meta.mat");

    #[test]
    fn structs_written_by_another_program_are_read() {
        // scipy 1.17, savemat with compression: `synsets` with ILSVRC2012_ID, WNID, words, ...
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/pictures/meta.mat");
        let records = read_structs(Path::new(path)).unwrap();
        assert_eq!(records.len(), 4);
        assert_eq!(records[0]["ILSVRC2012_ID"], Value::Numbers(vec![1.0]));
        assert_eq!(records[0]["WNID"], Value::Text("n02119789".to_owned()));
        assert_eq!(records[1]["words"], Value::Text("English setter".to_owned()));
        assert_eq!(records[3]["num_children"], Value::Numbers(vec![3.0]));
    }

    #[test]
    fn every_truncation_is_read_or_refused() {
        let folder = crate::testing::Folder::new();
        for length in 0..META.len() {
            let _ = Stream(META[..length].get(HEADER..).unwrap_or_default()).structs(0);
        }
        let path = folder.file("meta.mat", b"text");
        let error = folder.says(read_structs(&path));
        insta::assert_snapshot!(error, @"`DIR/meta.mat`: expected a MAT-file of version 5 (little endian) with an array of structs, found 4 other bytes");
    }

    proptest::proptest! {
        #[test]
        fn damaged_files_never_panic(
            damage in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..6),
            raw: bool,
        ) {
            // the content of the compressed element, or the file as it is
            let mut bytes = META[HEADER..].to_vec();
            if raw {
                let mut content = vec![];
                ZlibDecoder::new(&META[HEADER + 8..]).read_to_end(&mut content).unwrap();
                bytes = content;
            }
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = Stream(&bytes).structs(0);
        }
    }
}
