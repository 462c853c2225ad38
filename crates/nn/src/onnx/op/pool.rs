//! Pooling along one, two or three axes.

use super::{
    super::{
        call::Call,
        value::{Map, Value},
    },
    dropout,
    sliding::{self, Slide, Slides},
};
use crate::op::{AvgPool, Cpu, MaxPool, Window};

/// What a pool that does nothing is called: adaptive pools become such where sizes agree.
const SINGLE: &str = "pool of single pixels";

/// `MaxPool`; its second output (positions) is not computed.
pub(in super::super) fn max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    pool(call, MaxPool::new)
}

/// `AveragePool`.
pub(in super::super) fn average(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let count_include_pad = call.flag("count_include_pad", false)?;
    pool(call, |window| AvgPool::new(window, count_include_pad))
}

/// A pool over three axes is one over the last two followed by one over the first: largest values of
/// largest values, and means of means of as many values each.
fn pool<T: Cpu>(call: &mut Call<'_, '_>, op: impl Fn(Window) -> T) -> Result<Value, String> {
    let map = call.map(0)?;
    let n = map.dims.first().copied().unwrap_or(1);
    let sizes = sliding::sizes(&map.dims)?.to_vec();
    let slides = sliding::slides(call, &sizes, None)?;
    slides.axes.iter().zip(&sizes).try_for_each(|(slide, n)| beside_padding(slide, *n))?;
    let moves = |slide: &Slide| *slide != Slide { dilation: slide.dilation, ..Slide::NONE };
    if !slides.axes.iter().any(moves) {
        return dropout::passed_on(call, SINGLE);
    }
    let map = sliding::unstacked(call, &map)?;
    let c = map.dims[1];
    let out = match (&slides.axes[..], &sizes[..]) {
        (&[rows], &[n]) => pooled(call, &map, [1, c, n, 1], &slides, [rows, Slide::NONE], &op)?,
        (&[rows, columns], &[h, w]) => {
            pooled(call, &map, [1, c, h, w], &slides, [rows, columns], &op)?
        }
        (&[depth, rows, columns], &[d, h, w]) => {
            let flat = [rows, columns];
            let slices = if flat.iter().any(moves) {
                pooled(call, &map, [1, c * d, h, w], &slides, flat, &op)?
            } else {
                map
            };
            let [.., h, w] = slices.dims[..] else { return Err("it has no picture".to_owned()) };
            let out = if moves(&depth) {
                let along = [depth, Slide::NONE];
                pooled(call, &slices, [1, c, d, h * w], &slides, along, &op)?
            } else {
                slices
            };
            let d = out.dims.iter().product::<usize>() / (c * h * w);
            let out = call.reshape(&out, vec![1, c, d, h, w])?;
            return sliding::stacked(call, out, n).map(Value::Map);
        }
        _ => return Err("it has more than three axes".to_owned()),
    };
    let kept = out.dims[..sizes.len() + 2].to_vec();
    let out = call.reshape(&out, kept)?;
    sliding::stacked(call, out, n).map(Value::Map)
}

/// A pool of a map as a picture of the given dimensions.
fn pooled<T: Cpu>(
    call: &mut Call<'_, '_>,
    map: &Map,
    dims: [usize; 4],
    slides: &Slides,
    axes: [Slide; 2],
    op: impl Fn(Window) -> T,
) -> Result<Map, String> {
    let picture = call.reshape(map, dims.to_vec())?;
    let (picture, _) = call.picture(&picture)?;
    let Value::Map(out) = call.push_image(op(slides.window(axes)), &picture)? else {
        return Err("its input is constant".to_owned());
    };
    Ok(out)
}

/// `GlobalAveragePool`.
pub(in super::super) fn global_average(call: &mut Call<'_, '_>) -> Result<Value, String> {
    global(call, AvgPool::global("GlobalAveragePool"))
}

/// `GlobalMaxPool`.
pub(in super::super) fn global_max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    global(call, MaxPool::global())
}

/// A pool over all axes behind batch and channels.
fn global(call: &mut Call<'_, '_>, op: impl Cpu) -> Result<Value, String> {
    let map = call.map(0)?;
    let rank = map.rank();
    let n = map.dims.first().copied().unwrap_or(1);
    let map = sliding::unstacked(call, &map)?;
    let c = map.dims.get(1).copied().unwrap_or(1);
    let picture = match map.dims[..] {
        [1, _, _, _] => map.clone(),
        [1, _, ref rest @ ..] => call.reshape(&map, vec![1, c, rest.iter().product(), 1])?,
        _ => return Err("its input has no batch and channels".to_owned()),
    };
    let (picture, _) = call.picture(&picture)?;
    let Value::Map(out) = call.push_image(op, &picture)? else {
        return Err("its input is constant".to_owned());
    };
    let ones = vec![1; rank - 2];
    let out = call.reshape(&out, [vec![1, c], ones].concat())?;
    sliding::stacked(call, out, n).map(Value::Map)
}

/// No position of the window may lie in the padding alone: there is no largest value and no mean of
/// nothing.
fn beside_padding(slide: &Slide, n: usize) -> Result<(), String> {
    let Slide { kernel, dilation, pads, .. } = *slide;
    let gap = dilation > n && kernel > 1;
    if gap || pads.iter().any(|p| *p >= slide.span()) {
        return Err(format!(
            "windows would lie in the padding alone: along an axis of {n} values, kernel {kernel}, \
             dilation {dilation}, pads {pads:?}"
        ));
    }
    Ok(())
}
