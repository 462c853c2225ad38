//! From components to grey or RGB.

use super::{Fault, header::Frame};

/// What the components of a picture are.
pub(super) struct Colours {
    space: Space,
    tables: Box<Tables>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Grey,
    Rgb,
    /// Luminance, blue and red difference (JFIF).
    Ycc,
    /// Inks, stored inverted as Adobe's programs do.
    Cmyk,
    /// The first three inks as `Ycc`.
    Ycck,
}

/// Contributions of the differences at 16 bits (JFIF: ITU-R BT.601, full range).
struct Tables {
    red: [i32; 256],
    blue: [i32; 256],
    green_of_red: [i32; 256],
    green_of_blue: [i32; 256],
}

impl Tables {
    fn new() -> Self {
        const HALF: i32 = 1 << 15;
        let difference = |v: usize| v as i32 - 128;
        let table = |f: &dyn Fn(i32) -> i32| std::array::from_fn(|v| f(difference(v)));
        Self {
            red: table(&|d| (91_881 * d + HALF) >> 16),
            blue: table(&|d| (116_130 * d + HALF) >> 16),
            green_of_red: table(&|d| -46_802 * d),
            green_of_blue: table(&|d| -22_554 * d + HALF),
        }
    }

    #[inline]
    fn rgb(&self, luminance: u8, blue: u8, red: u8) -> [u8; 3] {
        let (y, b, r) = (i32::from(luminance), usize::from(blue), usize::from(red));
        let green = (self.green_of_blue[b] + self.green_of_red[r]) >> 16;
        [y + self.red[r], y + green, y + self.blue[b]].map(|v| v.clamp(0, 255) as u8)
    }
}

impl Colours {
    /// As libjpeg guesses: by the markers of JFIF and Adobe, else by the names of the components.
    pub(super) fn of(frame: &Frame, jfif: bool, adobe: Option<u8>) -> Result<Self, Fault> {
        let ids: Vec<u8> = frame.components.iter().map(super::header::Component::id).collect();
        let space = match (ids.len(), adobe) {
            (1, _) => Space::Grey,
            (3, _) if jfif => Space::Ycc,
            (3, Some(0)) => Space::Rgb,
            (3, None) if ids == *b"RGB" => Space::Rgb,
            (3, _) => Space::Ycc,
            (4, None | Some(0)) => Space::Cmyk,
            (4, _) => Space::Ycck,
            (n, _) => return Err(Fault::Unsupported(format!("a JPEG with {n} colour components"))),
        };
        Ok(Self { space, tables: Box::new(Tables::new()) })
    }

    /// Channels of the picture: 1 or 3.
    pub(super) fn channels(&self) -> usize {
        if self.space == Space::Grey { 1 } else { 3 }
    }

    /// One row of the picture from the rows of its components, which may be longer.
    pub(super) fn convert(&self, rows: &[Vec<u8>], out: &mut [u8]) {
        let pixels = out.chunks_exact_mut(3).enumerate();
        match (self.space, rows) {
            (Space::Rgb, [r, g, b]) => {
                pixels.for_each(|(x, p)| p.copy_from_slice(&[r[x], g[x], b[x]]));
            }
            (Space::Ycc, [y, b, r]) => {
                let (y, b, r) = (&y[..out.len() / 3], &b[..out.len() / 3], &r[..out.len() / 3]);
                let pixels = out.as_chunks_mut::<3>().0.iter_mut();
                for (((p, y), b), r) in pixels.zip(y).zip(b).zip(r) {
                    *p = self.tables.rgb(*y, *b, *r);
                }
            }
            (Space::Cmyk, [c, m, y, k]) => {
                pixels.for_each(|(x, p)| p.copy_from_slice(&printed([c[x], m[x], y[x]], k[x])));
            }
            (Space::Ycck, [y, b, r, k]) => pixels.for_each(|(x, p)| {
                // the inks are the complement of the colours, and stored inverted again
                let stored = self.tables.rgb(y[x], b[x], r[x]).map(|v| 255 - v);
                p.copy_from_slice(&printed(stored, k[x]));
            }),
            (_, rows) => out.copy_from_slice(&rows[0][..out.len()]),
        }
    }
}

/// The colour of inverted inks without a colour profile, as Pillow's `convert("RGB")`.
fn printed(stored: [u8; 3], black: u8) -> [u8; 3] {
    let light = i32::from(black);
    stored.map(|v| {
        let product = (255 - i32::from(v)) * light + 128;
        (light - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    })
}
