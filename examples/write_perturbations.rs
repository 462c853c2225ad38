//! Writes one picture per perturbation: a generated picture without a third of its regions.
//!
//! `cargo run --release --example write_perturbations -- FOLDER` writes `<id>.png` for every entry of
//! [`PERTURBATIONS`] and `untouched.png`. `docs/perturbations/` was made by it.

use image::{Rgb, RgbImage, imageops};
use pixelflip::{
    base::{
        geom::Rect,
        registry::{Spec, build},
        rng::{Seed, permutation},
        unit::{Grid, Remainder, UnitId, Units},
    },
    data::{
        Dataset,
        scenes::{Scenes, Split},
    },
    nn::tensor::Tensor,
    perturb::{Fill, Gather, Mask, PERTURBATIONS, Range, Site, Statistics},
};
use std::{error::Error, path::Path};

/// Picture of the test split.
const PICTURE: usize = 0;
/// Side of a region in pixels.
const SIDE: usize = 8;
/// Each pixel is drawn as a square of this side.
const ZOOM: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: write_perturbations FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let scenes = Scenes::new(Split::Test, Scenes::SEED);
    let picture = scenes.picture(PICTURE).tensor();
    let grid = Grid::new(Scenes::SIDE, Scenes::SIDE, SIDE, Remainder::Drop).ok_or("no region")?;
    let statistics = statistics(&scenes);
    let site = Site {
        picture: &picture,
        range: Range::PICTURE,
        neutral: &[0.485, 0.456, 0.406],
        units: &grid,
        seed: Seed(0),
        image: &scenes.id(PICTURE),
        repeat: 0,
        data: &statistics,
    };
    let rects = chosen(&grid);
    save(&folder.join("untouched.png"), &picture)?;
    for entry in PERTURBATIONS {
        let spec: Spec = entry.id.parse()?;
        let named = build("perturbation", PERTURBATIONS, &spec)?;
        if named.value.leaves_out() {
            continue;
        }
        let removed = without(&picture, &named.value.fill(&site), &rects);
        save(&folder.join(format!("{}.png", entry.id)), &removed)?;
    }
    Ok(())
}

/// Of 200 training pictures: enough for a smooth mean.
fn statistics(of: &Scenes) -> Statistics {
    let train = Scenes::new(Split::Train, Scenes::SEED);
    let mut gather = Gather::new(of.picture(PICTURE).tensor().shape);
    (0..200).for_each(|i| gather.add(&train.picture(i).tensor()));
    gather.finish()
}

/// A random third of the regions.
fn chosen(grid: &Grid) -> Vec<Rect> {
    let order = permutation(&mut Seed(0).rng("example", "", &[]), grid.len());
    order[..grid.len() / 3].iter().map(|i| grid.rect(UnitId(*i as u32))).collect()
}

fn without(picture: &Tensor, fill: &Fill<'_>, rects: &[Rect]) -> Tensor {
    let mut removed = picture.clone();
    match fill {
        Fill::Local(fill) => {
            for rect in rects {
                let mut pixels = vec![0.0; rect.area() * picture.shape.c];
                fill.read(*rect, &mut pixels);
                removed.write(*rect, &pixels);
            }
        }
        Fill::LeftOut => {}
        Fill::Masked(fill) => {
            let mut gone = Mask::none(picture.shape.h, picture.shape.w);
            rects.iter().for_each(|rect| gone.remove(*rect));
            fill.update(&gone, picture.shape.rect(), &mut removed);
        }
    }
    removed
}

fn save(path: &Path, picture: &Tensor) -> Result<(), Box<dyn Error>> {
    let side = Scenes::SIDE as u32;
    let byte = |v: f32| (v * 255.0).round() as u8;
    let small = RgbImage::from_fn(side, side, |x, y| {
        let pixel = picture.pixel(y as usize, x as usize);
        Rgb([byte(pixel[0]), byte(pixel[1]), byte(pixel[2])])
    });
    let large = imageops::resize(&small, side * ZOOM, side * ZOOM, imageops::FilterType::Nearest);
    Ok(large.save(path)?)
}
