//! One rule for parallelism inside an operator: on a thread of the pool, where pictures and chains
//! are already spread over the cores, work is done in place; in a pass that was started outside of
//! the pool ([`layers`]) it is split over the pool. So there is never more than one level of
//! parallel loops, and no oversubscription.

use super::aligned::Aligned;
use rayon::prelude::*;
use std::cell::Cell;

/// Less work than this (in multiply-adds or moved floats) is not worth splitting.
const GRAIN: u64 = 1 << 18;

thread_local! {
    /// True on a thread of the pool that walks through the layers of one pass.
    static LAYERS: Cell<bool> = const { Cell::new(false) };
}

/// Calls `pass`, a walk through layers: outside of the pool as one task of it whose layers are
/// split, which saves waking the pool for every layer.
pub fn layers<R: Send>(pass: impl FnOnce() -> R + Send) -> R {
    if rayon::current_thread_index().is_some() {
        return pass();
    }
    rayon::scope(|_| {
        LAYERS.set(true);
        let result = pass();
        LAYERS.set(false);
        result
    })
}

/// True where a loop of that much work is split over the pool.
fn splits(work: u64) -> bool {
    work >= GRAIN && (LAYERS.get() || rayon::current_thread_index().is_none())
}

/// Into how many strips a loop of that much work is best cut: one in place, else a few per core of
/// a usual machine.
pub fn strips(work: u64) -> usize {
    const STRIPS: usize = 8;
    if splits(work) { STRIPS } else { 1 }
}

/// Calls `body(i, chunk)` for the consecutive chunks of `chunk` floats of `out` (the last may be
/// shorter). `work` is the cost of the whole, in multiply-adds. The chunking is the caller's and
/// does not depend on the number of threads.
pub fn for_chunks(
    out: &mut [f32],
    chunk: usize,
    work: u64,
    body: impl Fn(usize, &mut [f32]) + Sync,
) {
    if splits(work) {
        out.par_chunks_mut(chunk).enumerate().for_each(|(i, c)| body(i, c));
    } else {
        out.chunks_mut(chunk).enumerate().for_each(|(i, c)| body(i, c));
    }
}

thread_local! {
    /// Buffers of this thread that are free for reuse.
    static FREE: Cell<Vec<Aligned>> = const { Cell::new(Vec::new()) };
}

/// Lends `body` a scratch buffer of `len` floats with unspecified values. Buffers are kept per
/// thread, so a warm loop does not allocate.
pub fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut free = FREE.take();
    let mut buffer = free.pop().unwrap_or_default();
    FREE.set(free);
    let result = body(buffer.at_least(len));
    let mut free = FREE.take();
    free.push(buffer);
    FREE.set(free);
    result
}

/// Vectors kept per thread for reuse.
pub const KEPT: usize = 32;

/// Bytes they may have together.
pub const KEPT_BYTES: usize = 64 << 20;

thread_local! {
    static VECTORS: Cell<Vec<Vec<f32>>> = const { Cell::new(Vec::new()) };
}

/// A vector of `len` floats with unspecified values (NaN in debug builds), from those given back on
/// this thread where one is large enough: large vectors from the allocator cost a page fault per
/// page each time.
pub fn take_vector(len: usize) -> Vec<f32> {
    let mut kept = VECTORS.take();
    let fits = kept.iter().enumerate().filter(|(_, v)| v.capacity() >= len);
    // what must be cleared, then what is cut off and must be cleared when it is asked for again
    let cost = |v: &Vec<f32>| (len.saturating_sub(v.len()), v.len().saturating_sub(len));
    let best = fits.min_by_key(|(_, v)| cost(v)).map(|(i, _)| i);
    let mut vector = if let Some(i) = best {
        kept.swap_remove(i)
    } else {
        // a growing sequence would otherwise keep all its steps
        shrink(&mut kept, KEPT_BYTES.saturating_sub(len * size_of::<f32>()));
        Vec::with_capacity(len)
    };
    VECTORS.set(kept);
    if cfg!(debug_assertions) {
        vector.clear();
        vector.resize(len, f32::NAN);
    } else {
        vector.resize(len, 0.0);
    }
    vector
}

/// Lets the smallest vectors go until there are at most [`KEPT`], of at most so many bytes.
fn shrink(kept: &mut Vec<Vec<f32>>, most: usize) {
    let bytes = |v: &Vec<f32>| v.capacity() * size_of::<f32>();
    while kept.len() > KEPT || kept.iter().map(bytes).sum::<usize>() > most {
        let smallest = kept.iter().enumerate().min_by_key(|(_, v)| v.capacity());
        let smallest = smallest.map_or(0, |(i, _)| i);
        kept.swap_remove(smallest);
    }
}

/// Gives a vector back for reuse on this thread; the smallest go when there are too many.
pub fn give_vector(vector: Vec<f32>) {
    let mut kept = VECTORS.take();
    kept.push(vector);
    shrink(&mut kept, KEPT_BYTES);
    VECTORS.set(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_visited_once_on_and_off_the_pool() {
        let run = || {
            let mut out = vec![0.0; 1000];
            for_chunks(&mut out, 7, u64::MAX, |i, c| c.iter_mut().for_each(|v| *v += i as f32));
            out
        };
        let want: Vec<f32> = (0..1000).map(|k| (k / 7) as f32).collect();
        assert_eq!(run(), want);
        assert_eq!(rayon::ThreadPoolBuilder::new().build().unwrap().install(run), want);
    }

    #[test]
    fn nested_scratch_buffers_do_not_overlap() {
        with_scratch(10, |a| {
            a.fill(1.0);
            with_scratch(20, |b| b.fill(2.0));
            assert!(a.iter().all(|&v| (v - 1.0).abs() < f32::EPSILON));
        });
    }
}
