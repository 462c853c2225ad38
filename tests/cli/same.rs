//! What a run takes for its own when it goes on, and what it does not.

use super::{
    Desk, SMALL, manifest, picture, stderr, stdout,
    survive::{LONGER, begin, shell, wait_for_a_part},
};
use std::fs;

/// Pictures whose files have one size, whatever they show.
fn bitmaps(desk: &Desk, pictures: std::ops::Range<u32>) {
    let names = (0..).map(|i| format!("pictures/{i}.bmp"));
    for (i, name) in pictures.zip(names) {
        picture(i, 32).save(desk.path(&name)).unwrap();
    }
}

#[test]
fn other_pictures_under_the_same_names_are_another_run() {
    let desk = Desk::new(0);
    bitmaps(&desk, 0..3);
    desk.expect(0, &format!("{SMALL} --out out"));
    let before = desk.tables("out");
    bitmaps(&desk, 5..8);
    for more in ["", " --dry-run", " --shard 0/2"] {
        let told = stderr(&desk.expect(2, &format!("{SMALL} --out out{more}")));
        let other = "`out` holds results of other pictures: the content of `";
        assert!(told.contains(other), "{more}: {told}");
    }
    assert!(desk.tables("out") == before);
    bitmaps(&desk, 0..3);
    let told = stderr(&desk.expect(0, &format!("{SMALL} --out out")));
    assert!(told.contains("3 of them done already"), "{told}");
}

#[test]
fn whatever_differs_is_named() {
    let desk = Desk::new(3);
    let rule = |eps: &str| format!("[[line]]\nrule = \"lrp-epsilon:eps={eps}\"\n");
    fs::write(desk.path("c.toml"), rule("0.1")).unwrap();
    let maps = |value: &str| {
        let row = vec![value; 32].join(" ");
        fs::create_dir_all(desk.path("maps")).unwrap();
        for i in 0..3 {
            fs::write(desk.path(&format!("maps/{i}.txt")), vec![row.clone(); 32].join("\n"))
                .unwrap();
        }
    };
    maps("1");
    let ours = "run --model m.onnx --data pictures --region 8 --steps 8 --out out \
                --methods random,lrp-composite:file=c.toml --heatmaps theirs=maps";
    desk.expect(0, &format!("{ours} --select first:2"));
    let differs = |arguments: &str| stderr(&desk.expect(2, arguments));
    let told = differs(&format!("{ours} --images 2"));
    assert!(told.contains(r#"`select` is ["first:2"] there and absent here"#), "{told}");
    let told = differs(&format!("{ours} --select first:2 --verify 0.5"));
    assert!(told.contains("`verify` is 0.0 there and 0.5 here"), "{told}");
    maps("2");
    fs::write(desk.path("c.toml"), rule("0.2")).unwrap();
    let told = differs(&format!("{ours} --select first:2"));
    assert!(told.contains("the heat maps `theirs` are not the same"), "{told}");
    assert!(told.contains("the file `c.toml` is not the same"), "{told}");
}

#[test]
fn a_run_is_repeated_from_its_manifest_with_its_checks() {
    let desk = Desk::new(2);
    desk.expect(0, &format!("{SMALL} --verify 0.5 --out one"));
    desk.expect(0, "run one/manifest.json --out two");
    assert!(desk.tables("one") == desk.tables("two"));
}

#[test]
fn pictures_that_go_away_are_not_left_out_for_good() {
    let desk = Desk::new(12);
    desk.expect(0, &LONGER.replace("--out out", "--out one"));
    let mut child = begin(&desk, LONGER);
    wait_for_a_part(&desk, &mut child);
    fs::rename(desk.path("pictures"), desk.path("elsewhere")).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(75), "{told}");
    assert!(told.contains("the pictures of `pictures` cannot be read any more"), "{told}");
    fs::rename(desk.path("elsewhere"), desk.path("pictures")).unwrap();
    desk.expect(0, LONGER);
    assert!(desk.tables("one") == desk.tables("out"));
}

#[test]
fn parts_that_are_put_together_bit_by_bit_add_up() {
    let desk = Desk::new(9);
    desk.expect(0, &format!("{SMALL} --out one"));
    for i in 0..3 {
        desk.expect(0, &format!("{SMALL} --shard {i}/3 --out s{i}"));
    }
    desk.expect(3, "merge s0 --out out --partial");
    desk.expect(3, "merge s1 --out out --partial");
    assert_eq!(manifest(&desk, "out")["results"]["missing_parts"], 3);
    let page = fs::read_to_string(desk.path("out/report.html")).unwrap();
    assert!(page.contains("this is of 6 of 9 pictures (3 parts are missing)"));
    let told = stdout(&desk.expect(0, "rank out"));
    assert!(told.contains("a run has not come to its end"), "{told}");
    desk.expect(0, "merge s2 --out out --partial");
    assert!(desk.tables("one") == desk.tables("out"));
}

#[test]
fn a_shard_says_that_a_picture_could_not_be_used() {
    let desk = Desk::new(4);
    fs::write(desk.path("pictures/1.png"), "no picture").unwrap();
    desk.expect(0, &format!("{SMALL} --shard 0/2 --out out"));
    desk.expect(1, &format!("{SMALL} --shard 1/2 --out out"));
    // also when it has nothing left to do
    desk.expect(1, &format!("{SMALL} --shard 1/2 --out out"));
    desk.expect(1, "merge out");
}

#[test]
fn choosing_pictures_ends_when_the_time_is_up() {
    let desk = Desk::new(3);
    let told = stderr(&desk.expect(75, &format!("{SMALL} --select top-confident:2 --max-time 0s")));
    assert!(told.contains("stopped while the pictures were chosen"), "{told}");
}

#[test]
fn a_damaged_part_is_made_again_when_it_is_deleted_as_told() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{SMALL} --out out"));
    let before = desk.tables("out");
    let part = desk.path("out/parts/pictures-00001.parquet");
    let mut bytes = fs::read(&part).unwrap();
    bytes[10] ^= 1;
    fs::write(&part, bytes).unwrap();
    let told = stderr(&desk.expect(2, &format!("{SMALL} --out out")));
    assert!(told.contains("pictures-00001.parquet") && told.contains("delete this file"), "{told}");
    fs::remove_file(&part).unwrap();
    desk.expect(0, &format!("{SMALL} --out out"));
    assert!(desk.tables("out") == before);
}

