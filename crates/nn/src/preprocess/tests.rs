//! Sidecars, sizes and values against hand-worked numbers, torchvision, PyTorch and Pillow.

use super::{fit::short_side, *};
use crate::base::geom::Rect;

const RGB: Shape = Shape::new(3, 4, 4);

fn sidecar(changes: &str) -> Settings {
    let base = Settings {
        channels: Some(Channels::Rgb),
        scale: Some(1.0 / 255.0),
        mean: Some(vec![0.0; 3]),
        std: Some(vec![1.0; 3]),
        ..Settings::default()
    };
    Settings::from_toml(changes).unwrap().or(base)
}

fn plain(changes: &str, input: Shape) -> Preprocess {
    sidecar(changes).resolve(input).unwrap()
}

/// Values that differ in every channel and pixel, in [0, 1].
fn ramp(c: usize, h: usize, w: usize) -> Tensor {
    let n = c * h * w;
    Tensor::new(Shape::new(c, h, w), (0..n).map(|v| v as f32 / n as f32).collect())
}

#[track_caller]
fn assert_near(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() <= tolerance, "{got:?}\n{expected:?}");
    }
}

const SQUEEZENET: &str = r#"
input = [227, 227]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "bgr"
scale = 1.0
mean = [104.0, 117.0, 123.0]
std = [1.0, 1.0, 1.0]
"#;
const GOOGLENET: &str = r#"
input = [224, 224]
resize = "none"
crop = "center"
pad = [0, 0]
channels = "bgr"
scale = 1.0
mean = [104.00699, 116.66877, 122.67891]
std = [1.0, 1.0, 1.0]
"#;
const CIFAR_RESNET: &str = r#"
input = [32, 32]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "rgb"
scale = 0.00392156862745098
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
"#;
const CIFAR_PLAIN: &str = r#"
input = [32, 32]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "rgb"
scale = 0.00392156862745098
mean = [0.5, 0.5, 0.5]
std = [1.0, 1.0, 1.0]
"#;
const MNIST_BN: &str = r#"
input = [28, 28]
resize = "none"
crop = "none"
pad = [0, 0]
channels = "grey"
scale = 0.00392156862745098
mean = [0.1307]
std = [0.3081]
"#;
const LENET: &str = r#"
input = [32, 32]
resize = "none"
crop = "none"
pad = [2, 2]
channels = "grey"
scale = 0.00784313725490196
mean = [1.0]
std = [1.0]
"#;

