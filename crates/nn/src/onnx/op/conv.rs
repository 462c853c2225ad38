//! Convolution along one, two or three axes, and its transpose.

use super::{
    super::{
        call::Call,
        value::{Map, Value, joined},
    },
    arithmetic, concat, dense,
    sliding::{self, Slide, Slides},
};
use crate::{
    base::geom::Shape,
    op::{Add, Conv, ConvGeometry, List},
};

/// `Conv`: weights `(outputs, inputs / groups, ...)`, bias per output.
pub(in super::super) fn conv(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    if let Value::Map(weight) = call.input(1)? {
        let weight = weight.clone();
        return by_map(call, &map, &weight);
    }
    let sizes = sliding::sizes(&map.dims)?.to_vec();
    let (name, channels) = (call.input_name(1).to_owned(), map.dims[1]);
    let (dims, weight) = call.weights(1)?;
    let [outputs, per_group, ref kernel @ ..] = dims[..] else {
        return Err(unfit(&name, &dims, sizes.len()));
    };
    if kernel.len() != sizes.len() {
        return Err(unfit(&name, &dims, sizes.len()));
    }
    let slides = sliding::slides(call, &sizes, Some(kernel))?;
    let groups = groups(call, outputs)?;
    if per_group.checked_mul(groups) != Some(channels) {
        return Err(format!(
            "weight `{name}` takes {per_group} channels in each of {groups} groups, its input has \
             {channels}"
        ));
    }
    let bias = bias(call, outputs)?;
    let layer = Layer { weight, outputs, groups, bias };
    let n = map.dims[0];
    if n == 1 {
        return layer.add(call, &map, &slides).map(Value::Map);
    }
    if slides.axes.iter().all(|slide| *slide == Slide::NONE) {
        // each value alone: the stack is one axis more
        let turned = map.transposed(&behind_channels(map.rank()));
        let dims = vec![1, turned.dims[0], turned.dims[1..].iter().product(), 1];
        let flat = call.reshape(&turned, dims)?;
        let slides = Slides { axes: vec![Slide::NONE; 2], ceil: false };
        let out = layer.add(call, &flat, &slides)?;
        let dims = [&[outputs], &turned.dims[1..]].concat();
        let out = call.reshape(&out, dims)?;
        return Ok(Value::Map(out.transposed(&behind_channels(map.rank()))));
    }
    call.charge(&[n, layer.weight.len()])?;
    let layer = Layer {
        weight: layer.weight.repeat(n),
        bias: layer.bias.repeat(n),
        outputs: outputs * n,
        groups: groups * n,
    };
    let flat = sliding::unstacked(call, &map)?;
    let out = layer.add(call, &flat, &slides)?;
    sliding::stacked(call, out, n).map(Value::Map)
}

/// The axes with that of a stack behind the channels.
fn behind_channels(rank: usize) -> Vec<usize> {
    [1, 0].into_iter().chain(2..rank).collect()
}

/// A convolution whose weights are computed from the picture, as a product of matrices: of the weights,
/// and of the values that each position of the window sees.
fn by_map(call: &mut Call<'_, '_>, map: &Map, weight: &Map) -> Result<Value, String> {
    let ([1, c, h, w], [outputs, per_group, kh, kw]) = (&map.dims[..], &weight.dims[..]) else {
        return Err(format!(
            "its weights are computed from the picture, and it reads {}, expected (N, C, H, W)",
            joined(&map.dims)
        ));
    };
    let (c, sizes) = (*c, [*h, *w]);
    let (outputs, kernel) = (*outputs, [*kh, *kw]);
    let slides = sliding::slides(call, &sizes, Some(&kernel))?;
    let groups = groups(call, outputs)?;
    if per_group.checked_mul(groups) != Some(c) || !outputs.is_multiple_of(groups) {
        let weight = joined(&weight.dims);
        return Err(format!("weights of {weight} in {groups} groups do not fit {c} channels"));
    }
    let axes = [slides.axes[0], slides.axes[1]];
    let [out_h, out_w] = slides.window(axes).out_size(Shape::new(1, sizes[0], sizes[1]))?;
    call.charge(&[kernel[0] * kernel[1], out_h.max(out_w)])?;
    let mut taps = vec![];
    for (ky, kx) in (0..kernel[0]).flat_map(|ky| (0..kernel[1]).map(move |kx| (ky, kx))) {
        let list = |axis: usize, tap: usize, out: usize| -> List {
            let Slide { stride, dilation, pads, .. } = axes[axis];
            let source = |i: usize| (i * stride + tap * dilation).checked_sub(pads[0]);
            (0..out).map(|i| source(i).filter(|i| *i < sizes[axis])).collect()
        };
        let lists = vec![None, None, Some(list(0, ky, out_h)), Some(list(1, kx, out_w))];
        let seen = call.pick(map, lists, 0.0)?;
        taps.push(call.reshape(&seen, vec![1, c, 1, out_h * out_w])?);
    }
    let seen = concat::together(call, &taps, 2)?;
    let inner = c / groups * kernel[0] * kernel[1];
    let seen = call.reshape(&seen, vec![groups, inner, out_h * out_w])?;
    let weight = call.reshape(weight, vec![groups, outputs / groups, inner])?;
    let out = dense::product(call, &weight, &seen)?;
    let out = call.reshape(&out, vec![1, outputs, out_h, out_w])?;
    if call.optional(2).is_none() {
        return Ok(Value::Map(out));
    }
    let bias = call.any(2)?;
    let bias = call.reshape(&bias, vec![1, outputs, 1, 1])?;
    arithmetic::maps(call, Add::new(vec![1.0, 1.0]), out, bias)
}

