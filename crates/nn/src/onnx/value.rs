//! What a node reads and writes: constants known at import, and maps computed from the picture.

use crate::{base::geom::Shape, graph::NodeId};
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

/// A value that is computed from the picture: a node of the graph, its dimensions in ONNX, and how
/// they lie in memory.
///
/// Memory is row by row over the axes in some order. So a `Transpose` only changes the order of
/// dimensions, and a `Reshape` splits or joins neighbours; values are moved where an operator needs
/// another order. The node's own shape is one view of the same memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) node: NodeId,
    /// All dimensions in ONNX, none of them 0; the batch counts 1.
    pub(super) dims: Vec<usize>,
    /// The axes longer than 1 as they lie in memory, the slowest first.
    pub(super) order: Vec<usize>,
}

impl Map {
    /// `order` may also name axes of size 1.
    pub(super) fn new(node: NodeId, dims: Vec<usize>, order: &[usize]) -> Map {
        let order = order.iter().copied().filter(|a| dims[*a] != 1).collect();
        Map { node, dims, order }
    }

    /// A node whose memory is in the order of the dimensions.
    pub(super) fn in_order(node: NodeId, dims: Vec<usize>) -> Map {
        let order: Vec<usize> = (0..dims.len()).collect();
        Map::new(node, dims, &order)
    }

    /// Number of axes.
    pub(super) fn rank(&self) -> usize {
        self.dims.len()
    }

    /// Sizes of some axes.
    pub(super) fn sizes(&self, axes: &[usize]) -> Vec<usize> {
        axes.iter().map(|a| self.dims[*a]).collect()
    }

    /// All axes as they lie in memory, those of size 1 where they would stand in a picture that is
    /// kept channels last, or first.
    pub(super) fn full_order(&self) -> Vec<usize> {
        let among = |all: &[usize]| all.iter().filter(|a| self.order.contains(a)).eq(&self.order);
        if self.rank() == 4 && self.dims[0] == 1 && among(&PICTURE) {
            return PICTURE.to_vec();
        }
        let all: Vec<usize> = (0..self.rank()).collect();
        if among(&all) {
            return all;
        }
        let ones = (0..self.rank()).filter(|a| !self.order.contains(a));
        ones.chain(self.order.iter().copied()).collect()
    }

    /// The same values with the axes in another order.
    pub(super) fn transposed(&self, order: &[usize]) -> Map {
        let place = |a: &usize| order.iter().position(|b| b == a).expect("an order names all axes");
        let dims = self.sizes(order);
        Map { node: self.node, dims, order: self.order.iter().map(place).collect() }
    }

    /// The same values in the same order under other dimensions of the same volume; `None` where
    /// memory is in an order that has no such dimensions.
    pub(super) fn reshaped(&self, dims: Vec<usize>) -> Option<Map> {
        let long = |dims: &[usize]| (0..dims.len()).filter(|a| dims[*a] != 1).collect::<Vec<_>>();
        let (old, new) = (long(&self.dims), long(&dims));
        let mut order = self.order.clone();
        let mut blocks: Vec<(usize, Vec<usize>)> = vec![];
        let (mut i, mut j) = (0, 0);
        while i < old.len() {
            // the shortest run of old axes that is as large as a run of new ones
            let (first, from) = (i, j);
            let (mut a, mut b) = (self.dims[old[i]], dims[*new.get(j)?]);
            (i, j) = (i + 1, j + 1);
            while a != b {
                if a < b {
                    a *= self.dims[*old.get(i)?];
                    i += 1;
                } else {
                    b *= dims[*new.get(j)?];
                    j += 1;
                }
            }
            let run = &old[first..i];
            let at = order.iter().position(|axis| *axis == run[0])?;
            if order.get(at..at + run.len()) != Some(run) {
                return None;
            }
            order.drain(at + 1..at + run.len());
            blocks.push((run[0], new[from..j].to_vec()));
        }
        let block = |axis: &usize| blocks.iter().find(|(a, _)| a == axis).map(|(_, new)| new);
        let order = order.iter().filter_map(block).flatten().copied().collect();
        Some(Map { node: self.node, dims, order })
    }

