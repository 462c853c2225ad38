//! Writes pictures as the program decodes them, as 8-bit values: `pixels FOLDER PICTURE...` makes
//! `FOLDER/0.npy` (H, W, C), `1.npy`, ... and prints the milliseconds that decoding took. What
//! `scripts/compare_jpeg.py` compares with another decoder.
#![expect(clippy::print_stdout, reason = "its output is the time")]

use pixelflip::data::decode::{MAX_PIXELS, read_picture};
use std::{env, path::PathBuf, time::Instant};

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else { anyhow::bail!("usage: pixels FOLDER PICTURE...") };
    let mut spent = 0.0;
    for (i, path) in arguments.enumerate() {
        let start = Instant::now();
        let picture = read_picture(&path, MAX_PIXELS)?;
        spent += start.elapsed().as_secs_f64() * 1e3;
        let s = picture.shape;
        let values = picture.data.iter().map(|v| (v * 255.0).round() as u8).collect();
        let pixels = ndarray::Array3::from_shape_vec((s.h, s.w, s.c), values)?;
        ndarray_npy::write_npy(folder.join(format!("{i}.npy")), &pixels)?;
    }
    println!("{spent:.0}");
    Ok(())
}
