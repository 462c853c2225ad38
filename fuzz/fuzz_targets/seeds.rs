//! Writes what fuzzing begins with, good files and the inputs that are kept: `seeds CORPUS`, a folder for
//! each target.

#[path = "../kept.rs"]
mod kept;
#[path = "../seeds.rs"]
mod seeds;
#[expect(dead_code, reason = "only their names are needed here")]
#[path = "../targets.rs"]
mod targets;

// what the instrumented crates call
use libfuzzer_sys as _;
use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = env::args().nth(1).ok_or(io::Error::other("a folder for the seeds is needed"))?;
    for target in targets::TARGETS {
        let folder = Path::new(&root).join(target.name);
        fs::create_dir_all(&folder)?;
        for (i, bytes) in seeds::seeds(target.name).iter().enumerate() {
            fs::write(folder.join(format!("seed-{i}")), bytes)?;
        }
        let archives = Path::new(env!("CARGO_MANIFEST_DIR")).join("kept");
        for (i, bytes) in kept::kept(&archives, target.name)?.iter().enumerate() {
            fs::write(folder.join(format!("kept-{i}")), bytes)?;
        }
    }
    Ok(())
}
