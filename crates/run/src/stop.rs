//! Ending a run early, in an orderly way.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Says when a run is to end early. What is finished stays, and the same command goes on from there.
#[derive(Debug)]
pub struct Stop {
    /// Set to drop what is in hand.
    now: Arc<AtomicBool>,
    /// Set to finish the parts in hand and begin no more.
    soon: Arc<AtomicBool>,
    start: Instant,
    limit: Option<Duration>,
    /// Milliseconds that the longest part so far has taken.
    longest: AtomicU64,
    /// Parts that were finished, and times that some of one was kept.
    parts: Arc<AtomicUsize>,
}

/// A time limit that let nothing be finished: the same command with the same limit comes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vain {
    /// The limit.
    pub limit: Duration,
}

impl Stop {
    /// Stops when told so, or before the time is up.
    pub fn after(limit: Option<Duration>) -> Stop {
        Stop {
            now: Arc::default(),
            soon: Arc::default(),
            start: Instant::now(),
            limit,
            longest: AtomicU64::new(0),
            parts: Arc::default(),
        }
    }

    /// A flag that drops what is in hand; signal handlers set it.
    pub fn now_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.now)
    }

    /// A flag that lets parts in hand be finished; signal handlers set it.
    pub fn soon_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.soon)
    }

    /// When the time is up, if it is limited.
    pub fn deadline(&self) -> Option<Instant> {
        self.limit.and_then(|limit| self.start.checked_add(limit))
    }

    /// True when what is in hand is to be dropped.
    pub fn is_now(&self) -> bool {
        self.now.load(Ordering::Relaxed) || self.left().is_some_and(|left| left.is_zero())
    }

    /// True when what is in hand is to be the last.
    pub fn is_soon(&self) -> bool {
        self.soon.load(Ordering::Relaxed)
    }

    /// True when another part should be begun: nobody said stop, and the longest part so far would
    /// fit into the time that is left.
    pub fn may_begin(&self) -> bool {
        let longest = Duration::from_millis(self.longest.load(Ordering::Relaxed));
        let fits = self.left().is_none_or(|left| left > longest);
        fits && !self.is_soon() && !self.is_now()
    }

    /// Notes how long a part has taken.
    pub fn part_took(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.longest.fetch_max(milliseconds, Ordering::Relaxed);
        self.parts.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the next try can build on something, though no part was finished.
    pub fn kept(&self) {
        self.parts.fetch_add(1, Ordering::Relaxed);
    }

    /// Says, for any thread, whether the time was up before anything was finished.
    pub fn vain(&self) -> impl Fn() -> Option<Vain> + Send + use<> {
        let (deadline, limit, parts) = (self.deadline(), self.limit, Arc::clone(&self.parts));
        move || {
            let up = deadline.is_some_and(|end| Instant::now() >= end);
            let none = parts.load(Ordering::Relaxed) == 0;
            limit.filter(|_| up && none).map(|limit| Vain { limit })
        }
    }

    fn left(&self) -> Option<Duration> {
        self.limit.map(|limit| limit.saturating_sub(self.start.elapsed()))
    }
}

impl Default for Stop {
    fn default() -> Stop {
        Stop::after(None)
    }
}

impl fmt::Display for Vain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit.as_secs() {
            s if s < 120 => write!(f, "{s} s"),
            s if s < 7_200 => write!(f, "{} min", s / 60),
            s => write!(f, "{:.1} h", s as f64 / 3_600.0),
        }
    }
}

/// A duration from `90`, `90s`, `15m`, `2h`, `1d`, `15:00`, `2:00:00` or `1-12:00:00`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = if text.contains([':', '-']) { clock(text) } else { with_unit(text) };
    seconds.map(Duration::from_secs).ok_or_else(|| {
        format!("a time such as 90s, 15m, 2h, 2:00:00 or 1-12:00:00 is needed, found `{text}`")
    })
}

fn with_unit(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[end..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(unit)
}

/// `[days-]hours:minutes:seconds` or `minutes:seconds`.
fn clock(text: &str) -> Option<u64> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let numbers = rest.split(':').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    let within = |n: u64| (n < 60).then_some(n);
    let (hours, minutes, seconds) = match numbers[..] {
        [hours, minutes, seconds] => (hours, within(minutes)?, seconds),
        [minutes, seconds] if days == "0" => (0, minutes, seconds),
        _ => return None,
    };
    let hours = days.parse::<u64>().ok()?.checked_mul(24)?.checked_add(hours)?;
    hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(within(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_schedulers_write_them() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("15:30"), Ok(930));
        assert_eq!(seconds("1:00:01"), Ok(3_601));
        assert_eq!(seconds("1-12:00:00"), Ok(129_600));
        for text in
            ["", "m", "1w", "1:", ":1", "1:60", "0:61:00", "1-00", "-1", "99999999999999999999d"]
        {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_part_is_begun_that_would_not_be_finished_in_time() {
        let stop = Stop::after(Some(Duration::from_secs(3_600)));
        assert!(stop.may_begin());
        stop.part_took(Duration::from_secs(4_000));
        assert!(!stop.may_begin() && !stop.is_now());
        assert!(Stop::after(Some(Duration::ZERO)).is_now());
    }

    #[test]
    fn a_time_that_is_up_before_a_part_was_finished_was_in_vain() {
        assert_eq!(Stop::after(None).vain()(), None);
        assert_eq!(Stop::after(Some(Duration::from_secs(3_600))).vain()(), None);
        let stop = Stop::after(Some(Duration::ZERO));
        assert_eq!(stop.vain()(), Some(Vain { limit: Duration::ZERO }));
        stop.part_took(Duration::ZERO);
        assert_eq!(stop.vain()(), None);
        let stop = Stop::after(Some(Duration::ZERO));
        stop.kept();
        assert_eq!(stop.vain()(), None, "the next try goes on from what was kept");
        let told = |s| Vain { limit: Duration::from_secs(s) }.to_string();
        assert_eq!([told(1), told(900), told(9_000)], ["1 s", "15 min", "2.5 h"]);
    }

    #[test]
    fn one_flag_ends_now_the_other_after_the_parts_in_hand() {
        let stop = Stop::default();
        stop.soon_flag().store(true, Ordering::Relaxed);
        assert!(!stop.may_begin() && !stop.is_now());
        stop.now_flag().store(true, Ordering::Relaxed);
        assert!(stop.is_now());
    }
}
