//! How well a heat map compresses.

use super::{Look, MapMetric, Undefined, grey};
use crate::{
    base::registry::Entry,
    metric::{Direction, Range},
};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
};

/// Size in kilobytes (1000 bytes) of the heat map as a grey picture file (Samek et al. 2017,
/// sec. IV-B and table I). Lower is better: a map without noise compresses.
#[derive(Clone, Copy, Debug)]
enum FileSize {
    /// Lossless, best compression.
    Png,
    /// Quality 90.
    Jpeg,
}

pub(super) const PNG: Entry<dyn MapMetric> = Entry {
    id: "png-size",
    summary: "size of the heat map as a grey PNG file in KB",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(FileSize::Png)),
};

pub(super) const JPEG: Entry<dyn MapMetric> = Entry {
    id: "jpeg-size",
    summary: "size of the heat map as a grey JPEG file of quality 90 in KB",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(FileSize::Jpeg)),
};

impl FileSize {
    fn bytes(self, look: &Look<'_>) -> Result<usize, Undefined> {
        let pixels = grey(look.heat)?;
        let (h, w) = look.heat.dim();
        let mut file = Vec::new();
        let (w, h, kind) = (w as u32, h as u32, ExtendedColorType::L8);
        let written = match self {
            FileSize::Png => {
                let (best, filter) = (CompressionType::Best, FilterType::Adaptive);
                PngEncoder::new_with_quality(&mut file, best, filter)
                    .write_image(&pixels, w, h, kind)
            }
            FileSize::Jpeg => {
                JpegEncoder::new_with_quality(&mut file, 90).write_image(&pixels, w, h, kind)
            }
        };
        // sides beyond what a format can hold have no size
        written.map(|()| file.len()).map_err(|_| Undefined::NoFile)
    }
}

impl MapMetric for FileSize {
    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn range(&self) -> Range {
        Range::NON_NEGATIVE
    }

    fn measure(&self, look: &Look<'_>) -> Result<f64, Undefined> {
        self.bytes(look).map(|n| n as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::HeatMap;

    #[test]
    fn the_files_are_whole_pictures_of_the_map() {
        let heat = HeatMap::from_shape_fn((20, 30), |(y, x)| (y * x) as f64 - 100.0);
        let look = Look { heat: &heat, object: None, asked: None };
        let of = |size: FileSize, look: &Look<'_>| size.value(look).unwrap();
        let (png, jpeg) = (of(FileSize::Png, &look), of(FileSize::Jpeg, &look));
        assert!(png > 0.1 && png < 0.7, "{png}: less than the 600 pixels");
        assert!(jpeg > 0.3 && jpeg < 2.0, "{jpeg}");
        let mut even = HeatMap::ones((20, 30));
        even[[0, 0]] = 0.5;
        let look = Look { heat: &even, object: None, asked: None };
        assert!(of(FileSize::Png, &look) < png && of(FileSize::Jpeg, &look) < jpeg);
    }
}