fn unfit(name: &str, dims: &[usize], axes: usize) -> String {
    let expected = ["length", "height, width", "depth, height, width"][axes - 1];
    format!("weight `{name}` is {}, expected (outputs, inputs, {expected})", joined(dims))
}

fn groups(call: &Call<'_, '_>, most: usize) -> Result<usize, String> {
    match call.int("group")?.unwrap_or(1) {
        g if g >= 1 && g <= most as i64 => Ok(g as usize),
        g => Err(format!("attribute `group` is {g}, expected 1 to {most}")),
    }
}

fn bias(call: &mut Call<'_, '_>, outputs: usize) -> Result<Vec<f32>, String> {
    match call.optional(2) {
        Some(_) => call.weight_vector(2, outputs),
        None => Ok(vec![]),
    }
}

/// Most slices that a convolution along three axes makes: each is a layer of its own.
const MAX_SLICES: usize = 256;

/// A convolution without its window.
struct Layer {
    /// `(outputs, inputs / groups, ...)`
    weight: Vec<f32>,
    outputs: usize,
    groups: usize,
    bias: Vec<f32>,
}

impl Layer {
    /// Adds it to the graph.
    fn add(self, call: &mut Call<'_, '_>, map: &Map, slides: &Slides) -> Result<Map, String> {
        match slides.axes[..] {
            // a line is a picture of one column
            [rows] => {
                let dims = [&map.dims[..], &[1]].concat();
                let picture = call.reshape(map, dims)?;
                let out = self.on_picture(call, &picture, slides, [rows, Slide::NONE])?;
                call.reshape(&out, out.dims[..3].to_vec())
            }
            [rows, columns] => self.on_picture(call, map, slides, [rows, columns]),
            [depth, rows, columns] => self.on_volume(call, map, slides, [depth, rows, columns]),
            _ => Err("it has more than three axes".to_owned()),
        }
    }

    fn op(self, inputs: usize, slides: &Slides, axes: [Slide; 2]) -> Result<Conv, String> {
        let window = slides.window(axes);
        let geometry = ConvGeometry {
            kernel: window.kernel,
            stride: window.stride,
            dilation: window.dilation,
            pads: window.pads,
            groups: self.groups,
        };
        Conv::new(self.weight, self.outputs, inputs, geometry, self.bias)
    }

    fn on_picture(
        self,
        call: &mut Call<'_, '_>,
        map: &Map,
        slides: &Slides,
        axes: [Slide; 2],
    ) -> Result<Map, String> {
        let (map, input) = call.picture(map)?;
        let op = self.op(input.c, slides, axes)?;
        let Value::Map(out) = call.push_image(op, &map)? else {
            return Err("its input is constant".to_owned());
        };
        Ok(out)
    }

    /// Each slice of the output is a convolution of some slices of the input, taken together as
    /// channels.
    fn on_volume(
        self,
        call: &mut Call<'_, '_>,
        map: &Map,
        slides: &Slides,
        [depth, rows, columns]: [Slide; 3],
    ) -> Result<Map, String> {
        let [_, c, n, h, w] = map.dims[..] else { return Err("it has no three axes".to_owned()) };
        let padded = n + depth.pads[0] + depth.pads[1];
        let room = padded.checked_sub(depth.span()).ok_or_else(|| {
            format!("a window of {} slices does not fit into {padded}", depth.span())
        })?;
        let count = room / depth.stride + 1;
        if count > MAX_SLICES {
            return Err(format!("it makes {count} slices, expected at most {MAX_SLICES}"));
        }
        call.charge(&[count, depth.kernel])?;
        let conv = self.op(c * depth.kernel, slides, [rows, columns])?;
        let mut slices = vec![];
        for out in 0..count {
            let source = |tap: usize| {
                let at = out * depth.stride + tap * depth.dilation;
                at.checked_sub(depth.pads[0]).filter(|i| *i < n)
            };
            let mut lists = vec![None; 5];
            lists[2] = Some((0..depth.kernel).map(source).collect::<List>());
            let taken = call.pick(map, lists, 0.0)?;
            let picture = call.reshape(&taken, vec![1, c * depth.kernel, h, w])?;
            let (picture, _) = call.picture(&picture)?;
            let op = conv.with_tile(None).ok_or("it cannot be computed slice by slice")?;
            let Value::Map(slice) = call.push_image(op, &picture)? else {
                return Err("its input is constant".to_owned());
            };
            let [_, o, h, w] = slice.dims[..] else { return Err("it has no picture".to_owned()) };
            slices.push(call.reshape(&slice, vec![1, o, 1, h, w])?);
        }
        concat::together(call, &slices, 2)
    }
}

