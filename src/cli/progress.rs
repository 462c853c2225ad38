//! Progress on stderr: a bar with rate and time left, or a line a minute when nobody watches.

use super::terminal::{self, count};
use indicatif::{ProgressBar, ProgressStyle};
use pixelflip::run::event::{Event, Observer};
use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
    sync::Mutex,
    time::{Duration, Instant},
};

const BAR: &str = "{bar:30} {pos}/{len} pictures, {per_sec}, {eta} left";
const INTERVAL: Duration = Duration::from_secs(60);

/// Shows a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    watched: bool,
    state: Mutex<State>,
}

struct State {
    start: Instant,
    said: Instant,
    done: usize,
    total: usize,
    /// Methods and reasons that were already told.
    told: BTreeSet<(String, String)>,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        let now = Instant::now();
        let state = State { start: now, said: now, done: 0, total: 0, told: BTreeSet::new() };
        Progress {
            bar: ProgressBar::hidden(),
            watched: io::stderr().is_terminal(),
            state: Mutex::new(state),
        }
        .with_bar()
    }

    fn with_bar(mut self) -> Progress {
        if self.watched {
            let style = ProgressStyle::with_template(BAR).expect("a valid template");
            self.bar = ProgressBar::new(0).with_style(style.progress_chars("=> "));
        }
        self
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        if self.watched { self.bar.println(line) } else { terminal::talk(line) }
    }

    fn started(&self, pictures: usize, finished: usize, curves: usize, masked: usize) {
        self.bar.set_length(pictures as u64);
        self.bar.set_position(finished as u64);
        self.bar.reset_eta();
        let mut state = self.state.lock().expect("no thread panics while it holds the lock");
        (state.total, state.done) = (pictures, finished);
        drop(state);
        let resumed = if finished == 0 {
            String::new()
        } else {
            format!(", {finished} of them done already")
        };
        let slow = if masked == 0 {
            String::new()
        } else {
            format!(" ({masked} of them with up to a full pass per step)")
        };
        self.say(&format!(
            "{}, {} each{slow}{resumed}",
            count(pictures, "picture"),
            count(curves, "curve")
        ));
    }

    fn step(&self) {
        self.bar.inc(1);
        let mut state = self.state.lock().expect("no thread panics while it holds the lock");
        state.done += 1;
        if !self.watched && state.said.elapsed() >= INTERVAL {
            state.said = Instant::now();
            terminal::talk(&line(state.done, state.total, state.start.elapsed()));
        }
    }

    /// A reason is told once per method, not for each of a thousand pictures.
    fn failed(&self, image: &str, method: &str, reason: &str) {
        let key = (method.to_owned(), reason.to_owned());
        let mut state = self.state.lock().expect("no thread panics while it holds the lock");
        if state.told.insert(key) {
            drop(state);
            self.say(&format!("warning: `{method}` gives nothing for `{image}`: {reason}"));
        }
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        match event {
            Event::Started { pictures, finished, curves, masked } => {
                self.started(*pictures, *finished, *curves, *masked);
            }
            Event::Picture { .. } => self.step(),
            Event::Skipped { image, reason } => {
                self.say(&format!("warning: skipped `{image}`: {reason}"));
                self.step();
            }
            Event::Failed { image, method, reason } => self.failed(image, method, reason),
        }
    }
}

fn line(done: usize, total: usize, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = (total - done) as f64 / rate.max(1e-9);
    format!("{done}/{total} pictures, {rate:.2}/s, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_nobody_tells_rate_and_time_left() {
        let line = line(30, 90, Duration::from_secs(60));
        assert_eq!(line, "30/90 pictures, 0.50/s, 120 s left");
    }
}
