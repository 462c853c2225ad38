//! Concatenation.

use super::super::{
    call::Call,
    value::{Constant, Map, Numbers, PICTURE, Value, axis, joined},
};
use crate::{
    base::geom::{Axis, Shape},
    op::Concat,
};

/// `Concat` of maps, or of maps and constants.
pub(in super::super) fn maps(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let all = (0..call.count()).filter(|k| !is_empty(call, *k)).collect::<Vec<_>>();
    let all = all.into_iter().map(|k| call.any(k)).collect::<Result<Vec<Map>, String>>()?;
    let first = all.first().ok_or("it has no inputs")?;
    let given = call.int("axis")?.ok_or("attribute `axis` is missing")?;
    let along = axis(given, first.rank())?;
    together(call, &all, along).map(Value::Map)
}

/// Maps side by side along an axis.
pub(super) fn together(call: &mut Call<'_, '_>, all: &[Map], along: usize) -> Result<Map, String> {
    let first = all.first().ok_or("it has no inputs")?;
    if all.len() == 1 {
        return Ok(first.clone());
    }
    let mut dims = first.dims.clone();
    for map in &all[1..] {
        let same = |a: usize| a == along || map.dims[a] == dims[a];
        if map.rank() != dims.len() || !(0..dims.len()).all(same) {
            let (a, b) = (joined(&first.dims), joined(&map.dims));
            return Err(format!("inputs of dimensions {a} and {b} do not fit together"));
        }
        dims[along] += map.dims[along];
    }
    let largest = all.iter().max_by_key(|map| map.order.len());
    let order = largest.map(Map::full_order).unwrap_or_default();
    let (op, shapes) = side_by_side(all, &order, along);
    let parts = all.iter().zip(shapes).map(|(map, shape)| call.arranged(map, &order, shape));
    let parts = parts.collect::<Result<Vec<Map>, String>>()?;
    call.push(op, &parts.iter().collect::<Vec<_>>(), dims, &order)
}

/// True for a constant without values.
fn is_empty(call: &Call<'_, '_>, k: usize) -> bool {
    matches!(call.optional(k), Some(Value::Constant(c)) if c.len() == 0)
}

/// How maps whose memory is in `order` stand side by side along an axis: pictures as pictures, others
/// with the axes before it as rows and those behind it as channels.
fn side_by_side(maps: &[Map], order: &[usize], along: usize) -> (Concat, Vec<Shape>) {
    if *order == PICTURE && along > 0 {
        let picture = |map: &Map| Shape::new(map.dims[1], map.dims[2], map.dims[3]);
        let op = Concat::along(Axis::ALL[along - 1]);
        return (op, maps.iter().map(picture).collect());
    }
    let at = order.iter().position(|a| *a == along).unwrap_or_default();
    let (before, behind) = (&order[..at], &order[at + 1..]);
    let shape = |map: &Map| {
        let size = |axes: &[usize]| map.sizes(axes).iter().product::<usize>();
        match (size(before), size(behind)) {
            (1, c) => Shape::new(c, map.dims[along], 1),
            (h, 1) => Shape::new(map.dims[along], h, 1),
            (h, c) => Shape::new(c, h, map.dims[along]),
        }
    };
    let size = |axes: &[usize]| maps[0].sizes(axes).iter().product::<usize>();
    let op = match (size(before), size(behind)) {
        (1, _) => Axis::Row,
        (_, 1) => Axis::Channel,
        _ => Axis::Column,
    };
    (Concat::along(op), maps.iter().map(shape).collect())
}

/// `Concat` of constants along any axis.
pub(in super::super) fn constants(call: &mut Call<'_, '_>) -> Result<Constant, String> {
    let parts = (0..call.count()).map(|k| call.constant(k)).collect::<Result<Vec<_>, _>>()?;
    let first = parts.first().ok_or("it has no inputs")?;
    let given = call.int("axis")?.ok_or("attribute `axis` is missing")?;
    let along = axis(given, first.dims().len())?;
    let mut dims = first.dims().to_vec();
    for part in &parts[1..] {
        let same = |a: usize| a == along || part.dims()[a] == dims[a];
        if part.dims().len() != dims.len() || !(0..dims.len()).all(same) {
            return Err(format!(
                "{} and {} do not fit together",
                joined(&dims),
                joined(part.dims())
            ));
        }
        dims[along] += part.dims()[along];
    }
    call.charge(&dims)?;
    let outer: usize = dims[..along].iter().product();
    let numbers = match first.numbers() {
        Numbers::Int(_) => {
            let all = parts.iter().map(|p| p.as_ints()).collect::<Result<Vec<_>, _>>()?;
            Numbers::Int(interleaved(&all, outer))
        }
        Numbers::Float(_) => {
            let all = parts.iter().map(|p| p.as_floats()).collect::<Result<Vec<_>, _>>()?;
            Numbers::Float(interleaved(&all, outer))
        }
    };
    Constant::new(dims, numbers)
}

/// `outer` times: the next share of each part.
fn interleaved<T: Copy>(parts: &[&[T]], outer: usize) -> Vec<T> {
    let share = |part: &&[T], i: usize| {
        let n = part.len() / outer;
        part[i * n..(i + 1) * n].to_vec()
    };
    (0..outer).flat_map(|i| parts.iter().flat_map(move |p| share(p, i))).collect()
}
