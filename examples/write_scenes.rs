//! Writes the generated data set as `.npy` files, so that a training script in any language sees
//! the very bytes that the program sees.
//!
//! `cargo run --release --example write_scenes -- FOLDER [--tagged] [TRAINING_PICTURES]` writes, for each split,
//! `<split>_images.npy` (u8, N x 96 x 96 x 3) and `<split>_labels.npy` (u8, N), and for the test
//! split also `test_masks.npy` (u8, N x 96 x 96) and `test_without_object.npy` (as the images), and
//! `pictures.jpg`, a sheet of its first pictures with one class per column. With `--tagged` half of the pictures of one
//! class wear a tag, and `test_tags.npy` (u8, N x 4) says where: first and last row and column, the last ones not
//! included; zeros without.

use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use ndarray::{Array1, Array2, Array3, Array4};
use pixelflip::{
    base::geom::Rect,
    data::{
        Dataset,
        scenes::{ScenePicture, Scenes, Split},
    },
};
use rayon::prelude::*;
use std::{error::Error, fs::File, io::BufWriter, path::Path};

const SIDE: usize = Scenes::SIDE;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let tagged = args.iter().any(|arg| arg == "--tagged");
    args.retain(|arg| arg != "--tagged");
    let set = if tagged { Scenes::tagged } else { Scenes::new };
    let mut args = args.into_iter();
    let folder = args.next().ok_or("usage: write_scenes FOLDER [--tagged] [TRAINING_PICTURES]")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let training = args.next().map(|count| count.parse()).transpose()?;
    for split in [Split::Train, Split::Val, Split::Test] {
        let scenes = set(split, Scenes::SEED);
        let count = training.filter(|_| split == Split::Train).unwrap_or(scenes.len());
        write_split(folder, split.name(), &scenes, count)?;
    }
    let scenes = set(Split::Test, Scenes::SEED);
    let without = draw(scenes.len(), |i| scenes.without_object(i));
    write_images(&folder.join("test_without_object.npy"), &without)?;
    if tagged {
        let tags = (0..scenes.len()).map(|i| scenes.tag(i).unwrap_or(Rect::EMPTY));
        let tags = tags.flat_map(|r| [r.y0, r.y1, r.x0, r.x1].map(|n| n as u8)).collect();
        let tags = Array2::from_shape_vec((scenes.len(), 4), tags)?;
        ndarray_npy::write_npy(folder.join("test_tags.npy"), &tags)?;
    }
    let pictures = draw(scenes.len(), |i| scenes.picture(i));
    write_sheet(&folder.join("pictures.jpg"), &pictures[..50])?;
    let masks = pictures.iter().flat_map(|picture| picture.mask.iter().map(|&m| u8::from(m)));
    let masks = Array3::from_shape_vec((scenes.len(), SIDE, SIDE), masks.collect())?;
    Ok(ndarray_npy::write_npy(folder.join("test_masks.npy"), &masks)?)
}

/// Pictures `0..count` on all cores.
fn draw(count: usize, picture: impl Fn(usize) -> ScenePicture + Send + Sync) -> Vec<ScenePicture> {
    (0..count).into_par_iter().map(picture).collect()
}

fn write_split(
    folder: &Path,
    name: &str,
    scenes: &Scenes,
    count: usize,
) -> Result<(), Box<dyn Error>> {
    write_images(&folder.join(format!("{name}_images.npy")), &draw(count, |i| scenes.picture(i)))?;
    let labels: Array1<u8> = (0..count).map(|i| scenes.label(i) as u8).collect();
    Ok(ndarray_npy::write_npy(folder.join(format!("{name}_labels.npy")), &labels)?)
}

fn write_images(path: &Path, pictures: &[ScenePicture]) -> Result<(), Box<dyn Error>> {
    let bytes = pictures.iter().flat_map(|picture| &picture.bytes).copied().collect();
    let images = Array4::from_shape_vec((pictures.len(), SIDE, SIDE, 3), bytes)?;
    Ok(ndarray_npy::write_npy(path, &images)?)
}

fn write_sheet(path: &Path, pictures: &[ScenePicture]) -> Result<(), Box<dyn Error>> {
    const COLUMNS: usize = 10;
    const STEP: usize = SIDE + 4;
    let size = [COLUMNS, pictures.len() / COLUMNS].map(|n| (n * STEP - 4) as u32);
    let mut sheet = RgbImage::from_pixel(size[0], size[1], Rgb([255; 3]));
    for (i, picture) in pictures.iter().enumerate() {
        for (k, pixel) in picture.bytes.chunks_exact(3).enumerate() {
            let x = i % COLUMNS * STEP + k % SIDE;
            let y = i / COLUMNS * STEP + k / SIDE;
            sheet.put_pixel(x as u32, y as u32, Rgb([pixel[0], pixel[1], pixel[2]]));
        }
    }
    let file = BufWriter::new(File::create(path)?);
    Ok(JpegEncoder::new_with_quality(file, 90).encode_image(&sheet)?)
}
