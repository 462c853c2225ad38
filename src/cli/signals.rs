//! Ctrl-C and the signals of schedulers.

use anyhow::Context;
use pixelflip::run::stop::Stop;
use signal_hook::{
    consts::{SIGABRT, SIGINT, SIGTERM},
    flag,
};
use std::{
    os::raw::c_int,
    sync::{Arc, atomic::AtomicBool},
};

/// What the system cannot give ends the program by SIGABRT, after a sentence that says so: with the exit
/// code of what cannot be done, as every other error.
pub(crate) fn abort_is_an_error() {
    let always = Arc::new(AtomicBool::new(true));
    // without the handler the exit code is that of the signal
    let _ = flag::register_conditional_shutdown(SIGABRT, super::IMPOSSIBLE.into(), always);
}

/// Ctrl-C and SIGTERM drop what is in hand, a second one ends at once; SIGUSR1, which SLURM sends some
/// time before the end when told so, lets the parts in hand be finished.
pub(crate) fn listen(stop: &Stop) -> anyhow::Result<()> {
    let at_once = |signal: c_int| -> std::io::Result<()> {
        flag::register_conditional_shutdown(signal, super::INTERRUPTED.into(), stop.now_flag())?;
        flag::register(signal, stop.now_flag()).map(drop)
    };
    [SIGINT, SIGTERM].into_iter().try_for_each(at_once).context("listening to signals")?;
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGUSR1, stop.soon_flag())
        .context("listening to signals")?;
    Ok(())
}
