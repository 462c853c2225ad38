//! Einstein sums of one or two tensors, as products of matrices.

use super::{
    super::{
        call::Call,
        value::{Constant, Map, Value, joined},
    },
    dense, reduce,
};

/// What an equation says, one letter per axis.
struct Equation {
    inputs: Vec<Vec<u8>>,
    output: Vec<u8>,
}

impl Equation {
    /// Reads an equation for inputs of the given numbers of axes.
    fn of(text: &str, ranks: &[usize]) -> Result<Equation, String> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let unfit = |why: &str| format!("its equation `{text}` {why}");
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
            None => (text.clone(), None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != ranks.len() {
            return Err(unfit(&format!("does not fit {} inputs", ranks.len())));
        }
        // axes that dots stand for get letters that are not in use, from the last axis on
        let free: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').collect();
        let free: Vec<u8> = free.into_iter().filter(|l| !text.as_bytes().contains(l)).collect();
        let understood = "is not understood, expected one letter per axis, as in `bij,bjk->bik`";
        let mut dots = 0;
        let mut inputs = vec![];
        for (term, rank) in terms.iter().zip(ranks) {
            let letters = term.replacen("...", "", 1);
            let open =
                if letters.len() == term.len() { Some(0) } else { rank.checked_sub(letters.len()) };
            let open = open.filter(|n| *n <= free.len()).ok_or_else(|| unfit(understood))?;
            dots = dots.max(open);
            inputs.push(filled(term, &free, open));
        }
        let letters = |axes: &[u8]| axes.iter().all(u8::is_ascii_alphabetic);
        let output = match right {
            Some(right) => filled(&right, &free, dots),
            None => [filled("...", &free, dots), implicit(&inputs, &free[..dots])].concat(),
        };
        let equation = Equation { inputs, output };
        if !equation.inputs.iter().all(|i| letters(i)) || !letters(&equation.output) {
            return Err(unfit(understood));
        }
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

/// The letters of a term, its dots replaced by the last `count` of the letters for these.
fn filled(term: &str, free: &[u8], count: usize) -> Vec<u8> {
    let Some((before, behind)) = term.split_once("...") else { return term.as_bytes().to_vec() };
    let own: Vec<u8> = free[..count].iter().rev().copied().collect();
    [before.as_bytes(), &own, behind.as_bytes()].concat()
}

/// How often an axis is named.
fn times(axes: &[u8], letter: u8) -> usize {
    axes.iter().map(|l| usize::from(*l == letter)).sum()
}

/// The axes that occur once, in the order of the alphabet, without those that dots stand for.
fn implicit(inputs: &[Vec<u8>], dots: &[u8]) -> Vec<u8> {
    let all = inputs.concat();
    let is = |l: &u8| times(&all, *l) == 1 && !dots.contains(l);
    let mut once: Vec<u8> = all.iter().copied().filter(is).collect();
    once.sort_unstable();
    once
}

/// `Einsum` of one or two tensors, of which one at least is a map.
pub(in super::super) fn einsum(call: &mut Call<'_, '_>) -> Result<Value, String> {
    let text = call.text("equation")?.ok_or("attribute `equation` is missing")?.to_owned();
    let count = call.count();
    let maps = (0..count).map(|k| call.any(k)).collect::<Result<Vec<Map>, String>>()?;
    let ranks: Vec<usize> = maps.iter().map(Map::rank).collect();
    let Equation { inputs, output } = Equation::of(&text, &ranks)?;
    for (map, axes) in maps.iter().zip(&inputs) {
        if map.rank() != axes.len() {
            return Err(format!("{} does not fit its equation `{text}`", joined(&map.dims)));
        }
    }
    // what one input alone has and the output has not is summed first
    let mut terms = vec![];
    for (k, (map, axes)) in maps.iter().zip(&inputs).enumerate() {
        let others = || inputs.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, axes)| axes);
        let alone = |l: &u8| !output.contains(l) && !others().any(|axes| axes.contains(l));
        terms.push(summed(call, map, axes, alone)?);
    }
    match &terms[..] {
        [(map, axes)] => Ok(Value::Map(map.transposed(&order(axes, &output)))),
        [(a, left), (b, right)] => product(call, &text, (a, &left[..]), (b, &right[..]), &output),
        _ => Err(format!("it has {count} inputs, supported are one or two")),
    }
}

/// A map with some axes summed, and the axes that are left.
fn summed(
    call: &mut Call<'_, '_>,
    map: &Map,
    axes: &[u8],
    gone: impl Fn(&u8) -> bool,
) -> Result<(Map, Vec<u8>), String> {
    let over: Vec<i64> = (0..axes.len()).filter(|i| gone(&axes[*i])).map(|i| i as i64).collect();
    if over.is_empty() {
        return Ok((map.clone(), axes.to_vec()));
    }
    let over = Value::Constant(Constant::ints(over).into());
    call.set_inputs(vec![(0, Some(Value::Map(map.clone()))), (0, Some(over))]);
    let Value::Map(sum) = reduce::sum(call)? else {
        return Err("its inputs are constant".to_owned());
    };
    let left: Vec<usize> = (0..axes.len()).filter(|i| !gone(&axes[*i])).collect();
    let sum = call.reshape(&sum, map.sizes(&left))?;
    Ok((sum, left.into_iter().map(|i| axes[i]).collect()))
}

/// Where the letters of `to` stand among some axes.
fn order(axes: &[u8], to: &[u8]) -> Vec<usize> {
    to.iter().filter_map(|l| axes.iter().position(|m| m == l)).collect()
}

/// Two tensors, whose axes are shared, or in the output, or both.
fn product(
    call: &mut Call<'_, '_>,
    text: &str,
    (a, left): (&Map, &[u8]),
    (b, right): (&Map, &[u8]),
    out: &[u8],
) -> Result<Value, String> {
    let of = |axes: &[u8], other: &[u8], kept: bool, shared: bool| -> Vec<u8> {
        let is = |l: &&u8| out.contains(l) == kept && other.contains(l) == shared;
        axes.iter().filter(is).copied().collect()
    };
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
        let turned = map.transposed(&order(axes, &parts.concat()));
        call.reshape(&turned, parts.map(&count).to_vec())
    };
    let a = matrices(call, a, left, [&stack, &rows, &inner])?;
    let b = matrices(call, b, right, [&stack, &inner, &columns])?;
    let product = dense::product(call, &a, &b)?;
    let letters = [&stack[..], &rows, &columns].concat();
    let product = call.reshape(&product, sizes(&letters))?;
    Ok(Value::Map(product.transposed(&order(&letters, out))))
}
