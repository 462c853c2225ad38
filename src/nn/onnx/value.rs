//! What a node reads and writes: constants known at import, and maps computed from the picture.

use crate::{
    base::geom::{Axis, Shape},
    nn::graph::NodeId,
};
use std::rc::Rc;

/// Most axes of a tensor; networks have six at most.
const MAX_RANK: usize = 16;

/// One input or output of a node.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Known at import: weights, shapes and what follows from them.
    Constant(Rc<Constant>),
    /// Computed from the picture.
    Map(Map),
}

/// A value that is computed from the picture: a node of the graph, and its dimensions in ONNX.
///
/// The graph knows shapes `(C, H, W)` only. Each dimension behind the batch axis is one axis of that
/// shape; those that stand for no dimension are of size 1. So `(N, F)` is along the channels,
/// `(N, C, H, W)` along channels, rows and columns, and the `(N, H, W, C)` of channels-last files
/// along rows, columns and channels of the same node: transposing renames axes and moves no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) node: NodeId,
    /// All dimensions in ONNX; the batch axis counts 1.
    pub(super) dims: Vec<usize>,
    /// True when axis 0 is the batch, false after a `Squeeze` or `Reshape` that removed it.
    pub(super) batched: bool,
    /// The graph's axis for each dimension behind the batch axis.
    pub(super) axes: Vec<Axis>,
}

impl Map {
    /// Dimensions behind the batch axis.
    pub(super) fn features(&self) -> &[usize] {
        &self.dims[usize::from(self.batched)..]
    }

    /// Number of axes.
    pub(super) fn rank(&self) -> usize {
        self.dims.len()
    }

    /// The graph's axis for one of all axes; `None` for the batch.
    pub(super) fn axis(&self, at: usize) -> Option<Axis> {
        at.checked_sub(usize::from(self.batched)).map(|at| self.axes[at])
    }

    /// Shape in the graph.
    pub(super) fn shape(&self) -> Shape {
        let along = |axis| {
            let at = self.axes.iter().position(|a| *a == axis);
            at.map_or(1, |at| self.features()[at])
        };
        let [c, h, w] = Axis::ALL.map(along);
        Shape::new(c, h, w)
    }

    /// All axes of the graph in the order of the values, the slowest first.
    pub(super) fn order(&self) -> [Axis; 3] {
        let free = Axis::ALL.into_iter().filter(|a| !self.axes.contains(a));
        let mut all = self.axes.iter().copied().chain(free);
        Axis::ALL.map(|_| all.next().expect("axes differ, so there are three"))
    }

    /// Dimensions greater than 1 with their axes: they tell in which order the values are.
    fn long(&self) -> impl Iterator<Item = (usize, Axis)> + '_ {
        let all = self.features().iter().copied().zip(self.axes.iter().copied());
        all.filter(|(size, _)| *size != 1)
    }

    /// True when the values of two maps of the same node are in the same order.
    pub(super) fn ordered_like(&self, other: &Map) -> bool {
        self.shape() == other.shape() && self.long().eq(other.long())
    }

    /// The same values under other dimensions, which must differ from these in ones only; `None`
    /// where they do not.
    pub(super) fn relabelled(&self, dims: Vec<usize>, batched: bool) -> Option<Map> {
        let features = &dims[usize::from(batched)..];
        let sizes = features.iter().copied().filter(|size| *size != 1);
        if features.len() > Axis::ALL.len() || !sizes.eq(self.long().map(|(size, _)| size)) {
            return None;
        }
        let long: Vec<Axis> = self.long().map(|(_, axis)| axis).collect();
        let mut free = Axis::ALL.into_iter().filter(|a| !long.contains(a));
        let mut taken = long.iter().copied();
        let axis = |size: &usize| if *size == 1 { free.next() } else { taken.next() };
        let axes = features.iter().map(axis).collect::<Option<Vec<Axis>>>()?;
        Some(Map { node: self.node, dims, batched, axes })
    }
}

/// Product of dimensions; `None` when it overflows, also where a zero hides that: then products of
/// some of the dimensions never do.
pub(super) fn volume(dims: &[usize]) -> Option<usize> {
    let sides = dims.iter().try_fold(1usize, |n, d| n.checked_mul((*d).max(1)))?;
    Some(if dims.contains(&0) { 0 } else { sides })
}

