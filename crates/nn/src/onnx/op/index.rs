//! Picking values out of tensors along axes.

use super::{
    super::{
        call::Call,
        value::{Constant, Numbers, Value, View, axis, index, joined, volume},
    },
    arithmetic,
};
use crate::op::List;
use std::rc::Rc;

/// `Gather` of a map: slices along one axis, by constant indices.
pub(in super::super) fn gather_map(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, indices) = (call.map(0)?, call.constant(1)?);
    let along = axis(call.int("axis")?.unwrap_or(0), map.rank())?;
    let n = map.dims[along];
    let outside = || format!("an index is outside of the {n} values along axis {along}");
    let list = indices.as_ints()?.iter().map(|i| index(*i, n).map(Some));
    let list = list.collect::<Option<List>>().ok_or_else(outside)?;
    let dims = [&map.dims[..along], indices.dims(), &map.dims[along + 1..]].concat();
    let mut lists = vec![None; map.rank()];
    lists[along] = Some(list);
    let picked = call.pick(&map, lists, 0.0)?;
    call.reshape(&picked, dims).map(Value::Map)
}

/// `Slice` of a map.
pub(in super::super) fn slice_map(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let mut lists = vec![None; map.rank()];
    for cut in cuts(call, &map.dims)? {
        let n = map.dims[cut.along];
        call.room_for_list(n)?;
        let list = lists[cut.along].get_or_insert_with(|| (0..n).map(Some).collect::<List>());
        *list = cut.positions().map(|i| list[i]).collect();
    }
    let whole = |(n, list): (&usize, &Option<List>)| {
        list.as_ref().is_none_or(|list| list.iter().copied().eq((0..*n).map(Some)))
    };
    if map.dims.iter().zip(&lists).all(whole) {
        return Ok(Value::Map(map));
    }
    call.pick(&map, lists, 0.0).map(Value::Map)
}

/// `Tile` of a map.
pub(in super::super) fn tile(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let repeats = call.optional_ints(1)?.ok_or("its repeats are missing")?;
    let repeats: Option<Vec<usize>> = repeats.iter().map(|r| usize::try_from(*r).ok()).collect();
    let repeats = repeats.filter(|r| r.len() == map.rank()).ok_or("its repeats do not fit")?;
    let dims: Vec<usize> =
        map.dims.iter().zip(&repeats).map(|(n, r)| n.saturating_mul(*r)).collect();
    for (n, size) in map.dims.iter().zip(&dims) {
        call.room_for_list(if n == size { 0 } else { *size })?;
    }
    let list = |(n, r): (&usize, &usize)| {
        (*r != 1).then(|| (0..n * r).map(|i| Some(i % n)).collect::<List>())
    };
    let lists = map.dims.iter().zip(&repeats).map(list).collect();
    call.pick(&map, lists, 0.0).map(Value::Map)
}

/// `DepthToSpace`: channels become pixels of squares.
pub(in super::super) fn depth_to_space(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let (size, [c, h, w]) = block(call, &map.dims)?;
    if !c.is_multiple_of(size * size) {
        return Err(format!("its {c} channels do not make squares of {size}x{size}"));
    }
    let inner = c / (size * size);
    let (dims, order) = match call.text("mode")?.unwrap_or("DCR") {
        "CRD" => ([1, inner, size, size, h, w], [0, 1, 4, 2, 5, 3]),
        _ => ([1, size, size, inner, h, w], [0, 3, 4, 1, 5, 2]),
    };
    let split = call.reshape(&map, dims.to_vec())?.transposed(&order);
    call.reshape(&split, vec![1, inner, h * size, w * size]).map(Value::Map)
}

/// `SpaceToDepth`: squares of pixels become channels.
pub(in super::super) fn space_to_depth(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let (size, [c, h, w]) = block(call, &map.dims)?;
    if !h.is_multiple_of(size) || !w.is_multiple_of(size) {
        return Err(format!("its {h}x{w} pixels cannot be cut into squares of {size}x{size}"));
    }
    let split = call.reshape(&map, vec![1, c, h / size, size, w / size, size])?;
    let split = split.transposed(&[0, 3, 5, 1, 2, 4]);
    call.reshape(&split, vec![1, c * size * size, h / size, w / size]).map(Value::Map)
}

