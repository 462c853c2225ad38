//! `pixelflip plot` and `data export`.

use super::{Desk, stderr};
use ndarray::{Array1, Array4};
use ndarray_npy::NpzReader;
use std::fs;

const RUN: &str = "run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon --region 8 --steps 4 \
                   --repeats 1 --perturbation uniform,mean-image --quiet --out out";

#[test]
fn every_figure_is_made_at_its_width_and_what_cannot_be_is_one_sentence() {
    let desk = Desk::new(4);
    desk.run(RUN);
    let figures =
        ["aopc", "relative", "abpc", "scores", "forest", "ranks", "cost", "settings", "agreement"];
    for figure in figures {
        desk.expect(0, &format!("plot out --figure {figure} --width 85mm"));
        let file = fs::read(desk.path(&format!("out/plots/{figure}.pdf"))).unwrap();
        let text = String::from_utf8_lossy(&file);
        assert!(text.starts_with("%PDF") && text.contains("/MediaBox [0 0 240.945 "), "{figure}");
    }
    let told = stderr(&desk.expect(
        0,
        "plot out --figure scores --panel lerf --names gradient=Gradient --setting 2 --out a.svg",
    ));
    assert!(
        told.contains("perturbation mean-image") && told.contains("written to `a.svg`"),
        "{told}"
    );
    let svg = fs::read_to_string(desk.path("a.svg")).unwrap();
    assert!(svg.contains("width=\"453.543pt\"") && svg.contains("Gradient\n"), "{svg}");
    desk.expect(0, "plot out --figure aopc --width 1.5in --dpi 100 --out b.png");
    let size = image::image_dimensions(desk.path("b.png")).unwrap();
    assert_eq!(size.0, 150);
    let told: String = [
        "plot out --figure apoc",
        "plot out --figure scores --panel moref",
        "plot out --figure aopc --setting 3",
        "plot out --figure aopc --names gradiant=x",
        "plot out --figure aopc --names gradient=x --names random=x",
        "plot out --figure aopc --out a.gif",
        "plot out --figure aopc --out a.png --format pdf",
    ]
    .map(|arguments| desk.told(arguments))
    .concat();
    insta::assert_snapshot!(told);
}

#[test]
fn what_a_run_does_not_have_cannot_be_drawn() {
    let desk = Desk::new(3);
    let run = RUN.replace("random,gradient,lrp-epsilon", "gradient").replace(",mean-image", "");
    desk.expect(0, &format!("{run} --orders morf"));
    let told = ["relative", "abpc", "settings", "forest"]
        .map(|figure| desk.told(&format!("plot out --figure {figure}")))
        .concat();
    insta::assert_snapshot!(told);
}

#[test]
fn exported_inputs_are_those_of_the_network() {
    let desk = Desk::new(2);
    fs::write(desk.path("pictures/broken.png"), "no picture").unwrap();
    let told = stderr(&desk.expect(1, "data export --model m.onnx --data pictures --out x.npz"));
    assert!(
        told.contains("`broken.png`") && told.contains("2 pictures written to `x.npz`"),
        "{told}"
    );
    let mut file = NpzReader::new(fs::File::open(desk.path("x.npz")).unwrap()).unwrap();
    let pixels: Array4<f32> = file.by_name("pixels.npy").unwrap();
    let inputs: Array4<f32> = file.by_name("inputs.npy").unwrap();
    let labels: Array1<i64> = file.by_name("labels.npy").unwrap();
    assert_eq!((inputs.dim(), labels.to_vec()), ((2, 3, 32, 32), vec![-1, -1]));
    let picture = super::picture(1, 32);
    // the sidecar's mean and deviation of the second channel
    let value = f32::from(picture.get_pixel(5, 7).0[1]) / 255.0;
    assert!((pixels[[1, 1, 7, 5]] - value).abs() < 1e-6);
    let (mean, std) = super::NORMALISATION;
    assert!((inputs[[1, 1, 7, 5]] - (value - mean) / std).abs() < 1e-5);
    let told = stderr(&desk.expect(2, "data export --model m.onnx --data pictures --out x"));
    assert!(told.contains("needs `--out FILE.npz`"), "{told}");
}
