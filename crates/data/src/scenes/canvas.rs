//! The picture while it is painted, and the light that falls on things in it.

use super::{
    class::Dab,
    math::{Draw, P, Rgb, floor, lit, mix, p, ray, step},
};

/// Rows and columns of a picture.
pub(super) const SIDE: usize = 96;
/// Sample points per pixel and direction.
const SAMPLES: usize = 3;

/// A picture in floating point, row by row.
#[derive(Clone)]
pub(super) struct Canvas(pub(super) Vec<Rgb>);

impl Canvas {
    /// Every pixel by a function of its centre.
    pub(super) fn paint(colour: impl Fn(P) -> Rgb) -> Canvas {
        let centre = |k: usize| p((k % SIDE) as f32 + 0.5, (k / SIDE) as f32 + 0.5);
        Canvas((0..SIDE * SIDE).map(|k| colour(centre(k))).collect())
    }

    /// Every pixel by a function of its centre and its colour.
    pub(super) fn retouch(&mut self, colour: impl Fn(P, Rgb) -> Rgb) {
        self.retouch_around(p(0.0, 0.0), 2.0 * SIDE as f32, colour);
    }

    /// The pixels of the square of half width `reach` around `centre` by a function of their centre
    /// and colour.
    pub(super) fn retouch_around(&mut self, centre: P, reach: f32, colour: impl Fn(P, Rgb) -> Rgb) {
        for y in span(centre.y, reach) {
            for x in span(centre.x, reach) {
                let pixel = &mut self.0[y * SIDE + x];
                *pixel = colour(p(x as f32 + 0.5, y as f32 + 0.5), *pixel);
            }
        }
    }

    /// Mean colour of the square of half width `reach` around `centre`, which is on the picture.
    pub(super) fn mean_around(&self, centre: P, reach: f32) -> Rgb {
        let (mut sum, mut n) = ([0.0; 3], 0.0);
        for y in span(centre.y, reach) {
            for pixel in &self.0[y * SIDE..][span(centre.x, reach)] {
                sum = [0, 1, 2].map(|i| sum[i] + pixel[i]);
                n += 1.0;
            }
        }
        sum.map(|v| v / n)
    }
}

/// Where a thing is: its unit circle on the picture.
#[derive(Clone, Copy)]
pub(super) struct Pose {
    /// In pixels.
    pub(super) centre: P,
    /// In pixels.
    pub(super) radius: f32,
    /// Direction of the thing's x axis.
    pub(super) axis: P,
    /// Its y axis points the other way.
    pub(super) mirror: bool,
}

impl Pose {
    /// A point of the picture in the thing's coordinates.
    fn local(&self, at: P) -> P {
        let q = ((at - self.centre) * (1.0 / self.radius)).along(self.axis);
        if self.mirror { p(q.x, -q.y) } else { q }
    }
}

/// One distant light and the light of the sky.
#[derive(Clone, Copy)]
pub(super) struct Light {
    /// Direction on the picture in which the light is, times its horizontal share.
    pub(super) from: P,
    /// How steep it falls, so that `from` and `steep` make a unit vector.
    pub(super) steep: f32,
    /// Share that reaches surfaces turned away.
    pub(super) ambient: f32,
    /// Gloss of the objects.
    pub(super) gloss: f32,
    /// Colour of all light, around 1.
    pub(super) tint: Rgb,
}

impl Light {
    pub(super) fn draw(draw: &mut Draw) -> Light {
        // from above, at up to a quarter turn to either side
        let slant = draw.range(0.45, 0.8);
        let warm = draw.range(-0.09, 0.09);
        let bright = draw.range(0.78, 1.12);
        Light {
            from: ray(draw.range(-0.5, 0.0)) * slant,
            steep: (1.0 - slant * slant).sqrt(),
            ambient: draw.range(0.35, 0.6),
            gloss: draw.range(0.0, 0.35),
            tint: [bright * (1.0 + warm), bright, bright * (1.0 - warm)],
        }
    }

