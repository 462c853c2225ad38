//! Tensors of a file to numbers.

use super::{
    external::{External, FileRange},
    proto::{EXTERNAL, IN_FILE, TensorProto},
    value::{Constant, Numbers, joined, volume},
};
use half::{bf16, f16};

/// Element types, by their number in `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32 = 1,
    U8 = 2,
    I8 = 3,
    U16 = 4,
    I16 = 5,
    I32 = 6,
    I64 = 7,
    Bool = 9,
    F16 = 10,
    F64 = 11,
    U32 = 12,
    U64 = 13,
    Bf16 = 16,
    U4 = 21,
    I4 = 22,
}

impl Element {
    /// The type with a number of the format.
    pub(super) fn of(number: i64) -> Result<Element, String> {
        use Element::{Bf16, Bool, F16, F32, F64, I4, I8, I16, I32, I64, U4, U8, U16, U32, U64};
        let all = [F32, U8, I8, U16, I16, I32, I64, Bool, F16, F64, U32, U64, Bf16, U4, I4];
        let found = all.into_iter().find(|e| *e as i64 == number);
        found.ok_or_else(|| {
            format!(
                "element type {number} is not supported; expected float16, bfloat16, float32, \
                 float64, bool or an integer"
            )
        })
    }

    /// True for numbers with a fraction.
    pub(super) fn is_float(self) -> bool {
        matches!(self, Element::F32 | Element::F16 | Element::F64 | Element::Bf16)
    }

    /// Bytes of some numbers.
    fn bytes(self, count: usize) -> Option<usize> {
        match self {
            Element::U4 | Element::I4 => Some(count.div_ceil(2)),
            _ => count.checked_mul(self.size()),
        }
    }

    /// Bytes of one number, rounded up.
    fn size(self) -> usize {
        match self {
            Element::U4 | Element::I4 | Element::U8 | Element::I8 | Element::Bool => 1,
            Element::U16 | Element::I16 | Element::F16 | Element::Bf16 => 2,
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F64 | Element::I64 | Element::U64 => 8,
        }
    }

    /// Numbers from little-endian bytes.
    fn numbers_in(self, bytes: &[u8]) -> Numbers {
        match self {
            Element::F32 => Numbers::Float(each(bytes, f32::from_le_bytes)),
            Element::F64 => Numbers::Float(each(bytes, |b| f64::from_le_bytes(b) as f32)),
            Element::F16 => Numbers::Float(each(bytes, |b| f16::from_le_bytes(b).to_f32())),
            Element::Bf16 => Numbers::Float(each(bytes, |b| bf16::from_le_bytes(b).to_f32())),
            Element::U4 => Numbers::Int(halves(bytes).map(i64::from).collect()),
            Element::I4 => Numbers::Int(halves(bytes).map(signed).collect()),
            Element::U8 => Numbers::Int(each(bytes, |[b]: [u8; 1]| i64::from(b))),
            Element::Bool => Numbers::Int(each(bytes, |[b]: [u8; 1]| i64::from(b != 0))),
            Element::I8 => Numbers::Int(each(bytes, |b| i64::from(i8::from_le_bytes(b)))),
            Element::U16 => Numbers::Int(each(bytes, |b| i64::from(u16::from_le_bytes(b)))),
            Element::I16 => Numbers::Int(each(bytes, |b| i64::from(i16::from_le_bytes(b)))),
            Element::U32 => Numbers::Int(each(bytes, |b| i64::from(u32::from_le_bytes(b)))),
            Element::I32 => Numbers::Int(each(bytes, |b| i64::from(i32::from_le_bytes(b)))),
            Element::I64 => Numbers::Int(each(bytes, i64::from_le_bytes)),
            Element::U64 => Numbers::Int(each(bytes, |b| u64::from_le_bytes(b) as i64)),
        }
    }

