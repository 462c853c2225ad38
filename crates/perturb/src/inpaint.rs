//! Inpainting by diffusion.

use super::{
    Fill, Mask, Masked, Perturbation, Range, Site,
    diffusion::{Neighbour, fill_holes},
};
use crate::{
    base::{geom::Rect, registry::Entry},
    nn::tensor::Tensor,
};

/// The colours around a hole diffuse into it until nothing changes any more: the steady state of
/// the heat equation, where each removed pixel is the mean of the four pixels beside it, and nothing
/// flows over the edge of the picture (the smoothest of the inpaintings by diffusion of Bertalmio et
/// al. 2000, without their transport along edges).
#[derive(Debug)]
struct Inpaint;

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "inpaint",
    summary: "the colours around the hole, diffused into it (mask-dependent)",
    cite: "bertalmio2000image",
    params: &[],
    build: |_| Ok(Box::new(Inpaint)),
};

const NEIGHBOURS: [Neighbour; 4] = [(-1, 0, 1.0), (0, -1, 1.0), (0, 1, 1.0), (1, 0, 1.0)];

impl Perturbation for Inpaint {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        Fill::Masked(Box::new(Diffused { picture: site.picture, range: site.range }))
    }

    fn is_local(&self) -> bool {
        false
    }
}

struct Diffused<'a> {
    picture: &'a Tensor,
    range: Range,
}

impl Masked for Diffused<'_> {
    fn update(&self, gone: &Mask, new: Rect, current: &mut Tensor) {
        fill_holes(self.picture, self.range, gone, new, &NEIGHBOURS, |(y, x), colour| {
            current.write(Rect { y0: y, y1: y + 1, x0: x, x1: x + 1 }, colour);
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Mask,
        base::geom::{Rect, Shape},
        nn::tensor::Tensor,
        testing::masked,
    };

    #[test]
    fn a_plane_is_restored_from_its_border() {
        // a linear function solves the equation, also at an edge along which it does not change
        let shape = Shape::new(1, 9, 8);
        let plane = |i: usize| (i % 8) as f32 * 0.1;
        let picture = Tensor::new(shape, (0..72).map(plane).collect());
        let mut gone = Mask::none(9, 8);
        gone.remove(Rect { y0: 0, y1: 4, x0: 2, x1: 6 });
        gone.remove(Rect { y0: 5, y1: 8, x0: 3, x1: 5 });
        let damaged = {
            let mut damaged = picture.clone();
            gone.pixels().for_each(|(y, x)| damaged.data[y * 8 + x] = 0.9);
            damaged
        };
        let found = masked("inpaint", &damaged, &gone);
        assert!(found.data.iter().zip(&picture.data).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn one_pixel_in_a_corner_is_the_mean_of_its_two_neighbours() {
        let picture = Tensor::new(Shape::new(1, 2, 2), vec![0.9, 0.2, 0.4, 0.0]);
        let mut gone = Mask::none(2, 2);
        gone.remove(Rect { y0: 0, y1: 1, x0: 0, x1: 1 });
        assert!((masked("inpaint", &picture, &gone).data[0] - 0.3).abs() < 1e-7);
    }
}