/// Dimensions as `2x3x4`, or `scalar`.
pub(super) fn joined(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "scalar".to_owned();
    }
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// The numbers of a constant. Precisions are not told apart: every float is single precision,
/// every integer and truth value 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    Float(Vec<f32>),
    Int(Vec<i64>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Numbers::Float(v) => v.len(),
            Numbers::Int(v) => v.len(),
        }
    }

    /// The numbers at some positions.
    fn select(&self, at: impl Iterator<Item = usize>) -> Numbers {
        match self {
            Numbers::Float(v) => Numbers::Float(at.map(|i| v[i]).collect()),
            Numbers::Int(v) => Numbers::Int(at.map(|i| v[i]).collect()),
        }
    }
}

/// A tensor known at import; as many numbers as its dimensions say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    dims: Vec<usize>,
    numbers: Numbers,
}

impl Constant {
    /// Dimensions and numbers in row-major order.
    pub(super) fn new(dims: Vec<usize>, numbers: Numbers) -> Result<Constant, String> {
        if dims.len() > MAX_RANK {
            return Err(format!("{} axes are more than {MAX_RANK}", dims.len()));
        }
        if volume(&dims) == Some(numbers.len()) {
            return Ok(Constant { dims, numbers });
        }
        Err(format!("dimensions {} do not fit {} values", joined(&dims), numbers.len()))
    }

    /// A vector of integers.
    pub(super) fn ints(values: Vec<i64>) -> Constant {
        Constant { dims: vec![values.len()], numbers: Numbers::Int(values) }
    }

    pub(super) fn dims(&self) -> &[usize] {
        &self.dims
    }

    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    pub(super) fn into_numbers(self) -> Numbers {
        self.numbers
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The numbers as integers.
    pub(super) fn as_ints(&self) -> Result<&[i64], String> {
        match &self.numbers {
            Numbers::Int(v) => Ok(v),
            Numbers::Float(_) => Err("expected integers, found floats".to_owned()),
        }
    }

    /// The numbers as floats.
    pub(super) fn as_floats(&self) -> Result<&[f32], String> {
        match &self.numbers {
            Numbers::Float(v) => Ok(v),
            Numbers::Int(_) => Err("expected floats, found integers".to_owned()),
        }
    }

    /// The numbers a view shows, in row-major order.
    pub(super) fn view(&self, view: &View) -> Constant {
        Constant { dims: view.dims.clone(), numbers: self.numbers.select(view.positions()) }
    }

    /// The same numbers under other dimensions.
    pub(super) fn reshaped(&self, dims: Vec<usize>) -> Result<Constant, String> {
        Constant::new(dims, self.numbers.clone())
    }

    /// One number per value of a map in the order channel, row, column, when this has one for each of
    /// the map's dimensions behind the batch axis.
    pub(super) fn along(&self, map: &Map) -> Constant {
        let whole = View::whole(&self.dims);
        let side = |axis| match map.axes.iter().position(|a| *a == axis) {
            Some(at) => (whole.dims[at], whole.strides[at]),
            None => (1, 0),
        };
        let (dims, strides) = Axis::ALL.map(side).into_iter().unzip();
        self.view(&View { dims, strides, offset: 0 })
    }

    /// Spread to dimensions that this one broadcasts to.
    pub(super) fn expanded(&self, dims: &[usize]) -> Result<Constant, String> {
        Ok(self.view(&View::whole(&self.dims).broadcast(dims)?))
    }
}

/// Which numbers of a tensor are seen, and in which order: dimensions, and for each the distance
/// in memory from one index to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) dims: Vec<usize>,
    pub(super) strides: Vec<isize>,
    pub(super) offset: usize,
}

impl View {
    /// All numbers in row-major order.
    pub(super) fn whole(dims: &[usize]) -> View {
        let mut strides = vec![1; dims.len()];
        for axis in (1..dims.len()).rev() {
            strides[axis - 1] = strides[axis] * dims[axis].max(1) as isize;
        }
        View { dims: dims.to_vec(), strides, offset: 0 }
    }

    /// The same numbers repeated along axes of size 1 and new leading axes.
    pub(super) fn broadcast(self, to: &[usize]) -> Result<View, String> {
        let error = || format!("{} cannot be spread to {}", joined(&self.dims), joined(to));
        let missing = to.len().checked_sub(self.dims.len()).ok_or_else(error)?;
        let mut strides = vec![0; missing];
        for ((have, want), stride) in self.dims.iter().zip(&to[missing..]).zip(&self.strides) {
            match have {
                have if have == want => strides.push(*stride),
                1 => strides.push(0),
                _ => return Err(error()),
            }
        }
        Ok(View { dims: to.to_vec(), strides, offset: self.offset })
    }

