//! Padding.

use super::super::{
    call::Call,
    value::{PICTURE, Value, axis},
};
use crate::{
    base::geom::Shape,
    op::{List, Pad},
};

/// Largest padding: far above any in use, far below overflow.
const MAX_PAD: u64 = 1 << 16;

/// `Pad` along any axes. Sizes and value are attributes before opset 11,
/// inputs since.
pub(in super::super) fn pad(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let map = call.map(0)?;
    let (pads, value) = if call.opset() < 11 {
        (call.ints("pads")?.map(<[i64]>::to_vec), call.float("value")?)
    } else {
        (call.optional_ints(1)?, call.optional_scalar(2)?)
    };
    let pads = pads.ok_or("its sizes `pads` are missing")?;
    let axes = match call.optional_ints(3)? {
        Some(axes) => axes.iter().map(|a| axis(*a, map.rank())).collect::<Result<_, _>>()?,
        None => (0..map.rank()).collect::<Vec<usize>>(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("it has {} sizes for {} axes", pads.len(), axes.len()));
    }
    if pads.iter().all(|p| *p == 0) {
        return Ok(Value::Map(map));
    }
    let mode = Mode::of(call.text("mode")?.unwrap_or("constant"))?;
    if let Some(large) = pads.iter().find(|p| p.unsigned_abs() > MAX_PAD) {
        return Err(format!("a size is {large}, expected at most {MAX_PAD}"));
    }
    let sides = |along: usize| -> [i64; 2] {
        let of =
            |k: usize| axes.iter().position(|a| *a == along).map(|at| pads[k * axes.len() + at]);
        [of(0).unwrap_or(0), of(1).unwrap_or(0)]
    };
    let value = value.unwrap_or(0.0);
    if let (Mode::Constant, &[1, c, h, w]) = (mode, &map.dims[..])
        && let Some(border) = border(sides)
    {
        let map = call.arranged(&map, &PICTURE, Shape::new(c, h, w))?;
        return call.push_image(Pad::new(border, value), &map);
    }
    let mut lists = vec![None; map.rank()];
    for (along, list) in lists.iter_mut().enumerate().filter(|(a, _)| sides(*a) != [0, 0]) {
        let sides = sides(along);
        call.room_for_list(
            map.dims[along] + sides.map(|p| p.max(0) as usize).iter().sum::<usize>(),
        )?;
        *list = Some(mode.list(map.dims[along], sides)?);
    }
    call.pick(&map, lists, value).map(Value::Map)
}

/// The border of a picture, where nothing else is padded and nothing cut off.
fn border(sides: impl Fn(usize) -> [i64; 2]) -> Option<[usize; 4]> {
    let [[top, bottom], [left, right]] = [sides(2), sides(3)];
    let within = sides(0) == [0, 0] && sides(1) == [0, 0];
    let border = [top, left, bottom, right];
    (within && border.iter().all(|p| *p >= 0)).then(|| border.map(|p| p as usize))
}

/// What stands around a tensor.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// One value.
    Constant,
    /// The values mirrored at the outermost one.
    Reflect,
    /// The outermost value.
    Edge,
    /// The values again from the other side.
    Wrap,
}

impl Mode {
    fn of(name: &str) -> Result<Mode, String> {
        match name {
            "constant" => Ok(Mode::Constant),
            "reflect" => Ok(Mode::Reflect),
            "edge" => Ok(Mode::Edge),
            "wrap" => Ok(Mode::Wrap),
            _ => {
                Err(format!("mode `{name}` is not known, expected constant, reflect, edge or wrap"))
            }
        }
    }

    /// The indices of an axis of size `n` with `sides` more values before and behind it; negative sizes
    /// cut off.
    fn list(self, n: usize, [before, behind]: [i64; 2]) -> Result<List, String> {
        let n = n as i64;
        if self == Mode::Reflect && before.max(behind) >= n {
            return Err(format!("{} mirrored values of {n} are too many", before.max(behind)));
        }
        let index = |i: i64| match self {
            _ if (0..n).contains(&i) => Some(i),
            Mode::Constant => None,
            Mode::Reflect => Some(if i < 0 { -i } else { 2 * n - 2 - i }),
            Mode::Edge => Some(i.clamp(0, n - 1)),
            Mode::Wrap => Some(i.rem_euclid(n)),
        };
        Ok((-before..n + behind).map(|i| index(i).map(|i| i as usize)).collect())
    }
}
