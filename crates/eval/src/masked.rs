//! What changes from step to step when a fill depends on all removed regions.

use crate::{
    base::geom::Rect,
    nn::{stream::Patches, tensor::Tensor},
    perturb::{Mask, Masked},
};

/// The pixels that each step changes when the regions `rects` of `picture` (in image space)
/// disappear one after the other. `normalise` brings pixels into input space. A step's rectangle is
/// the smallest around what it changes: at least its region where that changes at all, at most the
/// whole picture, for which a step costs a full pass.
pub fn masked_patches(
    picture: &Tensor,
    rects: &[Rect],
    fill: &dyn Masked,
    normalise: impl Fn(&[f32], &mut [f32]),
) -> Patches {
    let (shape, channels) = (picture.shape, picture.shape.c);
    let mut gone = Mask::none(shape.h, shape.w);
    let mut current = picture.clone();
    let (mut changed, mut pixels) = (Vec::with_capacity(rects.len()), Vec::new());
    for rect in rects {
        let before = current.clone();
        gone.remove(*rect);
        fill.update(&gone, *rect, &mut current);
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
            geom::{Grid, Remainder, Shape},
            registry::build,
            rng::{Seed, permutation, unit_f32},
        },
        perturb::{Fill, Gather, PERTURBATIONS, Site},
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
        let order = permutation(&mut Seed(1).rng("order", "", &[]), grid.len());
        let all: Vec<Rect> = grid.regions().map(|id| grid.rect(id)).collect();
        let rects: Vec<Rect> = order.iter().map(|i| all[*i]).collect();
        let statistics = Gather::new(SHAPE).finish();
        let site = Site {
            picture: &picture,
            grid: &grid,
            seed: Seed(0),
            image: "a",
            repeat: 0,
            data: &statistics,
        };
        for entry in PERTURBATIONS {
            let spec = entry.id.parse().unwrap();
            let named = build("perturbation", PERTURBATIONS, &spec).unwrap();
            let Fill::Masked(fill) = named.value.fill(&site) else { continue };
            let patches = masked_patches(&picture, &rects, &*fill, double);
            let mut walked = picture.map(|v| 2.0 * v);
            let mut gone = Mask::none(12, 12);
            for (step, rect) in rects.iter().enumerate() {
                walked.write(patches.rects[step], patches.step(step));
                gone.remove(*rect);
                let mut filled = picture.clone();
                fill.update(&gone, SHAPE.rect(), &mut filled);
                assert_eq!(walked, filled.map(|v| 2.0 * v), "{} step {step}", named.name);
            }
        }
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
        let rects = [
            Rect { y0: 0, y1: 3, x0: 0, x1: 3 },
            Rect { y0: 6, y1: 9, x0: 3, x1: 6 },
            Rect { y0: 6, y1: 9, x0: 3, x1: 6 },
        ];
        let patches = masked_patches(&picture(), &rects, &Black, double);
        assert_eq!(patches.rects, [rects[0], rects[1], Rect::EMPTY]);
    }
}
