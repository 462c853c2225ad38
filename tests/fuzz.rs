//! Damaged and hostile files: cases that were found once, inputs that fuzzing has kept, and mutations of
//! good ones. No panic, no long work, no memory out of proportion.
//!
//! The fuzzer that finds new cases is `scripts/fuzz.sh`.

#[path = "../fuzz/kept.rs"]
mod kept;
#[path = "../fuzz/seeds.rs"]
mod seeds;
#[path = "../fuzz/targets.rs"]
mod targets;

use kept::kept;
use pixelflip::base::rng::{Seed, below};
use seeds::seeds;
use std::{
    alloc::System,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use targets::{TARGETS, Target, bytes_for};

/// Mutations of each target in a normal test run.
const CASES: u64 = 400;

#[global_allocator]
static MEMORY: cap::Cap<System> = cap::Cap::new(System, usize::MAX);

/// The longest that reading a file may take.
const TIME: Duration = Duration::from_secs(20);

fn cases(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/cases").join(name);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The `n`-th case of a target: a good file with some damage.
fn mutated(name: &str, seeds: &[Vec<u8>], n: u64) -> Vec<u8> {
    let rng = &mut Seed(n).rng("fuzz", name, &[]);
    let mut draw = |limit: usize| if limit == 0 { 0 } else { below(rng, limit as u64) as usize };
    let mut bytes = seeds[draw(seeds.len())].clone();
    for _ in 0..=draw(6) {
        let at = draw(bytes.len());
        match draw(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draw(8),
            1 if at < bytes.len() => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, b'9', b'-'][draw(7)],
            2 => bytes.truncate(at),
            3 => drop(bytes.splice(at..at, (0..draw(9)).map(|_| 0xFF).collect::<Vec<u8>>())),
            4 => drop(bytes.drain(at..(at + draw(16)).min(bytes.len()))),
            5 => {
                // a block once more
                let end = (at + draw(64)).min(bytes.len());
                let block = bytes[at..end].to_vec();
                let to = draw(bytes.len());
                drop(bytes.splice(to..to, block));
            }
            6 => {
                // a number as lengths and sizes are written
                let value =
                    [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x0001_0000, u64::MAX, 1 << 40][draw(7)];
                let number = if draw(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
                for (place, byte) in bytes[at..].iter_mut().zip(&number[draw(2) * 4..]) {
                    *place = *byte;
                }
            }
            7 => {
                let other = &seeds[draw(seeds.len())];
                let from = draw(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                // a number in a text
                let digits: Vec<usize> =
                    (0..bytes.len()).filter(|i| bytes[*i].is_ascii_digit()).collect();
                if let Some(&digit) = digits.get(draw(digits.len())) {
                    let text = ["0", "-1", "99999999999999999999", "1e400", "nan", "../x"][draw(6)];
                    drop(bytes.splice(digit..=digit, text.bytes()));
                }
            }
        }
    }
    bytes
}

/// Runs one case; the error says what is wrong with it.
fn run(target: &Target, folder: &Path, bytes: &[u8]) -> Result<(), String> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    let (now, most, start) = (MEMORY.allocated(), MEMORY.max_allocated(), Instant::now());
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(folder, bytes)));
    // a maximum that did not change is that of an earlier case
    let after = MEMORY.max_allocated();
    let more = if after > most { after.saturating_sub(now) } else { 0 };
    if outcome.is_err() {
        return Err("it panics".to_owned());
    }
    if more > bytes_for(bytes.len()) {
        return Err(format!("it takes {} MB", more >> 20));
    }
    if start.elapsed() > TIME {
        return Err(format!("it takes {:.0} s", start.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Runs the cases and mutations of a target; keeps what fails.
fn fuzz(target: &Target, folder: &Path) -> Vec<String> {
    let all = [seeds(target.name), cases(target.name)].concat();
    let mut failures = Vec::new();
    for (i, case) in all.iter().enumerate() {
        if let Err(reason) = run(target, folder, case) {
            failures.push(format!("{} case {i}: {reason}", target.name));
        }
    }
    let archives = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/kept");
    let inputs = kept(&archives, target.name).unwrap();
    assert!(!inputs.is_empty(), "{}: nothing is kept, see fuzz/README.md", target.name);
    for (i, input) in inputs.iter().enumerate() {
        if let Err(reason) = run(target, folder, input) {
            failures.push(format!("{} kept input {i}: {reason}", target.name));
        }
    }
    for n in 0..CASES {
        let bytes = mutated(target.name, &all, n);
        if let Err(reason) = run(target, folder, &bytes) {
            let name = format!("{}-{n}", target.name);
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::write(&kept, &bytes).unwrap();
            let kept = kept.display();
            failures.push(format!("{} mutation {n}: {reason}, kept as {kept}", target.name));
        }
    }
    failures
}

#[test]
fn damaged_files_are_refused_without_panic_or_great_cost() {
    let folder = tempfile::tempdir().unwrap();
    let failures: Vec<String> =
        TARGETS.iter().flat_map(|target| fuzz(target, folder.path())).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
