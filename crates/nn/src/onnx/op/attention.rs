//! Attention as one operator: products of queries, keys and values.

use super::{
    super::{
        call::Call,
        value::{Constant, Map, Numbers, Value, joined},
    },
    arithmetic, dense,
};
use crate::op::{Add, Affine, Cpu, Function, Softmax, Unary};

/// `Attention` of ONNX: queries, keys and values of dimensions `(N, heads, tokens, features)`, or
/// `(N, tokens, heads * features)`.
pub(in super::super) fn attention(call: &mut Call<'_, '_>) -> Result<Value, String> {
    if (4..call.count()).any(|k| call.optional(k).is_some()) {
        return Err(
            "it reads keys and values of earlier tokens, as a language model does".to_owned()
        );
    }
    let [q, k, v] = [call.any(0)?, call.any(1)?, call.any(2)?];
    let flat = q.rank() == 3;
    let heads = |call: &Call<'_, '_>, name: &str| -> Result<usize, String> {
        let given = call.int(name)?.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        given.ok_or_else(|| format!("attribute `{name}` is missing or not positive"))
    };
    let [q, k, v] = if flat {
        let (of_q, of_kv) = (heads(call, "q_num_heads")?, heads(call, "kv_num_heads")?);
        [split(call, &q, of_q)?, split(call, &k, of_kv)?, split(call, &v, of_kv)?]
    } else {
        [q, k, v]
    };
    let softcap = call.finite("softcap", 0.0)?;
    let causal = call.flag("is_causal", false)?;
    if softcap != 0.0 && (causal || call.optional(3).is_some()) {
        return Err("its `softcap` beside a mask is not supported".to_owned());
    }
    let mut terms = vec![];
    if call.optional(3).is_some() {
        terms.push(mask(call, 3)?);
    }
    let heads = Heads { q, k, v };
    let scale = call.float("scale")?.filter(|s| *s != 0.0);
    let out = heads.attend(call, scale, softcap, causal, terms)?;
    if flat { merge(call, &out).map(Value::Map) } else { Ok(Value::Map(out)) }
}

/// `MultiHeadAttention` of onnxruntime: `(N, tokens, heads * features)` each, a bias for all three, and
/// a summand of the products.
pub(in super::super) fn multi_head(call: &mut Call<'_, '_>) -> Result<Value, String> {
    if [4, 6, 7, 8, 9].iter().any(|k| call.optional(*k).is_some()) {
        return Err(
            "it has a padding mask or keys of earlier tokens, which is not supported".to_owned()
        );
    }
    let mut maps = [call.any(0)?, call.any(1)?, call.any(2)?];
    if let Some(bias) = call.optional_constant(3)? {
        let values = bias.as_floats()?.to_vec();
        let mut from = 0;
        for map in &mut maps {
            let n = map.dims.last().copied().unwrap_or(1);
            let own = values.get(from..from + n).ok_or("its bias is too short")?;
            from += n;
            *map = plus(call, map, own.to_vec())?;
        }
    }
    let terms = call.optional(5).cloned().into_iter().collect();
    of_heads(call, maps, terms)
}

