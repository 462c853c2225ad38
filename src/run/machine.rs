//! The machine a run is made on.

use std::{num::NonZero, thread};

/// The CPU's feature level: within one level results are the same bits.
pub fn features() -> String {
    let arch = std::env::consts::ARCH;
    let level = level();
    if level.is_empty() { arch.to_owned() } else { format!("{arch} {level}") }
}

#[cfg(target_arch = "x86_64")]
fn level() -> &'static str {
    if is_x86_feature_detected!("avx512f") {
        "avx512f"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "avx2 fma"
    } else {
        ""
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn level() -> &'static str {
    ""
}

/// Cores this process may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
