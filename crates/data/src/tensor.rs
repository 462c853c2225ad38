//! Tensors in and out as `NumPy` files: inputs that are already preprocessed, relevance, logits.

use super::{
    DataError,
    npy::{Header, swap},
};
use crate::{base::bounded, nn::tensor::Tensor};
use ndarray::{ArrayD, ArrayViewD, Axis, Ix3, IxDyn, ShapeBuilder};
use ndarray_npy::WriteNpyExt;
use std::{
    fs,
    io::{self, BufWriter, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Network inputs from one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// At least one, all of one shape.
    pub inputs: Vec<Tensor>,
    /// True for `(N, C, H, W)`, so that results can have the same axes.
    pub batched: bool,
}

/// Largest `.npy` file with network inputs.
const MAX_BYTES: u64 = 4 << 30;

/// Reads network inputs from a `.npy` file: `(C, H, W)` or `(N, C, H, W)`, floating point, every
/// value finite.
pub fn read_npy(path: &Path) -> Result<Batch, DataError> {
    let bytes = bounded::read(path, MAX_BYTES).map_err(|e| DataError::read(path, &e))?;
    parse_npy(bytes, path)
}

fn parse_npy(bytes: Vec<u8>, path: &Path) -> Result<Batch, DataError> {
    let array = array(bytes, path, 3..=4, "an array (C, H, W) or (N, C, H, W)")?;
    let batched = array.ndim() == 4;
    let array = if batched { array } else { array.insert_axis(Axis(0)) };
    let one = |a: ArrayViewD<'_, f32>| {
        Tensor::from_chw(a.into_dimensionality::<Ix3>().expect("three axes are left"))
    };
    Ok(Batch { inputs: array.axis_iter(Axis(0)).map(one).collect(), batched })
}

/// Reads an array of one to four axes from a `.npy` file: floating point, every value finite.
pub fn read_array(path: &Path) -> Result<ArrayD<f32>, DataError> {
    let bytes = bounded::read(path, MAX_BYTES).map_err(|e| DataError::read(path, &e))?;
    array(bytes, path, 1..=4, "an array of one to four axes")
}

fn array(
    mut bytes: Vec<u8>,
    path: &Path,
    axes: RangeInclusive<usize>,
    expected: &'static str,
) -> Result<ArrayD<f32>, DataError> {
    let Header { kind, big_endian, fortran, shape, offset } =
        Header::read(&bytes, bytes.len() as u64, path)?;
    if big_endian {
        swap(&mut bytes[offset..], kind.size());
    }
    if !kind.is_float() {
        let found = format!("values of type {kind:?}");
        return Err(DataError::unexpected(path, "floating-point values", found)
            .hint("a .npy input is taken as already preprocessed"));
    }
    if !axes.contains(&shape.len()) || shape.contains(&0) {
        let found = format!("{shape:?}");
        return Err(DataError::unexpected(path, expected, found));
    }
    let values = bytes[offset..].chunks_exact(kind.size()).map(|v| kind.value(v) as f32);
    let values: Vec<f32> = values.collect();
    if let Some((at, v)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        let found = format!("{v} at position {at}");
        return Err(DataError::unexpected(path, "finite single-precision values", found));
    }
    Ok(ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran), values)
        .expect("the header was checked against the length"))
}

