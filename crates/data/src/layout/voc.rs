//! PASCAL VOC (Everingham et al. 2010): `JPEGImages/NAME.jpg`, `Annotations/NAME.xml` with boxes,
//! `ImageSets/Main/SPLIT.txt` with names, `SegmentationClass/NAME.png` with masks, all below
//! `VOC2007` or `VOC2012`.
//!
//! A picture may show several classes. Its label is that of the largest area of boxes, and its boxes and its mask
//! are those of this class; the others follow it in the set of its labels, with boxes and masks of their own. With
//! `difficult=skip` a class that only difficult objects show is neither there nor missing, as in the challenge.
//! Coordinates count from 1 and include the last
//! pixel; here they become half-open from 0.

use super::{
    super::{
        DataError, Dataset, Options,
        boxes::Bounds,
        files::{FileSet, Other, PictureFile},
        listing::{
            DataPath, File, LeftOut, Listing, MISSING, Missing, boxes as boxes_words, count,
            missing, unlabelled,
        },
        mask::Mask,
        xml::Element,
    },
    Layout, lines,
};
use crate::base::{
    registry::{Entry, Kind, Param},
    word_enum,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "voc",
    summary: "PASCAL VOC: JPEGImages, Annotations, masks in SegmentationClass",
    cite: "everingham2010pascal",
    params: &[
        Param {
            key: "split",
            default: "all",
            kind: Kind::Text,
            help: "a list of ImageSets/Main (train, val, trainval, test), or all annotated pictures",
        },
        Param {
            key: "difficult",
            default: "keep",
            kind: Kind::Word(Difficult::WORDS),
            help: "what to do with objects marked as difficult",
        },
        MISSING,
    ],
    build: |args| {
        Ok(Box::new(Voc {
            split: args.text("split").to_owned(),
            skip_difficult: args.word::<Difficult>("difficult") == Difficult::Skip,
            skip_missing: Missing::of(args) == Missing::Skip,
        }))
    },
};

word_enum! {
    /// What becomes of objects marked as difficult.
    enum Difficult {
        Keep = "keep",
        Skip = "skip",
    }
}

