//! Units that disappear step by step: what the network gets to see.

use crate::{
    base::{
        geom::Rect,
        unit::{Patch, UnitId, Units},
    },
    nn::{stream::Patches, tensor::Tensor},
    perturb::{Mask, Masked},
};

/// What changes in an input, step by step, each on top of the one before.
pub trait Removal: Sync {
    /// Where, per step.
    fn rects(&self) -> Vec<Rect>;

    /// Writes the new pixels of a step, in input space, row by row and channels last.
    fn read(&self, step: usize, pixels: &mut [f32]);

    /// How many units are gone after a step, which counts from 0.
    fn gone(&self, step: usize) -> usize;
}

/// Which units go at which step.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// Where units lie.
    pub units: &'a dyn Units,
    /// Units in the order in which they go, without repetition.
    pub order: &'a [UnitId],
    /// How many of them are gone after each step, ascending, at most all.
    pub stops: &'a [usize],
}

impl<'a> Steps<'a> {
    /// The units of each step.
    fn each(&self) -> impl Iterator<Item = &'a [UnitId]> {
        let before = std::iter::once(0).chain(self.stops.iter().copied());
        before.zip(self.stops).map(|(from, to)| &self.order[from..*to])
    }

    /// The smallest rectangle around the units of a step.
    fn bounds(&self, step: &[UnitId]) -> Rect {
        step.iter().fold(Rect::EMPTY, |all, id| all.union(self.units.patch(*id).bounds()))
    }

    /// The smallest rectangle around the units of each step.
    pub fn rects(&self) -> Vec<Rect> {
        self.each().map(|step| self.bounds(step)).collect()
    }

    /// The same, if every step takes no more than this rectangle.
    fn whole_rects(&self) -> Option<Vec<Rect>> {
        let rect = |step: &[UnitId]| match step {
            [id] => match self.units.patch(*id) {
                Patch::Rect(rect) => Some(rect),
                Patch::Parts { .. } => None,
            },
            _ => None,
        };
        self.each().map(rect).collect()
    }
}

/// A removal of units.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    pixels: Pixels<'a>,
    stops: Vec<usize>,
}

/// Where the new pixels of the steps are.
#[derive(Clone, Debug)]
enum Pixels<'a> {
    /// In the fill: every step takes one rectangle.
    Filled(&'a Tensor, Vec<Rect>),
    /// Of each step apart, with what else lies in its rectangle.
    Apart(Patches),
}

impl<'a> Chain<'a> {
    /// Units copied from one fill, which does not depend on the order. `picture` and `fill` have the shape
    /// `(C, H, W)` of the network's input and lie in input space. (Normalisation works on each value alone,
    /// so copying normalised pixels gives the same bits as normalising a picture with copied pixels.)
    pub fn local(picture: &Tensor, fill: &'a Tensor, steps: &Steps<'_>) -> Chain<'a> {
        let pixels = match steps.whole_rects() {
            Some(rects) => Pixels::Filled(fill, rects),
            None => Pixels::Apart(copied(picture, fill, steps)),
        };
        Chain { pixels, stops: steps.stops.to_vec() }
    }

    /// Units that disappear from `picture` (in image space), where the fill depends on all that are gone.
    /// `normalise` brings pixels into input space. A step's rectangle is the smallest around what it
    /// changes: at least its units where these change at all, at most the whole picture, for which a step
    /// costs a full pass.
    pub fn masked(
        picture: &Tensor,
        fill: &dyn Masked,
        steps: &Steps<'_>,
        normalise: impl Fn(&[f32], &mut [f32]),
    ) -> Chain<'a> {
        let pixels = Pixels::Apart(masked(picture, fill, steps, normalise));
        Chain { pixels, stops: steps.stops.to_vec() }
    }
}

impl Removal for Chain<'_> {
    fn rects(&self) -> Vec<Rect> {
        match &self.pixels {
            Pixels::Filled(_, rects) => rects.clone(),
            Pixels::Apart(patches) => patches.rects.clone(),
        }
    }

    fn read(&self, step: usize, pixels: &mut [f32]) {
        match &self.pixels {
            Pixels::Filled(fill, rects) => fill.read(rects[step], pixels),
            Pixels::Apart(patches) => pixels.copy_from_slice(patches.step(step)),
        }
    }

    fn gone(&self, step: usize) -> usize {
        self.stops[step]
    }
}

