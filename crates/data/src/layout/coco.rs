//! COCO (Lin et al. 2014): `annotations/instances_SPLIT.json` beside the folder `SPLIT` with the
//! pictures (`val2017`), or `_annotations.coco.json` among the pictures.
//!
//! A picture may show several classes, but has one label here: that of the largest area of its
//! instances (crowds do not count). Its boxes and its mask are those of this class; those of the others are
//! kept for explanations of these. Categories are
//! numbered in the order of their ids, of which COCO leaves some out: 80 classes with ids up to 90.

use super::{
    super::{
        DataError, Dataset, Options,
        boxes::Bounds,
        files::{FileSet, Other, PictureFile},
        listing::{
            DataPath, Finder, Listing, MISSING, Missing, boxes as boxes_words, count, missing,
            unlabelled,
        },
        mask::{Mask, Outline},
    },
    Layout,
};
use crate::base::registry::{Entry, Kind, Param};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "coco",
    summary: "COCO: annotations/instances_SPLIT.json with boxes and masks",
    cite: "lin2014microsoft",
    params: &[
        Param {
            key: "split",
            default: "auto",
            kind: Kind::Text,
            help: "what follows instances_, as val2017; auto takes the first that begins with val",
        },
        MISSING,
    ],
    build: |args| {
        Ok(Box::new(Coco {
            split: args.text("split").to_owned(),
            skip_missing: Missing::of(args) == Missing::Skip,
        }))
    },
};

struct Coco {
    split: String,
    skip_missing: bool,
}

const INSTANCES: &str = "instances_";
const AMONG: &str = "_annotations.coco.json";

