//! How much memory a run needs, known before it starts, and how much of it chains may use.

use crate::{
    base::{
        geom::Rect,
        key::{Value, Wrong},
        unit::{Regions, Units},
        words::count,
    },
    nn::{
        graph::Graph,
        kernel::parallel::{KEPT, KEPT_MAPS, KEPT_STREAMS},
        stream::StreamPlan,
    },
};
use serde::Serialize;
use std::{fs, path::Path};

/// Patches that a chain holds at a time where memory is plenty: more would not make steps faster, not even
/// of VGG-16.
pub const PATCHES: u64 = 32 << 20;

/// Address space of a thread: its stack, and what the C library's allocator reserves for it (64 MiB in
/// glibc).
const THREAD_SPACE: u64 = 66 << 20;

/// Threads beside those of the pool: one that writes tables, one that reads ahead.
const OTHER_THREADS: u64 = 2;

/// Address space of what no thread holds by itself: the built-in network, tables, figures, the page.
const BASE_SPACE: u64 = 32 << 20;

/// Most threads; starting thousands keeps the whole machine busy for minutes.
const MOST_THREADS: usize = 1024;

/// Patches of a thread, those kept for reuse included, when a chain holds `patches` bytes at a time.
fn streams(patches: u64) -> u64 {
    patches.max((KEPT_STREAMS as u64).min((1 + KEPT as u64) * patches))
}

/// Why there is not enough memory.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// Not a size.
    #[error(
        "`memory` must be a size such as `4GiB`, `800MB` or a number of bytes, found `{found}`"
    )]
    Size {
        /// What was given.
        found: String,
    },
    /// The model file alone does not fit.
    #[error(
        "model `{file}` needs {} to be read, but {} are free; use a machine with more memory",
        size(*.needed), size(*.free)
    )]
    Model {
        /// The file.
        file: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        free: u64,
    },
    /// The threads do not fit into the address space.
    #[error(
        "at least {} of address space are needed (`threads` is {threads}), but the limit (`ulimit -v`) \
         is {}; raise the limit or use fewer threads", size(*.needed), size(*.limit)
    )]
    Space {
        /// Threads.
        threads: usize,
        /// Bytes needed.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// More threads than any machine has use for.
    #[error("`threads` must be at most {MOST_THREADS}, found {threads}")]
    Threads {
        /// How many were asked for.
        threads: usize,
    },
    /// One step of one chain does not fit.
    #[error(
        "{} need at least {} (weights {}, each thread {} of which one step of a \
         chain takes {}), but {given}; allow more memory or fewer threads (`threads`)",
        count(*.threads, "thread"), size(.need.least(*.threads)), size(.need.weights), size(.need.thread + streams(.need.step)),
        size(.need.step)
    )]
    Run {
        /// What is needed.
        need: Need,
        /// Threads.
        threads: usize,
        /// What there is, in words.
        given: String,
    },
}

/// What a run keeps in memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Weights, as they are and as tiles use them.
    pub weights: u64,
    /// A thread: values of all layers for the picture at hand and as many for its explanation,
    /// fill images, scratch.
    pub thread: u64,
    /// Patches of the most costly step.
    pub step: u64,
}

impl Need {
    /// Of flipping any of `regions` in pictures with `fills` fill images for each of their sizes.
    pub fn of(graph: &Graph, regions: &[Regions], fills: usize) -> Need {
        let bytes = |floats: usize| (floats * size_of::<f32>()) as u64;
        let values: usize = graph.nodes().map(|(_, node)| node.shape.len()).sum();
        let pictures = graph.input_shape().len() * (fills * regions.len() + 2);
        // regions that go together may lie anywhere
        let rects = |r: &Regions| {
            if r.is_one_by_one() {
                r.grid.ids().map(|id| r.grid.rect(id)).collect::<Vec<_>>()
            } else {
                vec![graph.input_shape().rect()]
            }
        };
        let rects: Vec<Rect> = regions.iter().flat_map(rects).collect();
        let steps = StreamPlan::new(graph, &rects).bytes(graph);
        let largest = graph.nodes().map(|(_, node)| node.shape.len()).max().unwrap_or(0);
        let kept = (KEPT_MAPS as u64).min(KEPT as u64 * bytes(largest));
        let scratch = graph.nodes().map(|(_, node)| node.op.scratch_bytes()).max().unwrap_or(0);
        Need {
            weights: graph.nodes().map(|(_, node)| node.op.weight_bytes()).sum(),
            thread: bytes(2 * values + pictures) + kept + scratch,
            step: steps.into_iter().max().unwrap_or(0),
        }
    }

    /// The least that `threads` threads need.
    pub fn least(&self, threads: usize) -> u64 {
        self.weights + threads as u64 * (self.thread + streams(self.step))
    }

    /// What a thread at work holds when its chain has `patches` bytes of patches at most and `steps`
    /// steps.
    pub fn at_work(&self, patches: u64, steps: u64) -> u64 {
        self.thread + streams(patches.min(self.step * steps))
    }

    /// Bytes of patches for each of `threads` chains. `budget` is what the whole run may use, by
    /// default what the machine has left (the weights are there already).
    pub fn patches(&self, threads: usize, budget: Option<u64>) -> Result<u64, MemoryError> {
        let (limit, given) = match (budget, free()) {
            (Some(budget), _) => (budget, format!("`memory` is {}", size(budget))),
            (None, Some(free)) => (free + self.weights, format!("{} are free", size(free))),
            (None, None) => return Ok(PATCHES.max(self.step)),
        };
        if limit < self.least(threads) {
            return Err(MemoryError::Run { need: *self, threads, given });
        }
        let left = (limit - self.weights) / threads as u64 - self.thread;
        let patches = if left < KEPT_STREAMS as u64 { left / (1 + KEPT as u64) } else { left };
        Ok(patches.min(PATCHES).max(self.step))
    }
}

