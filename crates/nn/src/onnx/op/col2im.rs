//! Blocks of columns put back into a picture.

use super::{
    super::{
        call::Call,
        value::{Map, Value, joined},
    },
    sliding::extents,
};
use crate::op::Taps;

/// How blocks lie along one axis of the picture.
struct Along {
    /// Values of the picture.
    size: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Values in front of the picture that blocks reach.
    pad: usize,
    /// How many blocks there are.
    count: usize,
}

/// `Col2Im`: each column of the input is a block of the picture; where blocks overlap they are summed. The
/// sum over blocks is done axis by axis.
pub(in super::super) fn col2im(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let axes = axes(call)?;
    let per_channel = axes.iter().try_fold(1usize, |n, a| n.checked_mul(a.kernel));
    let count = axes.iter().try_fold(1usize, |n, a| n.checked_mul(a.count));
    let (1, Some(c), true) = (
        map.dims[0],
        map.dims.get(1).filter(|c| per_channel.is_some_and(|n| c.is_multiple_of(n))),
        map.dims.len() == 3 && map.dims.get(2).copied() == count,
    ) else {
        return Err(format!(
            "its input is {}, expected one column for each of {} blocks of {} values",
            joined(&map.dims),
            joined(&axes.iter().map(|a| a.count).collect::<Vec<_>>()),
            joined(&axes.iter().map(|a| a.kernel).collect::<Vec<_>>()),
        ));
    };
    let n = axes.len();
    let channels = [1, c / per_channel.unwrap_or(1)];
    let [kernels, counts]: [Vec<usize>; 2] =
        [axes.iter().map(|a| a.kernel).collect(), axes.iter().map(|a| a.count).collect()];
    let split = call.reshape(&map, [&channels[..], &kernels, &counts].concat())?;
    let order: Vec<usize> = (0..n).flat_map(|i| [2 + i, 2 + n + i]).collect();
    let pairs = split.transposed(&[&[0, 1][..], &order].concat());
    let joint: Vec<usize> = axes.iter().map(|a| a.kernel * a.count).collect();
    let mut sum: Map = call.reshape(&pairs, [&channels[..], &joint].concat())?;
    for (i, axis) in axes.iter().enumerate() {
        call.room_for_list(axis.size.saturating_add(axis.kernel.saturating_mul(axis.count)))?;
        sum = call.resampled(&sum, 2 + i, axis.taps())?;
    }
    Ok(Value::Map(sum))
}

impl Along {
    /// For each value of the picture the places of the blocks that lie on it.
    fn taps(&self) -> Vec<Taps> {
        let mut taps = vec![Taps::new(); self.size];
        for k in 0..self.kernel {
            for block in 0..self.count {
                let at = (block * self.stride + k * self.dilation).checked_sub(self.pad);
                if let Some(taps) = at.and_then(|at| taps.get_mut(at)) {
                    taps.push((k * self.count + block, 1.0));
                }
            }
        }
        taps
    }
}

fn axes(call: &Call<'_, '_>) -> Result<Vec<Along>, String> {
    let sizes = lengths(call, 1, "size of the picture")?;
    let kernels = lengths(call, 2, "size of a block")?;
    let n = sizes.len();
    if n == 0 || kernels.len() != n {
        return Err(format!("blocks of {} do not fit {}", joined(&kernels), joined(&sizes)));
    }
    let strides = extents(call, "strides", n, 1)?.unwrap_or(vec![1; n]);
    let dilations = extents(call, "dilations", n, 1)?.unwrap_or(vec![1; n]);
    let pads = extents(call, "pads", 2 * n, 0)?.unwrap_or(vec![0; 2 * n]);
    let along = |i: usize| {
        let (size, kernel, stride, dilation) = (sizes[i], kernels[i], strides[i], dilations[i]);
        let span = (kernel - 1) * dilation + 1;
        let room = (size + pads[i] + pads[n + i]).checked_sub(span);
        let room = room.ok_or_else(|| format!("a block of {span} values is larger than {size}"))?;
        Ok(Along { size, kernel, stride, dilation, pad: pads[i], count: room / stride + 1 })
    };
    (0..n).map(along).collect()
}

/// Input `k` as positive sizes that are far from overflow.
fn lengths(call: &Call<'_, '_>, k: usize, what: &str) -> Result<Vec<usize>, String> {
    let given = call.optional_ints(k)?.ok_or_else(|| format!("the {what} is missing"))?;
    let fits = |v: &i64| (1..=1 << 16).contains(v);
    if given.iter().all(fits) {
        return Ok(given.iter().map(|v| *v as usize).collect());
    }
    Err(format!("the {what} is {given:?}, expected numbers from 1 to 65536"))
}
