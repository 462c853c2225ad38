//! Pooling.

use super::{super::call::Call, super::value::Value, dropout, sliding};
use crate::{
    base::geom::Shape,
    op::{AvgPool, MaxPool, Window},
};

/// What a pool that does nothing is called: adaptive pools become such where sizes agree.
const SINGLE: &str = "pool of single pixels";

fn is_identity(window: &Window) -> bool {
    window.kernel == [1, 1] && window.stride == [1, 1] && window.pads == [0; 4]
}

/// `MaxPool`; its second output (positions) is not computed.
pub(in super::super) fn max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, input) = call.image(0)?;
    let window = window(call, input)?;
    if is_identity(&window) {
        return dropout::passed_on(call, SINGLE);
    }
    call.push_image(MaxPool::new(window), &map)
}

/// `AveragePool`.
pub(in super::super) fn average(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, input) = call.image(0)?;
    let window = window(call, input)?;
    let count_include_pad = call.flag("count_include_pad", false)?;
    if is_identity(&window) {
        return dropout::passed_on(call, SINGLE);
    }
    call.push_image(AvgPool::new(window, count_include_pad), &map)
}

/// `GlobalAveragePool`.
pub(in super::super) fn global_average(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, _) = call.image(0)?;
    call.push_image(AvgPool::global("GlobalAveragePool"), &map)
}

/// `GlobalMaxPool`.
pub(in super::super) fn global_max(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let (map, _) = call.image(0)?;
    call.push_image(MaxPool::global(), &map)
}

/// A window of which no position lies in the padding alone: there is no largest value and no mean of
/// nothing.
fn window(call: &Call<'_, '_>, input: Shape) -> Result<Window, String> {
    let window = sliding::window(call, input, None, false)?;
    let Window { kernel, dilation, pads, .. } = window;
    for (axis, n) in [(0, input.h), (1, input.w)] {
        let span = (kernel[axis] - 1) * dilation[axis] + 1;
        let gap = dilation[axis] > n && kernel[axis] > 1;
        if gap || pads[axis] >= span || pads[axis + 2] >= span {
            return Err(format!(
                "windows would lie in the padding alone: kernel {kernel:?}, dilations \
                 {dilation:?}, pads {pads:?}, map {}x{}",
                input.h, input.w
            ));
        }
    }
    Ok(window)
}
