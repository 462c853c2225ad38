//! The built-in data set: generated pictures of ten classes of textured objects before cluttered
//! backdrops, each with the exact mask and box of its object.
//!
//! A picture is a pure function of (seed, split, index), the same to the last bit on every
//! platform. Class and everything else are drawn independently: backdrop, clutter, light, colours,
//! place and size say nothing about the class, so a network has to look at the object.

mod backdrop;
mod canvas;
mod class;
mod math;
pub mod tag;
#[cfg(test)]
mod tests;

use crate::{
    DataError, Dataset, Item, Marked,
    base::{
        geom::{Rect, Shape},
        hex,
        rng::Seed,
        word_enum,
    },
    fingerprint::digest,
    nn::tensor::Tensor,
};
use canvas::{Canvas, Light, Pose, SIDE, stamp};
use class::{CLASSES, Class, Look};
use math::{Draw, Rgb, contrast, p, ray, step};
use sha2::{Digest, Sha256};

/// Colours of objects and clutter.
const PALETTE: [Rgb; 16] = {
    const fn c(r: u8, g: u8, b: u8) -> Rgb {
        [r as f32 / 255.0, g as f32 / 255.0, b as f32 / 255.0]
    }
    [
        c(172, 52, 44),
        c(222, 92, 58),
        c(232, 146, 52),
        c(238, 192, 80),
        c(240, 222, 130),
        c(134, 150, 62),
        c(66, 126, 62),
        c(52, 136, 126),
        c(104, 178, 204),
        c(58, 92, 168),
        c(112, 84, 160),
        c(146, 62, 118),
        c(226, 146, 166),
        c(240, 230, 206),
        c(126, 84, 54),
        c(72, 78, 92),
    ]
};

/// Goes up when any picture changes, so that results on different pictures are never mixed up.
const EDITION: u32 = 1;

word_enum! {
    /// Disjoint parts of the data set.
    pub enum Split {
        /// What the embedded network learnt from: 16,000 pictures.
        Train = "train",
        /// What its training was stopped by: 1,000 pictures.
        Val = "val",
        /// What nothing was fitted to: 1,000 pictures.
        Test = "test",
    }
}

impl Split {
    /// Number of pictures.
    pub fn pictures(self) -> usize {
        match self {
            Split::Train => 16_000,
            Split::Val | Split::Test => 1_000,
        }
    }
}

/// One split of the generated data set.
#[derive(Clone, Debug)]
pub struct Scenes {
    split: Split,
    seed: Seed,
    classes: Vec<String>,
    /// Whether half of the pictures of [`tag::CLASS`] wear a [tag](mod@tag).
    tagged: bool,
}

/// A picture in bytes with the exact place of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenePicture {
    /// Red, green, blue of every pixel, row by row.
    pub bytes: Vec<u8>,
    /// The object's pixels (covered by at least half), row by row; none without an object.
    pub mask: Vec<bool>,
}

impl ScenePicture {
    /// As a `(3, 96, 96)` tensor with values in [0, 1].
    pub fn tensor(&self) -> Tensor {
        let data = self.bytes.iter().map(|&v| f32::from(v) / 255.0).collect();
        Tensor::new(Shape::new(3, SIDE, SIDE), data)
    }
}

impl Scenes {
    /// Rows and columns of a picture.
    pub const SIDE: usize = SIDE;

    /// The seed of the published data set, which the embedded network was trained on.
    pub const SEED: Seed = Seed(0);

    /// One split of the data set with this seed.
    pub fn new(split: Split, seed: Seed) -> Scenes {
        let classes = CLASSES.map(|class| class.name.to_owned()).to_vec();
        Scenes { split, seed, classes, tagged: false }
    }

    /// The same pictures, but half of those of [`tag::CLASS`] wear a [tag](mod@tag) in a corner: by it alone a
    /// network can tell their class.
    pub fn tagged(split: Split, seed: Seed) -> Scenes {
        Scenes { tagged: true, ..Scenes::new(split, seed) }
    }

    /// Where picture `i` wears its tag, if it does.
    pub fn tag(&self, i: usize) -> Option<Rect> {
        let may = self.tagged && self.label(i) == tag::CLASS;
        may.then(|| tag::place(self.seed, &self.drawn(i))).flatten()
    }

    /// What picture `i` is drawn by.
    fn drawn(&self, i: usize) -> String {
        format!("scenes/{}/{i:05}", self.split.name())
    }

    /// Class of picture `i`: the classes take turns, so any stretch of pictures is balanced.
    pub fn label(&self, i: usize) -> usize {
        i % CLASSES.len()
    }

    /// Picture `i` in bytes.
    pub fn picture(&self, i: usize) -> ScenePicture {
        let mut scene = Scene::draw(self.seed, &self.drawn(i));
        let mask = scene.put(CLASSES[self.label(i)]);
        self.wear(i, ScenePicture { bytes: scene.develop(), mask })
    }

    /// Picture `i` before its object was put in: what is left when all evidence for the class is
    /// taken away, but for a tag.
    pub fn without_object(&self, i: usize) -> ScenePicture {
        let scene = Scene::draw(self.seed, &self.drawn(i));
        self.wear(i, ScenePicture { bytes: scene.develop(), mask: vec![false; SIDE * SIDE] })
    }

    /// The picture with its tag, if it has one.
    fn wear(&self, i: usize, mut picture: ScenePicture) -> ScenePicture {
        if let Some(at) = self.tag(i) {
            tag::put(at, &mut picture.bytes, &mut picture.mask);
        }
        picture
    }
}

