//! Pictures that are in memory already.

use super::{
    DataError, Dataset, Item,
    fingerprint::{Listed, digest, fingerprint},
};
use crate::nn::tensor::Tensor;
use std::{collections::BTreeSet, path::Path};

/// Pictures that a caller hands over.
#[derive(Debug)]
pub struct Pictures {
    items: Vec<Item>,
}

/// Name of a set in memory.
const NAME: &str = "memory";

impl Pictures {
    /// These pictures, each with an id of its own, 1 or 3 channels and values in [0, 1].
    pub fn new(items: Vec<Item>) -> Result<Pictures, DataError> {
        let mut ids = BTreeSet::new();
        for item in &items {
            check(&item.id, &item.image)?;
            if !ids.insert(&item.id) {
                let found = "another picture of this name";
                return Err(DataError::unexpected(Path::new(&item.id), "names that differ", found));
            }
        }
        if items.is_empty() {
            let path = Path::new(NAME);
            return Err(DataError::unexpected(path, "at least one picture", "none"));
        }
        Ok(Pictures { items })
    }
}

/// Refuses what is no picture with a name.
pub fn check(id: &str, image: &Tensor) -> Result<(), DataError> {
    let (path, shape) = (Path::new(id), image.shape);
    if id.is_empty() {
        let found = "an empty name";
        return Err(DataError::unexpected(Path::new(NAME), "pictures with names", found));
    }
    if shape.is_empty() || ![1, 3].contains(&shape.c) {
        let expected = "an array (C, H, W) with 1 or 3 channels";
        return Err(DataError::unexpected(path, expected, format!("an array of {shape}")));
    }
    match image.data.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        None => Ok(()),
        Some(value) => Err(DataError::unexpected(path, "values from 0 to 1", value.to_string())
            .hint("divide values from 0 to 255 by 255")),
    }
}

impl Dataset for Pictures {
    fn name(&self) -> &str {
        NAME
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn id(&self, i: usize) -> String {
        self.items[i].id.clone()
    }

    fn label(&self, i: usize) -> Option<usize> {
        self.items[i].label
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        Ok(self.items[i].clone())
    }

    fn classes(&self) -> Option<&[String]> {
        None
    }

    fn fingerprint(&self) -> String {
        let line = |item: &Item| {
            let (id, label) = (item.id.clone(), item.label);
            Listed { id, label, object: String::new() }
        };
        fingerprint(self.items.iter().map(line))
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        let image = &self.items[i].image;
        let values = image.data.iter().flat_map(|v| v.to_le_bytes());
        Ok(digest(
            &image.shape.to_string().into_bytes().into_iter().chain(values).collect::<Vec<u8>>(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    fn item(id: &str, shape: Shape, value: f32) -> Item {
        let image = Tensor::new(shape, vec![value; shape.len()]);
        Item { id: id.to_owned(), image, label: None, boxes: vec![], mask: None }
    }

    #[test]
    fn what_is_no_picture_is_refused_and_pictures_are_known_by_content() {
        let grey = Shape::new(1, 2, 2);
        let say = |items| Pictures::new(items).unwrap_err().to_string();
        let messages = [
            say(vec![]),
            say(vec![item("", grey, 0.5)]),
            say(vec![item("a", Shape::new(2, 2, 2), 0.5)]),
            say(vec![item("a", Shape::new(1, 0, 2), 0.5)]),
            say(vec![item("a", grey, 128.0)]),
            say(vec![item("a", grey, f32::NAN)]),
            say(vec![item("a", grey, 0.5), item("a", grey, 0.5)]),
        ];
        insta::assert_snapshot!(messages.join("\n"));
        let content = |value| Pictures::new(vec![item("a", grey, value)]).unwrap().content(0);
        assert_eq!(content(0.25), content(0.25));
        assert_ne!(content(0.25), content(0.5));
    }
}
