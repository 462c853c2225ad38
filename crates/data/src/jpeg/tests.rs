use super::{header::Jpeg, *};
use proptest::prelude::*;
use std::{fs, path::PathBuf};

fn decode(bytes: &[u8]) -> Result<Pixels, Fault> {
    Jpeg::new(bytes)?.decode()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pictures/jpeg")
}

fn case(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// `scripts/make_jpeg_cases.py` writes the files and the pixels that Pillow 13.0 (libjpeg-turbo 3.2)
/// decodes them to.
#[test]
fn pixels_are_those_of_libjpeg_turbo_bit_for_bit() {
    let mut files = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jpg") {
            continue;
        }
        let found = decode(&fs::read(&path).unwrap()).unwrap();
        let expected = image::open(path.with_extension("png")).unwrap();
        let size = (expected.width() as usize, expected.height() as usize);
        let channels = usize::from(expected.color().channel_count());
        assert_eq!((found.width, found.height), size, "{}", path.display());
        assert_eq!(found.channels, channels, "{}", path.display());
        assert!(found.data == expected.as_bytes(), "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 37);
}

#[test]
fn every_truncation_is_found() {
    for name in ["420_odd.jpg", "420_progressive.jpg", "restart.jpg", "restart_progressive.jpg"] {
        let bytes = case(name);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{name}: {length} of {}", bytes.len());
        }
        // an end marker does not make a file complete, but a progressive one may stop between scans
        if !name.contains("progressive") {
            let half = [&bytes[..bytes.len() - 40], &[0xFF, 0xD9]].concat();
            assert!(matches!(decode(&half), Err(Fault::Damaged(_))), "{name}");
        }
    }
}

/// Where the segment of a marker begins.
fn find(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).position(|w| w == [0xFF, marker]).unwrap()
}

fn changed(name: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    let mut bytes = case(name);
    change(&mut bytes);
    decode(&bytes).map_or_else(|e| e.to_string(), |p| format!("{}x{}", p.height, p.width))
}

#[test]
fn damage_is_named() {
    let frame = |bytes: &[u8]| find(bytes, 0xC0);
    let found = [
        changed("420.jpg", |b| drop(b.drain(..1))),
        changed("420.jpg", |b| {
            let at = frame(b);
            b[at + 1] = 0xC9;
        }),
        changed("420.jpg", |b| {
            let at = frame(b);
            b[at + 1] = 0xC3;
        }),
        changed("420.jpg", |b| {
            let at = frame(b);
            b[at + 4] = 12;
        }),
        // 65,535 x 65,535 pixels in 1 KB
        changed("420.jpg", |b| {
            let at = frame(b);
            b[at + 5..at + 9].fill(0xFF);
        }),
        changed("420.jpg", |b| {
            let at = frame(b);
            b[at + 11] = 0x53;
        }),
        changed("420.jpg", |b| {
            let at = find(b, 0xC4);
            b[at + 5..at + 21].fill(0xFF);
        }),
        changed("restart.jpg", |b| {
            let at = find(b, 0xD1);
            b[at + 1] = 0xD3;
        }),
        changed("grey.jpg", |b| {
            let at = find(b, 0xDB);
            drop(b.drain(at..at + 69));
        }),
        // a scan once more
        changed("grey.jpg", |b| {
            let scan = b[find(b, 0xDA)..b.len() - 2].to_vec();
            let end = b.len() - 2;
            b.splice(end..end, scan);
        }),
        // the first scan of a progressive file is left out
        changed("grey_progressive.jpg", |b| {
            let from = find(b, 0xDA);
            let to = from + 2 + find(&b[from + 2..], 0xC4);
            b.drain(from..to);
        }),
    ];
    insta::assert_snapshot!(found.join("\n"));
}

/// A progressive grey picture of one block, with `scans` = (first and last coefficient, bits before
/// and after) in which nothing is coded but zeros.
fn empty(scans: &[[u8; 3]]) -> Vec<u8> {
    let one_code = |place: u8| [vec![0xFF, 0xC4, 0, 20, place, 1], vec![0; 16]].concat();
    let scan = |[from, to, bits]: &[u8; 3]| [0xFF, 0xDA, 0, 8, 1, 1, 0, *from, *to, *bits, 0x7F];
    [
        vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0],
        vec![1; 64],
        vec![0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0],
        one_code(0),
        one_code(0x10),
        scans.iter().flat_map(scan).collect(),
        vec![0xFF, 0xD9],
    ]
    .concat()
}

#[test]
fn the_number_of_scans_has_a_bound() {
    let grey = Pixels { width: 8, height: 8, channels: 1, data: vec![128; 64] };
    // each coefficient bit by bit: from 13 unknown bits to none
    let bits =
        |k: u8| (0..14).map(move |n| [k, k, if n == 0 { 13 } else { (14 - n) << 4 | (13 - n) }]);
    let scans: Vec<[u8; 3]> = (0..8).flat_map(bits).collect();
    assert_eq!(decode(&empty(&scans[..100])), Ok(grey));
    assert!(decode(&empty(&scans[..101])).unwrap_err().to_string().contains("more scans"));
}

#[test]
fn exif_is_found() {
    let bytes = case("orientation_6.jpg");
    assert!(Jpeg::new(&bytes).unwrap().exif().is_some_and(|e| e.starts_with(b"MM\0*")));
    let bytes = case("420.jpg");
    assert_eq!(Jpeg::new(&bytes).unwrap().exif(), None);
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        name in prop::sample::select(vec![
            "420_odd.jpg", "420_progressive.jpg", "restart_progressive.jpg", "ycck.jpg",
            "stops_20x9_1.jpg",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = case(name);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(jpeg) = Jpeg::new(&bytes) {
            let (width, height) = jpeg.size();
            if (1..1_000_000).contains(&(width * height)) {
                let _ = jpeg.decode();
            }
        }
    }
}
