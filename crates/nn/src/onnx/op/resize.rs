//! Resizing: values between others, along each axis alone.

use super::super::{
    call::Call,
    kind::Kind,
    value::{Map, Value, axis, joined},
};
use crate::op::{List, Taps};

/// Longest axis that is made.
const MAX_SIZE: f64 = (1 << 20) as f64;

/// Where a value of the output lies among those of the input.
#[derive(Clone, Copy, PartialEq)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfHalfPixel,
    Crop,
}

impl Coordinates {
    fn of(name: &str) -> Result<Coordinates, String> {
        Ok(match name {
            "half_pixel" => Coordinates::HalfPixel,
            "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
            "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
            "align_corners" => Coordinates::AlignCorners,
            "asymmetric" => Coordinates::Asymmetric,
            "tf_half_pixel_for_nn" => Coordinates::TfHalfPixel,
            "tf_crop_and_resize" => Coordinates::Crop,
            _ => {
                return Err(format!(
                    "attribute `coordinate_transformation_mode` is `{name}`, which is not known"
                ));
            }
        })
    }
}

/// How values between others are found.
#[derive(Clone, Copy)]
enum Mode {
    Nearest(Nearest),
    Linear,
    Cubic { a: f32, exclude: bool },
}

/// Which of two neighbours is nearest.
#[derive(Clone, Copy)]
enum Nearest {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

impl Nearest {
    fn of(name: &str) -> Result<Nearest, String> {
        Ok(match name {
            "round_prefer_floor" => Nearest::PreferFloor,
            "round_prefer_ceil" => Nearest::PreferCeil,
            "floor" => Nearest::Floor,
            "ceil" => Nearest::Ceil,
            _ => return Err(format!("attribute `nearest_mode` is `{name}`, which is not known")),
        })
    }

    fn round(self, x: f32) -> f32 {
        match self {
            Nearest::PreferFloor if (x - x.floor()).to_bits() == 0.5f32.to_bits() => x.floor(),
            Nearest::PreferFloor | Nearest::PreferCeil => (x + 0.5).floor(),
            Nearest::Floor => x.floor(),
            Nearest::Ceil => x.ceil(),
        }
    }
}

/// One axis of a resizing.
#[derive(Clone, Copy)]
struct Side {
    from: usize,
    to: usize,
    scale: f32,
    /// The part that is cropped first, from 0 to 1.
    part: [f32; 2],
}

impl Side {
    /// Where value `i` of the output lies, in the arithmetic of onnxruntime.
    fn place(&self, place: Coordinates, i: usize) -> f32 {
        let (x, from, to) = (i as f32, self.from as f32, self.to as f32);
        match place {
            Coordinates::HalfPixel => (x + 0.5) / self.scale - 0.5,
            Coordinates::PytorchHalfPixel if self.to > 1 => (x + 0.5) / self.scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = to / (self.scale * from);
                from / 2.0 * (1.0 - adjustment) + (x + 0.5) / self.scale - 0.5
            }
            Coordinates::AlignCorners if self.to > 1 => x * (from - 1.0) / (to - 1.0),
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners => 0.0,
            Coordinates::Asymmetric => x / self.scale,
            Coordinates::TfHalfPixel => (x + 0.5) / self.scale,
            Coordinates::Crop => {
                let [start, end] = self.part;
                if self.to > 1 {
                    start * (from - 1.0) + x * (end - start) * (from - 1.0) / (to - 1.0)
                } else {
                    0.5 * (start + end) * (from - 1.0)
                }
            }
        }
    }

    /// The sums that make up each value of the output.
    fn taps(&self, place: Coordinates, mode: Mode) -> Result<Vec<Taps>, String> {
        let last = self.from - 1;
        let inside = |x: f32| (x.max(0.0) as usize).min(last);
        let of = |i: usize| -> Result<Taps, String> {
            let x = self.place(place, i);
            if place == Coordinates::Crop && !(0.0..=last as f32).contains(&x) {
                return Err("it resizes a part that reaches over the map's edge".to_owned());
            }
            Ok(match mode {
                Mode::Nearest(nearest) => vec![(inside(nearest.round(x)), 1.0)],
                Mode::Linear => {
                    let x = x.clamp(0.0, last as f32);
                    let (below, above) = (inside(x), (inside(x) + 1).min(last));
                    let weight = x - below as f32;
                    vec![(below, 1.0 - weight), (above, weight)]
                }
                Mode::Cubic { a, exclude } => self.cubic(x, a, exclude),
            })
        };
        (0..self.to).map(of).map(|taps| taps.map(merged)).collect()
    }