/// Writes an array of any shape as `.npy`, to a temporary file beside it that is then renamed.
pub fn write_npy(path: &Path, array: &ArrayViewD<'_, f32>) -> Result<(), DataError> {
    let temporary = temporary(path);
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(fs::File::create(&temporary)?);
        array.write_npy(&mut file).map_err(io::Error::other)?;
        file.flush()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|e| {
        // what could not be completed is not left behind; the first error is the one to report
        let _ = fs::remove_file(&temporary);
        DataError::write(path, &e)
    })
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{Folder, shared},
        *,
    };
    use crate::base::geom::Shape;
    use ndarray::{Array1, Array3, Array4, ShapeBuilder};
    use proptest::prelude::*;

    fn value((c, y, x): (usize, usize, usize)) -> f32 {
        (c * 100 + y * 10 + x) as f32
    }

    #[test]
    fn what_is_written_is_read_in_either_order_and_precision() {
        let folder = Folder::new();
        let array = Array3::from_shape_fn((2, 3, 4), value);
        let path = folder.child("a.npy");
        write_npy(&path, &array.view().into_dyn()).unwrap();
        let single = Batch { inputs: vec![Tensor::from_chw(array.view())], batched: false };
        assert_eq!(read_npy(&path).unwrap(), single);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        let batch = Array4::from_shape_fn((2, 2, 3, 4).f(), |(n, c, y, x)| {
            f64::from(value((c, y, x))) + n as f64
        });
        let mut bytes = vec![];
        batch.write_npy(&mut bytes).unwrap();
        let Batch { inputs, batched } = parse_npy(bytes, &path).unwrap();
        assert!(inputs.len() == 2 && batched);
        assert_eq!(inputs[1], Tensor::from_chw(array.view()).map(|v| v + 1.0));
        let mut bytes = vec![];
        array.t().as_standard_layout().t().write_npy(&mut bytes).unwrap();
        assert!(bytes.windows(4).any(|w| w == b"True"), "Fortran order was meant");
        assert_eq!(parse_npy(bytes, &path).unwrap(), single);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = Folder::new();
        let array = Array1::<f32>::zeros(3).into_dyn();
        let message = folder.says(write_npy(&folder.child("no/a.npy"), &array.view()));
        insta::assert_snapshot!(message, @"cannot write `DIR/no/a.npy`: No such file or directory (os error 2)");
        fs::create_dir(folder.child("taken")).unwrap();
        assert!(write_npy(&folder.child("taken"), &array.view()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn messages_say_what_an_input_must_be() {
        let message = |array: ArrayViewD<'_, f32>| {
            let mut bytes = vec![];
            array.write_npy(&mut bytes).unwrap();
            parse_npy(bytes, Path::new("x.npy")).unwrap_err().to_string()
        };
        let mut nan = Array3::<f32>::zeros((1, 2, 2));
        nan[(0, 1, 0)] = f32::NAN;
        let mut wide = vec![];
        Array3::from_elem((1, 1, 1), 1e300f64).write_npy(&mut wide).unwrap();
        let mut bytes = vec![];
        Array3::<u8>::zeros((1, 1, 1)).write_npy(&mut bytes).unwrap();
        let raw =
            |bytes: &[u8]| parse_npy(bytes.to_vec(), Path::new("x.npy")).unwrap_err().to_string();
        let messages = [
            message(Array1::zeros(3).view().into_dyn()),
            message(Array3::zeros((3, 0, 2)).view().into_dyn()),
            message(nan.view().into_dyn()),
            raw(&wide),
            raw(&bytes),
            raw(b""),
            raw(&bytes[..80]),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn the_inputs_of_the_reference_models_are_read() {
        let Some(folder) = shared("goldens/models") else { return };
        for (name, shape) in [
            ("squeezenet1_1_227", Shape::new(3, 227, 227)),
            ("mnist_lenet5_lrptoolbox", Shape::new(1, 32, 32)),
        ] {
            let inputs = read_npy(&folder.join(format!("{name}_input.npy"))).unwrap().inputs;
            assert!(inputs.iter().all(|x| x.shape == shape) && !inputs.is_empty());
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            text in "\\{'descr': '[<>]f[248]', 'fortran_order': (True|False), 'shape': \\([0-9, ]{0,40}\\), \\}",
            values: Vec<u8>,
        ) {
            let length = (text.len() as u16).to_le_bytes();
            let bytes = [&b"\x93NUMPY\x01\0"[..], &length, text.as_bytes(), &values].concat();
            let _ = parse_npy(bytes, Path::new("x"));
            let _ = parse_npy(values, Path::new("x"));
        }
    }
}
