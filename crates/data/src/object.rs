//! Where the labelled object is, in the pixels of the network's input.

use super::Item;
use crate::{
    base::geom::{Rect, Shape},
    nn::preprocess::{Preprocess, PreprocessError},
};

/// Boxes and mask of the labelled object after resize, crop and padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// What is left of the bounding boxes; those that were cropped away are gone.
    pub boxes: Vec<Rect>,
    /// Whether the annotation has boxes, left or not.
    pub has_boxes: bool,
    /// The object's pixels, one value per pixel of the input, row by row; `None` where only boxes
    /// are known. All false when the object was cropped away.
    pub mask: Option<Vec<bool>>,
}

impl Object {
    /// Takes the annotation of the label of `item` through the same geometry as its picture; `None`
    /// without annotation.
    pub fn of(item: &Item, preprocess: &Preprocess) -> Result<Option<Object>, PreprocessError> {
        Object::marked(&item.boxes, item.mask.as_deref(), item.image.shape, preprocess)
    }

    /// The same for marks in a picture of this shape.
    pub fn marked(
        boxes: &[Rect],
        mask: Option<&[bool]>,
        picture: Shape,
        preprocess: &Preprocess,
    ) -> Result<Option<Object>, PreprocessError> {
        if boxes.is_empty() && mask.is_none() {
            return Ok(None);
        }
        let Shape { h, w, .. } = preprocess.input();
        let placement = preprocess.placement(picture)?;
        let has_boxes = !boxes.is_empty();
        let boxes = boxes.iter().map(|r| placement.rect(*r)).filter(|r| !r.is_empty());
        let mask = mask.map(|mask| {
            let columns = picture.w;
            let inside = |at| {
                let source = placement.source(at / w, at % w);
                source.is_some_and(|(y, x)| mask[y * columns + x])
            };
            (0..h * w).map(inside).collect()
        });
        Ok(Some(Object { height: h, width: w, boxes: boxes.collect(), has_boxes, mask }))
    }

    /// The pixels inside any of the boxes, row by row.
    pub fn in_boxes(&self) -> Vec<bool> {
        let mut inside = vec![false; self.height * self.width];
        for r in &self.boxes {
            for y in r.y0..r.y1 {
                inside[y * self.width + r.x0..y * self.width + r.x1].fill(true);
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tensor::Tensor;

    const SIDECAR: &str = "crop = \"center\"\npad = [1, 1]\nchannels = \"grey\"\nscale = 1.0\n\
                           mean = [0.0]\nstd = [1.0]";

    fn item(boxes: Vec<Rect>, mask: Option<Vec<bool>>) -> Item {
        let image = Tensor::zeros(Shape::new(1, 4, 6));
        Item { id: "a".to_owned(), image, label: None, boxes, mask }
    }

    /// The input is 4 x 4: rows 1 to 3 and columns 2 to 4 of the picture inside a frame of zeros.
    fn object(item: &Item) -> Option<Object> {
        let preprocess = Preprocess::from_toml(SIDECAR, Shape::new(1, 4, 4)).unwrap();
        Object::of(item, &preprocess).unwrap()
    }

    #[test]
    fn pictures_without_annotation_have_no_object() {
        assert_eq!(object(&item(vec![], None)), None);
    }

    #[test]
    fn boxes_and_masks_go_where_the_picture_goes() {
        let gone = Rect { y0: 0, y1: 4, x0: 5, x1: 6 };
        let left = Rect { y0: 0, y1: 2, x0: 0, x1: 3 };
        let mask = (0..24).map(|at| at / 6 == 2).collect();
        let found = object(&item(vec![gone, left], Some(mask))).unwrap();
        assert_eq!(found.boxes, [Rect { y0: 1, y1: 2, x0: 1, x1: 2 }]);
        let at = |places: &[usize]| (0..16).map(|k| places.contains(&k)).collect::<Vec<_>>();
        assert_eq!(found.in_boxes(), at(&[5]));
        assert_eq!(found.mask, Some(at(&[9, 10])));
    }

    #[test]
    fn what_was_cropped_away_is_known_to_be_gone() {
        let all = Rect { y0: 0, y1: 4, x0: 0, x1: 6 };
        let found = object(&item(vec![all], None)).unwrap();
        assert_eq!(found.in_boxes().iter().filter(|inside| **inside).count(), 4);
        assert!(found.has_boxes && found.mask.is_none());
        let beside = object(&item(vec![Rect { x0: 5, ..all }], None)).unwrap();
        assert!(beside.has_boxes && beside.boxes.is_empty());
        let gone = object(&item(vec![], Some(vec![false; 24]))).unwrap();
        assert!(!gone.has_boxes && !gone.mask.unwrap().contains(&true));
    }
}