/// The pixels around the units of each step, with those of the units from `fill`.
fn copied(picture: &Tensor, fill: &Tensor, steps: &Steps<'_>) -> Patches {
    let channels = picture.shape.c;
    let mut patches = Patches::new(channels, steps.rects());
    let (mut current, mut pixels) = (picture.clone(), Vec::new());
    for (k, step) in steps.each().enumerate() {
        for unit in step {
            for part in steps.units.patch(*unit).parts() {
                pixels.resize(part.area() * channels, 0.0);
                fill.read(*part, &mut pixels);
                current.write(*part, &pixels);
            }
        }
        current.read(patches.rects[k], patches.step_mut(k));
    }
    patches
}

/// The pixels that each step changes, where the fill depends on all removed units.
fn masked(
    picture: &Tensor,
    fill: &dyn Masked,
    steps: &Steps<'_>,
    normalise: impl Fn(&[f32], &mut [f32]),
) -> Patches {
    let (shape, channels) = (picture.shape, picture.shape.c);
    let mut gone = Mask::none(shape.h, shape.w);
    let mut current = picture.clone();
    let (mut changed, mut pixels) = (Vec::new(), Vec::new());
    for step in steps.each() {
        let before = current.clone();
        step.iter().for_each(|unit| gone.remove_patch(steps.units.patch(*unit)));
        fill.update(&gone, steps.bounds(step), &mut current);
        let rect = difference(&before, &current);
        let mut values = vec![0.0; rect.area() * channels];
        current.read(rect, &mut values);
        changed.push(rect);
        pixels.push(values);
    }
    let mut patches = Patches::new(channels, changed);
    for (step, values) in pixels.iter().enumerate() {
        normalise(values, patches.step_mut(step));
    }
    patches
}