/// The side of the squares, and the sizes of a picture.
fn block(call: &Call<'_, '_>, dims: &[usize]) -> Result<(usize, [usize; 3]), String> {
    let size = call.int("blocksize")?.and_then(|s| usize::try_from(s).ok());
    let size =
        size.filter(|s| (1..1 << 16).contains(s)).ok_or("its `blocksize` is not positive")?;
    match dims[..] {
        [1, c, h, w] => Ok((size, [c, h, w])),
        _ => Err(format!("its input is {}, expected (N, C, H, W)", joined(dims))),
    }
}

/// `Split` of a map along one axis: into parts of given sizes, or into as many equal ones as it has
/// outputs.
pub(in super::super) fn split_map(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let (along, sizes) = split_sizes(call, &map.dims)?;
    call.room_for_list(map.dims[along])?;
    let mut start = 0;
    let mut parts = vec![];
    for size in sizes {
        let mut lists = vec![None; map.rank()];
        lists[along] = Some((start..start + size).map(Some).collect::<List>());
        parts.push(Value::Map(call.pick(&map, lists, 0.0)?));
        start += size;
    }
    first_of(call, parts)
}

/// `Split` of a constant.
pub(in super::super) fn split(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let data = call.constant(0)?;
    let (along, sizes) = split_sizes(call, data.dims())?;
    call.charge(data.dims())?;
    let mut start = 0;
    let mut parts = vec![];
    for size in sizes {
        let mut view = View::whole(data.dims());
        view.offset += start * view.strides[along] as usize;
        view.dims[along] = size;
        parts.push(Rc::new(data.view(&view)));
        start += size;
    }
    let first = parts.first().ok_or("it has no outputs")?.as_ref().clone();
    parts.into_iter().enumerate().skip(1).for_each(|(k, p)| call.also(k, Value::Constant(p)));
    Ok(first)
}

/// The first of some outputs; the others are set.
fn first_of(call: &mut Call<'_, '_>, parts: Vec<Value>) -> Result<Value, String> {
    let first = parts.first().ok_or("it has no outputs")?.clone();
    parts.into_iter().enumerate().skip(1).for_each(|(k, part)| call.also(k, part));
    Ok(first)
}

/// The axis along which a tensor is split, and the sizes of its parts.
fn split_sizes(call: &Call<'_, '_>, dims: &[usize]) -> Result<(usize, Vec<usize>), String> {
    let along = axis(call.int("axis")?.unwrap_or(0), dims.len())?;
    let n = dims[along];
    let sizes: Vec<usize> = match call.ints_or_input("split", 1)? {
        Some(given) => {
            let sizes: Option<Vec<usize>> =
                given.iter().map(|s| usize::try_from(*s).ok()).collect();
            sizes.ok_or_else(|| format!("its sizes {given:?} are negative"))?
        }
        None => {
            // the last part may be smaller
            let parts = call.outputs();
            let size = n.div_ceil(parts.max(1));
            (0..parts).map(|k| size.min(n.saturating_sub(k * size))).collect()
        }
    };
    let total = sizes.iter().try_fold(0usize, |sum, s| sum.checked_add(*s));
    if total == Some(n) {
        return Ok((along, sizes));
    }
    Err(format!("its parts {sizes:?} do not make up the {n} values along axis {along}"))
}

/// `Gather`: slices along one axis, by their indices.
pub(in super::super) fn gather(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let (data, indices) = (call.constant(0)?, call.constant(1)?);
    let along = axis(call.int("axis")?.unwrap_or(0), data.dims().len())?;
    let n = data.dims()[along];
    let dims = [&data.dims()[..along], indices.dims(), &data.dims()[along + 1..]].concat();
    call.charge(&dims)?;
    let positions: Vec<usize> = indices
        .as_ints()?
        .iter()
        .map(|i| index(*i, n))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("an index is outside of the {n} values along axis {along}"))?;
    let inner: usize = data.dims()[along + 1..].iter().product();
    let outer: usize = data.dims()[..along].iter().product();
    let starts = (0..outer).flat_map(|o| positions.iter().map(move |p| (o * n + p) * inner));
    let numbers = match data.numbers() {
        Numbers::Int(v) => Numbers::Int(starts.flat_map(|s| &v[s..s + inner]).copied().collect()),
        Numbers::Float(v) => {
            Numbers::Float(starts.flat_map(|s| &v[s..s + inner]).copied().collect())
        }
    };
    Constant::new(dims, numbers)
}

