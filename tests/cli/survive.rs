//! What a run survives, and what it says when it does not.

use super::{Desk, SMALL, skip, stderr, stdout};
use std::{
    fs,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pixelflip");

/// As [`SMALL`], long enough to be interrupted.
pub(super) const LONGER: &str = "run --model m.onnx --data pictures --methods random,gradient,lrp-epsilon \
                      --region 4 --steps 64 --repeats 4 --threads 1 --out out";

/// Begins a run and does not wait for it.
pub(super) fn begin(desk: &Desk, arguments: &str) -> Child {
    let mut command = Command::new(PROGRAM);
    command.current_dir(desk.path(".")).args(arguments.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a part is there.
pub(super) fn wait_for_a_part(desk: &Desk, child: &mut Child) {
    wait_until(child, || {
        let entries = fs::read_dir(desk.path("out/curves")).into_iter().flatten().flatten();
        entries.map(|e| e.path()).any(|p| p.extension().is_some_and(|e| e == "parquet"))
    });
}

/// Waits until a run that has just begun shows something; there is nothing to be notified by.
pub(super) fn wait_until(child: &mut Child, begun: impl Fn() -> bool) {
    let start = Instant::now();
    while !begun() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended early");
        assert!(start.elapsed() < Duration::from_secs(120), "the run does nothing");
        sleep(Duration::from_millis(2));
    }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Runs a line of shell in the desk's folder, with the program as `$0`.
pub(super) fn shell(desk: &Desk, line: &str) -> Output {
    let mut command = Command::new("sh");
    command.current_dir(desk.path(".")).args(["-c", line, PROGRAM]).output().unwrap()
}

#[test]
fn shards_put_together_are_the_bytes_of_one_run() {
    let desk = Desk::new(10);
    desk.expect(0, &format!("{SMALL} --out one"));
    for i in 0..3 {
        desk.expect(0, &format!("{SMALL} --shard {i}/3 --out together"));
        desk.expect(0, &format!("{SMALL} --shard {}/3 --out own{i}", i + 1));
    }
    // once more, and with other times
    desk.expect(0, &format!("{SMALL} --shard 1/3 --out twice"));
    assert_eq!(
        stdout(&desk.run("status together")),
        "10 of 10 parts are done, but not put together yet\n"
    );
    desk.expect(0, "merge together");
    desk.expect(0, "merge own0 own1 own2 twice --out whole");
    assert!(desk.tables("one") == desk.tables("together"));
    assert!(desk.tables("one") == desk.tables("whole"));
    // a scheduler may start a shard again that was done long ago
    desk.expect(0, &format!("{SMALL} --shard 1/3 --out together"));
    fs::remove_dir_all(desk.path("together/.lock")).unwrap();
    assert!(desk.tables("one") == desk.tables("together"));
    let status = desk.expect(0, "status together");
    assert_eq!(stdout(&status), "complete: 10 of 10 parts are done and put together\n");
}

#[test]
fn shards_that_are_missing_or_foreign_are_named() {
    let desk = Desk::new(10);
    for i in [0, 2] {
        desk.expect(0, &format!("{SMALL} --shard {i}/4 --out shards"));
    }
    desk.expect(0, &format!("{SMALL} --seed 1 --shard 1/4 --out foreign"));
    assert_eq!(stdout(&desk.expect(3, "status shards --missing-shards")), "1,3\n");
    let told = [
        "status shards",
        "status shards foreign",
        "status pictures",
        "merge shards",
        "merge shards foreign --out whole",
        "merge shards foreign",
        "merge pictures",
        "merge missing --out whole",
        &format!("{SMALL} --shard 5/4 --out shards"),
        &format!("{SMALL} --shard 5 --out shards"),
        &format!("{SMALL} --shard auto/4 --out shards"),
        &format!("{SMALL} --shard auto --out shards"),
    ];
    let said = |arguments: &str| stdout(&desk.run(arguments)) + &desk.told(arguments);
    insta::assert_snapshot!("shards_that_do_not_fit", told.map(said).concat());
    assert!(!desk.path("whole").exists());
}

#[test]
fn a_part_that_differs_between_folders_is_named_and_nothing_is_put_together() {
    let desk = Desk::new(4);
    desk.expect(0, &format!("{SMALL} --shard 0/2 --out a"));
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out b"));
    // part 2 of another run under the name of part 0
    fs::copy(desk.path("a/curves/part-00002.parquet"), desk.path("b/curves/part-00000.parquet"))
        .unwrap();
    for kind in ["pictures", "timings", "metrics"] {
        let of = |part| format!("parts/{kind}-0000{part}.parquet");
        fs::copy(desk.path("a").join(of(2)), desk.path("b").join(of(0))).unwrap();
    }
    let told = stderr(&desk.expect(2, "merge a b --out whole"));
    assert!(told.contains("part 0 in `a` and in `b` differ, although both come from"), "{told}");
    assert!(!desk.path("whole/summary.csv").exists());
}

#[test]
fn what_is_left_can_be_cut_into_another_number_of_shards() {
    let desk = Desk::new(10);
    desk.expect(0, &format!("{SMALL} --out one"));
    desk.expect(0, &format!("{SMALL} --shard 0/4 --out out"));
    assert_eq!(stdout(&desk.expect(3, "status out --missing-shards")), "1-3\n");
    // parts 0, 4 and 8 are done
    assert_eq!(stdout(&desk.expect(3, "status out --missing-shards --shards 10")), "1-3,5-7,9\n");
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out out"));
    let auto = |number: usize| {
        format!("SLURM_ARRAY_TASK_ID={number} \"$0\" {SMALL} --shard auto --out out")
    };
    let output = shell(&desk, &auto(0));
    assert!(stderr(&output).contains("shard 0/2 is done"), "{}", stderr(&output));
    assert_eq!(shell(&desk, &auto(3)).status.code(), Some(2), "there are two");
    desk.expect(0, "merge out");
    assert!(desk.tables("one") == desk.tables("out"));
}

#[test]
fn shards_of_another_number_wait_until_none_is_at_work() {
    let desk = Desk::new(12);
    let mut first = begin(&desk, &format!("{LONGER} --shard 0/2"));
    wait_for_a_part(&desk, &mut first);
    // frozen, so that it does not end meanwhile
    signal(&first, "STOP");
    let told = stderr(&desk.expect(75, &format!("{LONGER} --shard 1/3")));
    let owner = format!("`out` is cut into 2 shards, not 3, and process {}", first.id());
    assert!(told.contains(&owner), "{told}");
    signal(&first, "KILL");
    first.wait().unwrap();
    desk.expect(0, &format!("{LONGER} --shard 1/3"));
}

#[test]
fn some_parts_can_be_put_together_before_the_others_are_there() {
    let desk = Desk::new(10);
    desk.expect(0, &format!("{SMALL} --out one"));
    desk.expect(0, &format!("{SMALL} --shard 0/2 --out out"));
    desk.expect(3, "merge out");
    let told = stderr(&desk.expect(3, "merge out --partial"));
    assert!(told.contains("5 pictures, 60 curves, 5 parts missing; results in `out`"), "{told}");
    assert_eq!(super::manifest(&desk, "out")["results"]["missing_parts"], 5);
    // what was put together is not taken for the whole
    assert_eq!(stdout(&desk.expect(3, "status out --missing-shards")), "1\n");
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out out"));
    desk.expect(3, "status out");
    desk.expect(0, "merge out --partial");
    desk.expect(0, "status out");
    assert!(desk.tables("one") == desk.tables("out"));
}

#[test]
fn a_part_that_was_damaged_is_named() {
    let desk = Desk::new(2);
    desk.expect(0, &format!("{SMALL} --out out"));
    let part = desk.path("out/curves/part-00001.parquet");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, bytes).unwrap();
    let output = desk.expect(2, &format!("{SMALL} --out out"));
    assert!(stderr(&output).contains("part-00001.parquet` is not a usable table"));
}

#[test]
fn a_second_process_is_kept_away_and_the_lock_of_a_killed_one_is_not() {
    let desk = Desk::new(12);
    let mut first = begin(&desk, LONGER);
    wait_for_a_part(&desk, &mut first);
    // frozen, so that it does not end meanwhile
    signal(&first, "STOP");
    // not wrong, only too early
    let output = desk.expect(75, LONGER);
    let owner = format!("`out` is being written by process {}", first.id());
    assert!(stderr(&output).contains(&owner), "{}", stderr(&output));
    signal(&first, "KILL");
    first.wait().unwrap();
    let output = desk.expect(0, LONGER);
    let stale = format!("process {}", first.id());
    assert!(stderr(&output).contains(&stale), "{}", stderr(&output));
    assert!(stderr(&output).contains("done already"), "{}", stderr(&output));
}

#[test]
fn killed_at_random_moments_and_resumed_the_tables_are_the_same_bytes() {
    let desk = Desk::new(12);
    let start = Instant::now();
    desk.expect(0, &LONGER.replace("--out out", "--out whole"));
    let whole = start.elapsed().as_millis() as u64;
    // the moments are spread over a run by a multiplier; the figures of 100 kills come from
    // scripts/survive.sh
    for i in 0..6_u64 {
        let mut child = begin(&desk, LONGER);
        sleep(Duration::from_millis(i * 7919 % 97 * whole / 300));
        // it may have ended before
        let _ = child.kill();
        child.wait().unwrap();
    }
    desk.expect(0, LONGER);
    assert!(desk.tables("whole") == desk.tables("out"));
}

#[test]
fn stopped_by_a_signal_or_the_clock_it_says_how_to_go_on() {
    let desk = Desk::new(12);
    desk.expect(0, &LONGER.replace("--out out", "--out whole"));
    for name in ["TERM", "INT", "USR1"] {
        let mut child = begin(&desk, LONGER);
        if name == "TERM" {
            wait_for_a_part(&desk, &mut child);
        } else {
            wait_until(&mut child, || desk.path("out/.lock/run").exists());
        }
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(75), "{name}: {told}");
        assert!(told.contains("of 12 pictures done"), "{told}");
        assert!(told.contains("hint: the same command goes on from there"), "{told}");
        assert!(!desk.path("out/.lock").exists());
    }
    desk.expect(75, &format!("{LONGER} --max-time 0s"));
    desk.expect(0, &format!("{LONGER} --max-time 1h"));
    assert!(desk.tables("whole") == desk.tables("out"));
}

#[test]
fn a_run_whose_tables_are_not_all_there_is_not_called_complete() {
    let desk = Desk::new(4);
    desk.expect(0, &format!("{SMALL} --out one"));
    desk.expect(0, &format!("{SMALL} --shard 0/1 --out out"));
    assert!(!desk.path("out/report.html").exists());
    let status = desk.expect(3, "status out");
    assert_eq!(stdout(&status), "4 of 4 parts are done, but not put together yet\n");
    desk.expect(0, "merge out");
    desk.expect(0, "status out");
    assert!(desk.tables("one") == desk.tables("out"));
}

#[test]
fn a_stop_ends_an_explanation_that_takes_minutes() {
    let desk = Desk::new(2);
    let run = "run --model m.onnx --data pictures --methods rise:samples=1000000 --region 8 \
               --verbose --log json --out out";
    let told = || fs::read_to_string(desk.path("told")).unwrap_or_default();
    let mut command = Command::new(PROGRAM);
    command.current_dir(desk.path(".")).args(run.split_whitespace());
    command.stdout(fs::File::create(desk.path("told")).unwrap());
    let mut child = command.spawn().unwrap();
    // said before the explanation begins
    wait_until(&mut child, || told().contains("\"method\":\"rise"));
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(75), "{}", told());
    assert!(told().contains("stopped, and what was in hand is dropped"), "{}", told());
    assert!(told().contains("the same command goes on from there"), "{}", told());
    assert_eq!(desk.run("status out").status.code(), Some(3));
}

