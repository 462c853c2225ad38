//! Damaged and hostile files: cases that were found once, and mutations of good ones. No panic, no
//! long work, no memory out of proportion.
//!
//! `PIXELFLIP_FUZZ_SECONDS` makes it a fuzzer: that many seconds for each target, or for the one that
//! `PIXELFLIP_FUZZ_TARGET` names (`scripts/fuzz.sh`). The coverage-guided targets are in `fuzz/`.
#![expect(clippy::print_stdout, reason = "says what was done and what was skipped")]

#[path = "../fuzz/targets.rs"]
mod targets;

use pixelflip::base::rng::{Seed, below};
use std::{
    env, fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use targets::{TARGETS, Target};

/// Mutations of each target in a normal test run.
const CASES: u64 = 400;

/// The most that reading a file may take: memory beside what the process holds anyway, and per byte
/// of the file (a gzip stream unfolds to 1032 times its size, pixels become floating point), and time.
const BYTES: u64 = 256 << 20;
const BYTES_PER_BYTE: u64 = 8_192;
const TIME: Duration = Duration::from_secs(20);

fn cases(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/cases").join(name);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Good files to begin with.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let data = |path: &str| {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)).unwrap()
    };
    let texts = |texts: &[&str]| texts.iter().map(|t| t.as_bytes().to_vec()).collect();
    match name {
        "onnx" => ["lenet.ts11_fix", "lenet.dyn17_dyn", "bncnn.ts17_dyn"]
            .map(|model| data(&format!("onnx/{model}.onnx")))
            .to_vec(),
        "picture" => pictures(),
        "sidecar" => texts(&[
            "  channels = 'rgb'\nscale = 0.004\nmean = [0.5, 0.4, 0.3]\nstd = [0.2, 0.3, 0.2]",
            "z7resize = { short = 8 }\ncrop = 'center'\npad = [1, 1]\nchannels = 'bgr'\nscale = 1",
        ]),
        "idx" => vec![two_files(&idx_pictures(), &idx_labels())],
        "idx_gz" => vec![two_files(&gzip(&idx_pictures()), &gzip(&idx_labels()))],
        "cifar" => vec![[vec![3; 3073], vec![9; 3073]].concat()],
        "npy" => vec![npy("|u1", "(2, 4, 4)", &[7; 32]), npy("<f4", "(1, 3, 2, 2)", &[0; 48])],
        "npz" => vec![npz()],
        "labels" => texts(&["file,label\na.png,3\n", "a.png 3\n", "file\tlabel\na.png\tcat\n"]),
        "config" => texts(&[
            "model = 'm.onnx'\ndata = 'd'\nregion = 9\nmethods = ['random', 'lrp-gamma:gamma=0.25']\n\
             orders = 'morf,lerf'\nverify = 0.5\n[preprocess]\nscale = 1.0\nchannels = 'bgr'\n",
            "{\"config\": {\"model\": \"m\", \"data\": \"d\", \"steps\": 3, \"seed\": 1}}",
        ]),
        "spec" => {
            texts(&["lrp-gamma:gamma=0.25", "lrp-alpha-beta:alpha=2:beta=1", "sensitivity:norm=l2"])
        }
        other => panic!("`{other}` has no seeds"),
    }
}

fn pictures() -> Vec<Vec<u8>> {
    use ImageFormat::{Bmp, Jpeg, Png, Tiff, WebP};
    use image::{DynamicImage, ImageFormat, RgbImage};
    let picture = RgbImage::from_fn(13, 7, |x, y| image::Rgb([(x * 19) as u8, (y * 31) as u8, 7]));
    let encode = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(picture.clone()).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    [Png, Jpeg, Bmp, Tiff, WebP].map(encode).to_vec()
}

fn idx_pictures() -> Vec<u8> {
    [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 3][..], &[100; 24]].concat()
}

fn idx_labels() -> Vec<u8> {
    vec![0, 0, 8, 1, 0, 0, 0, 2, 5, 6]
}

fn two_files(one: &[u8], other: &[u8]) -> Vec<u8> {
    [&(one.len() as u16).to_le_bytes()[..], one, other].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(63 - (header.len() + 10) % 64));
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
}

fn npz() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let members = [
        ("images.npy", npy("|u1", "(2, 4, 4)", &[7; 32])),
        ("labels.npy", npy("|u1", "(2,)", &[1, 0])),
    ];
    for (name, bytes) in members {
        writer.start_file(name, options).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
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
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    // 5 sets the largest size so far to the present one
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (before, start) = (peak(), Instant::now());
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(folder, bytes)));
    let more = peak().saturating_sub(before);
    if outcome.is_err() {
        return Err("it panics".to_owned());
    }
    if more > BYTES + BYTES_PER_BYTE * bytes.len() as u64 {
        return Err(format!("it takes {} MB", more >> 20));
    }
    if start.elapsed() > TIME {
        return Err(format!("it takes {:.0} s", start.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// The most memory that this process has held, in bytes; 0 where the system does not tell.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// Runs the cases and mutations of a target; keeps what fails.
fn fuzz(target: &Target, folder: &Path, seconds: Option<u64>) -> Vec<String> {
    let (seeds, found) = (seeds(target.name), cases(target.name));
    let mut failures = Vec::new();
    for (i, case) in seeds.iter().chain(&found).enumerate() {
        if let Err(reason) = run(target, folder, case) {
            failures.push(format!("{} case {i}: {reason}", target.name));
        }
    }
    let all = [seeds, found].concat();
    let start = Instant::now();
    let first = env::var("PIXELFLIP_FUZZ_FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut count = 0;
    let more = |count| match seconds {
        Some(seconds) => start.elapsed() < Duration::from_secs(seconds),
        None => count < CASES,
    };
    while more(count) {
        let bytes = mutated(target.name, &all, first + count);
        if let Err(reason) = run(target, folder, &bytes) {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
                "{}-{}",
                target.name,
                first + count
            ));
            fs::write(&kept, &bytes).unwrap();
            failures.push(format!(
                "{} {}: {reason}, kept as {}",
                target.name,
                first + count,
                kept.display()
            ));
        }
        count += 1;
    }
    if seconds.is_some() {
        println!("{}: {count} cases, {} failures", target.name, failures.len());
    }
    failures
}

#[test]
fn damaged_files_are_refused_without_panic_or_great_cost() {
    let seconds = env::var("PIXELFLIP_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok());
    let only = env::var("PIXELFLIP_FUZZ_TARGET").ok();
    let wanted = |t: &&Target| only.as_ref().is_none_or(|name| *name == t.name);
    let folder = tempfile::tempdir().unwrap();
    let failures: Vec<String> = TARGETS
        .iter()
        .filter(wanted)
        .flat_map(|target| fuzz(target, folder.path(), seconds))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
