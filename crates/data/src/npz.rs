//! Arrays in one `.npz` file, written piece by piece: however many pictures there are, memory holds one.

use crate::DataError;
use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A file that is being written, beside its place.
pub struct Npz {
    zip: ZipWriter<BufWriter<fs::File>>,
    temporary: Temporary,
    path: PathBuf,
}

/// Type of the values of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Single precision.
    Float,
    /// Signed, 64 bits.
    Whole,
    /// Texts of at most so many characters.
    Text(usize),
}

impl Kind {
    /// As a header says it.
    fn name(self) -> String {
        match self {
            Kind::Float => "<f4".to_owned(),
            Kind::Whole => "<i8".to_owned(),
            Kind::Text(length) => format!("<U{length}"),
        }
    }
}

/// The header of an array (`NumPy` format 1.0), its end at a multiple of 64 bytes.
fn header(kind: Kind, shape: &[usize]) -> Vec<u8> {
    let sizes = shape.iter().map(usize::to_string).collect::<Vec<String>>().join(", ");
    let one = if shape.len() == 1 { "," } else { "" };
    let kind = kind.name();
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}{one}), }}");
    let start = b"\x93NUMPY\x01\x00";
    let full = (start.len() + 2 + text.len() + 1).next_multiple_of(64);
    let length = full - start.len() - 2;
    let mut bytes = start.to_vec();
    bytes.extend(u16::try_from(length).expect("few axes").to_le_bytes());
    bytes.extend(text.bytes());
    bytes.resize(full - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// A text as an array holds it: four bytes a character, filled up with zeros.
pub fn text(value: &str, length: usize) -> Vec<u8> {
    let letters = value.chars().map(u32::from).chain(std::iter::repeat(0));
    letters.take(length).flat_map(u32::to_le_bytes).collect()
}

/// A file that is gone when it has not become another one.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // after it was renamed there is none
        let _ = fs::remove_file(&self.0);
    }
}

impl Npz {
    /// Begins a file.
    pub fn create(path: &Path) -> Result<Npz, DataError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let file = fs::File::create(&temporary).map_err(|e| DataError::write(path, &e))?;
        let zip = ZipWriter::new(BufWriter::new(file));
        Ok(Npz { zip, temporary: Temporary(temporary), path: path.to_owned() })
    }

    /// Writes an array whose values `fill` gives, row by row, little endian.
    pub fn array(
        &mut self,
        name: &str,
        kind: Kind,
        shape: &[usize],
        fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), DataError>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        let failed = |path: &Path, e: &io::Error| DataError::write(path, e);
        self.zip
            .start_file(format!("{name}.npy"), options)
            .map_err(|e| failed(&self.path, &io::Error::other(e)))?;
        let (zip, path) = (&mut self.zip, &self.path);
        let mut put = |bytes: &[u8]| zip.write_all(bytes).map_err(|e| failed(path, &e));
        put(&header(kind, shape))?;
        fill(&mut put)
    }

    /// Ends the file and moves it to its place.
    pub fn finish(self) -> Result<(), DataError> {
        let Npz { zip, temporary, path } = self;
        let end = || -> io::Result<()> {
            zip.finish().map_err(io::Error::other)?.flush()?;
            fs::rename(&temporary.0, &path)
        };
        end().map_err(|e| DataError::write(&path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};
    use ndarray_npy::NpzReader;

    #[test]
    fn arrays_are_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        let mut file = Npz::create(&path).unwrap();
        let numbers = [1.5f32, -2.0, 0.25, 3.0, 4.0, 5.0];
        file.array("a", Kind::Float, &[2, 3], |put| {
            numbers.chunks(3).try_for_each(|row| put(&bytes(row)))
        })
        .unwrap();
        file.array("b", Kind::Whole, &[1], |put| put(&7i64.to_le_bytes())).unwrap();
        assert!(!path.exists(), "not before it is whole");
        file.finish().unwrap();
        let mut read = NpzReader::new(fs::File::open(&path).unwrap()).unwrap();
        let a: Array2<f32> = read.by_name("a.npy").unwrap();
        assert_eq!(a, Array2::from_shape_vec((2, 3), numbers.to_vec()).unwrap());
        let b: Array1<i64> = read.by_name("b.npy").unwrap();
        assert_eq!(b.to_vec(), [7]);
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Npz::create(&folder.path().join("x.npz")).unwrap();
        let failed = |_: &mut dyn FnMut(&[u8]) -> Result<(), DataError>| {
            Err(DataError::write(Path::new("x"), &io::Error::other("no room")))
        };
        assert!(file.array("a", Kind::Float, &[2], failed).is_err());
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn headers_and_texts_are_those_of_numpy() {
        let header = header(Kind::Text(4), &[3]);
        assert_eq!(header.len() % 64, 0);
        let text_of = String::from_utf8_lossy(&header[10..]).into_owned();
        assert_eq!(text_of.trim_end(), "{'descr': '<U4', 'fortran_order': False, 'shape': (3,), }");
        assert_eq!(text("aü", 3), [97, 0, 0, 0, 252, 0, 0, 0, 0, 0, 0, 0]);
    }
}
