use super::*;

fn test_split() -> Scenes {
    Scenes::new(Split::Test, Scenes::SEED)
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..8])
}

#[test]
fn pictures_are_the_same_bytes_on_every_platform() {
    let scenes = test_split();
    let digests: Vec<String> =
        (0..10).map(|i| format!("{} {}", scenes.id(i), digest(&scenes.picture(i).bytes))).collect();
    // a change here means new pictures: raise EDITION, train the embedded network again
    insta::assert_snapshot!(digests.join("\n"));
}

#[test]
fn a_picture_depends_on_seed_split_and_index_and_nothing_else() {
    let scenes = test_split();
    let first = scenes.picture(3);
    scenes.picture(4);
    assert_eq!(first, scenes.picture(3));
    assert_ne!(first.bytes, scenes.picture(13).bytes);
    assert_ne!(first.bytes, Scenes::new(Split::Val, Scenes::SEED).picture(3).bytes);
    assert_ne!(first.bytes, Scenes::new(Split::Test, Seed(1)).picture(3).bytes);
}

#[test]
fn items_carry_whole_bytes_the_label_the_mask_and_its_box() {
    let scenes = test_split();
    for i in [0, 17, 333] {
        let (item, picture) = (scenes.item(i).unwrap(), scenes.picture(i));
        assert_eq!(item.id, format!("scenes/test/{i:05}"));
        assert_eq!(item.label, Some(i % 10));
        let bytes: Vec<u8> = item.image.data.iter().map(|v| (v * 255.0).round() as u8).collect();
        assert_eq!(bytes, picture.bytes);
        assert_eq!(item.image, picture.tensor(), "values are bytes over 255");
        assert_eq!(item.boxes, [extent(&picture.mask)]);
        assert_eq!(item.mask, Some(picture.mask));
    }
}

#[test]
fn boxes_are_the_extent_of_masks() {
    let mut mask = vec![false; SIDE * SIDE];
    assert_eq!(extent(&mask), Rect::EMPTY);
    mask[10 * SIDE + 20] = true;
    mask[12 * SIDE + 7] = true;
    assert_eq!(extent(&mask), Rect { y0: 10, y1: 13, x0: 7, x1: 21 });
}

#[test]
fn objects_are_whole_and_neither_tiny_nor_everything() {
    let scenes = test_split();
    for i in 0..200 {
        let mask = scenes.picture(i).mask;
        let share = mask.iter().filter(|m| **m).count() as f64 / (SIDE * SIDE) as f64;
        assert!((0.02..0.45).contains(&share), "{}: {share}", scenes.id(i));
        let inner = Rect { y0: 1, y1: SIDE - 1, x0: 1, x1: SIDE - 1 };
        assert!(inner.contains(extent(&mask)), "{} touches the border", scenes.id(i));
    }
}

#[test]
fn classes_are_balanced() {
    let scenes = test_split();
    let mut counts = [0; 10];
    (0..scenes.len()).for_each(|i| counts[scenes.label(i)] += 1);
    assert_eq!(counts, [100; 10]);
    assert_eq!(scenes.classes().map(<[String]>::len), Some(10));
}

/// Objects of two classes in one and the same scene: only pixels near the object may differ.
#[test]
fn the_class_changes_nothing_away_from_the_object() {
    let scenes = test_split();
    for i in 0..30 {
        let id = scenes.id(i);
        let picture = |class: usize| {
            let mut scene = Scene::draw(Scenes::SEED, &id);
            scene.put(CLASSES[class]);
            (scene.place(CLASSES[class]), scene.develop())
        };
        let (place, bytes) = picture(i % 10);
        let (other_place, other) = picture((i + 3) % 10);
        assert_eq!(
            (place.centre, place.radius.to_bits()),
            (other_place.centre, other_place.radius.to_bits())
        );
        let without = scenes.without_object(i).bytes;
        let pixels = bytes.chunks(3).zip(other.chunks(3)).zip(without.chunks(3)).enumerate();
        for (k, ((pixel, other), without)) in pixels {
            let at = p((k % SIDE) as f32 + 0.5, (k / SIDE) as f32 + 0.5);
            // half a pixel more for samples off the centre
            if (at - place.centre).len() > place.radius + 0.8 {
                assert_eq!(pixel, other, "{id}: the shadow tells the class");
            }
            // the shadow is moved by at most 0.35 and reaches 1.15 radii
            if (at - place.centre).len() > 1.5 * place.radius + 0.8 {
                assert_eq!(pixel, without, "{id}: the object reaches too far");
            }
        }
    }
}

/// Differences between the classes' mean border colours are no larger than chance makes them: an
/// F test of the class means, per channel.
#[test]
fn borders_say_nothing_about_the_class() {
    let scenes = test_split();
    let edge = |v: usize| v == 0 || v == SIDE - 1;
    let border = |k: &usize| edge(k / SIDE) || edge(k % SIDE);
    let n = 400;
    let mean = |bytes: &[u8], c: usize| {
        let values: Vec<f64> =
            (0..SIDE * SIDE).filter(border).map(|k| f64::from(bytes[3 * k + c])).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let pictures: Vec<Vec<u8>> = (0..n).map(|i| scenes.picture(i).bytes).collect();
    for c in 0..3 {
        let values: Vec<f64> = pictures.iter().map(|bytes| mean(bytes, c)).collect();
        let grand = values.iter().sum::<f64>() / n as f64;
        let of_class = |k: usize| {
            let mine = values.iter().skip(k).step_by(10);
            mine.sum::<f64>() / (n / 10) as f64
        };
        let between: f64 =
            (0..10).map(|k| (of_class(k) - grand).powi(2)).sum::<f64>() * (n / 10) as f64 / 9.0;
        let within: f64 =
            values.iter().enumerate().map(|(i, v)| (v - of_class(i % 10)).powi(2)).sum::<f64>()
                / (n - 10) as f64;
        // the 99.9 % point of F with 9 and 390 degrees of freedom is 3.2
        assert!(between / within < 3.2, "channel {c}: F = {}", between / within);
    }
}

#[test]
fn fingerprints_tell_seeds_and_splits_apart() {
    let of = |split, seed| Scenes::new(split, Seed(seed)).fingerprint();
    assert_eq!(of(Split::Test, 0), of(Split::Test, 0));
    assert_ne!(of(Split::Test, 0), of(Split::Test, 1));
    assert_ne!(of(Split::Test, 0), of(Split::Val, 0));
    assert_eq!(of(Split::Test, 0).len(), 64);
}
