//! One rule for parallelism inside an operator: on a thread of the pool, where pictures and chains
//! are already spread over the cores, work is done in place; in a pass that was started outside of
//! the pool ([`layers`]) it is split over the pool. So there is never more than one level of
//! parallel loops, and no oversubscription.

use super::aligned::Aligned;
use rayon::prelude::*;
use std::cell::Cell;

/// Less work than this (in multiply-adds or moved floats) is not worth splitting.
const GRAIN: u64 = if cfg!(test) { 64 } else { 1 << 18 };

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

/// Calls `pass` on a thread of the pool for a caller who knows that other threads have nothing to
/// do: its layers are split as if it had been started outside.
pub fn layers_here<R>(pass: impl FnOnce() -> R) -> R {
    let before = LAYERS.replace(true);
    let result = pass();
    LAYERS.set(before);
    result
}

/// Into how many parts a loop of that much work is best cut where each part costs something of its
/// own: one in place, else one per thread.
pub fn parts(work: u64) -> usize {
    if splits(work) { rayon::current_num_threads() } else { 1 }
}

/// Calls `body` for every part, over the pool where there are several.
pub fn for_parts<T: Send>(parts: Vec<T>, body: impl Fn(T) + Send + Sync) {
    if parts.len() > 1 {
        parts.into_par_iter().for_each(body);
    } else {
        parts.into_iter().for_each(body);
    }
}

/// True where a loop of that much work is split over the pool.
fn splits(work: u64) -> bool {
    work >= GRAIN && others_wait()
}

/// True where other threads have nothing to do.
pub fn others_wait() -> bool {
    LAYERS.get() || rayon::current_thread_index().is_none()
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

/// Vectors of one kind that are kept per thread for reuse.
pub const KEPT: usize = 32;

/// Bytes of vectors of maps that are kept per thread.
pub const KEPT_MAPS: usize = 16 << 20;

/// Bytes of vectors of streams that are kept per thread, together with those in use.
pub const KEPT_STREAMS: usize = 48 << 20;

/// Vectors that are kept for reuse: large ones from the allocator cost a page fault per page each
/// time.
#[derive(Default)]
struct Pool {
    free: Vec<Vec<f32>>,
    /// Bytes of what was taken and not given back yet.
    in_use: usize,
}

thread_local! {
    /// Of maps: as long as their shape says.
    static MAPS: Cell<Pool> = const { Cell::new(Pool { free: Vec::new(), in_use: 0 }) };
    /// Of streams: at least as long as needed.
    static STREAMS: Cell<Pool> = const { Cell::new(Pool { free: Vec::new(), in_use: 0 }) };
}

fn bytes(vector: &Vec<f32>) -> usize {
    vector.capacity() * size_of::<f32>()
}

impl Pool {
    /// The best vector for `len` floats, or a new one; beside it at most `most` bytes are kept.
    fn take(&mut self, len: usize, most: usize) -> Vec<f32> {
        let fits = self.free.iter().enumerate().filter(|(_, v)| v.capacity() >= len);
        // a large one is left for those who need it: fresh memory costs more than clearing some
        if let Some((i, _)) = fits.min_by_key(|(_, v)| v.capacity()) {
            return self.free.swap_remove(i);
        }
        // a growing sequence would otherwise keep all its steps
        self.shrink(most.saturating_sub(len * size_of::<f32>()));
        vec![0.0; len]
    }

    /// Lets the smallest vectors go until there are at most [`KEPT`], of at most so many bytes.
    fn shrink(&mut self, most: usize) {
        while self.free.len() > KEPT || self.free.iter().map(bytes).sum::<usize>() > most {
            let smallest = self.free.iter().enumerate().min_by_key(|(_, v)| v.capacity());
            let smallest = smallest.map_or(0, |(i, _)| i);
            self.free.swap_remove(smallest);
        }
    }
}

/// A vector of `len` floats with unspecified values (NaN in debug builds), from those given back on
/// this thread where one is large enough.
pub fn take_vector(len: usize) -> Vec<f32> {
    let mut pool = MAPS.take();
    let mut vector = pool.take(len, KEPT_MAPS);
    MAPS.set(pool);
    vector.resize(len, 0.0);
    unspecified(vector)
}

/// Gives a vector back for reuse on this thread; the smallest go when there are too many.
pub fn give_vector(vector: Vec<f32>) {
    let mut pool = MAPS.take();
    pool.free.push(vector);
    pool.shrink(KEPT_MAPS);
    MAPS.set(pool);
}

/// A vector of at least `len` floats with unspecified values (NaN in debug builds), from those given
/// back on this thread where one is large enough. Of one that is long enough nothing is cleared.
pub fn take_stream(len: usize) -> Vec<f32> {
    let mut pool = STREAMS.take();
    let mut vector = pool.take(len, KEPT_STREAMS.saturating_sub(pool.in_use));
    pool.in_use += bytes(&vector);
    STREAMS.set(pool);
    if vector.len() < len {
        vector.resize(len, 0.0);
    }
    unspecified(vector)
}

/// Gives a vector of [`take_stream`] back.
pub fn give_stream(vector: Vec<f32>) {
    let mut pool = STREAMS.take();
    // it may have been taken on another thread
    pool.in_use = pool.in_use.saturating_sub(bytes(&vector));
    pool.free.push(vector);
    pool.shrink(KEPT_STREAMS.saturating_sub(pool.in_use));
    STREAMS.set(pool);
}

/// Lets most of this thread's free vectors of streams go: for a time in which other things need
/// memory.
pub fn let_streams_go() {
    let mut pool = STREAMS.take();
    pool.shrink(KEPT_STREAMS / 4);
    STREAMS.set(pool);
}

fn unspecified(mut vector: Vec<f32>) -> Vec<f32> {
    if cfg!(debug_assertions) {
        vector.fill(f32::NAN);
    }
    vector
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