#[test]
fn parts_that_the_target_has_already_must_agree_with_those_of_the_shards() {
    let desk = Desk::new(4);
    for i in 0..2 {
        desk.expect(0, &format!("{SMALL} --shard {i}/2 --out s{i}"));
    }
    desk.expect(0, &format!("{SMALL} --seed 9 --out other"));
    shell(&desk, "cp -r s1 target; cp other/curves/part-00001.parquet target/curves/");
    let told = stderr(&desk.expect(2, "merge s0 s1 --out target"));
    assert!(told.contains("part 1 in `s1` and in `target` differ"), "{told}");
    // what the target has need not be named
    desk.expect(0, "merge s0 --out s1");
    desk.expect(0, &format!("{SMALL} --out one"));
    assert!(desk.tables("one") == desk.tables("s1"));
}

#[test]
fn names_of_pictures_may_be_as_long_as_the_system_allows() {
    let desk = Desk::new(2);
    fs::rename(
        desk.path("pictures/0.png"),
        desk.path(&format!("pictures/{}.png", "a".repeat(251))),
    )
    .unwrap();
    desk.expect(0, &format!("{SMALL} --out out"));
    assert!(desk.path("out/report.html").is_file());
}

#[test]
fn paths_may_have_spaces_and_any_letters() {
    let desk = Desk::new(2);
    fs::rename(desk.path("pictures"), desk.path("meine Bilder ü 图")).unwrap();
    let run = SMALL.replace("--data pictures", "--data 'meine Bilder ü 图'");
    let line = format!("\"$0\" {run} --out 'out put/ergebnis ü 图'");
    let output = shell(&desk, &line);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(desk.path("out put/ergebnis ü 图/summary.csv").is_file());
}