/// `ConvTranspose`: weights `(inputs, outputs / groups, ...)`. It is a convolution with the mirrored
/// kernel over the input with zeros put between its values.
pub(in super::super) fn transposed(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let sizes = sliding::sizes(&map.dims)?.to_vec();
    let (name, channels) = (call.input_name(1).to_owned(), map.dims[1]);
    let (dims, weight) = call.weights(1)?;
    let [inputs, per_group, ref kernel @ ..] = dims[..] else {
        return Err(unfit(&name, &dims, sizes.len()));
    };
    if map.dims[0] != 1 {
        return Err(format!("its input is {}, a stack of several maps", joined(&map.dims)));
    }
    if kernel.len() != sizes.len() || inputs != channels || weight.is_empty() {
        let dims = joined(&dims);
        return Err(format!(
            "weight `{name}` is {dims}, expected ({channels} inputs, outputs, ...)"
        ));
    }
    let groups = groups(call, inputs)?;
    if !inputs.is_multiple_of(groups) {
        return Err(format!("{inputs} channels cannot be put into {groups} groups"));
    }
    let outputs = per_group * groups;
    let bias = bias(call, outputs)?;
    let axes = stuffed(call, &sizes, kernel)?;
    let mut lists = vec![None, None];
    for (n, stuffed) in sizes.iter().zip(&axes) {
        let len = usize::try_from(stuffed.end - stuffed.start).unwrap_or(usize::MAX);
        call.room_for_list(len)?;
        let list: List = (stuffed.start..stuffed.end).map(|at| stuffed.source(at)).collect();
        lists.push((!list.iter().copied().eq((0..*n).map(Some))).then_some(list));
    }
    let map = if lists.iter().any(Option::is_some) { call.pick(&map, lists, 0.0)? } else { map };
    let taps: usize = kernel.iter().product();
    let of_group = inputs / groups;
    let mirrored = |at: usize| {
        let (tap, i, o) = (at % taps, at / taps % of_group, at / taps / of_group);
        let input = o / per_group * of_group + i;
        weight[(input * per_group + o % per_group) * taps + (taps - 1 - tap)]
    };
    let weight = (0..weight.len()).map(mirrored).collect();
    let plain = |s: &Stuffed| Slide { stride: 1, pads: [0, 0], ..s.slide };
    let slides = Slides { axes: axes.iter().map(plain).collect(), ceil: false };
    Layer { weight, outputs, groups, bias }.add(call, &map, &slides).map(Value::Map)
}

/// An axis of the input of a transposed convolution: values `stride` places from each other, zeros
/// between and around them.
struct Stuffed {
    slide: Slide,
    /// Places from the first value to behind the last.
    values: i64,
    start: i64,
    end: i64,
}

impl Stuffed {
    /// The value at a place.
    fn source(&self, at: i64) -> Option<usize> {
        let at = usize::try_from(at).ok().filter(|_| at < self.values)?;
        at.is_multiple_of(self.slide.stride).then(|| at / self.slide.stride)
    }
}

fn stuffed(call: &Call<'_, '_>, sizes: &[usize], kernel: &[usize]) -> Result<Vec<Stuffed>, String> {
    let n = sizes.len();
    let slides = sliding::slides(call, sizes, Some(kernel))?;
    let more = sliding::extents(call, "output_padding", n, 0)?.unwrap_or(vec![0; n]);
    let wanted = sliding::extents(call, "output_shape", n, 1)?;
    let auto = call.text("auto_pad")?.unwrap_or("NOTSET").to_owned();
    let side = |i: usize| {
        let (slide, size) = (slides.axes[i], sizes[i]);
        let stuffed = (size - 1) * slide.stride + 1;
        let full = stuffed + slide.span() - 1 + more[i];
        let wanted = wanted.as_ref().map(|w| w[i]);
        let wanted = wanted.or_else(|| auto.starts_with("SAME").then(|| size * slide.stride));
        let cut = match wanted {
            Some(wanted) => {
                let total = full as i64 - wanted as i64;
                let half = total.max(0) / 2;
                if auto == "SAME_UPPER" { [half, total - half] } else { [total - half, half] }
            }
            None => slide.pads.map(|p| p as i64),
        };
        let edge = slide.span() as i64 - 1;
        let (before, behind) = (edge - cut[0], edge - cut[1] + more[i] as i64);
        if -before >= stuffed as i64 || -behind >= stuffed as i64 {
            return Err(format!("its pads {cut:?} leave nothing of {full} values"));
        }
        Ok(Stuffed { slide, values: stuffed as i64, start: -before, end: stuffed as i64 + behind })
    };
    (0..n).map(side).collect()
}
