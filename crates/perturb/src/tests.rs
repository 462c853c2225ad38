//! What holds for all perturbations.

use super::{
    testing::{grid, named, ramp, site},
    *,
};
use crate::base::{
    registry::Named,
    rng::permutation,
    unit::{Grid, Remainder, UnitId},
};
use proptest::prelude::*;
use std::path::Path;

/// Those that put something in the place of removed units.
fn fills() -> impl Iterator<Item = Named<dyn Perturbation>> {
    PERTURBATIONS.iter().map(|entry| named(entry.id)).filter(|named| !named.value.leaves_out())
}

/// The pictures after 0, 1, ... removed regions, each brought up to date from the one before.
fn walk(fill: &Fill<'_>, picture: &Tensor, rects: &[Rect]) -> Vec<(Mask, Tensor)> {
    let mut gone = Mask::none(picture.shape.h, picture.shape.w);
    let mut current = picture.clone();
    let mut all = vec![(gone.clone(), current.clone())];
    for rect in rects {
        gone.remove(*rect);
        match fill {
            Fill::Local(of) => {
                let mut pixels = vec![0.0; rect.area() * picture.shape.c];
                of.read(*rect, &mut pixels);
                current.write(*rect, &pixels);
            }
            Fill::Masked(of) => of.update(&gone, *rect, &mut current),
            Fill::LeftOut => unreachable!("left out above"),
        }
        all.push((gone.clone(), current.clone()));
    }
    all
}

#[test]
fn every_fill_stays_in_range_and_inside_the_mask_and_is_a_pure_function() {
    let picture = ramp();
    let grid = grid(&picture);
    let rects: Vec<Rect> = grid.ids().map(|id| grid.rect(id)).collect();
    for named in fills() {
        let fill = |repeat| named.value.fill(&site(&picture, &grid, repeat));
        let steps = walk(&fill(0), &picture, &rects);
        assert_eq!(steps, walk(&fill(0), &picture, &rects), "{}", named.name);
        assert_eq!(matches!(fill(1), Fill::Local(_)), named.value.is_local(), "{}", named.name);
        for (gone, current) in &steps {
            assert_eq!(current.shape, picture.shape, "{}", named.name);
            assert!(current.data.iter().all(|v| (0.0..=1.0).contains(v)), "{}", named.name);
            for (i, pixel) in current.data.chunks(3).enumerate() {
                let (y, x) = (i / 10, i % 10);
                assert!(gone.has(y, x) || pixel == picture.pixel(y, x), "{}", named.name);
            }
        }
        assert_ne!(steps.last().unwrap().1, picture, "{}", named.name);
    }
}

#[test]
fn every_default_prints_canonically() {
    for entry in PERTURBATIONS {
        let name = named(entry.id).name;
        assert_eq!(named(&name).name, name);
    }
}

#[test]
fn every_perturbation_has_its_picture_and_its_line_in_the_documentation() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(docs.join("perturbations.md")).unwrap();
    for entry in PERTURBATIONS {
        if named(entry.id).value.leaves_out() {
            assert!(page.contains(&format!("`{}`", entry.id)), "{} is not on the page", entry.id);
            continue;
        }
        assert!(docs.join(format!("perturbations/{}.png", entry.id)).exists(), "{}", entry.id);
        let shown = format!("perturbations/{}.png", entry.id);
        assert!(page.contains(&shown), "{} is not on the page", entry.id);
    }
}

#[test]
fn every_citation_is_in_the_list_of_references() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/references.bib");
    let list = std::fs::read_to_string(list).unwrap();
    for entry in PERTURBATIONS.iter().filter(|entry| !entry.cite.is_empty()) {
        assert!(list.contains(&format!("{{{},", entry.cite)), "{} cites {}", entry.id, entry.cite);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Step by step, in any order, gives the bits of removing everything at once.
    #[test]
    fn the_way_to_a_mask_does_not_matter(seed in 0u64..1000, count in 1usize..12, side in 1usize..4) {
        let picture = ramp();
        let grid = Grid::new(12, 10, side, Remainder::Partial).unwrap();
        let order = permutation(&mut Seed(seed).rng("order", "", &[]), grid.len());
        let rects: Vec<Rect> = order
            .iter()
            .take(count)
            .map(|i| grid.rect(UnitId(*i as u32)))
            .collect();
        let backwards: Vec<Rect> = rects.iter().rev().copied().collect();
        for named in fills() {
            let fill = named.value.fill(&site(&picture, &grid, 0));
            let (gone, there) = walk(&fill, &picture, &rects).pop().unwrap();
            prop_assert_eq!(&walk(&fill, &picture, &backwards).pop().unwrap().1, &there);
            if let Fill::Masked(fill) = fill {
                let mut at_once = picture.clone();
                fill.update(&gone, picture.shape.rect(), &mut at_once);
                prop_assert_eq!(&at_once, &there);
            }
        }
    }
}
