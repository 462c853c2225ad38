//! What a run says on stderr while it is at work: a bar with rate and time left, a line a minute when
//! nobody watches, or one JSON object per line.

use super::{
    args::{Log, TalkFlags},
    terminal::{self, count},
};
use indicatif::{ProgressBar, ProgressStyle};
use pixelflip::{
    base::text::{plain, plain_lines},
    run::event::{Event, Observer},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
    sync::Mutex,
    time::{Duration, Instant},
};

const BAR: &str = "{bar:30} {prefix}  {wide_msg}";
const INTERVAL: Duration = Duration::from_secs(60);

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Volume {
    /// Warnings and errors.
    Quiet,
    /// And how it goes.
    Normal,
    /// And every picture, part and failure.
    Verbose,
}

/// Shows a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    watched: bool,
    volume: Volume,
    json: bool,
    state: Mutex<State>,
}

struct State {
    start: Instant,
    said: Instant,
    /// Pictures of this run, and those that earlier ones finished.
    done: usize,
    finished: usize,
    total: usize,
    /// What is counted.
    noun: &'static str,
    /// Methods and reasons that were already told.
    told: BTreeSet<(String, String)>,
}

impl State {
    /// How far it is, how fast, and how long it will take.
    fn line(&self) -> String {
        line(self.noun, self.done, self.finished, self.total, self.start.elapsed())
    }
}