    /// Positions in memory, in row-major order of the view.
    fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        let count = self.dims.iter().product();
        let mut index = vec![0; self.dims.len()];
        let mut at = self.offset as isize;
        (0..count).map(move |_| {
            let here = at as usize;
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.dims[axis] {
                    break;
                }
                at -= self.strides[axis] * self.dims[axis] as isize;
                index[axis] = 0;
            }
            here
        })
    }
}

/// Dimensions that two tensors are spread to when combined.
pub(super) fn broadcast_dims(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let size = |dims: &[usize], axis: usize| {
        (axis + dims.len()).checked_sub(rank).map_or(1, |axis| dims[axis])
    };
    let both = |axis| match (size(a, axis), size(b, axis)) {
        (1, n) | (n, 1) => Ok(n),
        (n, m) if n == m => Ok(n),
        _ => Err(format!("{} and {} do not fit together", joined(a), joined(b))),
    };
    (0..rank).map(both).collect()
}

/// The position of axis `axis`, which counts from the end when negative, among `rank`.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let from_start = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    if rank > MAX_RANK {
        return Err(format!("{rank} axes are more than {MAX_RANK}"));
    }
    let found = from_start.and_then(|a| usize::try_from(a).ok()).filter(|a| *a < rank);
    found.ok_or_else(|| format!("axis {axis} is not one of {rank} axes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_can_transpose_reverse_and_repeat() {
        let c = Constant::new(vec![2, 3], Numbers::Int((0..6).collect())).unwrap();
        let all = View::whole(c.dims());
        assert_eq!(all.strides, [3, 1]);
        let transposed = View { dims: vec![3, 2], strides: vec![1, 3], offset: 0 };
        assert_eq!(c.view(&transposed).as_ints().unwrap(), [0, 3, 1, 4, 2, 5]);
        let reversed = View { dims: vec![2, 3], strides: vec![3, -1], offset: 2 };
        assert_eq!(c.view(&reversed).as_ints().unwrap(), [2, 1, 0, 5, 4, 3]);
        let row = Constant::ints(vec![7, 8]).expanded(&[2, 2]).unwrap();
        assert_eq!(row.as_ints().unwrap(), [7, 8, 7, 8]);
        assert!(Constant::ints(vec![7, 8]).expanded(&[3]).is_err());
    }

    #[test]
    fn dimensions_of_size_one_come_and_go_without_moving_values() {
        use Axis::{Channel, Column, Row};
        let last = |dims: &[usize], axes: &[Axis]| Map {
            node: NodeId(0),
            dims: dims.to_vec(),
            batched: true,
            axes: axes.to_vec(),
        };
        let map = last(&[1, 4, 1, 3], &[Row, Column, Channel]);
        assert_eq!(map.shape(), Shape::new(3, 4, 1));
        assert_eq!(map.order(), [Row, Column, Channel]);
        assert_eq!(map.relabelled(vec![1, 4, 3], true), Some(last(&[1, 4, 3], &[Row, Channel])));
        let back = last(&[1, 1, 4, 3], &[Column, Row, Channel]);
        assert_eq!(map.relabelled(vec![1, 1, 4, 3], true), Some(back.clone()));
        assert!(back.ordered_like(&map));
        assert_eq!(map.relabelled(vec![1, 3, 4], true), None);
        assert_eq!(map.relabelled(vec![1, 12], true), None);
        assert!(!map.ordered_like(&last(&[1, 3, 4, 1], &[Channel, Row, Column])));
        let numbers = Constant::new(vec![2, 3], Numbers::Int((0..6).collect())).unwrap();
        let turned = numbers.along(&last(&[1, 2, 3], &[Row, Channel]));
        assert_eq!(turned.as_ints().unwrap(), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn dimensions_broadcast_from_the_right() {
        assert_eq!(broadcast_dims(&[2, 1, 4], &[3, 1]), Ok(vec![2, 3, 4]));
        assert_eq!(broadcast_dims(&[], &[5]), Ok(vec![5]));
        assert!(broadcast_dims(&[2], &[3]).is_err());
        assert_eq!(axis(-1, 4), Ok(3));
        assert!(axis(4, 4).is_err() && axis(-5, 4).is_err() && axis(i64::MIN, 4).is_err());
    }
}
