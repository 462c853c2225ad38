//! Statistics of a data set's pictures, for perturbations that imitate them.

use crate::{base::geom::Shape, nn::tensor::Tensor};

/// What perturbations may know about the data set, in image space.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Mean over the pictures at each location.
    pub mean: Tensor,
    /// Statistics of single pixels over all pictures and locations.
    pub pixels: Moments,
}

/// First two moments of the *shares* of single pixels: with the values `v` of `C` channels in
/// [0, 1], the shares are `v_c / C` and, last, what is missing to white: `1 - sum_c v_c / C`. They
/// are never negative and sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Means of the `C + 1` shares; they sum to 1.
    pub means: Vec<f64>,
    /// Sum of the variances of the shares.
    pub variance: f64,
}

/// Sums from which [`Statistics`] follow, picture by picture.
#[derive(Clone, Debug)]
pub struct Gather {
    shape: Shape,
    pictures: usize,
    sums: Vec<f64>,
    squares: f64,
}

impl Gather {
    /// Of pictures of this shape.
    pub fn new(shape: Shape) -> Gather {
        Gather { shape, pictures: 0, sums: vec![0.0; shape.len()], squares: 0.0 }
    }

    /// Counts a picture in.
    pub fn add(&mut self, picture: &Tensor) {
        self.pictures += 1;
        self.sums.iter_mut().zip(&picture.data).for_each(|(sum, v)| *sum += f64::from(*v));
        self.squares += squares(picture);
    }

    /// Number of pictures counted in.
    pub fn pictures(&self) -> usize {
        self.pictures
    }

    /// The statistics of the pictures counted in (of a black one if there are none).
    pub fn finish(self) -> Statistics {
        let pictures = self.pictures.max(1) as f64;
        let mean = self.sums.iter().map(|sum| (sum / pictures) as f32).collect();
        let channels = self.shape.c;
        let mut totals = vec![0.0; channels];
        for pixel in self.sums.chunks_exact(channels) {
            totals.iter_mut().zip(pixel).for_each(|(total, sum)| *total += sum);
        }
        let pixels = pictures * (self.shape.h * self.shape.w) as f64;
        let pixels = Moments::from_sums(&totals, self.squares, pixels);
        Statistics { mean: Tensor::new(self.shape, mean), pixels }
    }
}

impl Moments {
    /// Of the pixels of one picture.
    pub fn of(picture: &Tensor) -> Moments {
        let mut totals = vec![0.0; picture.shape.c];
        for pixel in picture.data.chunks_exact(picture.shape.c) {
            totals.iter_mut().zip(pixel).for_each(|(total, v)| *total += f64::from(*v));
        }
        let pixels = (picture.shape.h * picture.shape.w) as f64;
        Moments::from_sums(&totals, squares(picture), pixels)
    }

    /// From the sums of the channels, the sum of all squared shares, and the number of pixels.
    fn from_sums(totals: &[f64], squares: f64, pixels: f64) -> Moments {
        let channels = totals.len() as f64;
        let mut means: Vec<f64> = totals.iter().map(|t| t / pixels / channels).collect();
        means.push(1.0 - means.iter().sum::<f64>());
        let square_of_means: f64 = means.iter().map(|m| m * m).sum();
        // rounding may leave a tiny negative difference
        Moments { means, variance: (squares / pixels - square_of_means).max(0.0) }
    }
}

/// Sum of the squared shares of all pixels.
fn squares(picture: &Tensor) -> f64 {
    let channels = picture.shape.c as f64;
    let of_pixel = |pixel: &[f32]| {
        let shares = pixel.iter().map(|v| f64::from(*v) / channels);
        let (sum, squares) = shares.fold((0.0, 0.0), |(sum, sq), s| (sum + s, sq + s * s));
        squares + (1.0 - sum) * (1.0 - sum)
    };
    picture.data.chunks_exact(picture.shape.c).map(of_pixel).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_two_grey_pixels_are_those_of_the_hand() {
        let picture = Tensor::new(Shape::new(1, 1, 2), vec![0.25, 0.75]);
        let moments = Moments::of(&picture);
        assert_eq!(moments.means, [0.5, 0.5]);
        // both shares are 0.25 away from their mean
        assert!((moments.variance - 2.0 * 0.0625).abs() < 1e-15);
    }

    #[test]
    fn the_mean_is_taken_at_each_location_and_the_moments_over_all() {
        let shape = Shape::new(3, 1, 2);
        let mut gather = Gather::new(shape);
        gather.add(&Tensor::new(shape, vec![0.0, 0.0, 0.0, 1.0, 0.5, 0.0]));
        gather.add(&Tensor::new(shape, vec![1.0, 0.0, 0.5, 1.0, 1.0, 1.0]));
        assert_eq!(gather.pictures(), 2);
        let found = gather.finish();
        assert_eq!(found.mean.data, [0.5, 0.0, 0.25, 1.0, 0.75, 0.5]);
        // shares of the four pixels, in twelfths: (0,0,0,12) (4,2,0,6) (4,0,2,6) (4,4,4,0)
        let expected = [12.0, 6.0, 6.0, 24.0].map(|sum| sum / 48.0);
        assert!(found.pixels.means.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
        let squares = (144.0 + 56.0 + 56.0 + 48.0) / 4.0 / 144.0;
        let variance = squares - expected.iter().map(|m| m * m).sum::<f64>();
        assert!((found.pixels.variance - variance).abs() < 1e-15);
    }

    #[test]
    fn one_picture_has_the_moments_of_a_set_of_itself() {
        let shape = Shape::new(3, 2, 2);
        let picture = Tensor::new(shape, (0..12).map(|i| i as f32 / 16.0).collect());
        let mut gather = Gather::new(shape);
        (0..3).for_each(|_| gather.add(&picture));
        let (of_set, of_one) = (gather.finish().pixels, Moments::of(&picture));
        assert!((of_set.variance - of_one.variance).abs() < 1e-14);
        assert!(of_set.means.iter().zip(&of_one.means).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}
