//! Values picked along axes: slices, gathered indices, padding of any kind, repetition.

use super::{Cpu, Op, Role, axes};
use crate::{
    base::geom::{Rect, Shape},
    tensor::Tensor,
};
use std::ops::Range;

/// For each index of an output axis the index of the input axis, `None` for a constant.
pub type List = Vec<Option<usize>>;

/// Each value of the output is a value of the input, chosen along each axis alone, or a constant.
#[derive(Debug)]
pub struct Pick {
    name: &'static str,
    input: Shape,
    /// Sizes of the input's axes as they lie in memory.
    dims: Vec<usize>,
    /// One per axis; `None` where the axis stays as it is.
    lists: Vec<Option<List>>,
    value: f32,
    to: Shape,
    /// True where only channels are picked.
    within_pixels: bool,
}

/// The same with neighbouring axes that stay taken together.
struct Walk<'a> {
    dims: Vec<usize>,
    lists: Vec<Option<&'a [Option<usize>]>>,
}

impl<'a> Walk<'a> {
    fn new(dims: &[usize], lists: &'a [Option<List>]) -> Walk<'a> {
        let mut walk = Walk { dims: vec![], lists: vec![] };
        for (n, list) in dims.iter().zip(lists) {
            match (walk.lists.last(), walk.dims.last_mut(), list) {
                (Some(None), Some(before), None) => *before *= n,
                _ => {
                    walk.dims.push(*n);
                    walk.lists.push(list.as_deref());
                }
            }
        }
        walk
    }

    /// Sizes of the output's axes. Pixels before the first picked axis may be any number.
    fn sizes(&self) -> Vec<usize> {
        let axes = self.dims.iter().zip(&self.lists);
        let mut sizes: Vec<usize> = axes.map(|(n, list)| list.map_or(*n, <[_]>::len)).collect();
        if let (Some(first), Some(None)) = (sizes.first_mut(), self.lists.first()) {
            *first = usize::MAX;
        }
        sizes
    }

    /// Index of the input's axis.
    fn source(&self, axis: usize, i: usize) -> Option<usize> {
        self.lists[axis].map_or(Some(i), |list| list[i])
    }

    /// Calls `f(places, source)` for the places `start..start + len` of the output, counted from
    /// `start`, in runs that are consecutive in the input or constant (`None`).
    fn runs(&self, start: usize, len: usize, mut f: impl FnMut(Range<usize>, Option<usize>)) {
        let (strides, sizes) = (axes::strides(&self.dims), self.sizes());
        let Some(last) = sizes.len().checked_sub(1) else { return f(0..len, Some(0)) };
        let mut index = axes::index(start, &sizes);
        let mut done = 0;
        while done < len {
            let before = |at, axis| Some(at + self.source(axis, index[axis])? * strides[axis]);
            let base = (0..last).try_fold(0, before);
            let row = index[last]..sizes[last].min(index[last] + len - done);
            for (run, source) in self.row(row.clone()) {
                let at = base.and_then(|base| Some(base + source?));
                f(done..done + run, at);
                done += run;
            }
            index[last] = row.end;
            for axis in (1..=last).rev() {
                if index[axis] < sizes[axis] {
                    break;
                }
                index[axis] = 0;
                index[axis - 1] += 1;
            }
        }
    }

    /// Some indices of the last axis in runs: their lengths and where they start in the input.
    fn row(&self, indices: Range<usize>) -> Vec<(usize, Option<usize>)> {
        let Some(list) = self.lists.last().copied().flatten() else {
            return vec![(indices.len(), Some(indices.start))];
        };
        let mut runs: Vec<(usize, Option<usize>)> = vec![];
        for source in &list[indices] {
            match runs.last_mut() {
                Some((run, first)) if *source == first.map(|first| first + *run) => *run += 1,
                _ => runs.push((1, *source)),
            }
        }
        runs
    }
}

impl Pick {
    /// From a map of shape `input` whose memory has axes of sizes `dims`; `lists` has one entry per
    /// axis, `value` stands where they name none, `to` is how the output is viewed. `name` is the
    /// ONNX operator it came from.
    pub fn new(
        name: &'static str,
        input: Shape,
        dims: Vec<usize>,
        lists: Vec<Option<List>>,
        value: f32,
        to: Shape,
    ) -> Result<Pick, String> {
        let fits =
            |(n, list): (&usize, &Option<List>)| list.iter().flatten().flatten().all(|i| i < n);
        if dims.len() != lists.len() || !dims.iter().zip(&lists).all(fits) {
            return Err(format!("its indices do not fit the sizes {dims:?}"));
        }
        if dims.iter().product::<usize>() != input.len() {
            return Err(format!("sizes {dims:?} are not those of a map of {input}"));
        }
        let mut pick = Pick { name, input, dims, lists, value, to, within_pixels: false };
        let picked: usize = pick.out_dims().iter().product();
        if picked != to.len() {
            return Err(format!("{picked} values are picked, {to} has {}", to.len()));
        }
        let first = pick.lists.iter().position(Option::is_some).unwrap_or(pick.dims.len());
        let out = pick.out_dims();
        let channels = |first: usize| {
            axes::are_channels(input, &pick.dims, first) && axes::are_channels(to, &out, first)
        };
        pick.within_pixels = (input.h, input.w) == (to.h, to.w) && (0..=first).any(channels);
        Ok(pick)
    }