/// `ScatterND` of constants: slices of the data replaced by updates, at the places that the rows of the
/// indices name.
pub(in super::super) fn scatter_nd(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let [data, indices, updates] = [call.constant(0)?, call.constant(1)?, call.constant(2)?];
    no_reduction(call)?;
    let (starts, inner) = slices(&indices, data.dims())?;
    let wanted = volume(&[starts.len(), inner]);
    if wanted != Some(updates.len()) {
        let updates = joined(updates.dims());
        return Err(format!("updates {updates} are not {} slices of {inner}", starts.len()));
    }
    call.charge(data.dims())?;
    let numbers = match (data.numbers().clone(), updates.numbers()) {
        (Numbers::Int(all), Numbers::Int(new)) => Numbers::Int(scattered(all, &starts, inner, new)),
        (Numbers::Float(all), Numbers::Float(new)) => {
            Numbers::Float(scattered(all, &starts, inner, new))
        }
        _ => return Err("its data and updates are of different types".to_owned()),
    };
    Constant::new(data.dims().to_vec(), numbers)
}

/// `GatherND` of a map by constant indices, without batch axes.
pub(in super::super) fn gather_nd_map(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, indices) = (call.map(0)?, call.constant(1)?);
    no_batch(call)?;
    let (starts, inner) = slices(&indices, &map.dims)?;
    let rank = indices.dims().len();
    let depth = indices.dims()[rank - 1];
    let dims = [&indices.dims()[..rank - 1], &map.dims[depth..]].concat();
    call.room_for_list(starts.len().saturating_mul(inner))?;
    let sources = starts.iter().flat_map(|s| *s..s + inner).collect();
    call.looked_up(&[map], sources, dims).map(Value::Map)
}

/// `ScatterND` of maps at constant indices.
pub(in super::super) fn scatter_nd_map(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let indices = call.constant(1)?;
    no_reduction(call)?;
    let (data, updates) = (call.any(0)?, call.any(2)?);
    let (starts, inner) = slices(&indices, &data.dims)?;
    let all: usize = data.dims.iter().product();
    if volume(&[starts.len(), inner]) != volume(&updates.dims) {
        let updates = joined(&updates.dims);
        return Err(format!("updates {updates} are not {} slices of {inner}", starts.len()));
    }
    call.room_for_list(all)?;
    let mut sources: Vec<usize> = (0..all).collect();
    for (k, start) in starts.iter().enumerate() {
        sources[*start..start + inner].iter_mut().zip(all + k * inner..).for_each(|(s, i)| *s = i);
    }
    let dims = data.dims.clone();
    call.looked_up(&[data, updates], sources, dims).map(Value::Map)
}

/// `GatherElements` of a map: along one axis, an index for each value.
pub(in super::super) fn gather_elements(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, indices) = (call.map(0)?, call.constant(1)?);
    let along = axis(call.int("axis")?.unwrap_or(0), map.rank())?;
    let (dims, n) = (indices.dims().to_vec(), map.dims[along]);
    let fits = |a: usize| a == along || dims[a] <= map.dims[a];
    if dims.len() != map.rank() || !(0..dims.len()).all(fits) {
        return Err(format!("indices of {} do not fit {}", joined(&dims), joined(&map.dims)));
    }
    call.room_for_list(indices.len())?;
    let (own, from) = (View::whole(&dims), View::whole(&map.dims));
    let source = |(at, i): (usize, &i64)| {
        let place = |a: usize| at / own.strides[a] as usize % dims[a] * from.strides[a] as usize;
        let others: usize = (0..dims.len()).filter(|a| *a != along).map(place).sum();
        Some(others + index(*i, n)? * from.strides[along] as usize)
    };
    let sources = indices.as_ints()?.iter().enumerate().map(source).collect::<Option<Vec<usize>>>();
    let sources = sources
        .ok_or_else(|| format!("an index is outside of the {n} values along axis {along}"))?;
    call.looked_up(&[map], sources, dims).map(Value::Map)
}

