//! Pictures as `data:` addresses inside the page.

use crate::{
    colours::{Look, NO_VALUE},
    data_url::data_url,
    explain::HeatMap,
    heatmap,
    nn::tensor::Tensor,
    plot::{self, FigureError},
};
use flate2::{Compression, Crc, write::ZlibEncoder};
use image::{Rgb, codecs::jpeg::JpegEncoder};
use std::io::Write as _;

/// Shades of a heat map, an odd number, so that one of them is exactly the middle; noise then takes
/// five bits per pixel instead of eight.
const SHADES: usize = 63;

/// Pictures with more pixels than this are worth the losses of JPEG.
const SMALL: usize = 128 * 128;

/// Quality of pictures as JPEG.
const QUALITY: u8 = 85;

/// A picture of the network's size.
pub(super) fn of_picture(picture: &Tensor) -> Result<String, FigureError> {
    let image = heatmap::rgb(picture);
    if picture.shape.h * picture.shape.w <= SMALL {
        return Ok(data_url("png", &plot::encode(&image)?));
    }
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    encoder.encode_image(&image).map_err(|e| FigureError::Draw(e.to_string()))?;
    Ok(data_url("jpeg", &bytes))
}

/// A heat map with the colours of a look.
pub(super) fn of_heat(heat: &HeatMap, look: &Look) -> String {
    let (height, width) = heat.dim();
    let range = look.range(heat);
    let last = (SHADES - 1) as f64;
    let shade = |&v: &f64| match range {
        _ if !v.is_finite() => SHADES as u8,
        Some(range) => (range.part(v).clamp(0.0, 1.0) * last).round() as u8,
        None if look.colour(0.0, None) == look.colours.colour(0.5) => (SHADES / 2) as u8,
        None => 0,
    };
    let shades: Vec<u8> = heat.iter().map(shade).collect();
    let mut palette: Vec<Rgb<u8>> =
        (0..SHADES).map(|i| look.colours.colour(i as f64 / last)).collect();
    palette.push(NO_VALUE);
    data_url("png", &indexed_png([width as u32, height as u32], &palette, &shades))
}

/// A PNG file whose pixels are numbers of colours (W3C PNG, colour type 3, eight bits).
fn indexed_png([width, height]: [u32; 2], palette: &[Rgb<u8>], pixels: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 3, 0, 0, 0]);
    chunk(&mut file, *b"IHDR", &header);
    let colours: Vec<u8> = palette.iter().flat_map(|c| c.0).collect();
    chunk(&mut file, *b"PLTE", &colours);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in pixels.chunks(width.max(1) as usize) {
        // every row begins with the number of its filter: none
        packed.write_all(&[0]).and_then(|()| packed.write_all(row)).expect("memory takes all");
    }
    chunk(&mut file, *b"IDAT", &packed.finish().expect("memory takes all"));
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn heat_maps_are_pngs_with_white_at_zero() {
        let heat = array![[0.0, 1.0, -1.0], [f64::NAN, 0.5, 0.0]];
        let look = Look::default();
        let (height, width) = heat.dim();
        let text = of_heat(&heat, &look);
        assert!(text.starts_with("data:image/png;base64,iVBORw0KGgo"), "{text}");
        let palette: Vec<Rgb<u8>> = (0..4).map(|i| Rgb([i, 2 * i, 3 * i])).collect();
        let file = indexed_png([width as u32, height as u32], &palette, &[0, 1, 2, 3, 0, 1]);
        let back = image::load_from_memory(&file).unwrap().to_rgb8();
        let expected: Vec<u8> =
            [0u8, 1, 2, 3, 0, 1].iter().flat_map(|&i| [i, 2 * i, 3 * i]).collect();
        assert_eq!(back.into_raw(), expected);
    }
}
