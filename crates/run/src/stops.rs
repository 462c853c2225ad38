//! After how many removed units the score is watched: after each of the first `steps`, or at the stops of `at`.

use crate::base::{
    key::{Takes, Value, Wrong},
    words::count,
};
use serde::{Serialize, Serializer};
use std::fmt;

/// A number of removed units, or a share of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// So many units.
    Count(u32),
    /// So many millionths of all units, rounded down to whole ones.
    Share(u32),
}

/// The value of `at`: stops in ascending order; none where every region is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stops(pub Vec<Portion>);

impl Serialize for Portion {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Value for Stops {
    const TAKES: Takes = Takes::List;

    fn rule() -> String {
        "a list of numbers and shares such as 10%".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Stops, Wrong> {
        let text = |v: &toml::Value| match v {
            toml::Value::Integer(n) => Some(n.to_string()),
            other => other.as_str().map(str::to_owned),
        };
        let texts: Option<Vec<String>> = match value {
            toml::Value::Array(items) => items.iter().map(text).collect(),
            one => text(one).map(|text| text.split(',').map(str::to_owned).collect()),
        };
        let texts = texts.filter(|texts| texts.iter().all(|t| !t.is_empty()) && !texts.is_empty());
        let stops = parse(&texts.ok_or(Wrong::Rule)?);
        stops.map(Stops).map_err(|e| Wrong::Said(e.to_string()))
    }

    fn of_flag(texts: &[&str]) -> toml::Value {
        Vec::<String>::of_flag(texts)
    }

    fn absent() -> Option<Stops> {
        Some(Stops::default())
    }

    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// Millionths of a whole.
const WHOLE: u32 = 1_000_000;

/// What stands for the stops between those before and the one behind it.
const ON: &str = "...";

/// Why stops cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopsError {
    /// Not a stop.
    #[error(
        "`at`: expected numbers of regions such as 5, or shares of all such as 10% (at most 100%, four \
         decimals), found `{found}`"
    )]
    Stop {
        /// What was written.
        found: String,
    },
    /// Dots that say nothing.
    #[error(
        "`at`: `...` goes on in steps of the two stops before it up to the one behind it, all of them \
         numbers or all shares, as in 10%,20%,...,90%"
    )]
    Dots,
    /// A stop that is not behind the one before.
    #[error("`at`: each stop must be larger than the one before, found {second} after {first}{}", both_are(*.units))]
    Ascending {
        /// The stop before.
        first: Portion,
        /// The stop.
        second: Portion,
        /// Regions there are, where the stops are in order and their numbers of these are not.
        units: Option<usize>,
    },
    /// A share of less than one unit.
    #[error("`at`: {stop} of {} is none", count(*.units, "region"))]
    Nothing {
        /// The stop.
        stop: Portion,
        /// Regions there are.
        units: usize,
    },
    /// More units than there are.
    #[error("`at`: {stop} are more than the {} there are", count(*.units, "region"))]
    TooMany {
        /// The stop.
        stop: Portion,
        /// Regions there are.
        units: usize,
    },
    /// Both ways to say it.
    #[error(
        "`steps` and `at` cannot both be given: `at` says after how many regions the score is watched"
    )]
    Steps,
}

fn both_are(units: Option<usize>) -> String {
    units.map_or(String::new(), |n| format!(": both are as many of {}", count(n, "region")))
}

impl fmt::Display for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Portion::Count(n) => write!(f, "{n}"),
            Portion::Share(millionths) => {
                let text = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
                write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl Portion {
    /// How many of so many units.
    fn units(self, all: usize) -> Result<usize, StopsError> {
        let units = match self {
            Portion::Count(n) => n as usize,
            Portion::Share(share) => (all as u64 * u64::from(share) / u64::from(WHOLE)) as usize,
        };
        match units {
            0 => Err(StopsError::Nothing { stop: self, units: all }),
            n if n > all => Err(StopsError::TooMany { stop: self, units: all }),
            n => Ok(n),
        }
    }

    /// One number of the same kind, from which the others follow.
    fn value(self) -> u32 {
        match self {
            Portion::Count(n) | Portion::Share(n) => n,
        }
    }

    fn is_share(self) -> bool {
        matches!(self, Portion::Share(_))
    }

    fn with(self, value: u32) -> Portion {
        if self.is_share() { Portion::Share(value) } else { Portion::Count(value) }
    }
}

fn stop(text: &str) -> Result<Portion, StopsError> {
    let found = match text.strip_suffix('%') {
        Some(share) => millionths(share.trim()).map(Portion::Share),
        None => text.parse().ok().map(Portion::Count),
    };
    let positive = found.filter(|stop| stop.value() > 0);
    positive.ok_or_else(|| StopsError::Stop { found: text.to_owned() })
}

/// A percentage with up to four decimals, exactly.
fn millionths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > 4 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: u32 = format!("{part:0<4}").parse().ok()?;
    let all = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(part)?;
    (all <= WHOLE).then_some(all)
}

