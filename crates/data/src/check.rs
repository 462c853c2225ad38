//! What a data set holds and what is wrong with it, picture by picture.

use super::{DataError, Dataset, Item, LeftOut, Options, open_named};
use crate::base::geom::Shape;
use rayon::prelude::*;
use std::{collections::BTreeMap, path::Path};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Canonical name of the layout.
    pub layout: String,
    /// What the layout says of the set, in words.
    pub found: String,
    /// Number of pictures.
    pub pictures: usize,
    /// The classes that have pictures or a name, by class index.
    pub classes: BTreeMap<usize, Class>,
    /// Pictures without label.
    pub unlabelled: usize,
    /// Files and folders that were passed over.
    pub left_out: Vec<LeftOut>,
    /// What is known from decoding; `None` when only the listing was read.
    pub content: Option<Content>,
}

/// One class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Its name, or empty where the set says none.
    pub name: String,
    /// Its pictures.
    pub pictures: usize,
}

/// What is known from decoding every picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Smallest height and width that occur.
    pub smallest: Option<[usize; 2]>,
    /// Largest height and width that occur.
    pub largest: Option<[usize; 2]>,
    /// Grey pictures.
    pub grey: usize,
    /// Colour pictures.
    pub colour: usize,
    /// Boxes of labelled objects.
    pub boxes: usize,
    /// Pictures with a mask.
    pub masks: usize,
    /// Pictures with an orientation tag that says that they are to be turned or mirrored.
    pub turned: usize,
    /// Pictures that cannot be used: id and reason, in the order of the set.
    pub broken: Vec<(String, String)>,
}

/// Opens `path` and, if `decode`, reads every picture on all threads; `seen` is called after each.
pub fn check(
    path: &Path,
    options: &Options,
    decode: bool,
    seen: &(dyn Fn(usize) + Sync),
) -> Result<Report, DataError> {
    let (layout, set) = open_named(path, options)?;
    let content = decode.then(|| content(&*set, seen));
    let labels: Vec<Vec<usize>> = (0..set.len()).map(|i| set.labels(i)).collect();
    Ok(Report {
        layout,
        found: set.describe(),
        pictures: set.len(),
        classes: classes(&labels, set.classes()),
        left_out: set.left_out().to_vec(),
        unlabelled: labels.iter().filter(|labels| labels.is_empty()).count(),
        content,
    })
}

fn classes(labels: &[Vec<usize>], names: Option<&[String]>) -> BTreeMap<usize, Class> {
    let named = names.unwrap_or_default().iter().enumerate().filter(|(_, name)| !name.is_empty());
    let mut classes: BTreeMap<usize, Class> =
        named.map(|(at, name)| (at, Class { name: name.clone(), pictures: 0 })).collect();
    for label in labels.iter().flatten() {
        classes.entry(*label).or_default().pictures += 1;
    }
    classes
}

fn content(set: &dyn Dataset, seen: &(dyn Fn(usize) + Sync)) -> Content {
    let one = |i| {
        let facts = (Facts::of(set.item(i)), set.orientation(i));
        seen(set.len());
        facts
    };
    let facts: Vec<(Facts, u8)> = (0..set.len()).into_par_iter().map(one).collect();
    let mut content = Content::default();
    for (i, (facts, tag)) in facts.into_iter().enumerate() {
        content.turned += usize::from(tag != 1);
        match facts.0 {
            Ok((shape, boxes, mask)) => content.add(shape, boxes, mask),
            Err(reason) => content.broken.push((set.id(i), reason)),
        }
    }
    content
}

/// Shape, boxes and presence of a mask, or what is wrong.
struct Facts(Result<(Shape, usize, bool), String>);

impl Facts {
    fn of(item: Result<Item, DataError>) -> Facts {
        let facts = item.map(|item| (item.image.shape, item.boxes.len(), item.mask.is_some()));
        Facts(facts.map_err(|e| e.to_string()))
    }
}

impl Content {
    fn add(&mut self, shape: Shape, boxes: usize, mask: bool) {
        let size = [shape.h, shape.w];
        let merge = |best: Option<[usize; 2]>, f: fn(usize, usize) -> usize| {
            Some(best.map_or(size, |best| [f(best[0], size[0]), f(best[1], size[1])]))
        };
        self.smallest = merge(self.smallest, usize::min);
        self.largest = merge(self.largest, usize::max);
        if shape.c == 1 {
            self.grey += 1;
        } else {
            self.colour += 1;
        }
        self.boxes += boxes;
        self.masks += usize::from(mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::Orientation, testing::Folder};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn orientation_tags_are_counted_and_boxes_are_not_turned() {
        let jpegs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/pictures/jpeg");
        let folder = Folder::new();
        for name in ["orientation_1", "orientation_3", "orientation_6", "420"] {
            let bytes = std::fs::read(jpegs.join(name).with_extension("jpg")).unwrap();
            folder.file(&format!("{name}.jpg"), bytes);
        }
        let content =
            check(folder.path(), &Options::default(), true, &|_| ()).unwrap().content.unwrap();
        assert_eq!((content.turned, content.largest), (2, Some([24, 32])));
        let orientation = Orientation::Apply;
        let turned = Options { orientation, ..Options::default() };
        let content = check(folder.path(), &turned, true, &|_| ()).unwrap().content.unwrap();
        assert_eq!((content.turned, content.smallest), (2, Some([12, 12])));
        let set = crate::open(folder.path(), &turned).unwrap();
        let shape = |i: usize| set.item(i).unwrap().image.shape;
        let names: Vec<String> = (0..set.len()).map(|i| set.id(i)).collect();
        let six = names.iter().position(|n| n.contains("orientation_6")).unwrap();
        assert_eq!((shape(six).h, shape(six).w), (20, 12));
    }

    #[test]
    fn classes_are_counted_and_broken_pictures_are_named() {
        let folder = Folder::new();
        for (name, h, w) in [("tench/a.png", 2, 9), ("tench/b.png", 5, 3), ("cat/c.png", 4, 4)] {
            folder.png(name, h, w, 0);
        }
        folder.file("cat/d.jpg", b"\xff\xd8\xff\xe0");
        std::fs::create_dir(folder.child("dog")).unwrap();
        let seen = AtomicUsize::new(0);
        let note = |_: usize| {
            seen.fetch_add(1, Ordering::Relaxed);
        };
        let report = check(folder.path(), &Options::default(), true, &note).unwrap();
        assert_eq!((report.pictures, report.unlabelled, seen.into_inner()), (4, 0, 4));
        assert_eq!(report.layout, "classes:numbers=auto:first=auto");
        let counts: Vec<(&str, usize)> =
            report.classes.values().map(|c| (c.name.as_str(), c.pictures)).collect();
        assert_eq!(counts, [("cat", 2), ("dog", 0), ("tench", 2)]);
        let content = report.content.unwrap();
        assert_eq!((content.smallest, content.largest), (Some([2, 3]), Some([5, 9])));
        assert_eq!((content.colour, content.broken.len()), (3, 1));
        assert_eq!(content.broken[0].0, "cat/d.jpg");
    }

    #[test]
    fn without_decoding_only_the_listing_is_read() {
        let folder = Folder::new();
        folder.file("a.png", "no picture");
        let report = check(folder.path(), &Options::default(), false, &|_| ()).unwrap();
        assert_eq!((report.pictures, report.unlabelled, report.content), (1, 1, None));
    }
}
