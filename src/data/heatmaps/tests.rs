use super::{super::testing::Folder, *};
use ndarray::{Array, Array2, Array3, Array4};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyExt};
use proptest::prelude::*;

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
fn firsts(path: &Path) -> Vec<Option<f32>> {
    let maps = HeatMaps::open(path, &ids()).unwrap();
    IDS.iter().map(|id| maps.of(id).map(|map| map.unwrap().data[0])).collect()
}

#[test]
fn one_array_holds_the_maps_in_the_order_of_the_pictures() {
    let folder = Folder::new();
    let all = Array3::from_shape_fn((3, 2, 3), |(n, y, x)| (100 * n + 10 * y + x) as f64);
    let path = folder.file("all.npy", npy(&all));
    let maps = HeatMaps::open(&path, &ids()).unwrap();
    let second = maps.of(IDS[1]).unwrap().unwrap();
    assert_eq!(second.shape, Shape::new(1, 2, 3));
    assert_eq!(second.data, [100.0, 101.0, 102.0, 110.0, 111.0, 112.0]);
    let channels =
        Array4::from_shape_fn((3, 2, 1, 2), |(n, c, _, x)| (100 * n + 10 * c + x) as f32);
    let path = folder.file("channels.npy", npy(&channels));
    let third = HeatMaps::open(&path, &ids()).unwrap().of(IDS[2]).unwrap().unwrap();
    assert_eq!(third.shape, Shape::new(2, 1, 2));
    assert_eq!(third.data, [200.0, 210.0, 201.0, 211.0], "channels last");
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
    assert_eq!(firsts(&folder.at("maps")), [Some(400.0), Some(1.0), Some(0.2)]);
    let maps = HeatMaps::open(&folder.at("maps"), &ids()).unwrap();
    let toolbox = maps.of(IDS[1]).unwrap().unwrap();
    assert_eq!(toolbox.shape, Shape::new(2, 1, 2));
    assert_eq!(toolbox.data, [1.0, 3.0, 2.0, 4.0]);
    folder.file("maps/c.png", "other bytes");
    assert_ne!(HeatMaps::open(&folder.at("maps"), &ids()).unwrap().digest, maps.digest);
}

#[test]
fn plain_rows_are_a_map_and_a_single_map_belongs_to_a_single_picture() {
    let folder = Folder::new();
    let path = folder.file("a.txt", "1e-3, -2, 3\n\n4 5 6\n");
    let maps = HeatMaps::open(&path, &["p.png".to_owned()]).unwrap();
    let map = maps.of("p.png").unwrap().unwrap();
    assert_eq!((map.shape, map.data), (Shape::new(1, 2, 3), vec![0.001, -2.0, 3.0, 4.0, 5.0, 6.0]));
    let path = folder.file("rgb.npy", npy(&Array3::<f32>::ones((3, 2, 2))));
    let maps = HeatMaps::open(&path, &["p.png".to_owned()]).unwrap();
    assert_eq!(maps.of("p.png").unwrap().unwrap().shape, Shape::new(3, 2, 2));
}

#[test]
fn messages_say_what_a_map_must_be() {
    let folder = Folder::new();
    let say = |name: &str, bytes: Vec<u8>| {
        let path = folder.file(name, bytes);
        let read = |maps: HeatMaps| match ids().iter().find_map(|id| maps.of(id)) {
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
    std::fs::create_dir(folder.at("empty")).unwrap();
    let messages = [
        folder.says(HeatMaps::open(&folder.at("no.npy"), &ids())),
        folder.says(HeatMaps::open(&folder.at("empty"), &ids())),
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
        say("a.safetensors", tensor(r#"{"0":{"dtype":"BF16","shape":[1,2]}}"#)),
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
        folder.says(maps.of("0").unwrap())
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
            ids().iter().for_each(|id| drop(maps.of(id)));
        }
    }
}
