//! A run on a SLURM cluster that is started on this machine, which needs root and Debian's packages
//! slurmctld, slurmd, slurm-client and munge; and the script of a task with stand-ins for SLURM.

use super::{Desk, SMALL, skip, stderr, stdout};
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output},
    thread::sleep,
    time::{Duration, Instant},
};

fn script(name: &str) -> String {
    format!("{}/scripts/slurm/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Writes a program into the desk's folder.
fn program(desk: &Desk, name: &str, text: &str) -> PathBuf {
    let path = desk.path(name);
    fs::write(&path, format!("#!/usr/bin/env bash\n{text}")).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
    path
}

/// What a program has written into the desk's folder so far.
fn noted(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path(name)).unwrap_or_default()
}

/// Waits until something is so; there is nothing to be notified by.
fn wait_until(what: &str, seconds: u64, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        sleep(Duration::from_millis(100));
    }
}

/// A cluster of three nodes, taken down when dropped.
struct Cluster {
    folder: tempfile::TempDir,
    /// What its tasks do their work with.
    pixelflip: PathBuf,
    _alone: File,
}

impl Cluster {
    /// `None` where it cannot be started.
    fn up(pixelflip: impl Into<PathBuf>) -> Option<Cluster> {
        let here = |program: &str| Path::new("/usr/sbin").join(program).exists();
        if !["slurmctld", "slurmd", "munged"].into_iter().all(here) {
            skip::left_out("slurm", "slurmctld, slurmd and munge are not installed");
            return None;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
        if user.split_whitespace().next() != Some("0") {
            skip::left_out("slurm", "a cluster on one machine needs root");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("three nödes ").tempdir().unwrap();
        let cluster = Cluster { folder, pixelflip: pixelflip.into(), _alone: Cluster::alone() };
        let up = Command::new(script("local_cluster.sh"))
            .arg("up")
            .arg(cluster.folder.path())
            .arg("3")
            .output()
            .unwrap();
        assert!(up.status.success(), "{}", stderr(&up));
        Some(cluster)
    }

    /// Clusters take the same ports, so there is one at a time.
    fn alone() -> File {
        let file = File::create(env::temp_dir().join("pixelflip-cluster.lock")).unwrap();
        file.lock().unwrap();
        file
    }

    fn command(&self, desk: &Desk, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .current_dir(desk.path("."))
            .env("SLURM_CONF", self.folder.path().join("slurm.conf"))
            .env("PIXELFLIP", &self.pixelflip)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Submits a run, and waits until its jobs have ended. `during` is called while they are at work,
    /// with the number of the array.
    fn run(&self, desk: &Desk, shards: &str, run: &str, during: impl Fn(&str)) {
        let run: Vec<&str> = run.split_whitespace().skip(1).collect();
        let arguments = [&["out", shards, "--time=10", "--"][..], &run].concat();
        let output = self.command(desk, &script("submit.sh"), &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let jobs = stdout(&output);
        // nothing is submitted where all is put together
        let Some(array) = jobs.split_whitespace().next() else { return };
        during(array);
        wait_until("all jobs have ended", 240, || {
            // a requeued task would wait for two minutes
            let array = format!("job={array}");
            self.command(desk, "scontrol", &["update", &array, "starttime=now"]);
            let queue = self.command(desk, "squeue", &["--noheader"]);
            queue.status.success() && queue.stdout.is_empty()
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut down = Command::new(script("local_cluster.sh"));
        // nothing can be done about a failure here
        let _ = down.arg("down").arg(self.folder.path()).output();
    }
}

#[test]
fn an_array_of_shards_and_a_merge_give_the_bytes_of_one_run() {
    let Some(cluster) = Cluster::up(env!("CARGO_BIN_EXE_pixelflip")) else { return };
    let desk = Desk::new(20);
    desk.expect(0, &format!("{SMALL} --out one"));
    // one task is killed as a failing node would, one is requeued as by preemption
    cluster.run(&desk, "8", SMALL, |array| {
        sleep(Duration::from_millis(500));
        cluster.command(&desk, "scancel", &["--signal=KILL", "--full", &format!("{array}_3")]);
        cluster.command(&desk, "scontrol", &["requeue", &format!("{array}_1")]);
    });
    // what is missing is submitted again by the same command; nothing may be
    cluster.run(&desk, "8", SMALL, |_| ());
    let status = desk.expect(0, "status out");
    assert_eq!(stdout(&status), "complete: 20 of 20 parts are done and put together\n");
    assert!(desk.tables("one") == desk.tables("out"));
}

/// Notes its start. Task 0 fails; the task whose job has the array's number stops at its first start,
/// once task 0 has ended; the others are at work until that one has been started again.
const STOPS_ONCE: &str = r#"
[ "$1" = run ] || exit 0
echo "$SLURM_JOB_ID" >>"starts-$SLURM_ARRAY_TASK_ID"
failed() { [ -e starts-0 ] && [ -z "$(squeue --noheader --states=R,CG --jobs="${SLURM_ARRAY_JOB_ID}_0")" ]; }
if [ "$SLURM_JOB_ID" = "$SLURM_ARRAY_JOB_ID" ]; then
    [ "$(wc -l <"starts-$SLURM_ARRAY_TASK_ID")" -eq 1 ] || { touch again; exit 0; }
    until failed && [ -e starts-1 ]; do sleep 0.1; done
    exit 75
fi
[ "$SLURM_ARRAY_TASK_ID" -ne 0 ] || exit 2
trap 'exit 75' TERM
for _ in $(seq 1200); do [ ! -e again ] || exit 0; sleep 0.1; done
"#;

#[test]
fn a_task_that_stops_is_started_again_and_no_other_one() {
    let desk = Desk::new(0);
    let Some(cluster) = Cluster::up(program(&desk, "fake", STOPS_ONCE)) else { return };
    cluster.run(&desk, "3", "run experiment.toml", |_| ());
    let starts: Vec<String> = (0..3).map(|i| noted(&desk, &format!("starts-{i}"))).collect();
    // SLURM gives the array's number to the job of the task that it starts last
    let number = |task: usize| starts[task].lines().collect::<Vec<_>>();
    assert_eq!(number(2), ["1", "1"], "{starts:?}");
    assert_eq!((number(0).len(), number(1).len()), (1, 1), "{starts:?}");
}

#[test]
fn tasks_that_are_cancelled_are_not_started_again() {
    let desk = Desk::new(0);
    let text = "[ \"$1\" = run ] || exit 0\ntrap 'exit 75' TERM\necho started >>starts\n\
                for _ in $(seq 1200); do sleep 0.1; done";
    let Some(cluster) = Cluster::up(program(&desk, "fake", text)) else { return };
    cluster.run(&desk, "2", "run experiment.toml", |array| {
        wait_until("both are at work", 60, || noted(&desk, "starts").lines().count() == 2);
        cluster.command(&desk, "scancel", &[array]);
    });
    assert_eq!(noted(&desk, "starts"), "started\nstarted\n");
}

/// Begins shard 3 of 8 of an array whose number this task's job has, with `pixelflip` as the program.
/// What SLURM is asked goes into `asked`; it says that the task is in this `state`.
fn shard(desk: &Desk, state: &str, pixelflip: &str) -> Child {
    let answer = format!("case $* in *%L) echo 59:30 ;; *%T/%r) echo {state} ;; esac");
    program(desk, "squeue", &format!("[[ $* = *=70_3\\ * ]] || echo 5\n{answer}\n"));
    program(desk, "scontrol", "echo \"$*\" >>asked\n");
    let path = format!("{}:{}", desk.path("").display(), env::var("PATH").unwrap());
    Command::new(script("shard.sh"))
        .current_dir(desk.path("."))
        .env("PATH", path)
        .env("PIXELFLIP", program(desk, "pixel flip", pixelflip))
        .envs([("SLURM_JOB_ID", "70"), ("SLURM_ARRAY_JOB_ID", "70"), ("SLURM_ARRAY_TASK_ID", "3")])
        .env_remove("SLURM_RESTART_COUNT")
        .args(["out ü", "8", "an experiment.toml"])
        .spawn()
        .unwrap()
}

/// The exit code of what is to end within two minutes.
fn code(mut child: Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("the script does not end");
}

#[test]
fn what_is_done_is_not_submitted_again() {
    let desk = Desk::new(0);
    fs::create_dir(desk.path("out")).unwrap();
    fs::write(desk.path("out/manifest.json"), "{}").unwrap();
    program(&desk, "sbatch", "echo \"$@\" >>submitted; echo 7");
    let path = format!("{}:{}", desk.path(".").display(), env::var("PATH").unwrap());
    // what `status` says, its exit code, the one of the script, jobs submitted
    for (said, status, code, jobs) in
        [("2,5", 3, 0, 2), ("", 3, 0, 1), ("", 0, 0, 0), ("", 2, 2, 0)]
    {
        let _ = fs::remove_file(desk.path("submitted"));
        let fake = program(&desk, "fake", &format!("echo '{said}'; exit {status}"));
        let mut command = Command::new(script("submit.sh"));
        command.current_dir(desk.path(".")).env("PATH", &path).env("PIXELFLIP", fake);
        let output = command.args(["out", "8", "--", "x.toml"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{said} {status}: {}", stderr(&output));
        let submitted = noted(&desk, "submitted");
        assert_eq!(submitted.lines().count(), jobs, "{said} {status}: {submitted}");
        assert_eq!(submitted.contains("--array=2,5"), jobs == 2);
        assert_eq!(submitted.contains("--dependency=afterany:7"), jobs == 2);
    }
}

#[test]
fn a_task_whose_program_is_killed_ends_with_its_code() {
    let desk = Desk::new(0);
    assert_eq!(code(shard(&desk, "RUNNING/None", "kill -9 $$")), Some(137));
    assert_eq!(noted(&desk, "asked"), "", "it is not requeued");
}

#[test]
fn a_task_asks_about_itself_and_requeues_itself_and_not_the_array() {
    let desk = Desk::new(0);
    assert_eq!(code(shard(&desk, "RUNNING/None", "echo \"$*\" >told; exit 75")), Some(0));
    let told = "run an experiment.toml --out out ü --shard 3/8 --max-time 59:30\n";
    assert_eq!(noted(&desk, "told"), told);
    assert_eq!(noted(&desk, "asked"), "requeue 70_3\n");
    assert_eq!(code(shard(&desk, "COMPLETING/TimeLimit", "exit 75")), Some(0));
    assert_eq!(noted(&desk, "asked"), "requeue 70_3\nrequeue 70_3\n");
}

#[test]
fn a_task_whose_time_is_too_short_for_a_part_does_not_requeue_itself() {
    let desk = Desk::new(0);
    // as `run` says it, `cli::known::a_limit_in_which_nothing_is_finished_is_said_to_be_in_vain`
    let vain = "echo 'nothing was finished, and the same time again comes no further' >&2; exit 75";
    assert_eq!(code(shard(&desk, "RUNNING/None", vain)), Some(75));
    assert_eq!(noted(&desk, "asked"), "");
}

#[test]
fn a_task_that_was_cancelled_does_not_requeue_itself() {
    let desk = Desk::new(0);
    assert_eq!(code(shard(&desk, "COMPLETING/None", "exit 75")), Some(75));
    assert_eq!(noted(&desk, "asked"), "");
}

#[test]
fn signals_are_handed_on_and_the_program_is_waited_for() {
    for signal in ["TERM", "USR1"] {
        let desk = Desk::new(0);
        let text = format!(
            "trap 'sleep 0.5; echo done >>asked; exit 75' {signal}\ntouch ready\n\
             for _ in $(seq 300); do sleep 0.1; done"
        );
        let child = shard(&desk, "RUNNING/None", &text);
        wait_until("the program is at work", 120, || desk.path("ready").exists());
        let kill =
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert_eq!(code(child), Some(0), "{signal}");
        assert_eq!(noted(&desk, "asked"), "done\nrequeue 70_3\n", "{signal}");
    }
}
