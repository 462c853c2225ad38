//! The inputs of a run as one file, so that other tools explain exactly what the network of a run sees.

use super::plan::Plan;
use crate::data::{
    DataError,
    npz::{Kind, Npz, text},
};
use std::path::Path;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of pictures.
    pub pictures: usize,
    /// Pictures that cannot be used, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// One picture that can be used.
struct Used {
    index: usize,
    id: String,
    label: Option<usize>,
}

/// Writes ids and labels of the pictures of a plan, their pixels at the network's size in [0, 1] and the network's
/// inputs, both (N, C, H, W), as `ids`, `labels` (-1 where there is none), `pixels` and `inputs`.
pub fn export(plan: &Plan, path: &Path) -> Result<Written, DataError> {
    let (mut used, mut left_out) = (Vec::new(), Vec::new());
    for &index in &plan.images {
        let item = match plan.data.item(index) {
            Ok(item) => item,
            Err(e) if e.is_momentary() => return Err(e),
            Err(e) => {
                left_out.push((plan.data.id(index), e.to_string()));
                continue;
            }
        };
        match plan.preprocess.picture(&item.image) {
            Ok(_) => used.push(Used { index, id: item.id, label: item.label }),
            Err(e) => left_out.push((item.id, e.to_string())),
        }
    }
    let shape = plan.model.graph.input_shape();
    let all = [used.len(), shape.c, shape.h, shape.w];
    let longest = used.iter().map(|one| one.id.chars().count()).max().unwrap_or(0).max(1);
    let mut file = Npz::create(path)?;
    file.array("ids", Kind::Text(longest), &all[..1], |put| {
        used.iter().try_for_each(|one| put(&text(&one.id, longest)))
    })?;
    file.array("labels", Kind::Whole, &all[..1], |put| {
        let number = |one: &Used| one.label.map_or(-1, |label| label as i64);
        used.iter().try_for_each(|one| put(&number(one).to_le_bytes()))
    })?;
    for (name, prepared) in [("pixels", false), ("inputs", true)] {
        file.array(name, Kind::Float, &all, |put| {
            used.iter().try_for_each(|one| put(&values(plan, one.index, prepared)?))
        })?;
    }
    file.finish()?;
    Ok(Written { pictures: used.len(), left_out })
}

/// The values of a picture, or of the network's input, as (C, H, W).
fn values(plan: &Plan, index: usize, prepared: bool) -> Result<Vec<u8>, DataError> {
    let item = plan.data.item(index)?;
    let picture = plan.preprocess.picture(&item.image).map_err(|e| DataError::Unexpected {
        path: item.id.into(),
        expected: "the picture that it was a moment ago".to_owned(),
        found: e.to_string(),
        hint: String::new(),
    })?;
    let picture = if prepared { plan.preprocess.normalise(&picture) } else { picture };
    let shape = picture.shape;
    let at = |c: usize, pixel: usize| picture.data[pixel * shape.c + c];
    let all = (0..shape.c).flat_map(|c| (0..shape.h * shape.w).map(move |pixel| (c, pixel)));
    Ok(all.flat_map(|(c, pixel)| at(c, pixel).to_le_bytes()).collect())
}