    /// Numbers from the typed field in which the format keeps them: small types stand in 32-bit
    /// integers, 16-bit floats as their bits.
    fn numbers_of(self, t: &TensorProto) -> Numbers {
        let bits = |v: &i32| *v as u16;
        match self {
            Element::F32 => Numbers::Float(t.float_data.clone()),
            Element::F64 => Numbers::Float(t.double_data.iter().map(|v| *v as f32).collect()),
            Element::F16 => {
                let float = |v| f16::from_bits(bits(v)).to_f32();
                Numbers::Float(t.int32_data.iter().map(float).collect())
            }
            Element::Bf16 => {
                let float = |v| bf16::from_bits(bits(v)).to_f32();
                Numbers::Float(t.int32_data.iter().map(float).collect())
            }
            Element::I64 => Numbers::Int(t.int64_data.clone()),
            Element::U32 | Element::U64 => {
                Numbers::Int(t.uint64_data.iter().map(|v| *v as i64).collect())
            }
            Element::Bool => {
                Numbers::Int(t.int32_data.iter().map(|v| i64::from(*v != 0)).collect())
            }
            Element::U4 | Element::I4 => {
                let bytes: Vec<u8> = t.int32_data.iter().map(|v| *v as u8).collect();
                self.numbers_in(&bytes)
            }
            Element::U8 | Element::I8 | Element::U16 | Element::I16 | Element::I32 => {
                Numbers::Int(t.int32_data.iter().map(|v| i64::from(*v)).collect())
            }
        }
    }

    /// How many numbers stand in the typed field.
    fn typed_len(self, t: &TensorProto) -> usize {
        match self {
            Element::F32 => t.float_data.len(),
            Element::F64 => t.double_data.len(),
            Element::I64 => t.int64_data.len(),
            Element::U32 | Element::U64 => t.uint64_data.len(),
            _ => t.int32_data.len(),
        }
    }
}

/// Two numbers of 4 bits per byte, the lower half first.
fn halves(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|b| [b & 15, b >> 4])
}

/// A number of 4 bits with a sign.
fn signed(half: u8) -> i64 {
    i64::from(half) - if half > 7 { 16 } else { 0 }
}

fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|b| number(*b)).collect()
}

/// Where the numbers of a tensor stand.
enum Source {
    Raw,
    Typed,
    External(FileRange),
}

/// What a tensor says about itself, checked against the data it carries.
struct Header {
    element: Element,
    dims: Vec<usize>,
    bytes: usize,
    source: Source,
}

fn header(t: &TensorProto) -> Result<Header, String> {
    let element = Element::of(i64::from(t.data_type))?;
    let dims: Option<Vec<usize>> = t.dims.iter().map(|d| usize::try_from(*d).ok()).collect();
    let dims = dims.ok_or_else(|| format!("its dimensions {:?} are negative", t.dims))?;
    let size = volume(&dims).and_then(|n| Some((n, element.bytes(n)?)));
    let (count, bytes) =
        size.ok_or_else(|| format!("its dimensions {} overflow", joined(&dims)))?;
    let typed = element.typed_len(t);
    let (source, found, unit) = if t.data_location == EXTERNAL {
        (Source::External(FileRange::of(t)?), count, "values")
    } else if t.data_location == IN_FILE {
        let place = FileRange::of(t)?;
        let found = place.length();
        (Source::External(place), found, "bytes")
    } else if typed == 0 {
        (Source::Raw, t.raw_data.len(), "bytes")
    } else {
        (Source::Typed, typed, "values")
    };
    // numbers of 4 bits stand two by two in the typed field
    let packed = matches!(element, Element::U4 | Element::I4) && matches!(source, Source::Typed);
    let expected = if unit == "bytes" || packed { bytes } else { count };
    if found != expected {
        let dims = joined(&dims);
        return Err(format!(
            "its dimensions {dims} need {expected} {unit}, found {found}; export the model again"
        ));
    }
    Ok(Header { element, dims, bytes, source })
}

/// Checks that dimensions, type and data of a tensor agree, without decoding it.
pub(super) fn check(tensor: &TensorProto) -> Result<(), String> {
    header(tensor).map(drop)
}

