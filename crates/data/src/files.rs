//! A data set of one picture file per item; the layouts differ in how they find and label them.

use super::{
    Annotation, DataError, Dataset, Item, Marked,
    boxes::Bounds,
    decode,
    fingerprint::{Listed, digest, fingerprint, spread},
    listing::{File, LeftOut},
    mask::Mask,
};
use crate::base::geom::Shape;
use std::{fs, io};

/// One picture file with what the layout knows of it.
#[derive(Clone, Debug)]
pub(super) struct PictureFile {
    pub(super) file: File,
    pub(super) label: Option<usize>,
    pub(super) boxes: Vec<Bounds>,
    pub(super) mask: Option<Mask>,
    /// Objects of other classes than the label, where the annotation names classes.
    pub(super) others: Vec<Other>,
    /// Classes that it shows beside its label.
    pub(super) also: Vec<usize>,
    /// Classes of which it is left open whether it shows them.
    pub(super) unsure: Vec<usize>,
}

impl PictureFile {
    /// Boxes and classes in words, the same everywhere.
    fn marks(&self) -> String {
        let own = if self.boxes.is_empty() { String::new() } else { format!("{:?}", self.boxes) };
        let other = |text, other: &Other| format!("{text} {} {:?}", other.class, other.boxes);
        let words = self.others.iter().fold(own, other);
        let marked = |class: &&usize| self.others.iter().any(|other| other.class == **class);
        let also = self.also.iter().filter(|class| !marked(class));
        let words = also.fold(words, |text, class| format!("{text} also {class}"));
        self.unsure.iter().fold(words, |text, class| format!("{text} unsure {class}"))
    }
}

/// The objects of one class.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub(super) class: usize,
    pub(super) boxes: Vec<Bounds>,
    pub(super) mask: Option<Mask>,
}

impl PictureFile {
    /// A picture without boxes and mask.
    pub(super) fn new(file: File, label: Option<usize>) -> PictureFile {
        PictureFile {
            file,
            label,
            boxes: vec![],
            mask: None,
            others: vec![],
            also: vec![],
            unsure: vec![],
        }
    }
}

/// Marks in the pixels of a picture.
fn annotation(
    file: &File,
    boxes: &[Bounds],
    mask: Option<&Mask>,
    shape: Shape,
) -> Result<Annotation, DataError> {
    let boxes = boxes.iter().map(|b| b.pixels(shape, &file.path)).collect::<Result<_, _>>()?;
    let mask = mask.map(|m| m.pixels(shape, &file.path)).transpose()?;
    Ok(Annotation { boxes, mask })
}

/// Files that are looked for before all are taken to be gone.
const LOOKED_FOR: usize = 16;

/// See the [module](self).
pub(super) struct FileSet {
    pub(super) name: String,
    pub(super) pictures: Vec<PictureFile>,
    pub(super) classes: Option<Vec<String>>,
    /// What was found, in words.
    pub(super) words: String,
    /// What was passed over.
    pub(super) left_out: Vec<LeftOut>,
    pub(super) max_pixels: u64,
    pub(super) orientation: decode::Orientation,
}

impl Dataset for FileSet {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn id(&self, i: usize) -> String {
        self.pictures[i].file.id.clone()
    }

    fn label(&self, i: usize) -> Option<usize> {
        self.pictures[i].label
    }

    fn labels(&self, i: usize) -> Vec<usize> {
        let PictureFile { label, also, .. } = &self.pictures[i];
        label.iter().chain(also).copied().collect()
    }

    fn unsure(&self, i: usize) -> Vec<usize> {
        self.pictures[i].unsure.clone()
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let PictureFile { file, label, boxes, mask, .. } = &self.pictures[i];
        let decoded = decode::read(&file.path, self.max_pixels)?;
        let (image, turned) = decoded.turned(self.orientation);
        if turned && (!boxes.is_empty() || mask.is_some()) {
            // nobody knows whether they lie on the stored or on the turned picture
            let found = "one to be turned by its orientation tag, with boxes or a mask";
            let hint = "`--orientation ignore` takes pixels as they are stored";
            return Err(
                DataError::unexpected(&file.path, "a picture as it is stored", found).hint(hint)
            );
        }
        let Annotation { boxes, mask } = annotation(file, boxes, mask.as_ref(), image.shape)?;
        Ok(Item { id: file.id.clone(), image, label: *label, boxes, mask })
    }

    fn orientation(&self, i: usize) -> u8 {
        decode::read(&self.pictures[i].file.path, self.max_pixels).map_or(1, |d| d.tag)
    }

    fn marked(&self, i: usize) -> Marked {
        let PictureFile { boxes, mask, .. } = &self.pictures[i];
        Marked { mask: mask.is_some(), boxes: !boxes.is_empty() }
    }

    fn others(
        &self,
        i: usize,
        class: usize,
        shape: Shape,
    ) -> Result<Option<Annotation>, DataError> {
        let PictureFile { file, others, .. } = &self.pictures[i];
        let other = others.iter().find(|other| other.class == class);
        other.map(|other| annotation(file, &other.boxes, other.mask.as_ref(), shape)).transpose()
    }

    fn read_ahead(&self, i: usize) {
        // only to have it in the system's cache
        let _ = fs::File::open(&self.pictures[i].file.path)
            .and_then(|mut file| io::copy(&mut file, &mut io::sink()));
    }

    fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    fn fingerprint(&self) -> String {
        let line =
            |p: &PictureFile| Listed { id: p.file.id.clone(), label: p.label, object: p.marks() };
        fingerprint(self.pictures.iter().map(line))
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        let PictureFile { file, mask, others, .. } = &self.pictures[i];
        let picture = digest(&decode::bytes(&file.path, self.max_pixels)?);
        let masks = mask.iter().chain(others.iter().filter_map(|other| other.mask.as_ref()));
        let masks = masks.map(|mask| mask.content().map(|bytes| digest(&bytes)));
        let masks = masks.collect::<Result<Vec<String>, DataError>>()?;
        if masks.is_empty() {
            return Ok(picture);
        }
        Ok(digest(format!("{picture} {}", masks.join(" ")).as_bytes()))
    }

    fn is_there(&self) -> bool {
        let there = |i: usize| self.pictures[i].file.path.exists();
        spread(self.pictures.len(), LOOKED_FOR).any(there)
    }

    fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}