    /// One number per value, as values lie in memory, or per value of the axes `over` alone where the
    /// constant is the same along all others; `None` where it does not spread to the dimensions.
    pub(super) fn spread(&self, constant: &Constant, over: &[usize]) -> Option<Constant> {
        let view = View::whole(&constant.dims).broadcast(&self.dims).ok()?;
        let strides = over.iter().map(|a| view.strides[*a]).collect();
        Some(constant.view(&View { dims: self.sizes(over), strides, offset: 0 }))
    }

    /// True where a constant is the same along all axes but `over`.
    pub(super) fn varies_only(&self, constant: &Constant, over: &[usize]) -> bool {
        let view = View::whole(&constant.dims).broadcast(&self.dims);
        let others = || self.order.iter().filter(|a| !over.contains(a));
        view.is_ok_and(|view| others().all(|a| view.strides[*a] == 0))
    }
}

/// A picture's axes as it lies in memory: batch, rows, columns, channels.
pub(super) const PICTURE: [usize; 4] = [0, 2, 3, 1];

/// The view of a map whose memory has axes of these sizes, none of them 1: the last are channels, those
/// before it columns where there are more than two.
pub(super) fn view(sizes: &[usize]) -> Shape {
    match *sizes {
        [] => Shape::vector(1),
        [c] => Shape::vector(c),
        [h, c] => Shape::new(c, h, 1),
        [ref rows @ .., w, c] => Shape::new(c, rows.iter().product(), w),
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

/// The position of index `index`, which counts from the end when negative, among `n`.
pub(super) fn index(index: i64, n: usize) -> Option<usize> {
    let from_start = if index < 0 { index.checked_add(n as i64)? } else { index };
    usize::try_from(from_start).ok().filter(|i| *i < n)
}

/// The position of axis `axis`, which counts from the end when negative, among `rank`.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    if rank > MAX_RANK {
        return Err(format!("{rank} axes are more than {MAX_RANK}"));
    }
    index(axis, rank).ok_or_else(|| format!("axis {axis} is not one of {rank} axes"))
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

    fn map(dims: &[usize], order: &[usize]) -> Map {
        Map::new(NodeId(0), dims.to_vec(), order)
    }

    #[test]
    fn transposing_and_reshaping_move_no_values_where_neighbours_stay_together() {
        let picture = map(&[1, 3, 4, 5], &PICTURE);
        assert_eq!(picture.order, [2, 3, 1]);
        // rows and columns as tokens, tokens before features
        let flat = picture.reshaped(vec![1, 3, 20]).unwrap();
        assert_eq!(flat, map(&[1, 3, 20], &[2, 1]));
        assert_eq!(flat.transposed(&[0, 2, 1]), map(&[1, 20, 3], &[1, 2]));
        // flattening by channels would move values
        assert_eq!(picture.reshaped(vec![1, 60]), None);
        // axes split anywhere, and axes of size 1 come and go
        let split = picture.reshaped(vec![1, 3, 2, 2, 5]).unwrap();
        assert_eq!(split, map(&[1, 3, 2, 2, 5], &[2, 3, 4, 1]));
        let more = picture.reshaped(vec![3, 1, 4, 1, 5]).unwrap();
        assert_eq!(more, map(&[3, 1, 4, 1, 5], &[2, 4, 0]));
        // runs that begin inside an axis are joined first
        assert_eq!(map(&[6, 4], &[0, 1]).reshaped(vec![4, 6]), Some(map(&[4, 6], &[0, 1])));
        assert_eq!(map(&[6, 4], &[1, 0]).reshaped(vec![4, 6]), None);
        assert_eq!(map(&[6, 4], &[1, 0]).reshaped(vec![5, 5]), None);
    }

    #[test]
    fn constants_are_spread_along_memory() {
        let last = map(&[1, 2, 3], &[0, 2, 1]);
        let c = Constant::new(vec![2, 3], Numbers::Int((0..6).collect())).unwrap();
        assert_eq!(last.spread(&c, &last.order).unwrap().as_ints().unwrap(), [0, 3, 1, 4, 2, 5]);
        let c = Constant::new(vec![2, 1], Numbers::Int(vec![7, 8])).unwrap();
        assert!(last.varies_only(&c, &[1]) && !last.varies_only(&c, &[2]));
        assert_eq!(last.spread(&c, &[1]).unwrap().as_ints().unwrap(), [7, 8]);
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
