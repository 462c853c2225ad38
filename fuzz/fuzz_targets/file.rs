//! The targets for libFuzzer; `PIXELFLIP_FUZZ_TARGET` says which.
#![no_main]

#[path = "../targets.rs"]
mod targets;

use libfuzzer_sys::fuzz_target;
use std::{alloc::System, env, fs, path::PathBuf, sync::LazyLock};
use targets::{TARGETS, Target};

/// An allocation beyond the bound fails, and that ends the program: a finding.
#[global_allocator]
static MEMORY: cap::Cap<System> = cap::Cap::new(System, usize::MAX);

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = env::var("PIXELFLIP_FUZZ_TARGET").unwrap_or_default();
    let target = TARGETS.iter().find(|target| target.name == name);
    target.expect("PIXELFLIP_FUZZ_TARGET names a target, see fuzz/targets.rs")
});

static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| env::temp_dir().join(format!("pixelflip-fuzz-{}", std::process::id())));

fuzz_target!(|bytes: &[u8]| {
    let _ = fs::remove_dir_all(&*FOLDER);
    fs::create_dir_all(&*FOLDER).expect("the folder for fuzzing can be made");
    let run = TARGET.run;
    MEMORY.set_limit(MEMORY.allocated() + targets::bytes_for(bytes.len())).expect("more than now");
    run(&FOLDER, bytes);
    MEMORY.set_limit(usize::MAX).expect("more than now");
});