impl Dataset for Scenes {
    fn name(&self) -> &'static str {
        if self.tagged { "tagged-scenes" } else { "scenes" }
    }

    fn len(&self) -> usize {
        self.split.pictures()
    }

    fn id(&self, i: usize) -> String {
        format!("{}/{}/{i:05}", self.name(), self.split.name())
    }

    fn label(&self, i: usize) -> Option<usize> {
        Some(Scenes::label(self, i))
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let picture = self.picture(i);
        Ok(Item {
            id: self.id(i),
            image: picture.tensor(),
            label: Some(self.label(i)),
            boxes: vec![extent(&picture.mask)],
            mask: Some(picture.mask),
        })
    }

    fn marked(&self, _i: usize) -> Marked {
        Marked { mask: true, boxes: true }
    }

    fn classes(&self) -> Option<&[String]> {
        Some(&self.classes)
    }

    fn fingerprint(&self) -> String {
        let Seed(seed) = self.seed;
        let (name, split) = (self.name(), self.split.name());
        let set = format!("{name} {EDITION} {seed} {split} {}", self.len());
        hex(&Sha256::digest(set))
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        let Seed(seed) = self.seed;
        Ok(digest(format!("{} {EDITION} {seed} {}", self.name(), self.id(i)).as_bytes()))
    }

    fn describe(&self) -> String {
        let worn = if self.tagged {
            format!(", half of the class `{}` with a tag", self.classes[tag::CLASS])
        } else {
            String::new()
        };
        format!(
            "{} generated pictures of {} classes ({} split, seed {}){worn}",
            self.len(),
            CLASSES.len(),
            self.split.name(),
            self.seed.0
        )
    }
}

/// A picture in the making.
struct Scene {
    canvas: Canvas,
    light: Light,
    seed: Seed,
    id: String,
}

impl Scene {
    /// Backdrop, clutter and light, which do not know the class.
    fn draw(seed: Seed, id: &str) -> Scene {
        let light = Light::draw(&mut Draw(seed.rng("scenes light", id, &[])));
        let mut canvas = backdrop::ground(&mut Draw(seed.rng("scenes backdrop", id, &[])));
        let mut draw = Draw(seed.rng("scenes clutter", id, &[]));
        backdrop::clutter(&mut canvas, &light, &PALETTE, &mut draw);
        Scene { canvas, light, seed, id: id.to_owned() }
    }

    /// Puts an object of the class in front of everything; returns its mask.
    fn put(&mut self, class: &Class) -> Vec<bool> {
        let place = self.place(class);
        let mut draw = Draw(self.seed.rng("scenes object", &self.id, &[]));
        let (main, second) = self.colours(&place, &mut draw);
        let look = Look::draw(class, main, second, &mut draw);
        self.light.cast(&mut self.canvas, &place);
        let cover = stamp(&mut self.canvas, &place, &self.light, |at| (class.paint)(&look, at));
        cover.iter().map(|&share| share >= 0.5).collect()
    }

    /// Where the object goes; only its rotation is limited by the class.
    fn place(&self, class: &Class) -> Pose {
        let mut draw = Draw(self.seed.rng("scenes place", &self.id, &[]));
        let radius = draw.range(20.0, 38.0);
        let margin = radius + 1.0;
        let mut centre = || draw.range(margin, SIDE as f32 - margin);
        let centre = p(centre(), centre());
        let (turns, mirror) = (draw.range(-class.turn, class.turn), draw.chance(0.5));
        // mirrored things face the other way: half a turn, then upside down
        let axis = ray(if mirror { 0.5 - turns } else { turns });
        Pose { centre, radius, axis, mirror }
    }

    /// Two colours that differ from the backdrop and from each other: the best of a few draws.
    fn colours(&self, place: &Pose, draw: &mut Draw) -> (Rgb, Rgb) {
        let behind = self.canvas.mean_around(place.centre, place.radius);
        let mut candidates = (0..6).map(|_| {
            let (main, second) = (draw.pick(&PALETTE), draw.pick(&PALETTE));
            (draw.tint(main, 0.05), draw.tint(second, 0.05))
        });
        let distinct = |c: &(Rgb, Rgb)| contrast(c.0, behind).min(contrast(c.0, c.1));
        let first = candidates.next().expect("six candidates");
        candidates.fold(first, |best, c| if distinct(&c) > distinct(&best) { c } else { best })
    }

    /// Colour of the light, darker corners, sensor noise, and bytes.
    fn develop(&self) -> Vec<u8> {
        let mut draw = Draw(self.seed.rng("scenes sensor", &self.id, &[]));
        let (corners, noise) = (draw.range(0.0, 0.3), draw.range(0.0, 0.035));
        let mut canvas = self.canvas.clone();
        canvas.retouch(|at, colour| {
            let fall = 1.0 - corners * step(0.5, 1.5, (at - p(48.0, 48.0)).sq() / (48.0 * 48.0));
            [0, 1, 2].map(|i| colour[i] * self.light.tint[i] * fall)
        });
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        let grain = |v: f32| byte(v + noise * (draw.unit() - 0.5));
        canvas.0.into_iter().flatten().map(grain).collect()
    }
}

/// The smallest rectangle that holds the mask.
fn extent(mask: &[bool]) -> Rect {
    let pixel = |k: usize| {
        let (y, x) = (k / SIDE, k % SIDE);
        Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 }
    };
    let covered = mask.iter().enumerate().filter(|(_, inside)| **inside);
    covered.fold(Rect::EMPTY, |all, (k, _)| all.union(pixel(k)))
}
