//! Files that pyarrow 26 wrote: five rows of a 2 x 1 PNG and a label, as Hugging Face has them.

use super::*;
use proptest::prelude::*;

fn path(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/parquet")).join(name)
}

/// Red of the picture in row `i` is 50 i; what is compared is the whole file.
fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xaeB`\x82")
}

#[test]
fn every_codec_page_version_and_encoding_gives_the_same_values() {
    let whole = Blobs::open(&path("snappy.parquet")).unwrap();
    assert_eq!(whole.columns().collect::<Vec<_>>(), ["image.bytes", "image.path", "label"]);
    assert_eq!(whole.rows(), 5);
    let expected: Vec<_> = (0..5).map(|row| whole.bytes("image.bytes", row).unwrap()).collect();
    assert!(expected.iter().flatten().all(|bytes| is_picture(bytes)));
    assert!((1..5).all(|row| expected[row] != expected[row - 1]));
    assert_eq!(whole.numbers("label").unwrap(), [0.0, 2.0, 1.0, 0.0, 2.0].map(Some));
    for name in ["zstd_v2.parquet", "gzip_plain.parquet"] {
        let file = Blobs::open(&path(name)).unwrap();
        for row in [0, 3, 4] {
            assert_eq!(file.bytes("image.bytes", row).unwrap(), expected[row], "{name} {row}");
        }
        for row in [1, 2] {
            assert_eq!(file.bytes("image.bytes", row).unwrap(), None, "{name} {row}");
        }
        assert_eq!(file.bytes("image.path", 2).unwrap(), Some(b"2.png".to_vec()));
        let expected = [Some(0.0), Some(2.0), None, Some(0.0), Some(2.0)];
        assert_eq!(file.numbers("label").unwrap(), expected);
    }
    let plain = Blobs::open(&path("none.parquet")).unwrap();
    assert_eq!(plain.bytes("img.bytes", 2).unwrap(), expected[2]);
    assert!(plain.note("huggingface").unwrap().contains("ClassLabel"));
}

#[test]
fn headers_of_pages_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("a.parquet");
    std::fs::copy(path("snappy.parquet"), &copy).unwrap();
    let file = Blobs::open(&copy).unwrap();
    let chunks = || file.columns.iter().flat_map(|column| &column.chunks);
    assert!(chunks().all(|chunk| chunk.pages.get().is_none()), "opening reads the footer alone");
    file.bytes("image.bytes", 0).unwrap();
    assert_eq!(chunks().filter(|chunk| chunk.pages.get().is_some()).count(), 1);
    // page and headers are known, and the file is not asked for them again
    std::fs::remove_file(&copy).unwrap();
    assert!(file.bytes("image.bytes", 0).unwrap().is_some());
}

#[test]
fn messages_name_the_file_and_the_column() {
    let file = Blobs::open(&path("snappy.parquet")).unwrap();
    let strip = |e: TableError| e.to_string().replace(&path("").display().to_string(), "");
    let messages = [
        strip(file.bytes("image", 0).unwrap_err()),
        strip(file.bytes("label", 0).unwrap_err()),
        strip(file.numbers("image.path").unwrap_err()),
        strip(file.bytes("image.bytes", 5).unwrap_err()),
        strip(Blobs::open(&path("../pictures/cmyk.jpg")).unwrap_err()).replace("../pictures/", ""),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

fn values_of(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, bytes).unwrap();
    let Ok(file) = Blobs::open(&path) else { return };
    let _ = file.numbers("label");
    for row in 0..file.rows().min(6) {
        let _ = file.bytes("image.bytes", row);
    }
}

#[test]
fn every_truncation_is_an_error_and_no_panic() {
    let bytes = std::fs::read(path("zstd_v2.parquet")).unwrap();
    for length in (0..bytes.len()).step_by(7) {
        // with the footer in its place, so that pages are looked for
        let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
        let end = &bytes[bytes.len() - 8 - footer..];
        values_of(&[&bytes[..length], end].concat());
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        name in prop::sample::select(vec!["snappy.parquet", "zstd_v2.parquet", "gzip_plain.parquet"]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = std::fs::read(path(name)).unwrap();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        values_of(&bytes);
    }
}