/// `Trilu` of a map: 0 above or below a diagonal of the last two axes.
pub(in super::super) fn trilu(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let kept = triangle(call, &map.dims)?;
    let zero = Constant::new(vec![], Numbers::Float(vec![0.0]))?;
    let [kept, zero] = [kept, zero].map(|c| Some(Value::Constant(Rc::new(c))));
    call.set_inputs(vec![(0, kept), (0, Some(Value::Map(map))), (0, zero)]);
    arithmetic::where_maps(call)
}

/// `Trilu` of a constant.
pub(in super::super) fn trilu_constant(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let data = call.constant(0)?;
    let kept = triangle(call, data.dims())?;
    call.charge(data.dims())?;
    let each = kept.len().max(1);
    let kept = kept.as_ints()?;
    let numbers = match data.numbers().clone() {
        Numbers::Int(mut v) => {
            v.iter_mut().enumerate().for_each(|(i, v)| *v *= kept[i % each]);
            Numbers::Int(v)
        }
        Numbers::Float(mut v) => {
            let gone = v.iter_mut().enumerate().filter(|(i, _)| kept[i % each] == 0);
            gone.for_each(|(_, v)| *v = 0.0);
            Numbers::Float(v)
        }
    };
    Constant::new(data.dims().to_vec(), numbers)
}

/// Which values of a matrix of the last two axes are kept.
fn triangle(call: &mut Call<'_, '_>, dims: &[usize]) -> Result<Constant, String> {
    let [.., rows, columns] = *dims else {
        return Err(format!("its input is {}, expected matrices", joined(dims)));
    };
    let upper = call.flag("upper", true)?;
    let shift = match call.optional_ints(1)?.as_deref() {
        None => 0,
        Some([k]) => (*k).clamp(-(1 << 32), 1 << 32),
        Some(many) => return Err(format!("its diagonal has {} values, expected one", many.len())),
    };
    call.charge(&[rows, columns])?;
    let kept = |at: usize| {
        let (row, column) = ((at / columns) as i64, (at % columns) as i64);
        let above = column - row;
        i64::from(if upper { above >= shift } else { above <= shift })
    };
    Constant::new(vec![rows, columns], Numbers::Int((0..rows * columns).map(kept).collect()))
}

/// `CumSum` of a map along one axis.
pub(in super::super) fn running_sum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let along = match call.optional_ints(1)?.as_deref() {
        Some([along]) => axis(*along, map.rank())?,
        _ => return Err("its axis is not one number".to_owned()),
    };
    let (exclusive, reverse) = (call.flag("exclusive", false)?, call.flag("reverse", false)?);
    let n = map.dims[along];
    call.room_for_list(n.saturating_mul(n))?;
    let taps = |i: usize| {
        let summed = move |j: &usize| match (reverse, exclusive) {
            (false, false) => *j <= i,
            (false, true) => *j < i,
            (true, false) => *j >= i,
            (true, true) => *j > i,
        };
        (0..n).filter(summed).map(|j| (j, 1.0)).collect()
    };
    call.resampled(&map, along, (0..n).map(taps).collect()).map(Value::Map)
}

fn no_batch(call: &Call<'_, '_>) -> Result<(), String> {
    match call.int("batch_dims")?.unwrap_or(0) {
        0 => Ok(()),
        n => Err(format!("attribute `batch_dims` is {n}, only 0 is supported")),
    }
}

fn no_reduction(call: &Call<'_, '_>) -> Result<(), String> {
    match call.text("reduction")?.unwrap_or("none") {
        "none" => Ok(()),
        other => Err(format!("attribute `reduction` is `{other}`, only `none` is supported")),
    }
}

/// `GatherND` of constants without batch axes.
pub(in super::super) fn gather_nd(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let [data, indices] = [call.constant(0)?, call.constant(1)?];
    no_batch(call)?;
    let (starts, inner) = slices(&indices, data.dims())?;
    let rank = indices.dims().len();
    let depth = indices.dims()[rank - 1];
    let dims = [&indices.dims()[..rank - 1], &data.dims()[depth..]].concat();
    call.charge(&dims)?;
    let numbers = match data.numbers() {
        Numbers::Int(v) => {
            Numbers::Int(starts.iter().flat_map(|s| &v[*s..s + inner]).copied().collect())
        }
        Numbers::Float(v) => {
            Numbers::Float(starts.iter().flat_map(|s| &v[*s..s + inner]).copied().collect())
        }
    };
    Constant::new(dims, numbers)
}