#[test]
fn files_of_others_stay_where_they_are() {
    let desk = Desk::new(2);
    desk.expect(0, &format!("{SMALL} --out out"));
    fs::create_dir_all(desk.path("elsewhere")).unwrap();
    fs::create_dir_all(desk.path("out/notes")).unwrap();
    fs::create_dir(desk.path("out/d.0123456789abcdef.tmp")).unwrap();
    shell(&desk, "ln -s ../elsewhere out/link");
    let others = ["out/mine.tmp", "out/notes/b.tmp", "elsewhere/z.0123456789abcdef.tmp"];
    let ours = ["out/a.0123456789abcdef.tmp", "out/curves/b.0123456789abcdef.tmp"];
    others.iter().chain(&ours).for_each(|name| fs::write(desk.path(name), "x").unwrap());
    desk.expect(0, &format!("{SMALL} --out out"));
    assert!(others.iter().all(|name| desk.path(name).exists()));
    assert!(ours.iter().all(|name| !desk.path(name).exists()));
}

#[test]
fn tables_are_written_when_nobody_reads_the_ranking() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{SMALL} --out out"));
    // the reader is gone before anything is printed
    shell(&desk, "{ sleep 1; \"$0\" rank out --out tabs; echo $? > code; } | true");
    assert_eq!(fs::read_to_string(desk.path("code")).unwrap().trim(), "0");
    assert!(desk.path("tabs/ranking.csv").is_file());
}

#[test]
fn properties_are_told_in_the_form_that_is_asked_for() {
    let desk = Desk::new(1);
    let ours = "properties --model m.onnx --data pictures --methods lrp-zero --out out";
    assert_eq!(stderr(&desk.expect(0, &format!("{ours} --quiet"))), "");
    let told = stdout(&desk.expect(0, &format!("{ours} --log json")));
    let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert!(!told.is_empty() && told.lines().all(is_json), "{told}");
    let wrong = ours.replace("m.onnx", "no.onnx");
    assert!(is_json(&stdout(&desk.expect(2, &format!("{wrong} --log json")))));
}