#[test]
fn a_reader_that_goes_away_does_no_harm() {
    let desk = Desk::new(2);
    // both ends: nobody reads the ranking, nobody reads the progress
    let output =
        shell(&desk, &format!("{{ \"$0\" {SMALL} --out out; echo $? > code; }} 2>&1 | true"));
    assert!(output.status.success());
    assert_eq!(fs::read_to_string(desk.path("code")).unwrap().trim(), "0");
    assert!(desk.path("out/summary.csv").is_file());
}

#[test]
fn too_little_memory_is_an_error_and_no_wrong_result() {
    let desk = Desk::new(2);
    desk.expect(0, &format!("{SMALL} --out whole"));
    let (mut done, mut refused) = (0, 0);
    for kilobytes in [30_000, 100_000, 200_000, 300_000, 400_000, 4_000_000] {
        let within = |arguments: &str| {
            shell(&desk, &format!("ulimit -v {kilobytes}; exec \"$0\" {arguments}"))
        };
        // there is nobody to say anything where the system cannot even load the program
        if !within("--version").status.success() {
            continue;
        }
        let output = within(&format!("{SMALL} --threads 2 --out out"));
        let told = stderr(&output);
        if output.status.success() {
            done += 1;
            assert!(desk.tables("whole") == desk.tables("out"));
        } else {
            refused += usize::from(told.contains("of address space are needed (`threads` is 2)"));
            assert_eq!(output.status.code(), Some(2), "{kilobytes} kB: {told}");
            assert!(!told.is_empty() && !told.contains("panicked"), "{kilobytes} kB: {told}");
            assert!(!desk.path("out/summary.csv").exists(), "{kilobytes} kB");
        }
    }
    assert!(done >= 1 && refused >= 1, "{done} done, {refused} refused");
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    let desk = Desk::new(12);
    let libraries = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut libraries = libraries.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let Some(library) = libraries.find(|path| path.exists()) else {
        return skip::left_out("faketime", "libfaketime is not installed");
    };
    desk.expect(0, &LONGER.replace("--out out", "--out whole"));
    let clock = desk.path("clock");
    fs::write(&clock, "+0").unwrap();
    let mut command = Command::new(PROGRAM);
    command.current_dir(desk.path(".")).args(LONGER.split_whitespace());
    // clocks that only count onwards do not jump, those of the calendar do
    command.args(["--max-time", "1h"]).env("LD_PRELOAD", library).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_a_part(&desk, &mut child);
    fs::write(&clock, "-10y").unwrap();
    sleep(Duration::from_millis(100));
    fs::write(&clock, "+10y").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(desk.tables("whole") == desk.tables("out"));
}

