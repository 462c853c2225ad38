//! The classes: one file and one line in [`CLASSES`] each.
//!
//! A class is drawn in its own coordinates, inside the unit circle, x to the right and y down.

mod butterfly;
mod cactus;
mod fish;
mod flower;
mod ladybird;
mod leaf;
mod mug;
mod mushroom;
mod starfish;
mod wheel;

use super::math::{Draw, Noise, P, Rgb, ray};

/// One class of objects.
pub(super) struct Class {
    /// As in the list of class names.
    pub(super) name: &'static str,
    /// Largest rotation to either side, in turns; 0.5 is any rotation.
    pub(super) turn: f32,
    /// Fewest and most rays (petals, arms, spokes).
    pub(super) rays: (usize, usize),
    /// What is at a point of the object's plane; nothing outside the object.
    pub(super) paint: fn(&Look, P) -> Option<Dab>,
}

/// All classes; the index is the label.
pub(super) static CLASSES: [&Class; 10] = [
    &butterfly::CLASS,
    &cactus::CLASS,
    &fish::CLASS,
    &flower::CLASS,
    &ladybird::CLASS,
    &leaf::CLASS,
    &mug::CLASS,
    &mushroom::CLASS,
    &starfish::CLASS,
    &wheel::CLASS,
];

/// What one object of a class looks like.
pub(super) struct Look {
    /// The colour of most of it.
    pub(super) main: Rgb,
    /// The colour of its pattern.
    pub(super) second: Rgb,
    /// Proportions and pattern, each in [0, 1); what they mean is up to the class.
    pub(super) form: [f32; 6],
    /// Unit vectors, evenly spaced, the first one upwards.
    pub(super) rays: Vec<P>,
    /// Texture.
    pub(super) grain: Noise,
}

impl Look {
    pub(super) fn draw(class: &Class, main: Rgb, second: Rgb, draw: &mut Draw) -> Look {
        let n = draw.count(class.rays.0, class.rays.1);
        Look {
            main,
            second,
            form: [(); 6].map(|()| draw.unit()),
            rays: (0..n).map(|k| ray(k as f32 / n as f32 - 0.25)).collect(),
            grain: Noise::draw(draw),
        }
    }

    /// Form parameter `i` on a scale from `low` to `high`.
    fn form(&self, i: usize, low: f32, high: f32) -> f32 {
        low + (high - low) * self.form[i]
    }

    /// The point in coordinates along and across the ray nearest to it.
    fn fold(&self, at: P) -> P {
        let nearest = self.rays.iter().copied().max_by(|a, b| at.dot(*a).total_cmp(&at.dot(*b)));
        nearest.map_or(at, |axis| at.along(axis))
    }
}

/// The surface at one point.
#[derive(Clone, Copy)]
pub(super) struct Dab {
    /// Colour under white light.
    pub(super) colour: Rgb,
    /// Height above the edge of the object, from 0 to about 1; its slope makes the shading.
    pub(super) height: f32,
}

#[cfg(test)]
mod tests {
    use super::super::math::p;
    use super::*;
    use crate::base::rng::Seed;

    /// Looks of a class and the points of a grid over `[-1.5, 1.5]` squared that are painted.
    fn painted(class: &Class, object: u64) -> Vec<P> {
        let mut draw = Draw(Seed(5).rng("test", class.name, &[object]));
        let look = Look::draw(class, [0.5; 3], [0.9; 3], &mut draw);
        let grid = (0..151 * 151).map(|k| p((k % 151) as f32, (k / 151) as f32));
        grid.map(|q| (q - p(75.0, 75.0)) * 0.02)
            .filter(|&q| (class.paint)(&look, q).is_some())
            .collect()
    }

    #[test]
    fn objects_stay_inside_the_unit_circle_and_reach_near_its_edge() {
        for class in CLASSES {
            for object in 0..20 {
                let reach = painted(class, object).iter().map(|q| q.len()).fold(0.0, f32::max);
                assert!(reach <= 1.0 && reach > 0.8, "{} reaches {reach}", class.name);
            }
        }
    }

    #[test]
    fn objects_fill_between_a_sixth_and_most_of_the_circle() {
        let circle = std::f32::consts::PI / 0.02 / 0.02;
        for class in CLASSES {
            for object in 0..20 {
                let share = painted(class, object).len() as f32 / circle;
                assert!((0.17..0.9).contains(&share), "{} fills {share}", class.name);
            }
        }
    }

    #[test]
    fn heights_and_colours_are_finite_and_bounded() {
        for class in CLASSES {
            let mut draw = Draw(Seed(6).rng("test", class.name, &[]));
            let look = Look::draw(class, [0.2, 0.4, 0.6], [1.0; 3], &mut draw);
            for k in 0..101 * 101 {
                let at = (p((k % 101) as f32, (k / 101) as f32) - p(50.0, 50.0)) * 0.02;
                if let Some(dab) = (class.paint)(&look, at) {
                    assert!((-0.2..=1.3).contains(&dab.height), "{} {}", class.name, dab.height);
                    assert!(dab.colour.iter().all(|v| (0.0..=1.5).contains(v)), "{}", class.name);
                }
            }
        }
    }

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(CLASSES.windows(2).all(|w| w[0].name < w[1].name));
    }
}