impl Layout for Coco {
    fn detect(&self, place: &DataPath) -> bool {
        let lists = |folder: &DataPath| folder.files.iter().any(|name| split(name).is_some());
        place.is_folder
            && (place.has_file(AMONG)
                || place.folders.iter().any(|folder| folder == "annotations")
                    && DataPath::look(&place.path.join("annotations")).is_ok_and(|p| lists(&p)))
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let (list, folder, prefix) = self.sources(place)?;
        let bytes = fs::read(&list).map_err(|e| DataError::read(&list, &e))?;
        let instances: Instances = serde_json::from_slice(&bytes).map_err(|e| {
            let expected = "JSON with `images`, `annotations` and `categories`";
            DataError::unexpected(&list, expected, format!("a fault ({e})"))
        })?;
        let listing = Listing::of(&folder)?.below(&prefix);
        let (classes, index) = categories(&instances.categories);
        let mut by_image = instances.by_image(&index, &list)?;
        let finder = Finder::of(listing.pictures.iter());
        let (mut lost, mut pictures, mut notes) = (vec![], vec![], vec![]);
        for image in &instances.images {
            match finder.find(&image.file_name) {
                Some(at) => {
                    let objects = by_image.remove(&image.id).unwrap_or_default();
                    pictures.push((at, objects.picture(&listing.pictures[at], image)));
                }
                None => lost.push(image.file_name.clone()),
            }
        }
        missing(&list, lost, self.skip_missing, &listing.left_out, &mut notes)?;
        unlabelled(listing.pictures.len() - pictures.len(), &mut notes);
        let empty = pictures.iter().filter(|(_, p)| p.label.is_none()).count();
        pictures.retain(|(_, p)| p.label.is_some());
        pictures.sort_by_key(|(at, _)| *at);
        if empty > 0 {
            notes.push(format!("{} without instances left out", count(empty, "picture")));
        }
        if pictures.is_empty() {
            let expected = "pictures with instances";
            return Err(DataError::unexpected(&list, expected, "none"));
        }
        let pictures: Vec<PictureFile> = pictures.into_iter().map(|(_, picture)| picture).collect();
        let boxes: usize = pictures.iter().map(|p| p.boxes.len()).sum();
        let of = format!("{} labelled by their largest class", count(pictures.len(), "picture"));
        notes.splice(0..0, [of, format!("{} and their masks", boxes_words(boxes))]);
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures,
            classes: Some(classes),
            words: notes.join(", "),
            left_out: listing.left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

/// `val2017` of `instances_val2017.json`.
fn split(name: &str) -> Option<&str> {
    name.strip_prefix(INSTANCES)?.strip_suffix(".json")
}

impl Coco {
    /// The annotations, the folder with the pictures, and the beginning of their ids.
    fn sources(&self, place: &DataPath) -> Result<(PathBuf, PathBuf, String), DataError> {
        let none = |found: String| {
            let expected = "annotations/instances_SPLIT.json beside a folder of pictures";
            DataError::unexpected(&place.path, expected, found)
        };
        if !place.is_folder {
            return Err(none("a file".to_owned()));
        }
        if place.has_file(AMONG) {
            return Ok((place.path(AMONG), place.path.clone(), String::new()));
        }
        let annotations = DataPath::look(&place.path.join("annotations"))?;
        let splits: Vec<String> =
            annotations.files.iter().filter_map(|name| split(name)).map(str::to_owned).collect();
        let chosen = match self.split.as_str() {
            "auto" => splits.iter().find(|s| s.starts_with("val")).or(splits.first()),
            name => splits.iter().find(|s| *s == name),
        };
        let chosen = chosen.ok_or_else(|| match splits.as_slice() {
            [] => none("no instances".to_owned()),
            some => none(format!("the splits {}", some.join(", "))),
        })?;
        let list = annotations.path(&format!("{INSTANCES}{chosen}.json"));
        let folders = [chosen.clone(), format!("images/{chosen}"), "images".to_owned()];
        let folder = folders.into_iter().find(|name| place.path.join(name).is_dir());
        let folder = folder.ok_or_else(|| none(format!("no folder `{chosen}`")))?;
        Ok((list, place.path.join(&folder), format!("{folder}/")))
    }
}

#[derive(Deserialize)]
struct Instances {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
struct Annotation {
    id: Option<u64>,
    image_id: u64,
    category_id: u64,
    /// x, y, width, height.
    bbox: [f64; 4],
    segmentation: Option<Outline>,
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

/// Names by class index, and class index by id.
fn categories(categories: &[Category]) -> (Vec<String>, BTreeMap<u64, usize>) {
    let sorted: BTreeMap<u64, &str> = categories.iter().map(|c| (c.id, c.name.as_str())).collect();
    let index = sorted.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    (sorted.into_values().map(str::to_owned).collect(), index)
}

/// The instances of one picture by class.
#[derive(Default)]
struct Objects(BTreeMap<usize, Class>);

#[derive(Default)]
struct Class {
    area: f64,
    /// x, y, width, height.
    boxes: Vec<[f64; 4]>,
    outlines: Vec<Outline>,
}

impl Instances {
    fn by_image(
        &self,
        index: &BTreeMap<u64, usize>,
        list: &Path,
    ) -> Result<BTreeMap<u64, Objects>, DataError> {
        let mut found: BTreeMap<u64, Objects> =
            self.images.iter().map(|image| (image.id, Objects::default())).collect();
        for a in self.annotations.iter().filter(|a| a.iscrowd == 0) {
            let which = || a.id.map_or("an annotation".to_owned(), |id| format!("annotation {id}"));
            let objects = found.get_mut(&a.image_id).ok_or_else(|| {
                let found = format!("{} of the unknown image {}", which(), a.image_id);
                DataError::unexpected(list, "annotations of its images", found)
            })?;
            let class = index.get(&a.category_id).ok_or_else(|| {
                let found = format!("{} of the unknown category {}", which(), a.category_id);
                DataError::unexpected(list, "annotations of its categories", found)
            })?;
            let class = objects.0.entry(*class).or_default();
            class.area += a.area.unwrap_or(a.bbox[2] * a.bbox[3]);
            class.boxes.push(a.bbox);
            class.outlines.extend(a.segmentation.clone());
        }
        Ok(found)
    }
}

impl Objects {
    /// The picture with the label, the boxes and the mask of its largest class.
    fn picture(self, file: &super::super::listing::File, image: &Image) -> PictureFile {
        let larger =
            |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
        let frame = Some([image.width, image.height]);
        let bounds = |[x, y, w, h]: [f64; 4]| Bounds::new([x, y, x + w, y + h], frame);
        let marks = |(class, of): (usize, Class)| Other {
            class,
            boxes: of.boxes.into_iter().map(bounds).collect(),
            mask: (!of.outlines.is_empty()).then_some(Mask::Outlines(of.outlines)),
        };
        let areas = self.0.iter().map(|(class, of)| (*class, of.area));
        let label = areas.reduce(larger).map(|(class, _)| class);
        let mut others: Vec<Other> = self.0.into_iter().map(marks).collect();
        let Some(at) = others.iter().position(|other| Some(other.class) == label) else {
            return PictureFile::new(file.clone(), None);
        };
        let Other { boxes, mask, .. } = others.remove(at);
        let also = others.iter().map(|other| other.class).collect();
        PictureFile { file: file.clone(), label, boxes, mask, others, also, unsure: vec![] }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        base::geom::{Rect, Shape},
        testing::{Folder, rows},
    };

    const CATEGORIES: &str = r#"[{"supercategory": "animal", "id": 18, "name": "dog"},
        {"supercategory": "person", "id": 1, "name": "person"},
        {"supercategory": "food", "id": 13, "name": "pie"}]"#;

    /// Pictures of 4 x 6 pixels and their annotations.
    fn coco(annotations: &str) -> Folder {
        let folder = Folder::new();
        let images = [139, 285, 632].map(|id| {
            folder.png(&format!("val2017/{id:012}.jpg"), 4, 6, 9);
            format!(r#"{{"id": {id}, "file_name": "{id:012}.jpg", "width": 6, "height": 4, "license": 2}}"#)
        });
        let text = format!(
            r#"{{"info": {{"year": 2017}}, "images": [{}], "annotations": [{annotations}],
               "categories": {CATEGORIES}}}"#,
            images.join(",")
        );
        folder.file("annotations/instances_val2017.json", text);
        folder.file("annotations/captions_val2017.json", "{}");
        folder
    }

    const GOOD: &str = r#"
        {"id": 1, "image_id": 285, "category_id": 1, "bbox": [0, 0, 6, 1], "area": 5.5, "iscrowd": 0,
         "segmentation": [[0, 0, 6, 0, 6, 1, 0, 1]]},
        {"id": 2, "image_id": 285, "category_id": 18, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0,
         "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]},
        {"id": 3, "image_id": 285, "category_id": 18, "bbox": [4.5, 2, 1, 2], "area": 2, "iscrowd": 0,
         "segmentation": {"counts": [18, 1, 5], "size": [4, 6]}},
        {"id": 4, "image_id": 139, "category_id": 1, "bbox": [0, 0, 6, 4], "area": 24, "iscrowd": 1,
         "segmentation": {"counts": [0, 24], "size": [4, 6]}},
        {"id": 5, "image_id": 632, "category_id": 13, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0,
         "segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]]}"#;

    #[test]
    fn the_largest_class_gives_label_boxes_and_mask() {
        let folder = coco(GOOD);
        let set = folder.open("").unwrap();
        // ids 1, 13, 18 are the classes 0, 1, 2; the picture with nothing but a crowd is left out
        let expected = [("val2017/000000000285.jpg", 2), ("val2017/000000000632.jpg", 1)];
        assert_eq!(rows(&*set), expected.map(|(id, k)| (id.to_owned(), Some(k))));
        assert_eq!(set.classes().unwrap(), ["person", "pie", "dog"]);
        let item = set.item(0).unwrap();
        let boxes = [Rect { y0: 1, y1: 3, x0: 1, x1: 3 }, Rect { y0: 2, y1: 4, x0: 4, x1: 6 }];
        assert_eq!(item.boxes, boxes);
        let inside: Vec<usize> =
            item.mask.unwrap().iter().enumerate().filter(|(_, m)| **m).map(|(at, _)| at).collect();
        // the square, and the pixel at row 2 of column 4: 18 pixels before it
        assert_eq!(inside, [7, 8, 13, 14, 16]);
        insta::assert_snapshot!(set.describe(), @"2 pictures labelled by their largest class, 3 boxes and their masks, 1 picture without instances left out");
    }

    #[test]
    fn objects_of_other_classes_are_known_by_their_class() {
        let folder = coco(GOOD);
        let set = folder.open("").unwrap();
        let of = |class| set.others(0, class, Shape::new(3, 4, 6)).unwrap();
        let person = of(0).unwrap();
        assert_eq!(person.boxes, [Rect { y0: 0, y1: 1, x0: 0, x1: 6 }]);
        assert_eq!(person.mask, Some((0..24).map(|at| at < 6).collect()));
        assert_eq!((of(2), of(1)), (None, None));
    }

    #[test]
    fn other_outlines_in_the_same_boxes_are_another_picture() {
        let of = |annotations: &str| {
            let (folder, mut all) = (coco(annotations), Vec::new());
            let set = folder.open("").unwrap();
            (0..set.len()).for_each(|i| all.push(set.content(i).unwrap()));
            all
        };
        let corner = GOOD.replace("[[1, 1, 3, 1, 3, 3, 1, 3]]", "[[1, 1, 3, 1, 3, 3]]");
        assert_ne!(corner, GOOD);
        assert_eq!(of(GOOD), of(GOOD));
        assert_ne!(of(&corner), of(GOOD));
    }

    #[test]
    fn annotations_may_lie_among_the_pictures() {
        let folder = coco(GOOD);
        std::fs::rename(
            folder.child("annotations/instances_val2017.json"),
            folder.child("val2017/_annotations.coco.json"),
        )
        .unwrap();
        let set = crate::testing::open(&folder.child("val2017"), "").unwrap();
        assert_eq!((set.len(), set.id(0).as_str()), (2, "000000000285.jpg"));
    }

    #[test]
    fn messages_name_the_annotation() {
        let say = |annotations: &str| {
            let folder = coco(annotations);
            folder.says(folder.open("").and_then(|set| set.item(0)))
        };
        let lost = coco(GOOD);
        std::fs::remove_file(lost.child("val2017/000000000632.jpg")).unwrap();
        lost.png("val2017/000000000999.jpg", 1, 1, 0);
        let skipped = lost.open("coco:missing=skip").unwrap().describe();
        let broken = coco(GOOD);
        broken.file("annotations/instances_val2017.json", "{\"images\": [");
        let one = |more: &str| {
            format!(r#"{{"image_id": 139, "category_id": 1, "bbox": [0, 0, 6, 4], {more}}}"#)
        };
        let messages = [
            lost.says(lost.open("")),
            skipped,
            lost.says(lost.open("coco:split=train2017")),
            broken.says(broken.open("")),
            say(""),
            say(&one(r#""id": 7"#).replace("139", "140")),
            say(&one(r#""id": 7"#).replace("\": 1,", "\": 2,")),
            say(&one(r#""id": 7"#).replace("6, 4]", "6, 5]")),
            say(&one(r#""segmentation": {"counts": "04", "size": [4, 6]}"#)),
            say(&one(r#""segmentation": {"counts": [24], "size": [6, 4]}"#)),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