#[test]
fn a_run_writes_to_another_file_system() {
    let desk = Desk::new(4);
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return skip::left_out("mounts", "there is no /dev/shm");
    };
    desk.expect(0, &format!("{SMALL} --out one"));
    let away = memory.path().join("run");
    desk.expect(0, &format!("{SMALL} --out {}", away.display()));
    shell(&desk, &format!("cp -r {} away", away.display()));
    assert!(desk.tables("one") == desk.tables("away"));
}

#[test]
fn a_full_disk_is_named_and_the_run_goes_on_when_there_is_room() {
    let desk = Desk::new(12);
    desk.expect(0, &format!("{SMALL} --out whole"));
    fs::create_dir(desk.path("small")).unwrap();
    // a file system of its own, seen by this shell alone; parts of 12 pictures need about 250 kB
    let line = format!(
        "mount -t tmpfs -o size=100k tmpfs small || exit 99\n\
         \"$0\" {SMALL} --out small/out; echo \"code $?\" >&2; ls -A small/out/curves\n\
         mount -o remount,size=20m small && \"$0\" {SMALL} --out small/out && cp -r small/out out"
    );
    let mut command = Command::new("unshare");
    command.current_dir(desk.path(".")).args([
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        &line,
        PROGRAM,
    ]);
    let Ok(output) = command.output() else {
        return skip::left_out("mounts", "there is no `unshare`");
    };
    if output.status.code() == Some(99) || stderr(&output).contains("unshare failed") {
        return skip::left_out("mounts", "a file system cannot be mounted here");
    }
    let told = stderr(&output);
    assert!(told.contains("No space left on device") && told.contains("code 2"), "{told}");
    assert!(!stdout(&output).contains(".tmp"), "{}", stdout(&output));
    assert!(output.status.success(), "{told}");
    assert!(desk.tables("whole") == desk.tables("out"));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let desk = Desk::new(1);
    fs::create_dir(desk.path("closed")).unwrap();
    let line =
        format!("mount -t tmpfs -o ro tmpfs closed || exit 99\n\"$0\" {SMALL} --out closed/out");
    let mut command = Command::new("unshare");
    command.current_dir(desk.path(".")).args([
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        &line,
        PROGRAM,
    ]);
    let Ok(output) = command.output() else {
        return skip::left_out("mounts", "there is no `unshare`");
    };
    if output.status.code() == Some(99) || stderr(&output).contains("unshare failed") {
        return skip::left_out("mounts", "a file system cannot be mounted here");
    }
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("cannot write to `closed/out`: Read-only file system"), "{told}");
}

#[test]
fn merging_across_file_systems_copies() {
    let desk = Desk::new(4);
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return skip::left_out("mounts", "there is no /dev/shm");
    };
    desk.expect(0, &format!("{SMALL} --out one"));
    let away = memory.path().join("shard");
    desk.expect(0, &format!("{SMALL} --shard 0/2 --out {}", away.display()));
    desk.expect(0, &format!("{SMALL} --shard 1/2 --out near"));
    desk.expect(0, &format!("merge near {} --out whole", away.display()));
    assert!(desk.tables("one") == desk.tables("whole"));
}
