//! Einstein sums of two tensors, as products of matrices.

use super::{
    super::{
        call::Call,
        value::{Map, Value, joined},
    },
    dense,
};

/// What an equation says, one letter per axis.
struct Equation {
    inputs: Vec<Vec<u8>>,
    output: Vec<u8>,
}

impl Equation {
    fn of(text: &str, operands: usize) -> Result<Equation, String> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let unfit = |why: &str| format!("its equation `{text}` {why}");
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
            None => (text.clone(), None),
        };
        let inputs: Vec<Vec<u8>> = left.split(',').map(|i| i.as_bytes().to_vec()).collect();
        let letters = |axes: &[u8]| axes.iter().all(u8::is_ascii_alphabetic);
        if inputs.len() != operands || !inputs.iter().all(|i| letters(i)) {
            return Err(unfit(
                "is not understood, expected one letter per axis, as in `bij,bjk->bik`",
            ));
        }
        let output = right.map_or_else(|| implicit(&inputs), String::into_bytes);
        let equation = Equation { inputs, output };
        let once = |axes: &[u8]| axes.iter().all(|l| times(axes, *l) == 1);
        if !equation.inputs.iter().all(|i| once(i)) || !once(&equation.output) {
            return Err(unfit("names an axis twice, which is not supported"));
        }
        if !equation.output.iter().all(|l| equation.inputs.iter().any(|i| i.contains(l))) {
            return Err(unfit("has axes in its output that no input has"));
        }
        Ok(equation)
    }
}

/// How often an axis is named.
fn times(axes: &[u8], letter: u8) -> usize {
    axes.iter().map(|l| usize::from(*l == letter)).sum()
}

/// The axes that occur once, in the order of the alphabet.
fn implicit(inputs: &[Vec<u8>]) -> Vec<u8> {
    let all = inputs.concat();
    let mut once: Vec<u8> = all.iter().copied().filter(|l| times(&all, *l) == 1).collect();
    once.sort_unstable();
    once
}

/// `Einsum` of two tensors, of which one at least is a map.
pub(in super::super) fn einsum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let text = call.text("equation")?.ok_or("attribute `equation` is missing")?.to_owned();
    let equation = Equation::of(&text, call.count())?;
    let [left, right] = &equation.inputs[..] else {
        let count = call.count();
        return Err(format!("it has {count} inputs, supported are two"));
    };
    let (a, b) = (call.any(0)?, call.any(1)?);
    for (map, axes) in [(&a, left), (&b, right)] {
        if map.rank() != axes.len() {
            return Err(format!("{} does not fit its equation `{text}`", joined(&map.dims)));
        }
    }
    let out = &equation.output;
    let of = |axes: &[u8], other: &[u8], kept: bool, shared: bool| -> Vec<u8> {
        let is = |l: &&u8| out.contains(l) == kept && other.contains(l) == shared;
        axes.iter().filter(is).copied().collect()
    };
    if !of(left, right, false, false).is_empty() || !of(right, left, false, false).is_empty() {
        return Err(format!("its equation `{text}` sums over an axis of one input alone"));
    }
    let (stack, inner) = (of(left, right, true, true), of(left, right, false, true));
    let (rows, columns) = (of(left, right, true, false), of(right, left, true, false));
    let size = |letter: u8| {
        let at = |axes: &[u8]| axes.iter().position(|l| *l == letter);
        at(left).map_or_else(|| at(right).map_or(1, |i| b.dims[i]), |i| a.dims[i])
    };
    let agree = |l: &u8| right.iter().position(|m| m == l).is_none_or(|i| b.dims[i] == size(*l));
    if !left.iter().all(agree) {
        let (a, b) = (joined(&a.dims), joined(&b.dims));
        return Err(format!("inputs of {a} and {b} do not fit its equation `{text}`"));
    }
    let sizes = |letters: &[u8]| letters.iter().map(|l| size(*l)).collect::<Vec<usize>>();
    let count = |letters: &[u8]| sizes(letters).iter().product::<usize>();
    let matrices = |call: &mut Call<'_, '_>, map: &Map, axes: &[u8], parts: [&[u8]; 3]| {
        let order = parts.concat();
        let place = |l: &u8| axes.iter().position(|m| m == l);
        let order: Vec<usize> = order.iter().filter_map(place).collect();
        call.reshape(&map.transposed(&order), parts.map(&count).to_vec())
    };
    let a = matrices(call, &a, left, [&stack, &rows, &inner])?;
    let b = matrices(call, &b, right, [&stack, &inner, &columns])?;
    let product = dense::product(call, &a, &b)?;
    let letters = [&stack[..], &rows, &columns].concat();
    let product = call.reshape(&product, sizes(&letters))?;
    let place = |l: &u8| letters.iter().position(|m| m == l);
    let order: Vec<usize> = out.iter().filter_map(place).collect();
    Ok(Value::Map(product.transposed(&order)))
}