    /// Four neighbours by cubic convolution (Keys 1981). Those over the edge are the outermost value, or
    /// left out.
    fn cubic(&self, x: f32, a: f32, exclude: bool) -> Taps {
        let (first, last) = (x.floor() as i64 - 1, self.from as i64 - 1);
        let weight = |i: i64| {
            let d = (x - i as f32).abs();
            if d <= 1.0 {
                ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
            } else {
                ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
            }
        };
        let all = (first..first + 4).map(|i| (i, weight(i)));
        let taps: Vec<(i64, f32)> =
            all.filter(|(i, _)| !exclude || (0..=last).contains(i)).collect();
        let sum: f32 = if exclude { taps.iter().map(|(_, w)| w).sum() } else { 1.0 };
        taps.into_iter().map(|(i, w)| (i.clamp(0, last) as usize, w / sum)).collect()
    }
}

/// Weights of one index added up, those of nothing left out.
fn merged(taps: Taps) -> Taps {
    let mut all: Taps = vec![];
    for (i, weight) in taps {
        match all.iter_mut().find(|(j, _)| *j == i) {
            Some((_, sum)) => *sum += weight,
            None => all.push((i, weight)),
        }
    }
    all.retain(|(_, weight)| *weight != 0.0);
    all
}

/// `Resize`.
pub(in super::super) fn resize(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    if call.flag("antialias", false)? {
        return Err(
            "attribute `antialias` is 1, which is not supported; resize pictures before the \
                    network instead"
                .to_owned(),
        );
    }
    if call.opset() < 11 {
        return upsample(call);
    }
    let place =
        Coordinates::of(call.text("coordinate_transformation_mode")?.unwrap_or("half_pixel"))?;
    let mode = match call.text("mode")?.unwrap_or("nearest") {
        "nearest" => {
            Mode::Nearest(Nearest::of(call.text("nearest_mode")?.unwrap_or("round_prefer_floor"))?)
        }
        "linear" => Mode::Linear,
        "cubic" => Mode::Cubic {
            a: call.finite("cubic_coeff_a", -0.75)?,
            exclude: call.flag("exclude_outside", false)?,
        },
        other => return Err(format!("attribute `mode` is `{other}`, which is not known")),
    };
    let axes = match call.ints("axes")? {
        Some(axes) => axes.iter().map(|a| axis(*a, map.rank())).collect::<Result<Vec<_>, _>>()?,
        None => (0..map.rank()).collect(),
    };
    if (1..axes.len()).any(|k| axes[..k].contains(&axes[k])) {
        return Err(format!("its axes {axes:?} repeat"));
    }
    let (scales, sizes) = (floats(call, 2)?, call.optional_ints(3)?);
    let parts = if place == Coordinates::Crop { floats(call, 1)? } else { None };
    let mut sides = match (scales.filter(|s| !s.is_empty()), sizes.filter(|s| !s.is_empty())) {
        (Some(scales), None) => scaled(&map, &axes, &scales)?,
        (None, Some(sizes)) => sized(call, &map, &axes, &sizes)?,
        _ => return Err("it needs either scales or sizes".to_owned()),
    };
    if let Some(parts) = parts {
        let n = axes.len();
        if parts.len() != 2 * n {
            return Err(format!("its `roi` has {} values for {n} axes", parts.len()));
        }
        sides.iter_mut().enumerate().for_each(|(k, side)| side.part = [parts[k], parts[n + k]]);
    }
    resized(call, map, &axes, &sides, place, mode)
}

/// `Upsample`, and `Resize` before opset 11: scales are an attribute before opset 9, an input since.
pub(in super::super) fn upsample(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let scales = match call.floats("scales")? {
        Some(scales) => scales.to_vec(),
        None => floats(call, 1)?.ok_or("its scales are missing")?,
    };
    let mode = match call.text("mode")?.unwrap_or("nearest") {
        "nearest" => Mode::Nearest(Nearest::Floor),
        "linear" | "bilinear" => Mode::Linear,
        other => return Err(format!("attribute `mode` is `{other}`, expected nearest or linear")),
    };
    let axes: Vec<usize> = (0..map.rank()).collect();
    let sides = scaled(&map, &axes, &scales)?;
    resized(call, map, &axes, &sides, Coordinates::Asymmetric, mode)
}