    /// `colour` on a surface with slope `(x, y)` (height per length).
    fn shade(&self, colour: Rgb, slope: P) -> Rgb {
        let steepness = 1.0 / (slope.sq() + 1.0).sqrt();
        let facing = ((self.steep - slope.dot(self.from)) * steepness).max(0.0);
        let lambert = self.ambient + (1.0 - self.ambient) * facing / self.steep;
        let glint = {
            let half = (2.0 * steepness * facing - self.steep).max(0.0);
            let (h2, h4) = (half * half, half * half * half * half);
            self.gloss * h4 * h4 * h2
        };
        mix(lit(colour, lambert.min(1.45)), [1.0; 3], glint)
    }

    /// Darkens the ground beside and below a round thing. It is the same for all classes, so that
    /// nothing but the object's own pixels tells what it is.
    pub(super) fn cast(&self, canvas: &mut Canvas, place: &Pose) {
        let centre = place.centre - self.from * (0.35 * place.radius);
        canvas.retouch_around(centre, 1.15 * place.radius, |at, colour| {
            let distance = (at - centre).len() / place.radius;
            lit(colour, 1.0 - 0.4 * step(1.15, 0.55, distance))
        });
    }
}

/// One pixel of a thing while it is painted.
#[derive(Clone, Copy)]
struct Pixel {
    /// Share of the pixel inside the thing.
    cover: f32,
    /// Mean colour of that share.
    colour: Rgb,
    /// Mean height over the pixel, in pixels.
    height: f32,
}

/// Paints a thing over the canvas; returns the share of every pixel that it covers.
pub(super) fn stamp(
    canvas: &mut Canvas,
    place: &Pose,
    light: &Light,
    paint: impl Fn(P) -> Option<Dab>,
) -> Vec<f32> {
    let empty = Pixel { cover: 0.0, colour: [0.0; 3], height: 0.0 };
    let mut pixels = vec![empty; SIDE * SIDE];
    let (rows, cols) = (span(place.centre.y, place.radius), span(place.centre.x, place.radius));
    for y in rows.clone() {
        for x in cols.clone() {
            pixels[y * SIDE + x] = sample(place, p(x as f32, y as f32), &paint);
        }
    }
    for y in rows {
        for x in cols.clone() {
            let here = pixels[y * SIDE + x];
            if here.cover > 0.0 {
                let lit = light.shade(here.colour, slope(&pixels, x, y));
                let under = &mut canvas.0[y * SIDE + x];
                *under = mix(*under, lit, here.cover);
            }
        }
    }
    pixels.iter().map(|pixel| pixel.cover).collect()
}

/// Rows (or columns) that a thing around `centre` can touch.
fn span(centre: f32, radius: f32) -> std::ops::Range<usize> {
    let low = floor(centre - radius).max(0.0) as usize;
    let high = (floor(centre + radius) + 1.0).max(0.0) as usize;
    low.min(SIDE)..high.min(SIDE)
}

/// The pixel with its top left corner at `corner`.
fn sample(place: &Pose, corner: P, paint: &impl Fn(P) -> Option<Dab>) -> Pixel {
    let (mut hits, mut colour, mut height) = (0.0, [0.0; 3], 0.0);
    for k in 0..SAMPLES * SAMPLES {
        let within = p((k % SAMPLES) as f32 + 0.5, (k / SAMPLES) as f32 + 0.5);
        if let Some(dab) = paint(place.local(corner + within * (1.0 / SAMPLES as f32))) {
            hits += 1.0;
            colour = [0, 1, 2].map(|i| colour[i] + dab.colour[i]);
            height += dab.height;
        }
    }
    let all = (SAMPLES * SAMPLES) as f32;
    Pixel {
        cover: hits / all,
        colour: colour.map(|v| v / f32::max(hits, 1.0)),
        height: height / all * place.radius,
    }
}

/// Slope of the height around a pixel, by central differences.
fn slope(pixels: &[Pixel], x: usize, y: usize) -> P {
    let at = |x: usize, y: usize| pixels[y.min(SIDE - 1) * SIDE + x.min(SIDE - 1)].height;
    p(at(x + 1, y) - at(x.saturating_sub(1), y), at(x, y + 1) - at(x, y.saturating_sub(1))) * 0.5
}
