//! A run on a SLURM cluster that is started on this machine. Needs root and Debian's packages
//! slurmctld, slurmd, slurm-client and munge.

use super::{Desk, SMALL, stderr, stdout};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    thread::sleep,
    time::{Duration, Instant},
};

/// A cluster of three nodes, taken down when dropped.
struct Cluster(tempfile::TempDir);

impl Cluster {
    fn script(name: &str) -> String {
        format!("{}/scripts/slurm/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    /// `None` where it cannot be started.
    fn up() -> Option<Cluster> {
        let here = |program: &str| Path::new("/usr/sbin").join(program).exists();
        if !["slurmctld", "slurmd", "munged"].into_iter().all(here) {
            println!("skipped: slurmctld, slurmd and munge are not installed");
            return None;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
        if user.split_whitespace().next() != Some("0") {
            println!("skipped: a cluster on one machine needs root");
            return None;
        }
        let cluster = Cluster(tempfile::tempdir().unwrap());
        let up = Command::new(Cluster::script("local_cluster.sh"))
            .args(["up", cluster.0.path().to_str().unwrap(), "3"])
            .output()
            .unwrap();
        assert!(up.status.success(), "{}", stderr(&up));
        Some(cluster)
    }

    fn command(&self, desk: &Desk, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .current_dir(desk.path("."))
            .env("SLURM_CONF", self.0.path().join("slurm.conf"))
            .env("PIXELFLIP", env!("CARGO_BIN_EXE_pixelflip"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Submits a run of eight shards and waits until its jobs have ended. `during` is called while
    /// they are at work.
    fn run(&self, desk: &Desk, during: impl Fn(&str)) {
        let run: Vec<&str> = SMALL.split_whitespace().skip(1).collect();
        let submit = Cluster::script("submit.sh");
        let arguments = [&["out", "8", "--time=10", "--"][..], &run].concat();
        let output = self.command(desk, &submit, &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let jobs = stdout(&output);
        let jobs: Vec<&str> = jobs.split_whitespace().collect();
        during(jobs[0]);
        let start = Instant::now();
        loop {
            // a requeued task would wait for two minutes
            let task = format!("job={}_1", jobs[0]);
            self.command(desk, "scontrol", &["update", &task, "starttime=now"]);
            let queue = self.command(desk, "squeue", &["--noheader"]);
            if queue.status.success() && queue.stdout.is_empty() {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(240), "{}", stdout(&queue));
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut down = Command::new(Cluster::script("local_cluster.sh"));
        // nothing can be done about a failure here
        let _ = down.args(["down", self.0.path().to_str().unwrap()]).output();
    }
}

#[test]
fn an_array_of_shards_and_a_merge_give_the_bytes_of_one_run() {
    let Some(cluster) = Cluster::up() else { return };
    let desk = Desk::new(20);
    desk.expect(0, &format!("{SMALL} --out one"));
    // one task is killed as a failing node would, one is requeued as by preemption
    cluster.run(&desk, |array| {
        sleep(Duration::from_millis(500));
        cluster.command(&desk, "scancel", &["--signal=KILL", "--full", &format!("{array}_3")]);
        cluster.command(&desk, "scontrol", &["requeue", &format!("{array}_1")]);
    });
    // what is missing is submitted again by the same command; nothing may be
    cluster.run(&desk, |_| ());
    let status = desk.expect(0, "status out");
    assert_eq!(stdout(&status), "complete: 20 of 20 parts are done and put together\n");
    assert!(desk.tables("one") == desk.tables("out"));
}
