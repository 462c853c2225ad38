//! Concatenation.

use super::super::{
    call::Call,
    value::{Constant, Map, Numbers, Value, axis, joined},
};
use crate::{base::geom::Axis, nn::op::Concat};

/// `Concat` of maps along their channels.
pub(in super::super) fn channels(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let maps = (0..call.count()).map(|k| call.map(k)).collect::<Result<Vec<Map>, String>>()?;
    let first = maps.first().ok_or("it has no inputs")?.clone();
    if maps.len() == 1 {
        return Ok(Value::Map(first));
    }
    let given = call.int("axis")?.ok_or("attribute `axis` is missing")?;
    let along = axis(given, first.rank())?;
    if !first.batched || first.axis(along) != Some(Axis::Channel) {
        return Err(format!(
            "axis {given} of dimensions {} is not the channels, and no other is supported",
            joined(&first.dims)
        ));
    }
    let mut dims = first.dims.clone();
    for map in &maps[1..] {
        let same = |a: usize| a == along || map.dims[a] == first.dims[a];
        if map.rank() != first.rank() || !(0..first.rank()).all(same) {
            let (a, b) = (joined(&first.dims), joined(&map.dims));
            return Err(format!("inputs of dimensions {a} and {b} do not fit together"));
        }
        dims[along] += map.dims[along];
    }
    call.push(Concat::new(), &maps, dims)
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
