#![no_main]

#[path = "../targets.rs"]
mod targets;

use libfuzzer_sys::fuzz_target;

// the name of the program is that of the target
fuzz_target!(|bytes: &[u8]| {
    let program = std::env::args().next().unwrap_or_default();
    let name = std::path::Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    let folder = std::env::temp_dir().join(format!("pixelflip-fuzz-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder for fuzzing can be made");
    let target = targets::TARGETS.iter().find(|target| target.name == name);
    (target.expect("there is a target of that name").run)(&folder, bytes);
});