/// `Attention` of onnxruntime: one product for queries, keys and values together.
pub(in super::super) fn packed(call: &mut Call<'_, '_>) -> Result<Value, String> {
    if [3, 4, 6].iter().any(|k| call.optional(*k).is_some())
        || call.int("do_rotary")?.unwrap_or(0) != 0
    {
        return Err("it has a mask or keys of earlier tokens, which is not supported".to_owned());
    }
    let sizes = call.ints("qkv_hidden_sizes")?.map(<[i64]>::to_vec);
    let (bias, term) = (call.optional(2).cloned(), call.optional(5).cloned());
    let (x, w) = (call.input(0)?.clone(), call.input(1)?.clone());
    call.set_inputs(vec![(0, Some(x)), (1, Some(w))]);
    let mut all = dense::matmul(call)?;
    if let Some(bias) = bias {
        call.set_inputs(vec![(0, Some(all)), (2, Some(bias))]);
        all = arithmetic::add(call)?;
    }
    let Value::Map(all) = all else { return Err("its input is constant".to_owned()) };
    let [_, _, n] = all.dims[..] else { return Err(format!("it gives {}", joined(&all.dims))) };
    let sizes: Vec<usize> = match sizes {
        Some(sizes) => sizes.iter().map(|s| usize::try_from(*s).unwrap_or(0)).collect(),
        None => vec![n / 3; 3],
    };
    if sizes.len() != 3 || sizes.iter().try_fold(0usize, |n, s| n.checked_add(*s)) != Some(n) {
        return Err(format!("its parts {sizes:?} do not make up {n} features"));
    }
    let mut from = 0;
    let mut part = |call: &mut Call<'_, '_>, size: usize| {
        let list = (from..from + size).map(Some).collect();
        from += size;
        call.pick(&all, vec![None, None, Some(list)], 0.0)
    };
    let maps = [part(call, sizes[0])?, part(call, sizes[1])?, part(call, sizes[2])?];
    of_heads(call, maps, term.into_iter().collect())
}

fn of_heads(call: &mut Call<'_, '_>, maps: [Map; 3], terms: Vec<Value>) -> Result<Value, String> {
    let heads = call.int("num_heads")?.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let heads = heads.ok_or("attribute `num_heads` is missing or not positive")?;
    let causal = call.int("unidirectional")?.unwrap_or(0) != 0;
    let scale = call.float("scale")?.filter(|s| *s != 0.0);
    let [q, k, v] = maps;
    let heads = Heads {
        q: split(call, &q, heads)?,
        k: split(call, &k, heads)?,
        v: split(call, &v, heads)?,
    };
    let out = heads.attend(call, scale, 0.0, causal, terms)?;
    merge(call, &out).map(Value::Map)
}

/// `(N, tokens, heads * features)` as `(N, heads, tokens, features)`.
fn split(call: &mut Call<'_, '_>, map: &Map, heads: usize) -> Result<Map, String> {
    match map.dims[..] {
        [n, tokens, all] if all.is_multiple_of(heads) => {
            let parts = call.reshape(map, vec![n, tokens, heads, all / heads])?;
            Ok(parts.transposed(&[0, 2, 1, 3]))
        }
        _ => Err(format!("{} cannot be split into {heads} heads", joined(&map.dims))),
    }
}

/// The way back from [`split`].
fn merge(call: &mut Call<'_, '_>, map: &Map) -> Result<Map, String> {
    let turned = map.transposed(&[0, 2, 1, 3]);
    let [n, tokens, heads, features] = turned.dims[..] else {
        return Err(format!("{} are no heads", joined(&map.dims)));
    };
    call.reshape(&turned, vec![n, tokens, heads * features])
}

/// Queries, keys and values of all heads.
struct Heads {
    q: Map,
    k: Map,
    v: Map,
}

