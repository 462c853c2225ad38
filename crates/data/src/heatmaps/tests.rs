use super::{super::testing::Folder, *};
use ndarray::{Array, Array2, Array3, Array4, array};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyExt};
use proptest::prelude::*;
use std::io;

const IDS: [&str; 3] = ["cats/a.png", "cats/b.png", "c.jpg"];

fn ids() -> Vec<String> {
    IDS.map(str::to_owned).to_vec()
}

fn npy<T: WritableElement, D: ndarray::Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = vec![];
    array.write_npy(&mut bytes).unwrap();
    bytes
}

fn npz(arrays: &[(&str, Array2<f32>)]) -> Vec<u8> {
    let mut archive = NpzWriter::new(io::Cursor::new(vec![]));
    for (name, array) in arrays {
        archive.add_array(*name, array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Values 100 n + 10 y + x.
fn ramp(n: usize) -> Array2<f32> {
    Array2::from_shape_fn((2, 3), |(y, x)| (100 * n + 10 * y + x) as f32)
}

fn safetensors(header: &str, values: &[f32]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// The first value of the map of each picture.
fn firsts(path: &Path) -> Vec<Option<f64>> {
    let maps = HeatMaps::open(path, &ids()).unwrap();
    IDS.iter()
        .map(|id| maps.map(id).map(|map| real(map.unwrap()).into_iter().next().unwrap()))
        .collect()
}

/// The values as floating point.
fn real(map: Values) -> Array3<f64> {
    match map {
        Values::Real(values) => values,
        Values::Whole(values) => values.mapv(|v| v as f64),
    }
}

/// The only map of a file.
fn only(path: &Path) -> Values {
    HeatMaps::open(path, &["p.png".to_owned()]).unwrap().map("p.png").unwrap().unwrap()
}

#[test]
fn one_array_holds_the_maps_in_the_order_of_the_pictures() {
    let folder = Folder::new();
    let all = Array3::from_shape_fn((3, 2, 3), |(n, y, x)| (100 * n + 10 * y + x) as f64);
    let path = folder.file("all.npy", npy(&all));
    let maps = HeatMaps::open(&path, &ids()).unwrap();
    let second = maps.map(IDS[1]).unwrap().unwrap();
    let expected = array![[[100.0, 101.0, 102.0], [110.0, 111.0, 112.0]]];
    assert_eq!(second, Values::Real(expected));
    let channels =
        Array4::from_shape_fn((3, 2, 1, 2), |(n, c, _, x)| (100 * n + 10 * c + x) as f32);
    let path = folder.file("channels.npy", npy(&channels));
    let third = HeatMaps::open(&path, &ids()).unwrap().map(IDS[2]).unwrap().unwrap();
    assert_eq!(third, Values::Real(array![[[200.0, 201.0]], [[210.0, 211.0]]]));
    let header = r#"{"maps":{"dtype":"F32","shape":[3,1,2],"data_offsets":[0,24]}}"#;
    let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let path = folder.file("all.safetensors", safetensors(header, &values));
    assert_eq!(firsts(&path), [Some(0.0), Some(2.0), Some(4.0)]);
}

#[test]
fn arrays_are_named_by_id_by_id_without_ending_or_by_index() {
    let folder = Folder::new();
    let named = npz(&[("c.jpg", ramp(2)), ("cats/a", ramp(0)), ("1", ramp(1))]);
    let path = folder.file("maps.npz", named);
    assert_eq!(firsts(&path), [Some(0.0), Some(100.0), Some(200.0)]);
    let some = folder.file("some.npz", npz(&[("2", ramp(2)), ("dog", ramp(5))]));
    assert_eq!(firsts(&some), [None, None, Some(200.0)]);
    assert_eq!(HeatMaps::open(&some, &ids()).unwrap().unused, ["dog"]);
    let header = r#"{"__metadata__":{"a":"b"},
        "cats/b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},
        "c":{"dtype":"F32","shape":[1,1,1,2],"data_offsets":[0,8]}}"#;
    let path = folder.file("maps.safetensors", safetensors(header, &[7.0, 0.0, 8.0, 0.0]));
    assert_eq!(firsts(&path), [None, Some(8.0), Some(7.0)]);
}

#[test]
fn a_folder_holds_one_file_per_picture() {
    let folder = Folder::new();
    folder.file("maps/cats/a.npy", npy(&ramp(4)));
    folder.file("maps/cats/b.png_rawhm.txt", "2\n1 2\n1 2\n3 4\n");
    folder.png("maps/c.png", 2, 3, 51);
    folder.file("maps/notes.md", "not a map");
    assert_eq!(firsts(&folder.child("maps")), [Some(400.0), Some(1.0), Some(51.0 * 257.0)]);
    let maps = HeatMaps::open(&folder.child("maps"), &ids()).unwrap();
    let toolbox = maps.map(IDS[1]).unwrap().unwrap();
    assert_eq!(toolbox, Values::Whole(array![[[1, 2]], [[3, 4]]]));
    folder.file("maps/c.png", "other bytes");
    assert_ne!(HeatMaps::open(&folder.child("maps"), &ids()).unwrap().digest, maps.digest);
}

#[test]
fn a_name_that_fits_two_pictures_is_refused() {
    let folder = Folder::new();
    let say = |name: &str, ids: &[&str]| {
        let path = folder.file("maps.npz", npz(&[(name, ramp(0))]));
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        folder.says(HeatMaps::open(&path, &ids))
    };
    let messages = [
        say("x/a", &["x/a.jpg", "x/a.png", "x/b.png"]),
        say("x/a_rawhm", &["x/a.jpg", "x/a.png"]),
        // the second picture of the set, or the one that is called so
        say("1", &["001.png", "002.png", "003.png"]),
        // the same in two folders, of which one is the first picture
        say("0", &["a/0.png", "a/1.png", "b/0.png"]),
        say("7", &["a/7.png", "b/007.png"]),
    ];
    insta::assert_snapshot!(messages.join("\n"));
    // by the whole id, and by a number that can be one picture only
    let ids = ["a.jpg", "a.png", "0.png", "007.png"].map(str::to_owned);
    let path = folder.file("maps.npz", npz(&[("a.png", ramp(1)), ("0", ramp(2)), ("7", ramp(3))]));
    let maps = HeatMaps::open(&path, &ids).unwrap();
    let first = |id: &String| maps.map(id).map(|map| real(map.unwrap())[(0, 0, 0)]);
    assert_eq!(ids.each_ref().map(first), [None, Some(100.0), Some(200.0), Some(300.0)]);
}

#[cfg(unix)]
#[test]
fn links_to_nothing_and_loops_are_passed_over() {
    let folder = Folder::new();
    folder.file("maps/cats/a.npy", npy(&ramp(4)));
    std::os::unix::fs::symlink("nowhere.npy", folder.child("maps/cats/b.npy")).unwrap();
    std::os::unix::fs::symlink("..", folder.child("maps/cats/up")).unwrap();
    let maps = HeatMaps::open(&folder.child("maps"), &ids()).unwrap();
    assert_eq!((maps.len(), maps.unused), (1, vec!["cats/b.npy".into(), "cats/up".into()]));
}

#[test]
fn big_endian_values_and_masks_are_read() {
    let folder = Folder::new();
    let mut big = npy(&ramp(1));
    let values = big.len() - 6 * 4;
    big[values..].chunks_exact_mut(4).for_each(<[u8]>::reverse);
    let sign = big.windows(2).position(|w| w == b"<f").unwrap();
    big[sign] = b'>';
    let path = folder.file("big.npy", big);
    let expected = ramp(1).mapv(f64::from).insert_axis(ndarray::Axis(0));
    assert_eq!(only(&path), Values::Real(expected));
    let mut big = npy(&array![[1i64 << 60, -3]]);
    let values = big.len() - 2 * 8;
    big[values..].chunks_exact_mut(8).for_each(<[u8]>::reverse);
    let sign = big.windows(2).position(|w| w == b"<i").unwrap();
    big[sign] = b'>';
    assert_eq!(only(&folder.file("whole.npy", big)), Values::Whole(array![[[1 << 60, -3]]]));
    let mask = Array2::from_shape_fn((2, 2), |(y, x)| y == x);
    let path = folder.file("mask.npy", npy(&mask));
    assert_eq!(only(&path), Values::Real(array![[[1.0, 0.0], [0.0, 1.0]]]));
}

#[test]
fn types_that_are_no_numbers_are_refused_with_what_to_do() {
    let folder = Folder::new();
    let say = |descr: &str| {
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2, 2), }}");
        let length = (text.len() as u16).to_le_bytes();
        let bytes = [&b"\x93NUMPY\x01\0"[..], &length, text.as_bytes(), &[0; 64]].concat();
        let path = folder.file("a.npy", bytes);
        folder.says(HeatMaps::open(&path, &["p".to_owned()]))
    };
    let messages = [
        say("'|O'"),
        say("'<f16'"),
        say("'<c8'"),
        say("'<U5'"),
        say("'<M8[ns]'"),
        say("[('a', '<f4'), ('b', '<f4')]"),
        say("'|V3'"),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn plain_rows_are_a_map_and_a_single_map_belongs_to_a_single_picture() {
    let folder = Folder::new();
    let path = folder.file("a.txt", "1e-3, -2, 3\n\n4 5 6\n");
    assert_eq!(only(&path), Values::Real(array![[[0.001, -2.0, 3.0], [4.0, 5.0, 6.0]]]));
    let path = folder.file("rgb.npy", npy(&Array3::<f32>::ones((3, 2, 2))));
    assert_eq!(only(&path), Values::Real(Array3::ones((3, 2, 2))));
}

#[test]
fn every_format_keeps_the_precision_of_the_file() {
    let folder = Folder::new();
    // 1e9 + 1/1024 and 1e-60 are nothing in single precision, 2^60 + 1 is not in double precision
    let fine = Array2::from_shape_vec((1, 3), vec![1e9 + 1.0 / 1024.0, 1e-60, 1e60]).unwrap();
    let real = Values::Real(fine.clone().insert_axis(ndarray::Axis(0)));
    let large = (1i64 << 60) + 1;
    let whole = Values::Whole(array![[[i128::from(large), -3]]]);
    let mut archive = NpzWriter::new(io::Cursor::new(vec![]));
    archive.add_array("p", &fine).unwrap();
    let archive = archive.finish().unwrap().into_inner();
    let tensor = |kind: &str, size: usize, bytes: &[u8]| {
        let text = format!(
            r#"{{"p":{{"dtype":"{kind}","shape":[1,{}],"data_offsets":[0,{}]}}}}"#,
            bytes.len() / size,
            bytes.len()
        );
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), bytes].concat()
    };
    let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let integers: Vec<u8> = [large, -3].iter().flat_map(|v| v.to_le_bytes()).collect();
    let unsigned: Vec<u8> = [u64::MAX, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let halves: Vec<u8> = [half::bf16::from_f32(-1.5), half::bf16::from_f32(1e38)]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let text = format!("{large} -3\n");
    for (name, content, expected) in [
        ("a.npy", npy(&fine), &real),
        ("a.npz", archive, &real),
        ("a.safetensors", tensor("F64", 8, &bytes(fine.as_slice().unwrap())), &real),
        ("a.txt", b"1000000000.0009765625 1e-60 1e60".to_vec(), &real),
        ("b.npy", npy(&array![[large, -3]]), &whole),
        ("b.safetensors", tensor("I64", 8, &integers), &whole),
        ("b.txt", text.into_bytes(), &whole),
        (
            "c.safetensors",
            tensor("U64", 8, &unsigned),
            &Values::Whole(array![[[i128::from(u64::MAX), 1]]]),
        ),
        (
            "d.safetensors",
            tensor("BF16", 2, &halves),
            &Values::Real(array![[[-1.5, half::bf16::from_f32(1e38).to_f64()]]]),
        ),
    ] {
        assert_eq!(&only(&folder.file(name, content)), expected, "{name}");
    }
}

#[test]
fn levels_of_grey_pictures_are_whole() {
    let folder = Folder::new();
    let levels: [u16; 4] = [0, 1, 40_001, 65_535];
    let bytes: Vec<u8> = levels.iter().flat_map(|v| v.to_ne_bytes()).collect();
    let png = |bytes: &[u8], kind| {
        super::super::testing::encode(image::ImageFormat::Png, kind, bytes, 2, 2)
    };
    let path = folder.file("a.png", png(&bytes, image::ExtendedColorType::L16));
    assert_eq!(only(&path), Values::Real(array![[[0.0, 1.0], [40_001.0, 65_535.0]]]));
    let path = folder.file("b.png", png(&[0, 1, 2, 255], image::ExtendedColorType::L8));
    assert_eq!(only(&path), Values::Real(array![[[0.0, 257.0], [514.0, 65_535.0]]]));
}

#[test]
fn messages_say_what_a_map_must_be() {
    let folder = Folder::new();
    let say = |name: &str, bytes: Vec<u8>| {
        let path = folder.file(name, bytes);
        let read = |maps: HeatMaps| match ids().iter().find_map(|id| maps.map(id)) {
            Some(map) => map.map(drop),
            None => panic!("there are maps"),
        };
        folder.says(HeatMaps::open(&path, &ids()).and_then(read))
    };
    let tensor = |text: &str| safetensors(text, &[1.0, 2.0]);
    let mut colour = vec![0; 12];
    colour[4] = 9;
    let colour = super::super::testing::encode(
        image::ImageFormat::Png,
        image::ExtendedColorType::Rgb8,
        &colour,
        2,
        2,
    );
    std::fs::create_dir(folder.child("empty")).unwrap();
    let messages = [
        folder.says(HeatMaps::open(&folder.child("no.npy"), &ids())),
        folder.says(HeatMaps::open(&folder.child("empty"), &ids())),
        say("a.mat", vec![]),
        say("a.npy", npy(&Array3::<f32>::zeros((2, 4, 4)))),
        say("a.npy", npy(&ramp(0))),
        say("a.npy", npy(&Array3::<i32>::zeros((1 << 40, 0, 4)))),
        say("a.npz", npz(&[("dog", ramp(0))])),
        say("a.npz", npz(&[("cats/a", ramp(0)), ("0", ramp(0))])),
        say("a.npz", b"PK".to_vec()),
        say("a.safetensors", b"text".to_vec()),
        say("a.safetensors", u64::MAX.to_le_bytes().to_vec()),
        say("a.safetensors", tensor("[1]")),
        say("a.safetensors", tensor(r#"{"0":{"dtype":"F8_E5M2","shape":[1,2]}}"#)),
        say(
            "a.safetensors",
            tensor(r#"{"0":{"dtype":"F32","shape":[1,2],"data_offsets":[0,800]}}"#),
        ),
        say(
            "a.safetensors",
            tensor(r#"{"0":{"dtype":"F32","shape":[1,200],"data_offsets":[0,800]}}"#),
        ),
        say("0/0.txt", b"".to_vec()),
    ];
    let single = |name: &str, bytes: Vec<u8>| {
        let path = folder.file(name, bytes);
        let maps = HeatMaps::open(&path, &["0".to_owned()]).unwrap();
        folder.says(maps.map("0").unwrap())
    };
    let more = [
        single("b.txt", b"1 2\n3".to_vec()),
        single("b.txt", b"1 2\n3 x".to_vec()),
        single("b.txt", b" \n".to_vec()),
        single("b.txt", b"3\n2 2\n1 2 3\n".to_vec()),
        single("b.npy", npy(&Array::<f32, _>::zeros((1, 0, 2)))),
        single("b.png", colour),
    ];
    insta::assert_snapshot!(messages.into_iter().chain(more).collect::<Vec<_>>().join("\n"));
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in 0usize..4,
    ) {
        let folder = Folder::new();
        let header = r#"{"0":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
        let (name, mut bytes) = match kind {
            0 => ("a.npy", npy(&Array3::<f32>::zeros((3, 2, 2)))),
            1 => ("a.npz", npz(&[("0", ramp(0)), ("c", ramp(1))])),
            2 => ("a.safetensors", safetensors(header, &[1.0, 2.0])),
            _ => ("0.txt", b"1\n2 2\n1 2 3 4\n".to_vec()),
        };
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let path = folder.file(name, bytes);
        if let Ok(maps) = HeatMaps::open(&path, &ids()) {
            ids().iter().for_each(|id| drop(maps.map(id)));
        }
    }
}