/// An error when a model file is larger than the memory that is free: it is read whole once, and
/// its weights are kept.
pub fn admit(model: &Path) -> Result<(), MemoryError> {
    let beside = [".data", "_data"].map(|end| {
        let mut name = model.as_os_str().to_owned();
        name.push(end);
        name
    });
    let length = |path: &Path| fs::metadata(path).map_or(0, |m| m.len());
    let needed = length(model) * 3 / 2 + beside.iter().map(|b| length(b.as_ref())).sum::<u64>();
    match free() {
        Some(free) if needed > free => {
            Err(MemoryError::Model { file: model.display().to_string(), needed, free })
        }
        _ => Ok(()),
    }
}

/// An error for more threads than make sense, or when the limit on address space, if there is one, is
/// too low for them. What does not fit later ends the program: an allocation that fails cannot be
/// refused politely.
pub fn admit_threads(threads: usize) -> Result<(), MemoryError> {
    if threads > MOST_THREADS {
        return Err(MemoryError::Threads { threads });
    }
    let Some((used, limit)) = space() else { return Ok(()) };
    let needed = used + BASE_SPACE + (threads as u64 + OTHER_THREADS) * THREAD_SPACE;
    if needed > limit { Err(MemoryError::Space { threads, needed, limit }) } else { Ok(()) }
}

/// Address space in use, and its limit; `None` without a limit.
fn space() -> Option<(u64, u64)> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit = line.split_whitespace().next()?.parse().ok()?;
    Some((kilobytes("/proc/self/status", "VmSize:")? << 10, limit))
}

/// The kilobytes behind a name in a file of the system.
fn kilobytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Bytes that this process can still get, as far as the system says: what is available, below the
/// limits of its control group and of its address space.
fn free() -> Option<u64> {
    let machine = kilobytes("/proc/meminfo", "MemAvailable:").map(|k| k << 10);
    let number = |name: &str| {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let group = number("max").zip(number("current")).map(|(max, now)| max.saturating_sub(now));
    let space = space().map(|(used, limit)| limit.saturating_sub(used));
    machine.into_iter().chain(group).chain(space).min()
}

/// A size in words: `4GiB`, `800 MB`, `1000000`.
pub fn parse(text: &str) -> Result<u64, MemoryError> {
    let wrong = || MemoryError::Size { found: text.to_owned() };
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit: f64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1_048_576.0,
        "gib" | "g" => 1_073_741_824.0,
        "tib" | "t" => 1_099_511_627_776.0,
        _ => return Err(wrong()),
    };
    Ok((number * unit) as u64)
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bytes(pub u64);

impl Value for Bytes {
    fn rule() -> String {
        "a size such as 4GiB".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Bytes, Wrong> {
        value.as_str().and_then(|text| parse(text).ok()).map(Bytes).ok_or(Wrong::Rule)
    }
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64 / 1024.0, UNITS[0]);
    for next in &UNITS[1..] {
        if value >= 1024.0 {
            (value, unit) = (value / 1024.0, next);
        }
    }
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = |text| parse(text).unwrap();
        assert_eq!(read("1000"), 1000);
        assert_eq!(read("4GiB"), 4 << 30);
        assert_eq!(read("1.5 g"), 3 << 29);
        assert_eq!(read("800MB"), 800_000_000);
        for wrong in ["", "GiB", "-1", "4 apples", "1e999999999999x"] {
            assert!(matches!(parse(wrong), Err(MemoryError::Size { .. })), "{wrong}");
        }
        assert_eq!(
            [size(512), size(4 << 30), size(800_000_000)],
            ["0.5 KiB", "4.0 GiB", "763 MiB"]
        );
    }

    #[test]
    fn patches_get_what_is_left_and_a_step_always_fits() {
        let need = Need { weights: 100 << 20, thread: 50 << 20, step: 10 << 20 };
        assert_eq!(need.least(2), (100 + 2 * (50 + 48)) << 20);
        let refused = need.patches(2, Some(295 << 20)).unwrap_err().to_string();
        assert_eq!(
            refused,
            "2 threads need at least 296 MiB (weights 100 MiB, each thread 98 MiB of which one \
             step of a chain takes 10 MiB), but `memory` is 295 MiB; allow more memory or fewer \
             threads (`threads`)"
        );
        assert_eq!(need.patches(2, Some(296 << 20)).unwrap(), PATCHES);
        // below that only so much is kept as there are patches
        let small = Need { step: 1 << 20, ..need };
        assert_eq!(small.least(1), (100 + 50 + 33) << 20);
        assert_eq!(small.patches(1, Some(190 << 20)).unwrap(), (40 << 20) / 33);
        let large = Need { step: 70 << 20, ..need };
        assert_eq!(large.patches(1, Some(220 << 20)).unwrap(), 70 << 20);
        assert_eq!(need.patches(2, Some(1 << 40)).unwrap(), PATCHES);
        assert!(need.patches(1, Some(295 << 20)).is_ok(), "one thread needs less");
    }

    #[test]
    fn this_machine_has_memory() {
        if cfg!(target_os = "linux") {
            assert!(free().unwrap() > 1 << 20);
        }
    }
}