/// Floats that may be absent.
fn floats(call: &Call<'_, '_>, k: usize) -> Result<Option<Vec<f32>>, String> {
    let name = call.input_name(k).to_owned();
    let constant = call.optional_constant(k)?;
    let floats = constant.map(|c| match c.len() {
        0 => Ok(vec![]),
        _ => c.as_floats().map(<[f32]>::to_vec).map_err(|e| format!("input `{name}`: {e}")),
    });
    floats.transpose()
}

fn scaled(map: &Map, axes: &[usize], scales: &[f32]) -> Result<Vec<Side>, String> {
    if scales.len() != axes.len() {
        return Err(format!("it has {} scales for {} axes", scales.len(), axes.len()));
    }
    let side = |(along, scale): (&usize, &f32)| {
        let from = map.dims[*along];
        let to = (from as f32 * scale).floor();
        let fits = (1.0..MAX_SIZE).contains(&f64::from(to));
        if scale.is_nan() || *scale <= 0.0 || !fits {
            return Err(format!("a scale of {scale} for {from} values does not make an axis"));
        }
        Ok(Side { from, to: to as usize, scale: *scale, part: [0.0, 1.0] })
    };
    axes.iter().zip(scales).map(side).collect()
}

fn sized(
    call: &Call<'_, '_>,
    map: &Map,
    axes: &[usize],
    sizes: &[i64],
) -> Result<Vec<Side>, String> {
    let wanted: Option<Vec<usize>> = sizes.iter().map(|s| usize::try_from(*s).ok()).collect();
    let fits = |s: &Vec<usize>| {
        s.len() == axes.len() && s.iter().all(|s| (1.0..MAX_SIZE).contains(&(*s as f64)))
    };
    let mut wanted = wanted
        .filter(fits)
        .ok_or_else(|| format!("its sizes {sizes:?} do not fit {}", joined(&map.dims)))?;
    if axes.len() == map.rank() {
        call.sizes_for_one(&mut wanted);
    }
    let scale = |(along, to): (&usize, &usize)| *to as f32 / map.dims[*along] as f32;
    let mut scales: Vec<f32> = axes.iter().zip(&wanted).map(scale).collect();
    let kept = match call.text("keep_aspect_ratio_policy")?.unwrap_or("stretch") {
        "stretch" => None,
        "not_larger" => scales.iter().copied().reduce(f32::min),
        "not_smaller" => scales.iter().copied().reduce(f32::max),
        other => {
            return Err(format!(
                "attribute `keep_aspect_ratio_policy` is `{other}`, which is not known"
            ));
        }
    };
    if let Some(kept) = kept {
        let rounded = |along: &usize| (kept * map.dims[*along] as f32 + 0.5).floor();
        wanted = axes.iter().map(|a| rounded(a).clamp(1.0, MAX_SIZE as f32) as usize).collect();
        scales.fill(kept);
    }
    let side = |((along, to), scale): ((&usize, usize), f32)| Side {
        from: map.dims[*along],
        to,
        scale,
        part: [0.0, 1.0],
    };
    Ok(axes.iter().zip(wanted).zip(scales).map(side).collect())
}

fn resized(
    call: &mut Call<'_, '_>,
    mut map: Map,
    axes: &[usize],
    sides: &[Side],
    place: Coordinates,
    mode: Mode,
) -> Result<Value, String> {
    let mut lists: Vec<Option<List>> = vec![None; map.rank()];
    for (along, side) in axes.iter().zip(sides) {
        // taps of an axis: the index, its weight and the list that holds them
        call.room_for_list(side.to.saturating_mul(4))?;
        let taps = side.taps(place, mode)?;
        let same =
            side.from == side.to && taps.iter().enumerate().all(|(i, taps)| taps[..] == [(i, 1.0)]);
        if same {
            continue;
        }
        let single = |taps: &Taps| matches!(taps[..], [(_, w)] if w.to_bits() == 1f32.to_bits());
        if taps.iter().all(single) {
            lists[*along] = Some(taps.iter().map(|taps| Some(taps[0].0)).collect());
        } else {
            if call.kind(0) == Kind::Byte {
                let name = call.name();
                call.note(format!("`{name}` (Resize) gives fractions here, bytes in the file"));
            }
            map = call.resampled(&map, *along, taps)?;
        }
    }
    if lists.iter().any(Option::is_some) {
        map = call.pick(&map, lists, 0.0)?;
    }
    Ok(Value::Map(map))
}