/// The classes of 2007 to 2012; index 0 of masks is the background.
const CLASSES: [&str; 20] = [
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

const PICTURES: &str = "JPEGImages";
const ANNOTATIONS: &str = "Annotations";

struct Voc {
    split: String,
    skip_difficult: bool,
    skip_missing: bool,
}

impl Layout for Voc {
    fn detect(&self, place: &DataPath) -> bool {
        let has = |name: &str| place.folders.iter().any(|folder| folder == name);
        place.is_folder && has(PICTURES) && has(ANNOTATIONS)
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        if !self.detect(place) {
            let expected = format!("the folders {PICTURES} and {ANNOTATIONS}");
            return Err(DataError::unexpected(&place.path, expected, place.words())
                .hint("give the path of the folder VOC2012 (or VOC2007)"));
        }
        let (files, left_out) = pictures(&place.path)?;
        let (mut found, mut notes) = (vec![], vec![]);
        for (name, file) in self.wanted(&place.path, files, &left_out, &mut notes)? {
            let path = place.path.join(ANNOTATIONS).join(format!("{name}.xml"));
            if path.is_file() {
                found.push((name, file, self.objects(&path)?));
            } else {
                found.push((name, file, vec![]));
            }
        }
        let all = found.len();
        let classes =
            classes(found.iter().flat_map(|(.., objects)| objects).filter(|o| !o.skipped));
        let pictures = found.into_iter().filter_map(|(name, file, objects)| {
            let mask = place.path.join("SegmentationClass").join(format!("{name}.png"));
            picture(file, objects, &classes, &mask)
        });
        let pictures: Vec<PictureFile> = pictures.collect();
        if pictures.is_empty() {
            let expected = "pictures with objects";
            return Err(DataError::unexpected(&place.path, expected, "none"));
        }
        if pictures.len() < all {
            let empty = count(all - pictures.len(), "picture");
            notes.push(format!("{empty} without objects left out"));
        }
        let boxes: usize = pictures.iter().map(|p| p.boxes.len()).sum();
        let masks = pictures.iter().filter(|p| p.mask.is_some()).count();
        let of = format!("{} labelled by their largest object", count(pictures.len(), "picture"));
        let marks = format!("{}, {}", boxes_words(boxes), count(masks, "mask"));
        notes.splice(0..0, [of, marks]);
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures,
            classes: Some(classes),
            words: notes.join(", "),
            left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// The pictures by name without ending, and what was passed over.
fn pictures(root: &Path) -> Result<(BTreeMap<String, File>, Vec<LeftOut>), DataError> {
    let prefix = format!("{PICTURES}/");
    let listing = Listing::of(&root.join(PICTURES))?.below(&prefix);
    let named = listing.pictures.into_iter().map(|file| {
        let name = file.id[prefix.len()..].to_owned();
        let name = name.rsplit_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned());
        (name, file)
    });
    Ok((named.collect(), listing.left_out))
}

/// An object of a class.
struct VocObject {
    class: String,
    bounds: Bounds,
    /// It is marked as difficult, and such objects are not to count.
    skipped: bool,
}

impl Voc {
    /// The pictures of the split, or all that are annotated.
    fn wanted(
        &self,
        root: &Path,
        mut files: BTreeMap<String, File>,
        left_out: &[LeftOut],
        notes: &mut Vec<String>,
    ) -> Result<Vec<(String, File)>, DataError> {
        let (list, names) = if self.split == "all" {
            let folder = root.join(ANNOTATIONS);
            let names = DataPath::look(&folder)?.files;
            let stems = names.iter().filter_map(|n| n.strip_suffix(".xml").map(str::to_owned));
            (folder, stems.collect::<Vec<_>>())
        } else {
            let list = root.join("ImageSets/Main").join(format!("{}.txt", self.split));
            let first = |line: String| line.split_whitespace().next().map(str::to_owned);
            (list.clone(), lines(&list)?.into_iter().filter_map(first).collect())
        };
        let mut lost = vec![];
        let mut found = vec![];
        for name in names {
            match files.remove(&name) {
                Some(file) => found.push((name, file)),
                None => lost.push(name),
            }
        }
        missing(&list, lost, self.skip_missing, left_out, notes)?;
        if self.split == "all" {
            unlabelled(files.len(), notes);
        }
        Ok(found)
    }

    /// The objects of an annotation file.
    fn objects(&self, path: &Path) -> Result<Vec<VocObject>, DataError> {
        let document = Element::read(path)?;
        let frame = document.child("size").map(|size| numbers(size, ["width", "height"], path));
        let frame = frame.transpose()?.filter(|[w, h]| *w > 0.0 && *h > 0.0);
        let skip = |object: &Element| {
            self.skip_difficult && object.text("difficult").is_some_and(|text| text == "1")
        };
        document
            .children("object")
            .map(|object| {
                let missing = |what| DataError::unexpected(path, what, "an object without");
                let class = object.text("name").ok_or_else(|| missing("a `name` per object"))?;
                let corners =
                    object.child("bndbox").ok_or_else(|| missing("a `bndbox` per object"))?;
                let [x0, y0, x1, y1] = numbers(corners, ["xmin", "ymin", "xmax", "ymax"], path)?;
                let bounds = Bounds::new([x0 - 1.0, y0 - 1.0, x1, y1], frame);
                Ok(VocObject { class: class.to_owned(), bounds, skipped: skip(object) })
            })
            .collect()
    }
}

/// The numbers inside an element.
pub(super) fn numbers<const N: usize>(
    element: &Element,
    names: [&str; N],
    path: &Path,
) -> Result<[f64; N], DataError> {
    let mut out = [0.0; N];
    for (value, name) in out.iter_mut().zip(names) {
        let text = element.text(name).unwrap_or_default();
        let number = text.parse::<f64>().ok().filter(|v| v.is_finite());
        *value = number.ok_or_else(|| {
            DataError::unexpected(path, format!("a number in `{name}`"), format!("`{text}`"))
        })?;
    }
    Ok(out)
}

/// The twenty classes of the challenge, or those that occur, sorted, if there are others.
fn classes<'a>(objects: impl Iterator<Item = &'a VocObject>) -> Vec<String> {
    let found: BTreeSet<&str> = objects.map(|object| object.class.as_str()).collect();
    if found.iter().all(|name| CLASSES.contains(name)) {
        return CLASSES.map(str::to_owned).to_vec();
    }
    found.into_iter().map(str::to_owned).collect()
}

/// The picture with the label, the boxes and the mask of its largest class.
fn picture(
    file: File,
    objects: Vec<VocObject>,
    classes: &[String],
    mask: &Path,
) -> Option<PictureFile> {
    let mut areas = vec![0.0; classes.len()];
    let index = |object: &VocObject| classes.iter().position(|name| *name == object.class);
    let (skipped, objects): (Vec<VocObject>, Vec<VocObject>) =
        objects.into_iter().partition(|object| object.skipped);
    for object in &objects {
        areas[index(object)?] += object.bounds.area();
    }
    let larger = |best: usize, k: usize| if areas[k] > areas[best] { k } else { best };
    let label = (0..classes.len()).reduce(larger).filter(|_| !objects.is_empty())?;
    let boxes = |class| {
        objects.iter().filter(|o| index(o) == Some(class)).map(|o| o.bounds).collect::<Vec<_>>()
    };
    let masked = mask.is_file();
    // the palette of masks has the challenge's classes only
    let mask = |class: usize| {
        let in_palette = CLASSES.iter().position(|name| *name == classes[class]);
        let indexed = |at| Mask::Indexed { path: mask.to_owned(), index: at as u8 + 1 };
        in_palette.filter(|_| masked).map(indexed)
    };
    let others = (0..classes.len()).filter(|class| *class != label);
    let others = others.map(|class| Other { class, boxes: boxes(class), mask: mask(class) });
    let others: Vec<Other> = others.filter(|other| !other.boxes.is_empty()).collect();
    let also: Vec<usize> = others.iter().map(|other| other.class).collect();
    let shown = |class: &usize| *class == label || also.contains(class);
    let unsure: BTreeSet<usize> = skipped.iter().filter_map(index).collect();
    Some(PictureFile {
        file,
        label: Some(label),
        boxes: boxes(label),
        mask: mask(label),
        unsure: unsure.into_iter().filter(|class| !shown(class)).collect(),
        others,
        also,
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        base::geom::{Rect, Shape},
        testing::{Folder, encode, rows},
    };
    use image::{ExtendedColorType, ImageFormat};

    fn annotation(objects: &[(&str, [u32; 4], bool)]) -> String {
        let object = |(name, [x0, y0, x1, y1], difficult): &(&str, [u32; 4], bool)| {
            format!(
                "<object>\n<name>{name}</name><pose>Left</pose><difficult>{}</difficult>\n\
                 <bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox>\n\
                 <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>",
                u8::from(*difficult)
            )
        };
        let objects: Vec<String> = objects.iter().map(object).collect();
        format!(
            "<annotation>\n<folder>VOC2012</folder><filename>x.jpg</filename>\n\
             <size><width>6</width><height>4</height><depth>3</depth></size>\n{}\n</annotation>\n",
            objects.join("\n")
        )
    }

    /// Three annotated pictures of 4 x 6 pixels, the first with a mask; a fourth without annotation.
    fn voc() -> Folder {
        let folder = Folder::new();
        for name in ["2007_000027", "2007_000032", "2008_000008", "2009_000001"] {
            folder.png(&format!("JPEGImages/{name}.jpg"), 4, 6, 9);
        }
        let person = ("person", [2, 1, 4, 4], false);
        let dogs = [("dog", [1, 1, 6, 2], true), person, ("dog", [5, 3, 6, 4], false)];
        folder.file("Annotations/2007_000027.xml", annotation(&dogs));
        folder.file("Annotations/2007_000032.xml", annotation(&[person]));
        folder.file("Annotations/2008_000008.xml", annotation(&[("cat", [1, 1, 1, 1], true)]));
        folder.file("ImageSets/Main/val.txt", "2008_000008\n2007_000032\n");
        mark(&folder, 3);
        folder
    }

    /// Makes a column of the first picture the mask of its dogs.
    fn mark(folder: &Folder, column: usize) {
        let of_dog = |at: usize| if at % 6 == column { [64, 0, 128] } else { [0; 3] };
        let mask: Vec<u8> = (0..24).flat_map(of_dog).collect();
        let mask = encode(ImageFormat::Png, ExtendedColorType::Rgb8, &mask, 4, 6);
        folder.file("SegmentationClass/2007_000027.png", mask);
    }

    #[test]
    fn the_largest_class_gives_label_boxes_and_mask() {
        let folder = voc();
        let set = folder.open("").unwrap();
        let expected = [("2007_000027", 11), ("2007_000032", 14), ("2008_000008", 7)];
        let expected = expected.map(|(name, k)| (format!("JPEGImages/{name}.jpg"), Some(k)));
        assert_eq!(rows(&*set), expected);
        assert_eq!(set.classes().unwrap()[11], "dog");
        let first = set.item(0).unwrap();
        let boxes = [Rect { y0: 0, y1: 2, x0: 0, x1: 6 }, Rect { y0: 2, y1: 4, x0: 4, x1: 6 }];
        assert_eq!(first.boxes, boxes);
        // index 12, dog, has the colour 64, 0, 128
        let columns: Vec<bool> = (0..24).map(|at| at % 6 == 3).collect();
        assert_eq!(first.mask, Some(columns));
        assert_eq!(set.item(1).unwrap().mask, None);
        assert_eq!(
            (set.labels(0), set.labels(1), set.has_label_sets()),
            (vec![11, 14], vec![14], true)
        );
        insta::assert_snapshot!(set.describe(), @"3 pictures labelled by their largest object, 4 boxes, 1 mask, 1 picture without label left out");
    }

    #[test]
    fn objects_of_other_classes_are_known_by_their_class() {
        let folder = voc();
        let set = folder.open("").unwrap();
        let of = |class| set.others(0, class, Shape::new(3, 4, 6)).unwrap();
        let person = of(14).unwrap();
        assert_eq!(person.boxes, [Rect { y0: 0, y1: 4, x0: 1, x1: 4 }]);
        assert_eq!(person.mask, Some(vec![false; 24]), "the mask marks dogs only");
        // the label's own objects are those of the item, and there is no cat
        assert_eq!((of(11), of(7)), (None, None));
    }

    #[test]
    fn another_mask_is_another_picture() {
        let folder = voc();
        let of = || {
            let set = folder.open("").unwrap();
            (0..set.len()).map(|i| set.content(i).unwrap()).collect::<Vec<_>>()
        };
        let before = of();
        mark(&folder, 2);
        assert_ne!(of(), before);
        mark(&folder, 3);
        assert_eq!(of(), before);
    }

    #[test]
    fn splits_and_difficult_objects_can_be_chosen() {
        let folder = voc();
        let val = folder.open("voc:split=val").unwrap();
        let ids: Vec<String> = rows(&*val).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["JPEGImages/2008_000008.jpg", "JPEGImages/2007_000032.jpg"]);
        let easy = folder.open("voc:difficult=skip").unwrap();
        let labels: Vec<_> = rows(&*easy).into_iter().map(|(_, label)| label.unwrap()).collect();
        assert_eq!(labels, [14, 14], "without the difficult dog the person is larger");
        assert_eq!((easy.labels(0), easy.unsure(0)), (vec![14, 11], vec![]));
    }

    #[test]
    fn own_classes_are_sorted() {
        let folder = voc();
        folder.file("Annotations/2008_000008.xml", annotation(&[("yak", [1, 1, 1, 1], false)]));
        let set = folder.open("").unwrap();
        assert_eq!(set.classes().unwrap(), ["dog", "person", "yak"]);
    }

    #[test]
    fn messages_name_the_annotation() {
        let folder = voc();
        folder.file("ImageSets/Main/test.txt", "2007_000032\n2012_999999\n");
        let lost = folder.says(folder.open("voc:split=test"));
        assert_eq!(folder.open("voc:split=test:missing=skip").unwrap().len(), 1);
        let absent = folder.says(folder.open("voc:split=tset"));
        let outside = annotation(&[("cat", [1, 1, 7, 2], false)]);
        folder.file("Annotations/2008_000008.xml", outside);
        let outside = folder.says(folder.open("").unwrap().item(2));
        folder.file("Annotations/2008_000008.xml", annotation(&[]).replace('6', "six"));
        let number = folder.says(folder.open(""));
        folder.file("Annotations/2008_000008.xml", "<annotation><object></object></annotation>");
        let nameless = folder.says(folder.open(""));
        folder.file("Annotations/2008_000008.xml", "<annotation><object>");
        let broken = folder.says(folder.open(""));
        std::fs::remove_dir_all(folder.child("Annotations")).unwrap();
        let none = folder.says(folder.open("voc"));
        insta::assert_snapshot!([lost, absent, outside, number, nameless, broken, none].join("\n"));
    }
}