/// The smallest rectangle around the pixels whose bits differ.
fn difference(a: &Tensor, b: &Tensor) -> Rect {
    let width = a.shape.w;
    let pixels = a.data.chunks_exact(a.shape.c).zip(b.data.chunks_exact(a.shape.c));
    let differ =
        |(a, b): (&[f32], &[f32])| a.iter().zip(b).any(|(a, b)| a.to_bits() != b.to_bits());
    pixels.enumerate().filter(|(_, pair)| differ(*pair)).fold(Rect::EMPTY, |all, (i, _)| {
        let (y, x) = (i / width, i % width);
        all.union(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{
            geom::Shape,
            registry::build,
            rng::{Seed, unit_f32},
            unit::{Grid, Remainder},
        },
        order::random,
        perturb::{Fill, Gather, PERTURBATIONS, Range, Site},
    };

    const SHAPE: Shape = Shape::new(3, 12, 12);

    fn picture() -> Tensor {
        let mut rng = Seed(5).rng("test picture", "", &[]);
        Tensor::new(SHAPE, (0..SHAPE.len()).map(|_| unit_f32(&mut rng)).collect())
    }

    fn double(pixels: &[f32], out: &mut [f32]) {
        pixels.iter().zip(out).for_each(|(v, out)| *out = 2.0 * v);
    }

    /// Every mask-dependent perturbation, step by step against filling the whole mask anew.
    #[test]
    fn patches_in_turn_give_the_picture_filled_at_once() {
        let picture = picture();
        let grid = Grid::new(12, 12, 3, Remainder::Drop).unwrap();
        let order = random(grid.len(), Seed(1), "", 0);
        let stops: Vec<usize> = (1..=grid.len()).collect();
        let steps = Steps { units: &grid, order: &order, stops: &stops };
        let statistics = Gather::new(SHAPE).finish();
        let site = Site {
            picture: &picture,
            range: Range::PICTURE,
            neutral: &[0.5; 3],
            units: &grid,
            seed: Seed(0),
            image: "a",
            repeat: 0,
            data: &statistics,
        };
        for entry in PERTURBATIONS {
            let spec = entry.id.parse().unwrap();
            let named = build("perturbation", PERTURBATIONS, &spec).unwrap();
            let Fill::Masked(fill) = named.value.fill(&site) else { continue };
            let patches = masked(&picture, &*fill, &steps, double);
            let mut walked = picture.map(|v| 2.0 * v);
            let mut gone = Mask::none(12, 12);
            for (step, unit) in order.iter().enumerate() {
                walked.write(patches.rects[step], patches.step(step));
                gone.remove(grid.rect(*unit));
                let mut filled = picture.clone();
                fill.update(&gone, SHAPE.rect(), &mut filled);
                assert_eq!(walked, filled.map(|v| 2.0 * v), "{} step {step}", named.name);
            }
        }
    }

    /// Units of several rows each, and one that is a rectangle.
    #[derive(Debug)]
    struct Pieces(Vec<Vec<Rect>>);

    impl Units for Pieces {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn size(&self) -> (usize, usize) {
            (SHAPE.h, SHAPE.w)
        }

        fn patch(&self, unit: UnitId) -> Patch<'_> {
            match &self.0[unit.0 as usize][..] {
                [rect] => Patch::Rect(*rect),
                parts => {
                    let bounds = parts.iter().fold(Rect::EMPTY, |all, part| all.union(*part));
                    Patch::Parts { bounds, parts }
                }
            }
        }

        fn name(&self, unit: UnitId) -> String {
            unit.0.to_string()
        }
    }

    fn row(y: usize, x0: usize, x1: usize) -> Rect {
        Rect { y0: y, y1: y + 1, x0, x1 }
    }

    /// Two that reach into each other's rectangle, a square and a single pixel.
    fn pieces() -> Pieces {
        let corner = vec![row(0, 0, 5), row(1, 0, 1), row(2, 0, 1)];
        let inside = vec![row(1, 1, 5), row(2, 1, 3)];
        Pieces(vec![
            corner,
            inside,
            vec![Rect { y0: 6, y1: 9, x0: 6, x1: 9 }],
            vec![row(11, 11, 12)],
        ])
    }

    /// The picture after the last step, one step after the other.
    fn walked(picture: &Tensor, chain: &Chain<'_>) -> Tensor {
        let mut picture = picture.clone();
        for (step, rect) in chain.rects().into_iter().enumerate() {
            let mut pixels = vec![0.0; rect.area() * SHAPE.c];
            chain.read(step, &mut pixels);
            picture.write(rect, &pixels);
        }
        picture
    }

    #[test]
    fn units_of_any_form_take_their_own_pixels_only() {
        let (picture, units) = (picture(), pieces());
        let fill = picture.map(|v| v - 7.0);
        let order = [1, 3, 0, 2].map(UnitId);
        for stops in [&[1, 2, 3, 4][..], &[1], &[2, 3], &[3], &[1, 4], &[2]] {
            let steps = Steps { units: &units, order: &order, stops };
            let chain = Chain::local(&picture, &fill, &steps);
            let last = stops[stops.len() - 1];
            let mut expected = picture.clone();
            for part in order[..last].iter().flat_map(|id| &units.0[id.0 as usize]) {
                for (y, x) in
                    (part.y0..part.y1).flat_map(|y| (part.x0..part.x1).map(move |x| (y, x)))
                {
                    expected.write(row(y, x, x + 1), fill.pixel(y, x));
                }
            }
            assert_eq!(walked(&picture, &chain), expected, "{stops:?}");
            assert_eq!(chain.gone(stops.len() - 1), last);
        }
        let steps = Steps { units: &units, order: &order, stops: &[1, 2, 4] };
        let rects = Chain::local(&picture, &fill, &steps).rects();
        let both = Rect { y0: 0, y1: 9, x0: 0, x1: 9 };
        assert_eq!(rects, [Rect { y0: 1, y1: 3, x0: 1, x1: 5 }, row(11, 11, 12), both]);
    }

    #[test]
    fn lonely_holes_change_their_own_pixels_only() {
        struct Black;
        impl Masked for Black {
            fn update(&self, gone: &Mask, _: Rect, current: &mut Tensor) {
                for (y, x) in gone.pixels() {
                    current.write(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 }, &[0.0; 3]);
                }
            }
        }
        // two units of one size and, on top of the second, one that is gone already
        let grid = Grid::new(12, 12, 3, Remainder::Drop).unwrap();
        let order = [UnitId(0), UnitId(9), UnitId(9)];
        let steps = Steps { units: &grid, order: &order, stops: &[1, 2, 3] };
        let patches = masked(&picture(), &Black, &steps, double);
        assert_eq!(patches.rects, [grid.rect(order[0]), grid.rect(order[1]), Rect::EMPTY]);
    }
}