/// Stops from a list of texts, dots spelled out.
pub fn parse(texts: &[String]) -> Result<Vec<Portion>, StopsError> {
    let mut stops: Vec<Portion> = Vec::new();
    let mut texts = texts.iter().map(|text| text.trim());
    while let Some(text) = texts.next() {
        if text == ON {
            let last = stop(texts.next().ok_or(StopsError::Dots)?)?;
            go_on(&mut stops, last)?;
        } else {
            stops.push(stop(text)?);
        }
    }
    let wrong = |pair: &&[Portion]| {
        pair[0].is_share() == pair[1].is_share() && pair[0].value() >= pair[1].value()
    };
    match stops.windows(2).find(wrong) {
        Some(pair) => Err(StopsError::Ascending { first: pair[0], second: pair[1], units: None }),
        None => Ok(stops),
    }
}

/// Stops as far apart as the last two, up to `last`.
fn go_on(stops: &mut Vec<Portion>, last: Portion) -> Result<(), StopsError> {
    let [.., first, second] = stops[..] else { return Err(StopsError::Dots) };
    let gap = second.value().checked_sub(first.value()).filter(|gap| *gap > 0);
    let gap = gap.ok_or(StopsError::Dots)?;
    let alike = first.is_share() == second.is_share() && second.is_share() == last.is_share();
    let way = last.value().checked_sub(second.value()).filter(|way| *way > 0 && way % gap == 0);
    let way = way.filter(|_| alike).ok_or(StopsError::Dots)?;
    stops.extend((1..=way / gap).map(|k| second.with(second.value() + k * gap)));
    Ok(())
}

/// How many of so many units are gone at each stop.
pub fn units(stops: &[Portion], all: usize) -> Result<Vec<usize>, StopsError> {
    let units = stops.iter().map(|stop| stop.units(all)).collect::<Result<Vec<_>, _>>()?;
    match units.windows(2).position(|pair| pair[0] >= pair[1]) {
        None => Ok(units),
        Some(at) => {
            Err(StopsError::Ascending { first: stops[at], second: stops[at + 1], units: Some(all) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops_of(text: &str, all: usize) -> Result<Vec<usize>, String> {
        let texts: Vec<String> = text.split(',').map(str::to_owned).collect();
        let stops = parse(&texts).map_err(|e| e.to_string())?;
        let again: Vec<String> = stops.iter().map(Portion::to_string).collect();
        assert_eq!(parse(&again), Ok(stops.clone()), "{text}");
        units(&stops, all).map_err(|e| e.to_string())
    }

    #[test]
    fn stops_are_numbers_or_shares_of_all_units() {
        assert_eq!(stops_of("1,2,5,10,50", 625).unwrap(), [1, 2, 5, 10, 50]);
        // whole units, rounded down: 57.6, 115.2 and so on of 576
        let tenths = [57, 115, 172, 230, 288, 345, 403, 460, 518];
        assert_eq!(stops_of("10%,20%,...,90%", 576).unwrap(), tenths);
        assert_eq!(stops_of("10%, 20%, 30%, 40%, 50%, 60%, 70%, 80%, 90%", 576).unwrap(), tenths);
        // exactly: a tenth of 50 is 5, whatever 0.1 is in double precision
        assert_eq!(stops_of("10%,30%,70%,100%", 50).unwrap(), [5, 15, 35, 50]);
        assert_eq!(stops_of("0.5%,12.5%,12.5001%", 2_000_000).unwrap(), [10_000, 250_000, 250_002]);
        assert_eq!(stops_of("2,4,...,10,49", 49).unwrap(), [2, 4, 6, 8, 10, 49]);
        assert_eq!(stops_of("1,50%", 49).unwrap(), [1, 24]);
    }

    #[test]
    fn messages_say_what_stops_may_be() {
        let texts = [
            "ten",
            "0",
            "0%",
            "101%",
            "1.23456%",
            "-5",
            "5,5",
            "20%,10%",
            "...,5",
            "1,...,5",
            "1,2,...",
            "1,3,...,6",
            "1,2,...,50%",
            "50,50%",
            "1%",
            "60",
            "1,2%,4%",
            "%",
            "1e2",
            ".5%",
        ];
        let messages = texts.map(|text| format!("{text}: {}", stops_of(text, 49).unwrap_err()));
        insta::assert_snapshot!(messages.join("\n"));
    }
}