impl Progress {
    pub(crate) fn new(flags: &TalkFlags) -> Progress {
        let now = Instant::now();
        let volume = match (flags.quiet, flags.verbose) {
            (true, _) => Volume::Quiet,
            (_, true) => Volume::Verbose,
            _ => Volume::Normal,
        };
        let json = flags.log == Log::Json;
        let watched = io::stderr().is_terminal() && !json && volume > Volume::Quiet;
        let told = BTreeSet::new();
        let noun = "pictures";
        let state = State { start: now, said: now, done: 0, finished: 0, total: 0, noun, told };
        let bar = if watched { bar() } else { ProgressBar::hidden() };
        Progress { bar, watched, volume, json, state: Mutex::new(state) }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Says something that quiet runs do not say.
    pub(crate) fn note(&self, line: &str) {
        match (self.volume, self.json) {
            (Volume::Quiet, _) => (),
            (_, true) => self.object(json!({ "event": "note", "message": line })),
            (_, false) => self.say(line),
        }
    }

    /// Says something that may be wrong.
    pub(crate) fn warn(&self, line: &str) {
        if self.json {
            self.object(json!({ "event": "warning", "message": line }));
        } else {
            self.say(&format!("warning: {}", plain(line)));
        }
    }

    /// Says how it ended, where objects are wanted.
    pub(crate) fn ended(&self, object: Value) {
        if self.volume > Volume::Quiet {
            self.object(object);
        }
    }

    /// Says an object with the time since the beginning, where objects are wanted.
    fn object(&self, mut object: Value) {
        if self.json {
            let state = self.state();
            object["seconds_since_start"] = json!(state.start.elapsed().as_secs_f64());
            object["pictures_done"] = json!(state.done);
            terminal::talk(&object.to_string());
        }
    }

    fn say(&self, line: &str) {
        if self.watched { self.bar.println(plain_lines(line)) } else { terminal::talk(line) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the lock")
    }

    fn begin(&self, pictures: usize, finished: usize) {
        self.bar.set_length(pictures as u64);
        self.bar.set_position(finished as u64);
        let mut state = self.state();
        (state.total, state.done, state.finished) = (pictures, finished, finished);
        (state.start, state.said) = (Instant::now(), Instant::now());
        self.bar.set_prefix(state.line());
    }

    fn started(&self, pictures: usize, finished: usize, curves: usize, masked: usize) {
        self.begin(pictures, finished);
        let resumed = resumed(finished);
        let slow = if masked == 0 {
            String::new()
        } else {
            format!(" ({masked} of them with up to a full pass per step)")
        };
        self.note(&format!(
            "{}, {} each{slow}{resumed}",
            count(pictures, "picture"),
            count(curves, "curve")
        ));
    }

    fn step(&self) {
        let mut state = self.state();
        state.done += 1;
        self.bar.set_prefix(state.line());
        drop(state);
        self.bar.inc(1);
        self.minute();
    }

    /// A line a minute for log files.
    fn minute(&self) {
        if self.watched || self.json || self.volume == Volume::Quiet {
            return;
        }
        let mut state = self.state();
        if state.said.elapsed() >= INTERVAL {
            state.said = Instant::now();
            terminal::talk(&state.line());
        }
    }

    /// A reason is told once per method, not for each of a thousand pictures.
    fn once(&self, method: &str, reason: &str, line: &str) {
        let key = (method.to_owned(), reason.to_owned());
        let new = self.state().told.insert(key);
        if new || self.volume == Volume::Verbose {
            self.warn(&format!("`{method}` {line}"));
        }
    }

    fn detail(&self, line: &str) {
        if self.volume == Volume::Verbose {
            self.say(line);
        }
    }

    fn words(&self, event: &Event) {
        match event {
            Event::Started { pictures, finished, curves, masked } => {
                self.started(*pictures, *finished, *curves, *masked);
            }
            Event::Misfit { tried, of, reason } => self.warn(&format!(
                "none of {} fits, looking at all {of}; the first one: {reason}",
                count(*tried, "picture")
            )),
            Event::NotCompared { pictures, reason } => self.warn(&format!(
                "{} of what is done cannot be read now and compared; the first one: {reason}",
                count(*pictures, "picture")
            )),
            Event::Explaining { pictures, finished, explanations } => {
                self.begin(*pictures, *finished);
                let (pictures, each) =
                    (count(*pictures, "picture"), count(*explanations, "explanation"));
                self.note(&format!("{pictures}, {each} each{}", resumed(*finished)));
            }
            Event::Method { image, method } => {
                // without parameters there is room for it
                let id = method.split(':').next().unwrap_or(method);
                self.bar.set_message(format!("{} on {}", plain(id), plain(image)));
                self.minute();
            }
            Event::Climbing { prototypes, finished, steps } => {
                self.begin(prototypes * steps, finished * steps);
                self.state().noun = "steps";
                let (prototypes, each) = (count(*prototypes, "prototype"), count(*steps, "step"));
                self.note(&format!("{prototypes}, {each} each{}", resumed(*finished)));
            }
            Event::Step => self.step(),
            Event::Prototype { name, probability } => {
                let p = probability.map_or(String::new(), |p| format!(", probability {p:.4}"));
                self.detail(&format!("`{}` is done{p}", plain(name)));
            }
            Event::NoPrototype { name, reason } => {
                self.warn(&format!("no prototype `{name}`: {reason}"));
            }
            Event::Picture { image } => {
                self.detail(&format!("`{}` is done", plain(image)));
                self.step();
            }
            Event::Skipped { image, reason } => {
                self.warn(&format!("skipped `{image}`: {reason}"));
                self.step();
            }
            Event::Failed { image, method, reason } => {
                self.once(method, reason, &format!("gives nothing for `{image}`: {reason}"));
            }
            Event::Even { image, method } => {
                let what = "finds all regions equally relevant, so their order is chance";
                self.once(method, what, &format!("{what}: `{image}`"));
            }
            Event::Part { part, pictures, seconds } => {
                let pictures = count(*pictures, "picture");
                self.detail(&format!("part {part} with {pictures} is written, {seconds:.1} s"));
            }
        }
    }

    fn log(&self, event: &Event) {
        let is_wrong = matches!(
            event,
            Event::Skipped { .. }
                | Event::Failed { .. }
                | Event::Even { .. }
                | Event::Misfit { .. }
                | Event::NotCompared { .. }
                | Event::NoPrototype { .. }
        );
        match event {
            Event::Started { finished, .. } | Event::Explaining { finished, .. } => {
                self.state().done = *finished;
            }
            Event::Picture { .. } | Event::Skipped { .. } | Event::Prototype { .. } => {
                self.state().done += 1;
            }
            _ => (),
        }
        let told = match self.volume {
            Volume::Quiet => is_wrong,
            Volume::Normal => !matches!(event, Event::Method { .. } | Event::Step),
            Volume::Verbose => !matches!(event, Event::Step),
        };
        if !told {
            return;
        }
        self.object(serde_json::to_value(event).expect("an event is plain data"));
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        if self.json { self.log(event) } else { self.words(event) }
    }
}

/// What was done before, if anything was.
fn resumed(finished: usize) -> String {
    if finished == 0 { String::new() } else { format!(", {finished} of them done already") }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(BAR).expect("a valid template");
    ProgressBar::new(0).with_style(style.progress_chars("=> "))
}

/// `finished` pictures were there before, so they say nothing about the rate.
fn line(noun: &str, done: usize, finished: usize, total: usize, elapsed: Duration) -> String {
    let rate = (done - finished) as f64 / elapsed.as_secs_f64().max(1e-9);
    if done == finished {
        return format!("{done}/{total} {noun}, time left unknown");
    }
    let left = time((total - done) as f64 / rate);
    format!("{done}/{total} {noun}, {rate:.2}/s, {left} left")
}

/// Seconds, minutes or hours.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_nobody_tells_rate_and_time_left() {
        let minute = Duration::from_secs(60);
        assert_eq!(line("pictures", 30, 0, 90, minute), "30/90 pictures, 0.50/s, 2 min left");
        assert_eq!(line("pictures", 1, 0, 90, minute), "1/90 pictures, 0.02/s, 89 min left");
        let resumed = line("pictures", 60, 30, 90, minute);
        assert_eq!(
            resumed, "60/90 pictures, 0.50/s, 60 s left",
            "earlier pictures took no time now"
        );
        assert_eq!(line("pictures", 30, 30, 90, minute), "30/90 pictures, time left unknown");
    }
}