/// The tensor's numbers; floats in single precision.
pub(super) fn constant(t: &TensorProto, external: &mut External) -> Result<Constant, String> {
    let Header { element, dims, bytes, source } = header(t)?;
    let count = dims.iter().product();
    let mut numbers = match source {
        Source::Raw => element.numbers_in(&t.raw_data),
        Source::Typed => element.numbers_of(t),
        Source::External(place) => element.numbers_in(&external.read(&place, bytes)?),
    };
    if let Numbers::Int(values) = &mut numbers {
        values.truncate(count);
    }
    Constant::new(dims, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::bytes::Bytes;

    fn decode(t: &TensorProto) -> Result<Constant, String> {
        constant(t, &mut External::new(None))
    }

    fn raw(data_type: Element, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
        TensorProto {
            dims: dims.to_vec(),
            data_type: data_type as i32,
            raw_data: Bytes::from(bytes),
            ..TensorProto::default()
        }
    }

    #[test]
    fn all_precisions_and_places_give_the_same_floats() {
        let want = Numbers::Float(vec![1.5, -0.25]);
        let bytes = |each: [Vec<u8>; 2]| each.concat();
        let le32 = [1.5f32, -0.25].map(|v| v.to_le_bytes().to_vec());
        let le64 = [1.5f64, -0.25].map(|v| v.to_le_bytes().to_vec());
        let half = [1.5, -0.25].map(f16::from_f32);
        let brain = [1.5, -0.25].map(bf16::from_f32);
        let typed = |data_type: Element| TensorProto { ..raw(data_type, &[2], vec![]) };
        let tensors = [
            raw(Element::F32, &[2], bytes(le32)),
            raw(Element::F64, &[2], bytes(le64)),
            raw(Element::F16, &[2], bytes(half.map(|v| v.to_le_bytes().to_vec()))),
            raw(Element::Bf16, &[2], bytes(brain.map(|v| v.to_le_bytes().to_vec()))),
            TensorProto { float_data: vec![1.5, -0.25], ..typed(Element::F32) },
            TensorProto { double_data: vec![1.5, -0.25], ..typed(Element::F64) },
            TensorProto {
                int32_data: half.map(|v| i32::from(v.to_bits())).to_vec(),
                ..typed(Element::F16)
            },
            TensorProto {
                int32_data: brain.map(|v| i32::from(v.to_bits())).to_vec(),
                ..typed(Element::Bf16)
            },
        ];
        for t in tensors {
            assert_eq!(decode(&t).unwrap().numbers(), &want, "{t:?}");
        }
    }

    #[test]
    fn integers_keep_their_sign() {
        let int = |t: &TensorProto| decode(t).unwrap().as_ints().unwrap().to_vec();
        assert_eq!(int(&raw(Element::I8, &[2], vec![255, 1])), [-1, 1]);
        assert_eq!(int(&raw(Element::U8, &[2], vec![255, 1])), [255, 1]);
        assert_eq!(int(&raw(Element::Bool, &[2], vec![0, 7])), [0, 1]);
        assert_eq!(int(&raw(Element::I64, &[], (-3i64).to_le_bytes().to_vec())), [-3]);
        let typed = TensorProto { int32_data: vec![-5], ..raw(Element::I32, &[1], vec![]) };
        assert_eq!(int(&typed), [-5]);
    }

    #[test]
    fn dimensions_and_data_must_agree() {
        let wrong = [
            raw(Element::F32, &[2], vec![0; 4]),
            raw(Element::F32, &[-1], vec![]),
            raw(Element::F32, &[i64::MAX, i64::MAX, i64::MAX], vec![]),
            raw(Element::F32, &[1 << 40], vec![0; 8]),
            TensorProto { float_data: vec![0.0; 3], ..raw(Element::F32, &[2], vec![]) },
            TensorProto { data_type: 8, ..raw(Element::F32, &[0], vec![]) },
        ];
        let messages: Vec<String> = wrong.iter().map(|t| decode(t).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"));
        assert_eq!(decode(&raw(Element::F32, &[0], vec![])).unwrap().len(), 0);
    }
}