#[test]
fn bounds_are_the_inputs_of_black_and_white_pixels() {
    let bounds = |text, shape| {
        let p = Preprocess::from_toml(text, shape).unwrap();
        [p.low(), p.high()].concat()
    };
    let rgb = |side| Shape::new(3, side, side);
    let grey = |side| Shape::new(1, side, side);
    // all by hand from x = (pixel - mean) / std; single precision of values up to 151
    let near = |got: Vec<f32>, expected: &[f32]| assert_near(&got, expected, 1e-5);
    near(bounds(SQUEEZENET, rgb(227)), &[-104.0, -117.0, -123.0, 151.0, 138.0, 132.0]);
    near(
        bounds(GOOGLENET, rgb(224)),
        &[-104.00699, -116.66877, -122.67891, 150.99301, 138.33123, 132.32109],
    );
    near(
        bounds(CIFAR_RESNET, rgb(32)),
        &[-2.117_904, -2.035_714_3, -1.804_444_4, 2.248_908_3, 2.428_571_4, 2.64],
    );
    near(bounds(CIFAR_PLAIN, rgb(32)), &[-0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
    near(bounds(MNIST_BN, grey(28)), &[-0.424_212_92, 2.821_486_5]);
    near(bounds(LENET, grey(32)), &[-1.0, 1.0]);
}

#[test]
fn caffe_networks_get_blue_first_and_whole_grey_levels() {
    let p = Preprocess::from_toml(SQUEEZENET, Shape::new(3, 227, 227)).unwrap();
    let mut image = Tensor::zeros(Shape::new(3, 227, 227));
    image.data[..3].copy_from_slice(&[131.0 / 255.0, 108.0 / 255.0, 64.0 / 255.0]);
    let picture = p.picture(&image).unwrap();
    assert_eq!(picture.pixel(0, 0), [64.0 / 255.0, 108.0 / 255.0, 131.0 / 255.0]);
    // 131 / 255 is not a single-precision number: 255 times its rounding
    assert_near(p.normalise(&picture).pixel(0, 0), &[-40.0, -9.0, 8.0], 1e-5);
}

#[test]
fn digits_are_padded_with_black() {
    let p = Preprocess::from_toml(LENET, Shape::new(1, 32, 32)).unwrap();
    let digit = Tensor::new(Shape::new(1, 28, 28), vec![1.0; 784]);
    let x = p.normalise(&p.picture(&digit).unwrap());
    for (y, col) in (0..32).flat_map(|y| (0..32).map(move |c| (y, c))) {
        let inside = (2..30).contains(&y) && (2..30).contains(&col);
        assert_near(x.pixel(y, col), &[if inside { 1.0 } else { -1.0 }], 1e-6);
    }
}

#[test]
fn centre_crops_start_where_torchvision_and_caffe_start_them() {
    // first column kept by torchvision 0.29 CenterCrop(k) of n columns, and (n - k) / 2 of Caffe
    let cases = [(227, 224, 2, 1), (5, 2, 2, 1), (6, 3, 2, 1), (7, 2, 2, 2), (9, 2, 4, 3)];
    for (n, k, torchvision, caffe) in cases {
        for (crop, first) in [("center-torchvision", torchvision), ("center", caffe)] {
            let p = plain(&format!("crop = \"{crop}\""), Shape::new(3, k, k));
            let columns = (0..n * n).flat_map(|i| [(i % n) as f32; 3]).collect();
            let picture = p.picture(&Tensor::new(Shape::new(3, n, n), columns)).unwrap();
            assert_near(picture.pixel(0, 0), &[first as f32; 3], 0.0);
            assert_near(picture.pixel(k - 1, k - 1), &[(first + k - 1) as f32; 3], 0.0);
        }
    }
}

const LEVELS: [u8; 35] = [
    0, 53, 106, 159, 212, 9, 62, 37, 101, 165, 229, 37, 101, 165, 74, 149, 224, 43, 118, 193, 12,
    111, 197, 27, 113, 199, 29, 115, 148, 245, 86, 183, 24, 121, 218,
];

fn grey(levels: impl Iterator<Item = u8>, h: usize, w: usize) -> Tensor {
    Tensor::new(Shape::new(1, h, w), levels.map(|v| f32::from(v) / 255.0).collect())
}

fn grey_exact(h: usize, w: usize) -> Preprocess {
    let grey = "resize = \"exact\"\nchannels = \"grey\"\nmean = [0]\nstd = [1]";
    plain(grey, Shape::new(1, h, w))
}

#[test]
fn reduction_agrees_with_torch_interpolate_and_pil() {
    let picture = grey_exact(3, 4).picture(&grey(LEVELS.into_iter(), 5, 7)).unwrap();
    // torch 2.15: F.interpolate(size=(3, 4), mode="bilinear", antialias=True) in float64;
    // single-precision weights over up to 4 x 4 taps
    let torch = [
        0.180_739,
        0.532_952_4,
        0.524_885_2,
        0.325_01,
        0.433_634_2,
        0.567_320_3,
        0.457_063_2,
        0.392_302_1,
        0.659_970_7,
        0.467_831_9,
        0.433_859_9,
        0.512_711_8,
    ];
    assert_near(&picture.data, &torch, 1e-6);
    // Pillow 13.0 (torchvision's Resize of a PIL picture) rounds to grey levels after each of
    // its two passes: half a level each
    let pil = [46.0, 136.0, 134.0, 82.0, 111.0, 144.0, 117.0, 100.0, 169.0, 119.0, 111.0, 131.0];
    assert_near(&picture.data, &pil.map(|v: f32| v / 255.0), 1.0 / 255.0);
}

#[test]
fn enlargement_agrees_with_torch_interpolate_and_pil() {
    let corner = [0, 53, 106, 37, 101, 165].into_iter();
    let picture = grey_exact(4, 5).picture(&grey(corner, 2, 3)).unwrap();
    let torch = [
        0.0,
        0.083_137_3,
        0.207_843_1,
        0.332_549,
        0.415_686_3,
        0.036_274_5,
        0.123_725_5,
        0.254_902,
        0.386_078_4,
        0.473_529_4,
        0.108_823_5,
        0.204_902,
        0.349_019_6,
        0.493_137_3,
        0.589_215_7,
        0.145_098,
        0.245_490_2,
        0.396_078_4,
        0.546_666_7,
        0.647_058_8,
    ];
    assert_near(&picture.data, &torch, 1e-6);
}

#[test]
fn the_short_side_keeps_the_aspect_ratio_rounded_down() {
    // torchvision 0.29 Resize(side) of (height, width)
    for (found, side, resized) in
        [((375, 500), 256, (256, 341)), ((500, 333), 256, (384, 256)), ((5, 7), 3, (3, 4))]
    {
        let size = |(height, width)| Size { height, width };
        assert_eq!(short_side(size(found), side), size(resized));
    }
    let p = plain("resize = { short = 5 }\ncrop = \"center\"", RGB);
    assert_eq!(p.picture(&ramp(3, 20, 31)).unwrap().shape, RGB);
}

#[test]
fn grey_and_colour_pictures_meet_grey_and_colour_networks() {
    let rgb = Tensor::new(Shape::new(3, 1, 1), vec![1.0, 0.5, 0.25]);
    let single = Tensor::new(Shape::new(1, 1, 1), vec![0.5]);
    let of = |channels: &str, image| {
        let n = if channels == "grey" { 1 } else { 3 };
        let text = format!(
            "channels = \"{channels}\"\nmean = {:?}\nstd = {:?}",
            vec![0.0; n],
            vec![1.0; n]
        );
        plain(&text, Shape::new(n, 1, 1)).picture(image).unwrap().data
    };
    assert_near(&of("rgb", &rgb), &[1.0, 0.5, 0.25], 0.0);
    assert_near(&of("bgr", &rgb), &[0.25, 0.5, 1.0], 0.0);
    // 0.299 + 0.587 / 2 + 0.114 / 4
    assert_near(&of("grey", &rgb), &[0.621], 1e-7);
    assert_near(&of("rgb", &single), &[0.5; 3], 0.0);
    assert_near(&of("grey", &single), &[0.5], 0.0);
}

#[test]
fn boxes_and_pixels_are_followed_through_resize_crop_and_padding() {
    // 10 x 20 -> 5 x 10, columns 2 to 7 of it, one pixel of padding above and below
    let p = plain("resize = { short = 5 }\ncrop = \"center\"\npad = [1, 0]", Shape::new(3, 7, 5));
    let placement = p.placement(Shape::new(3, 10, 20)).unwrap();
    let rect = |y0, y1, x0, x1| placement.rect(Rect { y0, y1, x0, x1 });
    assert_eq!(rect(0, 10, 0, 20), Rect { y0: 1, y1: 6, x0: 0, x1: 5 });
    assert_eq!(rect(2, 5, 6, 9), Rect { y0: 2, y1: 4, x0: 1, x1: 3 });
    assert_eq!(rect(0, 10, 0, 4), Rect::EMPTY);
    assert_eq!(placement.source(0, 0), None);
    assert_eq!(placement.source(6, 4), None);
    assert_eq!(placement.source(1, 0), Some((1, 5)));
    assert_eq!(placement.source(5, 4), Some((9, 13)));
    assert!(plain("", RGB).placement(Shape::new(3, 10, 20)).is_err());
}

#[test]
fn vectors_of_a_text_have_its_shape_and_finite_numbers() {
    let settings = Settings::from_toml("[text]\nvocabulary = 'v.txt'\nlength = 3").unwrap();
    let shape = Shape::new(2, 3, 1);
    let of_texts = settings.resolve(shape).unwrap();
    let mut text = Tensor::zeros(shape);
    text.data[1] = -7.5;
    assert_eq!(of_texts.picture(&text).unwrap().data, text.data, "vectors have no range");
    text.data[4] = f32::INFINITY;
    let said = of_texts.picture(&text).unwrap_err().to_string();
    assert_eq!(said, "the vectors of the text hold inf, expected finite numbers");
    let said = of_texts.picture(&Tensor::zeros(Shape::new(2, 4, 1))).unwrap_err().to_string();
    assert!(said.starts_with("the text is 2x4x1"), "{said}");
}

proptest::proptest! {
    #[test]
    fn every_pixel_of_the_input_shows_the_box_around_its_source(
        h in 4usize..40, w in 4usize..40, exact: bool, y in 0usize..4, x in 0usize..4,
    ) {
        let how = if exact { "resize = \"exact\"" } else { "resize = { short = 4 }\ncrop = \"center\"" };
        let placement = plain(how, RGB).placement(Shape::new(1, h, w)).unwrap();
        let (row, column) = placement.source(y, x).unwrap();
        let pixel = Rect { y0: row, y1: row + 1, x0: column, x1: column + 1 };
        let here = Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 };
        proptest::prop_assert!(placement.rect(pixel).contains(here));
    }
}

#[test]
fn a_rectangle_is_normalised_to_the_same_bits_as_the_whole_picture() {
    let p = Preprocess::from_toml(CIFAR_RESNET, Shape::new(3, 32, 32)).unwrap();
    let picture = ramp(3, 32, 32);
    let whole = p.normalise(&picture);
    let mut part = vec![0.0; 9];
    p.normalise_pixels(picture.row(7, 3, 6), &mut part);
    assert_eq!(part, whole.row(7, 3, 6));
}

#[test]
fn flags_override_the_sidecar_and_the_result_can_be_run_again() {
    let file = Settings::from_toml(CIFAR_RESNET).unwrap();
    let flags = Settings { resize: Some("short=40".parse().unwrap()), ..Settings::default() };
    let shape = Shape::new(3, 32, 32);
    let p = flags.or(file).resolve(shape).unwrap();
    let text = toml::to_string(&p.settings()).unwrap();
    assert!(text.contains("short = 40") && text.contains("0.225"), "{text}");
    assert_eq!(Preprocess::from_toml(&text, shape).unwrap(), p);
}

#[test]
fn presets_have_the_values_of_their_libraries() {
    let bounds = |name: &str| {
        let text = format!("preset = \"{name}\"");
        let p = Preprocess::from_toml(&text, Shape::new(3, 224, 224)).unwrap();
        ([p.low(), p.high()].concat(), p)
    };
    // (black - mean) / std and (white - mean) / std by hand
    let unit = [-2.117_904, -2.035_714_3, -1.804_444_4, 2.248_908_3, 2.428_571_4, 2.64];
    let (found, torchvision) = bounds("torchvision");
    assert_near(&found, &unit, 1e-5);
    let (found, caffe) = bounds("caffe");
    assert_near(&found, &[-104.0, -117.0, -123.0, 151.0, 138.0, 132.0], 1e-5);
    // keras.applications.imagenet_utils.preprocess_input, mode "caffe"
    let (found, keras) = bounds("keras");
    assert_near(&found, &[-103.939, -116.779, -123.68, 151.061, 138.221, 131.32], 1e-4);
    // mode "tf": x / 127.5 - 1
    let (found, inception) = bounds("inception");
    assert_near(&found, &[-1.0, -1.0, -1.0, 1.0, 1.0, 1.0], 1e-6);
    let (found, clip) = bounds("clip");
    assert_near(
        &found,
        &[-1.792_262_6, -1.752_097, -1.480_220_5, 1.930_333_6, 2.074_884, 2.145_897],
        1e-5,
    );
    // what becomes of 375 x 500 pixels: the size after resizing, the first row and column that stay
    let fit = |p: &Preprocess| {
        let fit = p.fit(Size { height: 375, width: 500 }).unwrap();
        (fit.resized.height, fit.resized.width, fit.top, fit.left)
    };
    assert_eq!(fit(&torchvision), (256, 341, 16, 58));
    assert_eq!(fit(&caffe), (256, 256, 16, 16));
    assert_eq!(fit(&keras), (224, 224, 0, 0));
    assert_eq!(fit(&inception), (224, 224, 0, 0));
    assert_eq!(fit(&clip), (224, 298, 0, 37));
    assert_eq!([caffe.channels(), keras.channels()], [Channels::Bgr; 2]);
    assert_eq!(clip.settings().interpolation, Some(Interpolation::Bicubic));
}

#[test]
fn keys_beside_a_preset_and_presets_of_flags_take_precedence() {
    let sidecar =
        Settings::from_toml("preset = \"torchvision\"\nresize = { short = 342 }").unwrap();
    assert_eq!(sidecar.resize, Some(Resize::Short(342)));
    assert_eq!(sidecar.crop, Some(Crop::CenterTorchvision));
    let flags = Settings::default().or_preset(Some(Preset::Caffe));
    let both = flags.or(sidecar);
    assert_eq!(both.resize, Some(Resize::Square(256)));
    assert_eq!(both.channels, Some(Channels::Bgr));
}

#[test]
fn a_picture_covers_an_oblong_input() {
    let cover = |height, width, shape| {
        let p = plain("resize = \"cover\"\ncrop = \"center\"", shape);
        let Size { height, width } = p.fit(Size { height, width }).unwrap().resized;
        (height, width)
    };
    assert_eq!(cover(375, 500, Shape::new(3, 224, 224)), (224, 298));
    assert_eq!(cover(500, 333, Shape::new(3, 224, 224)), (336, 224));
    assert_eq!(cover(100, 100, Shape::new(3, 20, 40)), (40, 40));
    assert_eq!(cover(100, 300, Shape::new(3, 20, 40)), (20, 60));
    assert_eq!(cover(3, 3, Shape::new(3, 7, 7)), (7, 7));
}

const CUBIC_SMALL: [f32; 12] = [
    35.759, 145.947, 137.533, 77.713, 110.251, 147.864, 115.952, 99.753, 174.907, 117.606, 107.918,
    129.819,
];

const CUBIC_LARGE: [f32; 63] = [
    0.000, 29.634, 73.475, 113.912, 154.922, 226.170, 97.878, 4.860, 58.479, 15.478, 53.715,
    101.700, 154.117, 210.535, 131.535, 67.002, 74.732, 133.377, 44.393, 87.804, 151.579, 196.736,
    187.052, 60.531, 86.746, 140.682, 132.374, 70.450, 119.536, 196.380, 196.069, 43.000, 96.417,
    177.225, 140.179, 3.432, 96.506, 164.596, 140.336, 64.866, 85.536, 184.517, 125.651, 59.708,
    78.744, 125.421, 204.857, 143.502, 47.019, 148.485, 137.699, 79.594, 88.617, 172.354, 145.533,
    227.723, 180.926, 99.130, 187.078, 38.302, 61.675, 165.783, 228.622,
];

#[test]
fn cubic_reduction_and_enlargement_agree_with_pillow() {
    let text = "resize = \"exact\"\ninterpolation = \"bicubic\"\nchannels = \"grey\"\nmean = [0]\nstd = [1]";
    let small = plain(text, Shape::new(1, 3, 4)).picture(&grey(LEVELS.into_iter(), 5, 7)).unwrap();
    let large = plain(text, Shape::new(1, 7, 9)).picture(&grey(LEVELS.into_iter(), 5, 7)).unwrap();
    // Pillow 13.0 resize(BICUBIC) of a picture in mode "F", clipped to 0..255
    assert_near(&small.data, &CUBIC_SMALL.map(|v: f32| v / 255.0), 1e-5);
    assert_near(&large.data, &CUBIC_LARGE.map(|v: f32| v / 255.0), 1e-5);
}

#[test]
fn class_names_are_counted() {
    assert_eq!(class_names("cat\r\n a dog \n\n", 2).unwrap(), ["cat", "a dog"]);
    let error = class_names("cat\n", 1000).unwrap_err();
    insta::assert_snapshot!(error, @"expected 1000 class names, one per line, found 1");
}

#[test]
fn messages_name_what_was_expected_and_found() {
    let resolve = |text: &str| {
        Settings::from_toml(text)
            .and_then(|s| s.or(sidecar("")).resolve(RGB))
            .unwrap_err()
            .to_string()
    };
    let fit = |text: &str, c, h, w| {
        plain(text, RGB).picture(&Tensor::zeros(Shape::new(c, h, w))).unwrap_err().to_string()
    };
    let tiny = sidecar("").resolve(Shape::new(1, 4, 4)).unwrap_err().to_string();
    let vector = sidecar("").resolve(Shape::vector(10)).unwrap_err().to_string();
    let alone = |text| Preprocess::from_toml(text, RGB).unwrap_err().to_string();
    let messages = [
        resolve("input = [4, 4"),
        resolve("scale = 1\nscale = 2"),
        resolve("chanels = \"rgb\""),
        resolve("foo = 1"),
        resolve("input = [4, 5]"),
        resolve("input = [4, -4]"),
        resolve("resize = \"exactly\""),
        resolve("resize = { short = 0 }"),
        resolve("resize = { long = 3 }"),
        resolve("crop = \"centre\""),
        resolve("pad = [2, 0]"),
        resolve("pad = [0, 99999999999999]"),
        resolve("channels = \"grey\""),
        resolve("channels = \"hsv\""),
        resolve("scale = 0"),
        resolve("scale = nan"),
        resolve("scale = 1e300"),
        resolve("mean = [0.5]"),
        resolve("mean = [0, inf, 0]"),
        resolve("mean = [1e30, 0, 0]"),
        resolve("std = [1, 1, 0]"),
        resolve("std = 1"),
        resolve("classes = 3"),
        tiny,
        vector,
        alone(""),
        alone("channels = \"rgb\"\nscale = 1\nstd = [1, 1, 1]"),
        fit("", 3, 375, 500),
        fit("crop = \"center\"", 3, 3, 500),
        fit("pad = [1, 0]", 3, 4, 4),
        fit("resize = { short = 8 }", 3, 10, 20),
        fit("resize = { short = 3 }\ncrop = \"center\"", 3, 10, 20),
        fit("resize = { short = 400 }\ncrop = \"center\"", 3, 1, 1_000_000),
        fit("resize = \"exact\"", 3, 1, 30_000_000),
        fit("resize = \"exact\"", 3, 0, 7),
        fit("", 4, 4, 4),
        "short=-1".parse::<Resize>().unwrap_err().to_string(),
        "middle".parse::<Crop>().unwrap_err().to_string(),
        "gray".parse::<Channels>().unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_sidecar_or_an_error(text in "\\PC{0,80}") {
        let _ = Preprocess::from_toml(&text, RGB);
    }

    #[test]
    fn any_picture_fits_after_an_exact_resize(h in 1usize..30, w in 1usize..30, grey: bool) {
        let p = plain("resize = \"exact\"", RGB);
        let picture = p.picture(&ramp(if grey { 1 } else { 3 }, h, w)).unwrap();
        proptest::prop_assert_eq!(picture.shape, RGB);
        proptest::prop_assert!(picture.data.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
