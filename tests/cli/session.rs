//! Planning a run, and what it says while it is at work.

use super::{Desk, SMALL, stderr, stdout};
use std::fs;

#[test]
fn init_writes_a_config_that_runs_and_never_over_another() {
    let desk = Desk::new(2);
    desk.expect(0, "init --model m.onnx --data pictures");
    let written = fs::read(desk.path("pixelflip.toml")).unwrap();
    let told = stderr(&desk.expect(2, "init"));
    assert_eq!(told, "error: `pixelflip.toml` is there already\n");
    assert_eq!(fs::read(desk.path("pixelflip.toml")).unwrap(), written);
    desk.expect(0, "run pixelflip.toml --region 8 --repeats 1 --methods random --out out");
    desk.expect(2, "init missing/a.toml");
}

#[test]
fn a_dry_run_tells_the_plan_and_does_nothing() {
    let desk = Desk::new(10);
    let output = desk.expect(0, &format!("{SMALL} --threads 2 --dry-run --shard 1/3 --out out"));
    let filters = vec![
        (r"\d+\.\d+ (ms|s) a", "[TIME] a"),
        (r"about .* on 2", "about [TIME] on 2"),
        (r"memory( +)about .*", "memory${1}about [BYTES]"),
    ];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!("dry_run", stdout(&output));
    });
    assert!(!desk.path("out").exists());
    desk.expect(0, &format!("{SMALL} --shard 1/3 --out out"));
    let output = desk.expect(0, &format!("{SMALL} --dry-run --out out"));
    assert!(stdout(&output).contains("3 of 10 parts are done already"), "{}", stdout(&output));
}

#[test]
fn a_quiet_run_says_nothing_and_a_verbose_one_tells_every_part() {
    // enough for tests of three methods, so that there is nothing to warn of
    let desk = Desk::new(7);
    let quiet = desk.expect(0, &format!("{SMALL} --quiet --out quiet"));
    assert_eq!((stdout(&quiet), stderr(&quiet)), (String::new(), String::new()));
    let told = stderr(&desk.expect(0, &format!("{SMALL} --verbose --out verbose")));
    assert!(told.contains("`0.png` is done\n"), "{told}");
    assert!(told.contains("part 1 with 1 picture is written, "), "{told}");
}

#[test]
fn a_json_log_is_one_object_per_line_to_the_end() {
    let desk = Desk::new(2);
    fs::write(desk.path("pictures/broken.png"), "no picture").unwrap();
    let events = |arguments: &str, code| -> Vec<serde_json::Value> {
        let output = desk.expect(code, arguments);
        assert_eq!(stderr(&output), "", "nothing beside the objects");
        let told = stdout(&output);
        told.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    };
    let found = events(&format!("{SMALL} --threads 1 --log json --out out"), 1);
    let count = |kind: &str| found.iter().filter(|e| e["event"] == kind).count();
    assert_eq!((count("started"), count("picture"), count("skipped")), (1, 2, 1));
    assert_eq!((count("part"), count("finished")), (3, 1));
    let finished = found.iter().find(|e| e["event"] == "finished").unwrap();
    assert_eq!(finished["results"]["curves"], 24);
    assert!(found.iter().all(|e| e["seconds_since_start"].is_number()));
    let refused = events(&format!("{SMALL} --seed 1 --log json --out out"), 2);
    assert_eq!((refused.len(), &refused[0]["event"]), (1, &"error".into()));
    assert_eq!(refused[0]["exit_code"], 2);
}