    fn out_dims(&self) -> Vec<usize> {
        let size = |(n, list): (&usize, &Option<List>)| list.as_ref().map_or(*n, Vec::len);
        self.dims.iter().zip(&self.lists).map(size).collect()
    }

    fn walk(&self) -> Walk<'_> {
        Walk::new(&self.dims, &self.lists)
    }
}

impl Op for Pick {
    fn name(&self) -> &'static str {
        self.name
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let input = super::one_input(ins)?;
        if input == self.input {
            return Ok(self.to);
        }
        Err(format!("expected a map of {}, found {input}", self.input))
    }

    fn reach(&self, _ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        let Some(from) = axes::box_of(self.input, dirty, &self.dims) else { return Rect::EMPTY };
        let into = |(range, list): (Range<usize>, &Option<List>)| {
            let Some(list) = list else { return range };
            let hit = |i: &Option<usize>| i.is_some_and(|i| range.contains(&i));
            let first = list.iter().position(hit).unwrap_or(0);
            first..list.iter().rposition(hit).map_or(first, |last| last + 1)
        };
        let into: Vec<_> = from.into_iter().zip(&self.lists).map(into).collect();
        axes::rect_of(self.to, &into, &self.out_dims())
    }

    fn is_per_pixel(&self, _ins: &[Shape]) -> bool {
        self.within_pixels
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

impl Cpu for Pick {
    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        let (walk, x) = (self.walk(), &ins[0].data);
        let width = if self.within_pixels { ins[0].shape.w } else { self.to.w };
        axes::runs(width, self.to.c, rect, out, |at, out| {
            walk.runs(at, out.len(), |places, source| {
                let out = &mut out[places];
                match source {
                    Some(at) => out.copy_from_slice(&x[at..at + out.len()]),
                    None => out.fill(self.value),
                }
            });
        });
    }

    fn vjp(&self, _ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let mut back = Tensor::zeros(self.input);
        self.walk().runs(0, grad.data.len(), |places, source| {
            if let Some(at) = source {
                let into = &mut back.data[at..at + places.len()];
                into.iter_mut().zip(&grad.data[places]).for_each(|(v, g)| *v += g);
            }
        });
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(shape: Shape, dims: &[usize], lists: Vec<Option<List>>, to: Shape) -> Pick {
        Pick::new("Slice", shape, dims.to_vec(), lists, 9.0, to).unwrap()
    }

    #[test]
    fn slices_repeats_and_padding_are_lists_of_indices() {
        let shape = Shape::new(3, 2, 1);
        let x = Tensor::new(shape, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let back: List = vec![Some(2), Some(0)];
        let op = pick(shape, &[2, 3], vec![None, Some(back)], Shape::new(2, 2, 1));
        assert_eq!(op.forward(&[&x]).data, [3.0, 1.0, 6.0, 4.0]);
        assert!(op.is_per_pixel(&[shape]));
        let rows: List = vec![None, Some(1), Some(1)];
        let op = pick(shape, &[2, 3], vec![Some(rows), None], Shape::new(3, 3, 1));
        let y = op.forward(&[&x]);
        assert_eq!(y.data, [9.0, 9.0, 9.0, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0]);
        assert_eq!(op.vjp(&[&x], &y, &y, 0).data, [0.0, 0.0, 0.0, 8.0, 10.0, 12.0]);
        let second = Rect { y0: 1, y1: 2, x0: 0, x1: 1 };
        assert_eq!(op.reach(&[shape], 0, second), Rect { y0: 1, y1: 3, x0: 0, x1: 1 });
        assert_eq!(op.reach(&[shape], 0, Rect { y0: 0, y1: 1, ..second }), Rect::EMPTY);
    }

    #[test]
    fn indices_outside_are_refused() {
        let shape = Shape::vector(3);
        let new = |list: List, to| Pick::new("Slice", shape, vec![3], vec![Some(list)], 0.0, to);
        assert!(new(vec![Some(3)], Shape::vector(1)).is_err());
        assert!(new(vec![Some(2)], Shape::vector(2)).is_err());
    }
}
