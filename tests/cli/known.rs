//! What is known of a run that is taken up: by content, and never for ever from a fault of a moment.

use super::{Desk, SMALL, picture, stderr, stdout};
use std::{collections::BTreeMap, fs};

/// All result files but times, and those that say where things lay: the manifest, the page and figures.
fn numbers(desk: &Desk, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = desk.tables(folder);
    files.retain(|name, _| [".parquet", ".csv"].iter().any(|ending| name.ends_with(ending)));
    files
}

/// Makes a picture one that the system cannot read: what is listed as a file gives an input error.
#[cfg(target_os = "linux")]
fn break_off(desk: &Desk, name: &str) {
    fs::rename(desk.path(name), desk.path("kept")).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", desk.path(name)).unwrap();
}

#[cfg(target_os = "linux")]
fn bring_back(desk: &Desk, name: &str) {
    fs::remove_file(desk.path(name)).unwrap();
    fs::rename(desk.path("kept"), desk.path(name)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_picture_that_could_not_be_read_for_a_moment_is_tried_again() {
    let desk = Desk::new(4);
    fs::write(desk.path("pictures/3.png"), "no picture").unwrap();
    desk.expect(1, &format!("{SMALL} --out whole"));
    break_off(&desk, "pictures/1.png");
    let run = format!("{SMALL} --out out");
    let unread = "1 picture could not be read or had a heat map that could not: `1.png` (cannot read \
                  `pictures/1.png`: Input/output error (os error 5)); the same command tries again";
    // named at every end, and the parts that are done stay
    for _ in 0..2 {
        let told = stderr(&desk.expect(1, &run));
        assert!(told.contains(unread), "{told}");
        assert!(told.contains("1 picture cannot be used: `3.png` ("), "{told}");
        let said = stdout(&desk.expect(3, "status out"));
        assert_eq!(
            said,
            "3 of 4 parts are done, in 1 part some pictures or heat maps could not be read and the same \
             command tries again\n"
        );
    }
    bring_back(&desk, "pictures/1.png");
    let before = |part| {
        let path = desk.path(&format!("out/curves/part-0000{part}.parquet"));
        fs::metadata(path).unwrap().modified().unwrap()
    };
    let (other, broken) = (before(0), before(3));
    let told = stderr(&desk.expect(1, &run));
    assert!(!told.contains("could not be read") && told.contains("`3.png`"), "{told}");
    assert!(other == before(0) && broken == before(3), "a broken picture stays skipped");
    assert!(desk.tables("whole") == desk.tables("out"));
    desk.expect(0, "status out");
}

#[cfg(target_os = "linux")]
#[test]
fn shards_and_merges_try_again_too() {
    let desk = Desk::new(4);
    desk.expect(0, &format!("{SMALL} --out whole"));
    break_off(&desk, "pictures/1.png");
    for out in ["out", "own1"] {
        let told = stderr(&desk.expect(1, &format!("{SMALL} --shard 1/2 --out {out}")));
        assert!(told.contains("`1.png` (cannot read"), "{told}");
    }
    desk.expect(0, &format!("{SMALL} --shard 0/2 --out out"));
    let told = stderr(&desk.expect(1, "merge out"));
    assert!(told.contains("run their shards again, and merge again"), "{told}");
    assert_eq!(stdout(&desk.expect(3, "status out --missing-shards --shards 2")), "1\n");
    bring_back(&desk, "pictures/1.png");
    // a folder where all could be read counts before one where not
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out own2"));
    desk.expect(0, "merge own1 own2 out --out all");
    assert!(desk.tables("whole") == desk.tables("all"));
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out out"));
    let said = stdout(&desk.expect(3, "status out"));
    assert_eq!(said, "4 of 4 parts are done, but not put together yet\n");
    desk.expect(0, "merge out");
    assert!(desk.tables("whole") == desk.tables("out"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_depends_on_all_pictures_waits_for_them() {
    let desk = Desk::new(4);
    break_off(&desk, "pictures/1.png");
    let told = [
        desk.told(&format!("{SMALL} --select top-confident:2 --out out")),
        desk.told(&format!("{SMALL} --perturbation mean-image --out out")),
    ];
    assert!(!desk.path("out").exists());
    for name in ["0", "2", "3"] {
        fs::remove_file(desk.path(&format!("pictures/{name}.png"))).unwrap();
    }
    let told = [told.concat(), desk.told(&format!("{SMALL} --out out"))].concat();
    insta::assert_snapshot!("what_depends_on_all_pictures", told);
    assert!(!desk.path("out").exists());
}

#[test]
fn a_broken_picture_that_was_replaced_is_done() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{SMALL} --out whole"));
    fs::rename(desk.path("pictures/1.png"), desk.path("kept")).unwrap();
    fs::write(desk.path("pictures/1.png"), "no picture").unwrap();
    desk.expect(1, &format!("{SMALL} --out out"));
    fs::rename(desk.path("kept"), desk.path("pictures/1.png")).unwrap();
    desk.expect(0, &format!("{SMALL} --out out"));
    assert!(desk.tables("whole") == desk.tables("out"));
}

#[test]
fn a_heat_map_that_could_not_be_read_is_read_again() {
    let desk = Desk::new(2);
    desk.expect(0, &format!("{SMALL} --out out"));
    let whole = desk.tables("out");
    // as a run leaves it for which a map of a picture could not be read
    let note = r#"[{"image": "1.png", "reason": "cannot read `maps/1.npy`"}]"#;
    fs::write(desk.path("out/parts/unread-00001.json"), note).unwrap();
    fs::copy(
        desk.path("out/curves/part-00000.parquet"),
        desk.path("out/curves/part-00001.parquet"),
    )
    .unwrap();
    assert_eq!(desk.run("status out").status.code(), Some(3));
    desk.expect(0, &format!("{SMALL} --out out"));
    assert!(desk.tables("out") == whole);
}

#[test]
fn a_run_goes_on_wherever_its_files_lie() {
    let desk = Desk::new(3);
    fs::write(desk.path("c.toml"), "[[line]]\nrule = 'lrp-gamma'\n").unwrap();
    fs::create_dir(desk.path("maps")).unwrap();
    let map = vec![vec!["1"; 32].join(" "); 32].join("\n");
    (0..3).for_each(|i| fs::write(desk.path(&format!("maps/{i}.txt")), &map).unwrap());
    let run = |model: &str, data: &str, file: &str, maps: &str| {
        format!(
            "run --model {model} --data {data} --methods random,lrp-composite:file={file} --heatmaps \
             theirs={maps} --region 8 --steps 8 --out out"
        )
    };
    desk.expect(0, &run("m.onnx", "pictures", "c.toml", "maps"));
    let first = numbers(&desk, "out");
    let goes_on = |arguments: &str| {
        fs::remove_file(desk.path("out/curves/part-00001.parquet")).unwrap();
        let told = stderr(&desk.expect(0, arguments));
        assert!(told.contains("2 of them done already"), "{told}");
        assert!(numbers(&desk, "out") == first);
    };
    let at = |name: &str| desk.path(name).display().to_string();
    goes_on(&run(&at("m.onnx"), &at("pictures"), &at("c.toml"), &at("maps")));
    goes_on(&run("./m.onnx", "pictures/../pictures", "./c.toml", "maps/"));
    // copied elsewhere, with other names and new times
    fs::create_dir(desk.path("moved")).unwrap();
    for (from, to) in [("pictures", "moved/set"), ("maps", "moved/theirs")] {
        fs::create_dir(desk.path(to)).unwrap();
        for entry in fs::read_dir(desk.path(from)).unwrap() {
            let entry = entry.unwrap();
            fs::write(desk.path(to).join(entry.file_name()), fs::read(entry.path()).unwrap())
                .unwrap();
        }
        fs::remove_dir_all(desk.path(from)).unwrap();
    }
    for (from, to) in
        [("m.onnx", "moved/n.onnx"), ("m.toml", "moved/n.toml"), ("c.toml", "moved/c.toml")]
    {
        fs::rename(desk.path(from), desk.path(to)).unwrap();
    }
    goes_on(&run("moved/n.onnx", "moved/set", "moved/c.toml", "moved/theirs"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("moved/set", desk.path("link")).unwrap();
        goes_on(&run("moved/n.onnx", "link", "moved/c.toml", "moved/theirs"));
    }
    desk.expect(0, "status out");
}

#[test]
fn shards_of_one_run_may_have_their_files_in_different_places() {
    let desk = Desk::new(4);
    desk.expect(0, &format!("{SMALL} --out whole"));
    fs::create_dir(desk.path("scratch")).unwrap();
    fs::rename(desk.path("pictures"), desk.path("scratch/pictures")).unwrap();
    let there = SMALL.replace("--data pictures", "--data scratch/pictures");
    desk.expect(0, &format!("{there} --shard 0/2 --out s0"));
    fs::rename(desk.path("scratch/pictures"), desk.path("again")).unwrap();
    let there = SMALL.replace("--data pictures", "--data again");
    desk.expect(0, &format!("{there} --shard 1/2 --out s1"));
    assert_eq!(
        stdout(&desk.expect(3, "status s0 s1")),
        "4 of 4 parts are done, but not put together yet\n"
    );
    // the first folder says where the pictures were
    desk.expect(2, "merge s0 s1 --out all");
    desk.expect(0, "merge s0 s1 --out all --data again");
    assert!(numbers(&desk, "whole") == numbers(&desk, "all"));
    fs::rename(desk.path("again"), desk.path("later")).unwrap();
    desk.expect(0, "report all --gallery 2");
}

#[test]
fn old_and_new_pictures_never_mix() {
    let desk = Desk::new(4);
    desk.expect(0, &format!("{SMALL} --out out"));
    desk.expect(0, &format!("{SMALL} --shard 0/2 --out s0"));
    // with the time it had
    let path = desk.path("pictures/2.png");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    picture(7, 32).save(desk.path("other.png")).unwrap();
    fs::copy(desk.path("other.png"), &path).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out s1"));
    desk.expect(0, &format!("{SMALL} --out new"));
    let told = [
        format!("{SMALL} --out out"),
        format!("{SMALL} --shard 0/2 --out out"),
        "merge s0 s1 --out all".to_owned(),
        "rank out new".to_owned(),
    ];
    let told: String = told.iter().map(|arguments| desk.told(arguments)).collect();
    insta::assert_snapshot!("old_and_new_pictures", told);
    assert!(!desk.path("all").exists());
    // only parts without that picture were done
    fs::remove_file(desk.path("out/curves/part-00002.parquet")).unwrap();
    desk.expect(0, &format!("{SMALL} --out out"));
    assert!(numbers(&desk, "out") == numbers(&desk, "new"));
}

#[test]
fn a_limit_in_which_nothing_is_finished_is_said_to_be_in_vain() {
    let desk = Desk::new(2);
    let run = format!("{SMALL} --max-time 0s --out out");
    insta::assert_snapshot!("a_limit_in_vain", desk.told(&run));
    desk.expect(0, &format!("{SMALL} --out out"));
}
