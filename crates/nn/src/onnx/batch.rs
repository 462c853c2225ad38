//! Where the pictures of a batch lie in values of a file that fixes how many there are. One is computed,
//! so that axis counts 1; sizes that stand in the file count them all.

use super::{
    proto::NodeProto,
    value::{Constant, Value, View, axis, volume},
};
use std::rc::Rc;

/// The axis along which pictures lie, which they may share with others: `faster` values of these lie
/// inside of each picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchAxis {
    pub(super) axis: usize,
    pub(super) faster: usize,
}

impl BatchAxis {
    /// An axis of pictures alone.
    pub(super) const fn alone(axis: usize) -> BatchAxis {
        BatchAxis { axis, faster: 1 }
    }

    /// The dimensions as they are in the file, for `count` pictures.
    pub(super) fn in_file(self, dims: &[usize], count: usize) -> Vec<usize> {
        let mut dims = dims.to_vec();
        if let Some(size) = dims.get_mut(self.axis) {
            *size = size.saturating_mul(count);
        }
        dims
    }

    /// Where pictures lie once dimensions `file` of the file have become `wanted`, and `wanted` for one
    /// picture; `None` where no axis holds them.
    pub(super) fn reshaped(
        self,
        file: &[usize],
        wanted: &[usize],
        count: usize,
    ) -> Option<(BatchAxis, Vec<usize>)> {
        let inner = volume(file.get(self.axis + 1..)?)?.checked_mul(self.faster)?;
        let outer = inner.checked_mul(count)?;
        for axis in (0..wanted.len()).rev() {
            let fast = volume(&wanted[axis + 1..])?;
            let slow = fast.checked_mul(wanted[axis])?;
            let holds = fast > 0 && inner.is_multiple_of(fast) && slow.is_multiple_of(outer);
            if holds && slow > 0 {
                let mut dims = wanted.to_vec();
                dims[axis] /= count;
                return Some((BatchAxis { axis, faster: inner / fast }, dims));
            }
        }
        None
    }
}

/// Where pictures lie in the output of a node, which has dimensions `out`; `None` where that is not
/// known. `inputs` are the maps that it reads.
pub(super) fn of_output(
    node: &NodeProto,
    inputs: &[Option<(BatchAxis, usize)>],
    out: usize,
) -> Option<BatchAxis> {
    let attribute = |name: &str| node.attribute.iter().find(|a| a.name == name);
    let (place, rank) = inputs.iter().flatten().next()?;
    match &node.op_type[..] {
        "Transpose" => {
            let reversed: Vec<i64> = (0..*rank as i64).rev().collect();
            let order = attribute("perm").map_or(&reversed[..], |a| &a.ints[..]);
            let axis = order.iter().position(|a| *a == place.axis as i64)?;
            Some(BatchAxis { axis, ..*place })
        }
        "Gather" => {
            let along = axis(attribute("axis").and_then(|a| a.i).unwrap_or(0), *rank).ok()?;
            let axis = match along {
                along if along > place.axis => place.axis,
                along if along < place.axis => (place.axis + out).checked_sub(*rank)?,
                _ => return None,
            };
            Some(BatchAxis { axis, ..*place })
        }
        // all others that give fewer axes say themselves where pictures are
        _ if out == *rank => Some(*place),
        // spread over a value of more axes
        _ if out > *rank => Some(BatchAxis { axis: place.axis + out - rank, ..*place }),
        _ => None,
    }
}

/// A constant for all pictures as that of one, where it is the same for all: beside a map of which
/// pictures lie along `axis`, counted from the last one.
pub(super) fn of_one(value: &mut Value, from_last: usize, count: usize) -> Result<(), String> {
    let Value::Constant(constant) = value else { return Ok(()) };
    let Some(axis) = constant.dims().len().checked_sub(from_last + 1) else { return Ok(()) };
    if constant.dims()[axis] != count {
        return Ok(());
    }
    let mut view = View::whole(constant.dims());
    let stride = view.strides[axis];
    view.dims[axis] = 1;
    let first: Constant = constant.view(&view);
    for k in 1..count {
        view.offset = k * stride as usize;
        if constant.view(&view) != first {
            return Err(
                "it has another constant for each picture of a batch; export the model with a \
                        batch of 1"
                    .to_owned(),
            );
        }
    }
    *value = Value::Constant(Rc::new(first));
    Ok(())
}

/// True for operators whose inputs are spread over each other, or stand side by side, along an axis
/// counted from the last one.
pub(super) fn spreads(node: &NodeProto, from_last: usize) -> bool {
    const ALL: [&str; 16] = [
        "Add", "And", "Concat", "Div", "Equal", "Greater", "Less", "MatMul", "Max", "Min", "Mul",
        "Or", "Pow", "Sub", "Sum", "Where",
    ];
    // the last two axes of a product are those of matrices
    ALL.contains(&&node.op_type[..]) && (node.op_type != "MatMul" || from_last > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_wherever_a_reshape_puts_them() {
        let place = |axis, faster| BatchAxis { axis, faster };
        let of = |p: BatchAxis, file: &[usize], wanted: &[usize]| p.reshaped(file, wanted, 3);
        // windows of a batch, and back
        let windows = of(place(0, 1), &[3, 8, 8, 5], &[3, 2, 4, 2, 4, 5]);
        assert_eq!(windows, Some((place(0, 1), vec![1, 2, 4, 2, 4, 5])));
        let joined = of(place(0, 1), &[3, 4, 16, 5], &[12, 16, 5]);
        assert_eq!(joined, Some((place(0, 4), vec![4, 16, 5])));
        assert_eq!(of(place(0, 4), &[12, 16, 5], &[3, 64, 5]), Some((place(0, 1), vec![1, 64, 5])));
        // tokens first, pictures beside heads
        let heads = of(place(1, 1), &[6, 3, 10], &[6, 6, 5]);
        assert_eq!(heads, Some((place(1, 2), vec![6, 2, 5])));
        let all = of(place(1, 1), &[6, 3, 10], &[18, 10]);
        assert_eq!(all, Some((place(0, 1), vec![6, 10])));
        // pictures split over two axes
        assert_eq!(of(place(1, 1), &[2, 3, 4], &[4, 6]), None);
    }
}