fn scattered<T: Copy>(mut all: Vec<T>, starts: &[usize], inner: usize, new: &[T]) -> Vec<T> {
    for (start, slice) in starts.iter().zip(new.chunks_exact(inner.max(1))) {
        all[*start..start + inner].copy_from_slice(slice);
    }
    all
}

/// Where the slices of a tensor of sizes `dims` start that the rows of `indices` name, and how many values
/// each has.
fn slices(indices: &Constant, dims: &[usize]) -> Result<(Vec<usize>, usize), String> {
    let depth = *indices.dims().last().ok_or("its indices have no axes")?;
    if depth == 0 || depth > dims.len() {
        return Err(format!("indices of {depth} axes do not fit {}", joined(dims)));
    }
    let whole = View::whole(dims);
    let inner: usize = dims[depth..].iter().product();
    let start = |row: &[i64]| {
        let place =
            |(axis, i): (usize, &i64)| Some(index(*i, dims[axis])? * whole.strides[axis] as usize);
        row.iter().enumerate().map(place).sum::<Option<usize>>()
    };
    let starts = indices.as_ints()?.chunks_exact(depth).map(start).collect::<Option<Vec<usize>>>();
    Ok((starts.ok_or_else(|| format!("an index is outside of {}", joined(dims)))?, inner))
}

/// `Slice` of a constant.
pub(in super::super) fn slice(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let data = call.constant(0)?;
    let mut view = View::whole(data.dims());
    for cut in cuts(call, data.dims())? {
        cut.restrict(&mut view);
    }
    call.charge(&view.dims)?;
    Ok(data.view(&view))
}

/// One axis restricted to `count` indices from `start` in steps.
struct Cut {
    along: usize,
    start: usize,
    count: usize,
    step: i64,
}

/// The cuts of a `Slice`: attributes before opset 10, inputs since.
fn cuts(call: &Call<'_, '_>, dims: &[usize]) -> Result<Vec<Cut>, String> {
    let starts = call.ints_or_input("starts", 1)?.ok_or("its starts are missing")?;
    let ends = call.ints_or_input("ends", 2)?.ok_or("its ends are missing")?;
    let count = starts.len();
    let axes = call.ints_or_input("axes", 3)?.unwrap_or((0..count as i64).collect());
    let steps = call.optional_ints(4)?.unwrap_or(vec![1; count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] {
        return Err("its starts, ends, axes and steps differ in number".to_owned());
    }
    let mut dims = dims.to_vec();
    let mut cuts = Vec::with_capacity(count);
    for k in 0..count {
        let along = axis(axes[k], dims.len())?;
        let cut = Cut::new(along, dims[along], starts[k], ends[k], steps[k])?;
        dims[along] = cut.count;
        cuts.push(cut);
    }
    Ok(cuts)
}

impl Cut {
    /// `start`, `start + step`, ... before `end` of an axis of size `n`; both count from the end when
    /// negative and are clamped to the axis.
    fn new(along: usize, n: usize, start: i64, end: i64, step: i64) -> Result<Cut, String> {
        let n = n as i64;
        let from_end = |i: i64| if i < 0 { i.saturating_add(n) } else { i };
        let (start, end) = if step > 0 {
            (from_end(start).clamp(0, n), from_end(end).clamp(0, n))
        } else {
            (from_end(start).clamp(-1, n - 1), from_end(end).clamp(-1, n - 1))
        };
        let count = match step {
            0 => return Err("a step is 0".to_owned()),
            s if s > 0 && end > start => 1 + (end - start - 1) / s,
            s if s < 0 && end < start => 1 + (start - end - 1) / s.saturating_neg(),
            _ => 0,
        };
        Ok(Cut { along, start: start.max(0) as usize, count: count as usize, step })
    }

    /// The indices.
    fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count).map(|i| (self.start as i64 + i as i64 * self.step) as usize)
    }

    fn restrict(&self, view: &mut View) {
        if self.count > 0 {
            let offset = view.offset as isize + self.start as isize * view.strides[self.along];
            view.offset = offset as usize;
        }
        view.dims[self.along] = self.count;
        // a step may be far beyond the axis when it is never taken
        view.strides[self.along] *= if self.count > 1 { self.step as isize } else { 0 };
    }
}
