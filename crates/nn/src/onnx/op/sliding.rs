//! Attributes of sliding windows, shared by convolution and pooling.

use super::super::call::Call;
use crate::{base::geom::Shape, op::Window};

/// Largest kernel, stride, dilation or padding: far above any in use, far below overflow.
const MAX_EXTENT: i64 = 1 << 16;

/// The window of a node over a map of shape `input`. `kernel` is the size of the weights where there
/// are any; otherwise `kernel_shape` must be given. With `line`, attributes are those of
/// one axis.
pub(super) fn window(
    call: &Call<'_, '_>,
    input: Shape,
    kernel: Option<[usize; 2]>,
    line: bool,
) -> Result<Window, String> {
    let given = extents(call, "kernel_shape", 1, line)?;
    let kernel = match (kernel, given) {
        (Some(k), Some(g)) if k != g => {
            return Err(format!("`kernel_shape` is {g:?}, but the weights are {k:?}"));
        }
        (k, g) => k.or(g).ok_or("attribute `kernel_shape` is missing")?,
    };
    if kernel.iter().any(|k| !(1..=MAX_EXTENT).contains(&(*k as i64))) {
        return Err(format!("its kernel is {kernel:?}, expected 1 to {MAX_EXTENT}"));
    }
    let stride = extents(call, "strides", 1, line)?.unwrap_or([1, 1]);
    let dilation = extents(call, "dilations", 1, line)?.unwrap_or([1, 1]);
    let ceil = call.flag("ceil_mode", false)?;
    let mut window = Window { kernel, stride, dilation, pads: [0; 4], ceil };
    match call.text("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" => window.pads = extents(call, "pads", 0, line)?.unwrap_or_default(),
        "VALID" => window.ceil = false,
        "SAME_UPPER" => (window.pads, window.ceil) = (same(&window, input, false), false),
        "SAME_LOWER" => (window.pads, window.ceil) = (same(&window, input, true), false),
        other => {
            let known = "NOTSET, VALID, SAME_UPPER or SAME_LOWER";
            return Err(format!("`auto_pad` is `{other}`, expected {known}"));
        }
    }
    Ok(window)
}

/// The padding with which the output has `ceil(input / stride)` pixels; an odd pixel goes to the
/// start with `lower`, to the end without.
fn same(window: &Window, input: Shape, lower: bool) -> [usize; 4] {
    let pads = |axis: usize, n: usize| {
        let span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        let out = n.div_ceil(window.stride[axis]);
        let total = ((out - 1) * window.stride[axis] + span).saturating_sub(n);
        let start = if lower { total.div_ceil(2) } else { total / 2 };
        (start, total - start)
    };
    let ((top, bottom), (left, right)) = (pads(0, input.h), pads(1, input.w));
    [top, left, bottom, right]
}

/// An attribute of `N` extents, each at least `least`.
fn extents<const N: usize>(
    call: &Call<'_, '_>,
    name: &str,
    least: i64,
    line: bool,
) -> Result<Option<[usize; N]>, String> {
    let Some(given) = call.ints(name)? else { return Ok(None) };
    // along a line, the other axis of a picture of one column does nothing
    let line = line && given.len() == N / 2;
    let filled: Vec<i64> = given.iter().flat_map(|v| [*v, least]).collect();
    let given = if line { &filled[..] } else { given };
    let fits = given.iter().all(|v| (least..=MAX_EXTENT).contains(v));
    let values: Vec<usize> = given.iter().map(|v| *v as usize).collect();
    match values.try_into() {
        Ok(values) if fits => Ok(Some(values)),
        _ => Err(format!(
            "attribute `{name}` is {given:?}, expected {N} integers from {least} to {MAX_EXTENT} \
             (two-dimensional pictures)"
        )),
    }
}