impl Heads {
    /// `softmax(scale Q K^T + terms) V`; the scale is that of Vaswani et al. 2017 where none is given.
    fn attend(
        self,
        call: &mut Call<'_, '_>,
        scale: Option<f32>,
        softcap: f32,
        causal: bool,
        terms: Vec<Value>,
    ) -> Result<Map, String> {
        let Heads { q, k, v } = self;
        let ([_, heads, rows, features], [_, of_k, columns, _]) = (&q.dims[..], &k.dims[..]) else {
            return Err(format!("{} and {} are no heads", joined(&q.dims), joined(&k.dims)));
        };
        let (heads, rows, columns) = (*heads, *rows, *columns);
        let scale = scale.unwrap_or(1.0 / (*features as f32).sqrt());
        if *of_k == 0 || !heads.is_multiple_of(*of_k) {
            return Err(format!("{heads} heads of queries do not share {of_k} of keys"));
        }
        let (k, v) = (repeated(call, &k, heads)?, repeated(call, &v, heads)?);
        let mut scores = dense::product(call, &q, &k.transposed(&[0, 1, 3, 2]))?;
        scores = like(call, Affine::new("Mul", vec![scale], vec![0.0]), &scores)?;
        if causal {
            let constant = triangle(call, rows, columns)?;
            scores = added(call, scores, Value::Constant(constant.into()))?;
        }
        for term in terms {
            scores = added(call, scores, term)?;
        }
        if softcap != 0.0 {
            let inner = Affine::new("Mul", vec![1.0 / softcap], vec![0.0]);
            scores = like(call, inner, &scores)?;
            scores = like(call, Unary::new(Function::Tanh), &scores)?;
            scores = like(call, Affine::new("Mul", vec![softcap], vec![0.0]), &scores)?;
        }
        let last = scores.rank() - 1;
        let scores = call.with_channels(&scores, &[last])?;
        let weights = like(call, Softmax::new(), &scores)?;
        dense::product(call, &weights, &v)
    }
}

fn like(call: &mut Call<'_, '_>, op: impl Cpu, map: &Map) -> Result<Map, String> {
    match call.push_like(op, map)? {
        Value::Map(map) => Ok(map),
        Value::Constant(_) => Err("its input is constant".to_owned()),
    }
}

/// Each head as often as it is needed for `heads` in all.
fn repeated(call: &mut Call<'_, '_>, map: &Map, heads: usize) -> Result<Map, String> {
    let [_, own, _, _] = map.dims[..] else {
        return Err(format!("{} are no heads", joined(&map.dims)));
    };
    if own == heads {
        return Ok(map.clone());
    }
    if own == 0 || !heads.is_multiple_of(own) {
        return Err(format!("{heads} heads do not share {own}"));
    }
    let list = (0..heads).map(|h| Some(h / (heads / own))).collect();
    call.pick(map, vec![None, Some(list), None, None], 0.0)
}

fn added(call: &mut Call<'_, '_>, map: Map, term: Value) -> Result<Map, String> {
    let term = match term {
        Value::Map(term) => term,
        Value::Constant(_) => {
            call.set_inputs(vec![(0, Some(term))]);
            call.any(0)?
        }
    };
    match arithmetic::maps(call, Add::new(vec![1.0, 1.0]), map, term)? {
        Value::Map(map) => Ok(map),
        Value::Constant(_) => Err("its inputs are constant".to_owned()),
    }
}

/// A map with one number added per feature.
fn plus(call: &mut Call<'_, '_>, map: &Map, bias: Vec<f32>) -> Result<Map, String> {
    let last = map.rank() - 1;
    let map = call.with_channels(map, &[last])?;
    like(call, Affine::new("Add", vec![1.0; bias.len()], bias), &map)
}

/// 0 where a token may look at another, minus infinity where that comes later.
fn triangle(call: &mut Call<'_, '_>, rows: usize, columns: usize) -> Result<Constant, String> {
    call.charge(&[rows, columns])?;
    let term = |at: usize| if at % columns > at / columns { f32::NEG_INFINITY } else { 0.0 };
    Constant::new(vec![rows, columns], Numbers::Float((0..rows * columns).map(term).collect()))
}

/// A mask as a summand: numbers as they are; of truth values, minus infinity where one is false.
fn mask(call: &mut Call<'_, '_>, k: usize) -> Result<Value, String> {
    match call.input(k)?.clone() {
        Value::Constant(c) => match c.numbers() {
            Numbers::Float(_) => Ok(Value::Constant(c)),
            Numbers::Int(v) => {
                call.charge(c.dims())?;
                let term = |v: &i64| if *v == 0 { f32::NEG_INFINITY } else { 0.0 };
                let terms = Numbers::Float(v.iter().map(term).collect());
                Ok(Value::Constant(Constant::new(c.dims().to_vec(), terms)?.into()))
            }
        },
        map @ Value::Map(_) => Ok(map),
    }
}
