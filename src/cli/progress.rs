//! What a run says while it is at work: on stderr a bar with rate and time left, or a line a minute when
//! nobody watches; or one JSON object per line on stdout.

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
    collections::{BTreeMap, BTreeSet},
    io::{self, IsTerminal},
    sync::Mutex,
    time::{Duration, Instant},
};

const BAR: &str = "{bar:12} {prefix}  {wide_msg}";
const END: &str = "{spinner} {prefix}  {elapsed}";
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
    /// Pictures that are done, those of earlier calls among them.
    done: usize,
    total: usize,
    work: Count,
    /// Methods and reasons that were already told.
    told: BTreeSet<(String, String)>,
}

impl State {
    fn picture(&mut self, image: &str) {
        self.done += 1;
        self.work.picture(image);
    }

    /// How far it is, how fast, and how long it will take.
    fn line(&self) -> String {
        line(self.done, self.total, &self.work, self.start.elapsed())
    }
}

/// Curves, or explanations: what a picture takes many of.
#[derive(Default)]
struct Count {
    /// What is counted, and what has so many of them.
    what: [&'static str; 2],
    each: usize,
    /// Those that this call has measured: they alone say something about the rate.
    measured: usize,
    /// Those of pictures that are done, and of open ones.
    done: usize,
    open: BTreeMap<String, usize>,
    total: usize,
}

impl Count {
    fn of(what: [&'static str; 2], each: usize, pictures: usize, finished: usize) -> Count {
        let (total, done) = (each * pictures, each * finished);
        Count { what, each, measured: 0, done, open: BTreeMap::new(), total }
    }

    fn one(&mut self, image: &str) {
        self.measured += 1;
        *self.open.entry(image.to_owned()).or_default() += 1;
    }

    /// A picture is done, or left out; what was kept of it by an earlier call took no time now.
    fn picture(&mut self, image: &str) {
        // some experiments say nothing before a picture is done
        self.measured += if self.open.remove(image).is_none() { self.each } else { 0 };
        self.done += self.each;
    }

    fn so_far(&self) -> usize {
        (self.done + self.open.values().sum::<usize>()).min(self.total)
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
        let work = Count::default();
        let state = State { start: now, said: now, done: 0, total: 0, work, told };
        let bar = if watched { bar() } else { ProgressBar::hidden() };
        Progress { bar, watched, volume, json, state: Mutex::new(state) }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Takes the bar away until the end begins.
    pub(crate) fn pause(&self) {
        self.bar.set_prefix("");
        self.bar.set_message("");
        self.bar.tick();
    }

    /// Says which step of the end begins: it takes a while, and no curve is measured.
    pub(crate) fn end(&self, what: &str) {
        if self.json {
            if self.volume > Volume::Quiet {
                self.object(json!({ "event": "end", "step": what }));
            }
            return;
        }
        self.bar.set_style(ProgressStyle::with_template(END).expect("a valid template"));
        self.bar.enable_steady_tick(Duration::from_millis(200));
        self.bar.set_prefix(what.to_owned());
        self.minute(|_| what.to_owned());
    }

    /// Prints what came out; quiet runs print nothing, and where objects are wanted there is one for it.
    pub(crate) fn result(&self, text: &str) -> io::Result<()> {
        if self.json || self.volume == Volume::Quiet { Ok(()) } else { terminal::data(text) }
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
            object["curves_done"] = json!(state.work.so_far());
            drop(state);
            terminal::object(&object);
        }
    }

    fn say(&self, line: &str) {
        if self.watched { self.bar.println(plain_lines(line)) } else { terminal::talk(line) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the lock")
    }

    fn begin(&self, pictures: usize, finished: usize, what: [&'static str; 2], each: usize) {
        let work = Count::of(what, each, pictures, finished);
        self.bar.set_length(work.total as u64);
        self.bar.set_position(work.done as u64);
        let mut state = self.state();
        (state.total, state.done, state.work) = (pictures, finished, work);
        (state.start, state.said) = (Instant::now(), Instant::now());
        self.bar.set_prefix(state.line());
    }

    fn started(&self, pictures: usize, finished: usize, curves: usize, masked: usize) {
        self.begin(pictures, finished, ["curves", "pictures"], curves);
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

    fn step(&self, change: impl Fn(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        self.bar.set_prefix(state.line());
        self.bar.set_position(state.work.so_far() as u64);
        drop(state);
        self.minute(State::line);
    }

    /// A line a minute for log files.
    fn minute(&self, line: impl Fn(&State) -> String) {
        if self.watched || self.json || self.volume == Volume::Quiet {
            return;
        }
        let mut state = self.state();
        if state.said.elapsed() >= INTERVAL {
            state.said = Instant::now();
            terminal::talk(&line(&state));
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
                self.begin(*pictures, *finished, ["explanations", "pictures"], *explanations);
                let (pictures, each) =
                    (count(*pictures, "picture"), count(*explanations, "explanation"));
                self.note(&format!("{pictures}, {each} each{}", resumed(*finished)));
            }
            Event::Method { image, method } => {
                // without parameters there is room for it
                let id = method.split(':').next().unwrap_or(method);
                self.bar.set_message(format!("{} on {}", plain(id), plain(image)));
                self.minute(State::line);
            }
            Event::Climbing { prototypes, finished, steps } => {
                self.begin(*prototypes, *finished, ["steps", "prototypes"], *steps);
                let (prototypes, each) = (count(*prototypes, "prototype"), count(*steps, "step"));
                self.note(&format!("{prototypes}, {each} each{}", resumed(*finished)));
            }
            Event::Step => self.step(|state| state.work.one("")),
            Event::Prototype { name, probability } => {
                self.step(|state| state.done += 1);
                let p = probability.map_or(String::new(), |p| format!(", probability {p:.4}"));
                self.detail(&format!("`{}` is done{p}", plain(name)));
            }
            Event::NoPrototype { name, reason } => {
                self.warn(&format!("no prototype `{name}`: {reason}"));
            }
            Event::Curve { image } => self.step(|state| state.work.one(image)),
            Event::Picture { image } => {
                self.detail(&format!("`{}` is done", plain(image)));
                self.step(|state| state.picture(image));
            }
            Event::Skipped { image, reason } => {
                self.warn(&format!("skipped `{image}`: {reason}"));
                self.step(|state| state.picture(image));
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
            Event::Started { pictures, finished, curves, .. } => {
                self.begin(*pictures, *finished, ["curves", "pictures"], *curves);
            }
            Event::Explaining { pictures, finished, explanations } => {
                self.begin(*pictures, *finished, ["explanations", "pictures"], *explanations);
            }
            Event::Climbing { prototypes, finished, steps } => {
                self.begin(*prototypes, *finished, ["steps", "prototypes"], *steps);
            }
            Event::Step => self.state().work.one(""),
            Event::Prototype { .. } => self.state().done += 1,
            Event::Curve { image } => self.state().work.one(image),
            Event::Picture { image } | Event::Skipped { image, .. } => self.state().picture(image),
            _ => (),
        }
        let told = match self.volume {
            Volume::Quiet => is_wrong,
            Volume::Normal => {
                !matches!(event, Event::Method { .. } | Event::Curve { .. } | Event::Step)
            }
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

/// What was done before says nothing about the rate.
fn line(done: usize, total: usize, work: &Count, elapsed: Duration) -> String {
    let Count { what, measured, total: all, .. } = *work;
    let so_far = work.so_far();
    let [what, of] = what;
    let place = format!("{so_far}/{all} {what}, {done}/{total} {of}");
    if measured == 0 {
        return format!("{place}, time left unknown");
    }
    let rate = measured as f64 / elapsed.as_secs_f64().max(1e-9);
    format!("{place}, {}/s, {} left", short(rate), time((all - so_far) as f64 / rate))
}

/// A rate with two or three digits.
fn short(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.2}") } else { format!("{rate:.0}") }
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

    fn after(curves: usize, work: &mut Count) {
        (0..curves).for_each(|_| work.one("a"));
    }

    #[test]
    fn the_line_tells_rate_and_time_left_from_the_first_curve_on() {
        let minute = Duration::from_secs(60);
        let mut work = Count::of(["curves", "pictures"], 60, 6, 0);
        let begun = line(0, 6, &work, minute);
        assert_eq!(begun, "0/360 curves, 0/6 pictures, time left unknown");
        after(1, &mut work);
        let one = line(0, 6, &work, minute);
        assert_eq!(one, "1/360 curves, 0/6 pictures, 0.02/s, 6.0 h left");
        after(29, &mut work);
        let half = line(0, 6, &work, minute);
        assert_eq!(half, "30/360 curves, 0/6 pictures, 0.50/s, 11 min left");
        after(30, &mut work);
        work.picture("a");
        let one = line(1, 6, &work, minute);
        assert_eq!(one, "60/360 curves, 1/6 pictures, 1.00/s, 5 min left");
        assert!(
            12 + 1
                + line(888, 999, &Count::of(["curves", "pictures"], 960, 999, 888), minute).len()
                <= 80
        );
    }

    #[test]
    fn what_was_done_before_took_no_time_now() {
        let minute = Duration::from_secs(60);
        let mut work = Count::of(["curves", "pictures"], 10, 4, 2);
        let told = line(2, 4, &work, minute);
        assert_eq!(told, "20/40 curves, 2/4 pictures, time left unknown");
        // four of its ten curves were kept by an earlier call
        after(6, &mut work);
        work.picture("a");
        let told = line(3, 4, &work, minute);
        assert_eq!(told, "30/40 curves, 3/4 pictures, 0.10/s, 100 s left");
    }
}
