//! Attributes of sliding windows, shared by convolution and pooling, over one to three axes.

use super::super::{
    call::Call,
    value::{Map, joined},
};
use crate::op::Window;

/// Largest kernel, stride, dilation or padding: far above any in use, far below overflow.
const MAX_EXTENT: i64 = 1 << 16;

/// How a window slides along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slide {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Padding before the first and behind the last value.
    pub(super) pads: [usize; 2],
}

impl Slide {
    /// One that does nothing.
    pub(super) const NONE: Slide = Slide { kernel: 1, stride: 1, dilation: 1, pads: [0, 0] };

    /// Values that the window spans, taps and gaps.
    pub(super) fn span(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }
}

/// How a window slides over the axes behind batch and channels.
pub(super) struct Slides {
    pub(super) axes: Vec<Slide>,
    /// Output sizes are rounded up.
    pub(super) ceil: bool,
}

impl Slides {
    /// Over the rows and columns of a picture.
    pub(super) fn window(&self, [rows, columns]: [Slide; 2]) -> Window {
        Window {
            kernel: [rows.kernel, columns.kernel],
            stride: [rows.stride, columns.stride],
            dilation: [rows.dilation, columns.dilation],
            pads: [rows.pads[0], columns.pads[0], rows.pads[1], columns.pads[1]],
            ceil: self.ceil,
        }
    }
}

/// A stack of several maps (windows, put along the axis of a batch) as one whose channels are those of all,
/// one after the other.
pub(super) fn unstacked(call: &mut Call<'_, '_>, map: &Map) -> Result<Map, String> {
    match map.dims[..] {
        [n, c, ref rest @ ..] if n != 1 => {
            let dims = [&[1, n * c], rest].concat();
            call.reshape(map, dims)
        }
        _ => Ok(map.clone()),
    }
}

/// The way back from [`unstacked`], for a stack of `n`.
pub(super) fn stacked(call: &mut Call<'_, '_>, map: Map, n: usize) -> Result<Map, String> {
    match map.dims[..] {
        [1, all, ref rest @ ..] if n != 1 => {
            let dims = [&[n, all / n], rest].concat();
            call.reshape(&map, dims)
        }
        _ => Ok(map),
    }
}

/// The sizes of the axes behind batch and channels, of which there are one to three.
pub(super) fn sizes(dims: &[usize]) -> Result<&[usize], String> {
    match dims {
        [_, _, sizes @ ..] if (1..=3).contains(&sizes.len()) => Ok(sizes),
        _ => Err(format!(
            "its input is {}, expected (N, C, ...) with one to three more axes",
            joined(dims)
        )),
    }
}

/// The window of a node over axes of the given sizes. `kernel` is the size of the weights where there
/// are any; otherwise `kernel_shape` must be given.
pub(super) fn slides(
    call: &Call<'_, '_>,
    sizes: &[usize],
    kernel: Option<&[usize]>,
) -> Result<Slides, String> {
    let n = sizes.len();
    let given = extents(call, "kernel_shape", n, 1)?;
    let kernel = match (kernel, given) {
        (Some(k), Some(g)) if k != g => {
            return Err(format!("`kernel_shape` is {g:?}, but the weights are {k:?}"));
        }
        (k, g) => k.map(<[usize]>::to_vec).or(g).ok_or("attribute `kernel_shape` is missing")?,
    };
    if kernel.iter().any(|k| !(1..=MAX_EXTENT).contains(&(*k as i64))) {
        return Err(format!("its kernel is {kernel:?}, expected 1 to {MAX_EXTENT}"));
    }
    let stride = extents(call, "strides", n, 1)?.unwrap_or(vec![1; n]);
    let dilation = extents(call, "dilations", n, 1)?.unwrap_or(vec![1; n]);
    let pads = extents(call, "pads", 2 * n, 0)?.unwrap_or(vec![0; 2 * n]);
    let mut ceil = call.flag("ceil_mode", false)?;
    let slide = |i: usize| Slide {
        kernel: kernel[i],
        stride: stride[i],
        dilation: dilation[i],
        pads: [pads[i], pads[n + i]],
    };
    let mut axes: Vec<Slide> = (0..n).map(slide).collect();
    let mut set = |pads: fn(&Slide, usize) -> [usize; 2]| {
        ceil = false;
        axes.iter_mut().zip(sizes).for_each(|(slide, n)| slide.pads = pads(slide, *n));
    };
    match call.text("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" => {}
        "VALID" => set(|_, _| [0, 0]),
        "SAME_UPPER" => set(|slide, n| same(slide, n, false)),
        "SAME_LOWER" => set(|slide, n| same(slide, n, true)),
        other => {
            let known = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
            return Err(format!("`auto_pad` is `{other}`, expected {known}"));
        }
    }
    Ok(Slides { axes, ceil })
}

/// The padding with which the output has `ceil(input / stride)` values; an odd one goes to the
/// start with `lower`, to the end without.
fn same(slide: &Slide, n: usize, lower: bool) -> [usize; 2] {
    let out = n.div_ceil(slide.stride);
    let total = ((out - 1) * slide.stride + slide.span()).saturating_sub(n);
    let start = if lower { total.div_ceil(2) } else { total / 2 };
    [start, total - start]
}

/// An attribute of `count` extents, each at least `least`.
pub(super) fn extents(
    call: &Call<'_, '_>,
    name: &str,
    count: usize,
    least: i64,
) -> Result<Option<Vec<usize>>, String> {
    let Some(given) = call.ints(name)? else { return Ok(None) };
    let fits = given.iter().all(|v| (least..=MAX_EXTENT).contains(v));
    if fits && given.len() == count {
        return Ok(Some(given.iter().map(|v| *v as usize).collect()));
    }
    Err(format!(
        "attribute `{name}` is {given:?}, expected {count} integers from {least} to {MAX_EXTENT}"
    ))
}
