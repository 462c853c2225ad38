//! Ctrl-C and the signals of schedulers.

use super::{args::Log, failure};
use anyhow::Context;
use pixelflip::run::{
    runner::RunError,
    stop::{Stop, Vain},
};
use signal_hook::{
    consts::{SIGABRT, SIGINT, SIGTERM},
    flag,
};
use std::{
    os::raw::c_int,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What the system cannot give ends the program by SIGABRT, after a sentence that says so: with the exit
/// code of what cannot be done, as every other error.
pub(crate) fn abort_is_an_error() {
    let always = Arc::new(AtomicBool::new(true));
    // without the handler the exit code is that of the signal
    let _ = flag::register_conditional_shutdown(SIGABRT, super::IMPOSSIBLE.into(), always);
}

/// How long what is in hand may take to notice that it is to be dropped: less than schedulers wait
/// between a signal and the kill.
const GRACE: Duration = Duration::from_secs(8);

/// Ctrl-C and SIGTERM drop what is in hand, a second one ends at once; SIGUSR1, which SLURM sends some
/// time before the end when told so, lets the parts in hand be finished. Where something long is in hand
/// that looks at no flag (one explanation, the final tables), the process ends itself: nothing that is
/// finished gets lost, and nothing half-written looks whole.
pub(crate) fn listen(stop: &Stop, log: Log) -> anyhow::Result<()> {
    let at_once = |signal: c_int| -> std::io::Result<()> {
        flag::register_conditional_shutdown(signal, super::INTERRUPTED.into(), stop.now_flag())?;
        flag::register(signal, stop.now_flag()).map(drop)
    };
    [SIGINT, SIGTERM].into_iter().try_for_each(at_once).context("listening to signals")?;
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGUSR1, stop.soon_flag())
        .context("listening to signals")?;
    let (now, deadline, vain) = (stop.now_flag(), stop.deadline(), stop.vain());
    let told =
        move || now.load(Ordering::Relaxed) || deadline.is_some_and(|end| Instant::now() >= end);
    thread::Builder::new()
        .spawn(move || end_after(told, vain, log))
        .context("starting a thread")?;
    Ok(())
}

/// Ends the process some time after it was told to stop.
fn end_after(told: impl Fn() -> bool, vain: impl Fn() -> Option<Vain>, log: Log) {
    while !told() {
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(GRACE);
    let error = anyhow::Error::new(RunError::Dropped { vain: vain() });
    let _ = failure::report(&error, log);
    process::exit(super::INTERRUPTED.into());
}
