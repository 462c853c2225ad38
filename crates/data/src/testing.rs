//! What the tests of this module share: picture files, messages without folders, the assets.

#[path = "../../../tests/common/skip.rs"]
mod skip;

use super::{DataError, Dataset, Options};
use image::{ExtendedColorType, ImageFormat};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The development assets, or `None` (with a line that says so) where they are absent.
pub(super) fn shared(part: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let root = std::env::var("PIXELFLIP_SHARED").unwrap_or_else(|_| default.to_owned());
    let path = Path::new(&root).join(part);
    if path.exists() {
        return Some(path);
    }
    skip::left_out("assets", &format!("`{}` is not here", path.display()));
    None
}

/// A folder for one test.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn child(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(super) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.child(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A colour PNG of one grey level.
    pub(super) fn png(&self, name: &str, height: u32, width: u32, level: u8) -> PathBuf {
        let pixels = vec![level; (height * width * 3) as usize];
        self.file(name, encode(ImageFormat::Png, ExtendedColorType::Rgb8, &pixels, height, width))
    }

    pub(super) fn open(&self, layout: &str) -> Result<Box<dyn Dataset>, DataError> {
        open(self.path(), layout)
    }

    /// The message of the error, with the folder's name taken out.
    pub(super) fn says<T>(&self, result: Result<T, DataError>) -> String {
        let Err(error) = result else { panic!("expected an error") };
        error.to_string().replace(self.path().to_str().unwrap(), "DIR")
    }
}

/// Opens with a layout, or with the detected one if the name is empty.
pub(super) fn open(path: &Path, layout: &str) -> Result<Box<dyn Dataset>, DataError> {
    let layout = (!layout.is_empty()).then(|| layout.parse().unwrap());
    super::open(path, &Options { layout, ..Options::default() })
}

/// A picture file in memory.
pub(super) fn encode(
    format: ImageFormat,
    color: ExtendedColorType,
    pixels: &[u8],
    height: u32,
    width: u32,
) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(vec![]);
    image::write_buffer_with_format(&mut bytes, pixels, width, height, color, format).unwrap();
    bytes.into_inner()
}

/// Ids and labels in order.
pub(super) fn rows(set: &dyn Dataset) -> Vec<(String, Option<usize>)> {
    (0..set.len())
        .map(|i| {
            let item = set.item(i).unwrap();
            assert_eq!(item.id, set.id(i));
            (item.id, item.label)
        })
        .collect()
}

/// A member of a tar archive.
pub(super) fn tar_member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut head = [0u8; 512];
    head[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    head[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    head[148..156].fill(b' ');
    head[156] = kind;
    head[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    head[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    head[154] = 0;
    let padding = vec![0; (512 - content.len() % 512) % 512];
    [&head[..], content, &padding].concat()
}
