//! The machine a run is made on.

use std::{env, num::NonZero, thread};

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

/// Cores this process may use: those that its affinity and its control group leave it, and no more
/// than SLURM gave its task.
pub fn cores() -> usize {
    let here = thread::available_parallelism().map_or(1, NonZero::get);
    granted(here, env::var("SLURM_CPUS_PER_TASK").ok().as_deref())
}

fn granted(here: usize, by_slurm: Option<&str>) -> usize {
    let given = by_slurm.and_then(|text| text.parse().ok());
    given.map_or(here, |given: usize| given.clamp(1, here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_uses_the_cores_it_was_given() {
        assert_eq!(granted(64, Some("8")), 8);
        assert_eq!(granted(4, Some("8")), 4, "there are not more");
        assert_eq!([granted(4, None), granted(4, Some("many")), granted(4, Some("0"))], [4, 4, 1]);
    }
}
