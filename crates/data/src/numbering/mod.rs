//! The numbers of classes that a data set knows by their names only: folders, names in a table.
//!
//! Names that are all whole numbers are the classes themselves if they hold 0 (`0`, `1`, ..., `10`: the
//! order of the text would put `10` before `2`). `1` to `N` under a network of N classes count from 1. Other
//! names without 0 may count from 1 or be some of the classes, which is not guessed.

mod book;
mod whole;

pub(super) use whole::Reading;

use super::{DataError, Network};
use crate::base::{
    registry::{Args, Kind, Param, SpecError, near},
    word_enum,
    words::count,
};
use book::{Book, normal};
use std::path::Path;

/// No network tells more classes apart; a larger label is a mistake, and counting up to it takes memory.
pub(super) const MAX_CLASSES: usize = 1_000_000;

/// The parameter of layouts that number names.
pub(super) const NUMBERS: Param = Param {
    key: "numbers",
    default: "auto",
    kind: Kind::Word(Numbers::WORDS),
    help: "index: the names are numbers, those of the classes; names: those of the network's classes of \
           these names; order: 0, 1, ... in the order of the names as text; auto: names where the network \
           names its classes so, else index where all are whole numbers, else order",
};

/// The parameter of layouts that may count classes from 1.
pub(super) const FIRST: Param = Param {
    key: "first",
    default: "auto",
    kind: Kind::Word(&["auto", "0", "1"]),
    help: "the number that stands for the first class; auto: 0, or 1 for names from 1 to the number of the \
           network's classes; other names without 0 are refused",
};

/// How classes are numbered, as told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    numbers: Numbers,
    first: Option<usize>,
    layout: &'static str,
}

word_enum! {
    enum Numbers {
        Auto = "auto",
        Index = "index",
        Order = "order",
        Names = "names",
    }
}

impl Rule {
    /// From the parameters [`NUMBERS`] and [`FIRST`] of a layout.
    pub(super) fn of(args: &Args, layout: &'static str) -> Result<Rule, SpecError> {
        let numbers = args.word(NUMBERS.key);
        let first = first(args);
        if first.is_some() && matches!(numbers, Numbers::Order | Numbers::Names) {
            return Err(args.bad(FIRST.key, "left out where `numbers` is order or names"));
        }
        Ok(Rule { numbers, first, layout })
    }

    /// The number of the first class.
    pub(super) fn first(self) -> usize {
        self.first.unwrap_or(0)
    }

    /// True where numbers in a table are classes, whatever the network calls its own.
    pub(super) fn wants_index(self) -> bool {
        self.numbers == Numbers::Index || self.first.is_some()
    }

    /// True where numbers in a table are names like others.
    pub(super) fn wants_names(self) -> bool {
        matches!(self.numbers, Numbers::Order | Numbers::Names)
    }

    /// The same, with names as the network has them.
    pub(super) fn by_names(self) -> Rule {
        Rule { numbers: Numbers::Names, ..self }
    }

    /// The layout with another value of a parameter, for hints.
    fn with(self, setting: &str) -> String {
        format!("`{}:{setting}`", self.layout)
    }
}

/// The parameter [`FIRST`]; `None` for `auto`.
pub(super) fn first(args: &Args) -> Option<usize> {
    args.text(FIRST.key).parse().ok()
}

/// The class that a whole number stands for, counted from `first`; `None` beyond the network's classes.
pub(super) fn class(value: f64, first: usize, network: Option<&Network>) -> Option<usize> {
    let from_zero = value - first as f64;
    (from_zero >= 0.0 && from_zero < limit(network) as f64).then_some(from_zero as usize)
}

/// What a label may be, in words.
pub(super) fn classes_words(first: usize, network: Option<&Network>) -> String {
    let last = limit(network) - 1 + first;
    match network {
        Some(_) => format!("class numbers from {first} to {last}, those of the network"),
        None => format!("class numbers from {first} to {last}, which no network exceeds"),
    }
}

/// What to do about a number that is no class when counted from `first`, where `lowest` is the smallest of
/// all; empty where nothing helps.
pub(super) fn count_from_one(
    value: f64,
    lowest: f64,
    first: usize,
    network: Option<&Network>,
    layout: &str,
) -> String {
    if first == 0 && lowest >= 1.0 && class(value, 1, network).is_some() {
        return format!("labels that count from 1 take the layout `{layout}:first=1`");
    }
    String::new()
}

/// [`count_from_one`], or how to take the pictures without labels, for layouts whose labels are numbers.
pub(super) fn label_advice(
    value: f64,
    lowest: f64,
    first: usize,
    network: Option<&Network>,
    layout: &str,
) -> String {
    let column = if layout == "parquet" { "label" } else { "labels" };
    let without = format!("the layout `{layout}:{column}=none` takes the pictures without labels");
    match count_from_one(value, lowest, first, network, layout) {
        from_one if from_one.is_empty() => without,
        from_one => format!("{from_one}; {without}"),
    }
}

fn limit(network: Option<&Network>) -> usize {
    network.map_or(MAX_CLASSES, |network| network.classes.min(MAX_CLASSES))
}

/// The first two neighbours among names in the order of the text whose numbers are in another order (`a10`,
/// `a2`); `None` for names in any other order.
pub fn text_before_number(names: &[String]) -> Option<[&str; 2]> {
    names.is_sorted().then(|| whole::out_of_order(names)).flatten()
}

/// Class indices of some names.
#[derive(Debug)]
pub(super) struct Numbering {
    /// Index of each name.
    pub(super) numbers: Vec<usize>,
    /// Names by class index.
    pub(super) classes: Vec<String>,
    /// How they were found, to be said of a data set.
    pub(super) words: String,
}

/// Numbers the `names` of what is at `path`, distinct and in order. Names that are none of the network's
/// and no numbers are numbered in their order, as torchvision's `ImageFolder` does. An error where it
/// would be a guess, which names the parameter that settles it.
pub(super) fn number(
    names: &[String],
    network: Option<&Network>,
    rule: Rule,
    path: &Path,
) -> Result<Numbering, DataError> {
    let numberer = Numberer { names, network, rule, path };
    match rule.numbers {
        Numbers::Index => numberer.by_index(rule.first()),
        Numbers::Order => Ok(numberer.in_order("")),
        Numbers::Names => numberer.by_name(),
        Numbers::Auto if rule.first.is_some() => numberer.by_index(rule.first()),
        Numbers::Auto => numberer.auto(),
    }
}

struct Numberer<'a> {
    names: &'a [String],
    network: Option<&'a Network>,
    rule: Rule,
    path: &'a Path,
}

impl Numberer<'_> {
    fn auto(&self) -> Result<Numbering, DataError> {
        let known = self.known();
        if !known.is_empty() {
            let book = Book::of(known);
            if self.names.iter().any(|name| book.find(name).is_some()) {
                return self.by_name();
            }
        }
        let values: Vec<f64> = self.names.iter().filter_map(|name| Reading::whole(name)).collect();
        if values.len() == self.names.len() {
            return self.by_number(&values);
        }
        if 2 * values.len() >= self.names.len() {
            self.check_order()?;
        }
        Ok(self.in_order(match self.network {
            None => " where the network does not name its classes so",
            Some(_) if known.is_empty() => "",
            Some(_) => ", of which the network knows none",
        }))
    }

    /// The network's names of its classes; none where it does not name them.
    fn known(&self) -> &[String] {
        self.network.map_or(&[], |network| &network.names)
    }

    /// Whole numbers, of which nobody said what they are.
    fn by_number(&self, values: &[f64]) -> Result<Numbering, DataError> {
        if values.contains(&0.0) {
            return self.by_index(self.rule.first());
        }
        let largest = values.iter().copied().fold(0.0, f64::max);
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        // distinct names, so that 1 to N are all there
        let is = |value: f64, n: usize| value.total_cmp(&(n as f64)).is_eq();
        let one_to_all = is(smallest, 1) && is(largest, values.len());
        if one_to_all && self.network.is_some_and(|network| network.classes == values.len()) {
            return self.by_index(1);
        }
        let at = |value: f64| {
            let at = values.iter().position(|v| v.total_cmp(&value).is_eq());
            self.names[at.expect("it is one of them")].as_str()
        };
        let (low, high) = (at(smallest), at(largest));
        let fits =
            |first| class(smallest, first, self.network).and(class(largest, first, self.network));
        let ways: Vec<String> = [0, 1]
            .into_iter()
            .filter_map(|first| {
                let way = self.rule.with(&format!("first={first}"));
                fits(first).map(|k| format!("{way} (`{high}` is class {k})"))
            })
            .collect();
        if self.network.is_none() {
            let mut numbering = self.by_index(self.rule.first())?;
            let all = if one_to_all {
                let classes = count(values.len(), "class");
                format!("; under a network of {classes} they count from 1")
            } else {
                String::new()
            };
            numbering.words = format!(
                ", numbered `{low}` to `{high}` without `0`, which a run does not guess: it asks for the \
                 layout {}{all}",
                ways.join(" or ")
            );
            return Ok(numbering);
        }
        let order =
            format!("{} (0, 1, ... in the order of the text)", self.rule.with("numbers=order"));
        let ways = [ways, vec![order]].concat().join(", ");
        let expected = "names that say which classes they are";
        let found = format!("the numbers `{low}` to `{high}` without `0`");
        Err(self.wrong(expected, found).hint(format!("say it with the layout {ways}")))
    }

    /// Whole numbers that are classes, counted from `first`.
    fn by_index(&self, first: usize) -> Result<Numbering, DataError> {
        let values = self.names.iter().filter_map(|name| Reading::whole(name));
        let lowest = values.fold(f64::INFINITY, f64::min);
        let number = |name: &String| {
            let wrong = |expected: &str| self.wrong(expected, format!("`{name}`"));
            let order = self.rule.with("numbers=order");
            let value = Reading::whole(name).ok_or_else(|| {
                wrong("names that are whole numbers").hint(format!(
                    "rename it, or number all in the order of their names with the layout {order}"
                ))
            })?;
            class(value, first, self.network).ok_or_else(|| {
                let from_one = count_from_one(value, lowest, first, self.network, self.rule.layout);
                let order = format!("0, 1, ... in the order of the names is the layout {order}");
                let advice =
                    if from_one.is_empty() { order } else { format!("{from_one}; {order}") };
                wrong(&classes_words(first, self.network)).hint(advice)
            })
        };
        let numbers = self.names.iter().map(number).collect::<Result<Vec<usize>, _>>()?;
        let counted = if first == 0 { "" } else { ", counted from 1" };
        let words = format!(", whose names are the classes' numbers{counted}");
        let known = self.known();
        let most = numbers.iter().max().map_or(0, |most| most + 1);
        let most = self.network.map_or(most, |network| network.classes.max(most));
        let blank = if known.is_empty() { vec![String::new(); most] } else { known.to_vec() };
        self.place(numbers, blank, words)
    }

    /// 0, 1, ...; `why` follows the words.
    fn in_order(&self, why: &str) -> Numbering {
        let text = whole::out_of_order(self.names)
            .map_or(String::new(), |[a, b]| format!(" as text (`{a}` before `{b}`)"));
        let words = format!(", numbered in the order of their names{text}{why}");
        Numbering { numbers: (0..self.names.len()).collect(), classes: self.names.to_vec(), words }
    }

    /// Refuses names of which half or more are whole numbers, where the order gives one of them another
    /// number: the word among them may be a mistake.
    fn check_order(&self) -> Result<(), DataError> {
        let other = self.names.iter().enumerate().find(|(at, name)| {
            Reading::whole(name).is_some_and(|value| value.total_cmp(&(*at as f64)).is_ne())
        });
        let Some((at, name)) = other else { return Ok(()) };
        let word = self.names.iter().find(|name| Reading::whole(name).is_none());
        let found = format!(
            "`{}` among them, so that in the order of the names `{name}` would be class {at}",
            word.expect("not all are whole numbers")
        );
        let order = self.rule.with("numbers=order");
        Err(self.wrong("names that are all whole numbers, or few of them", found).hint(format!(
            "take it out, or number all in the order of their names with the layout {order}"
        )))
    }

    fn by_name(&self) -> Result<Numbering, DataError> {
        let known = self.known();
        let advice = format!(
            "rename it, or number all in the order of their names with the layout {}",
            self.rule.with("numbers=order")
        );
        match self.network {
            None => {
                let why = "names of the network's classes, which a run knows";
                let in_order = self.in_order("");
                let words = format!(", numbered by {why}, and here in their order");
                return Ok(Numbering { words, ..in_order });
            }
            Some(_) if known.is_empty() => {
                let found = "a network that does not name its classes";
                return Err(self.wrong("names of the network's classes", found).hint(
                    "name a file with one class per line as `classes` in the model's sidecar",
                ));
            }
            Some(_) => (),
        }
        let book = Book::of(known);
        let number = |name: &String| {
            book.find(name).ok_or_else(|| {
                let near = near(&normal(name), known.iter().map(String::as_str));
                let near = near.first().map_or(String::new(), |name| format!(" (near {name})"));
                let found = format!("`{name}`, which the network does not know{near}");
                self.wrong("names of the network's classes, as others are", found)
                    .hint(advice.as_str())
            })
        };
        let numbers = self.names.iter().map(number).collect::<Result<Vec<usize>, _>>()?;
        let words = ", numbered by the network's class names".to_owned();
        self.place(numbers, known.to_vec(), words)
    }

    /// Puts the names in the places of their classes, one in each.
    fn place(
        &self,
        numbers: Vec<usize>,
        mut classes: Vec<String>,
        words: String,
    ) -> Result<Numbering, DataError> {
        let mut taken = vec![None; classes.len()];
        for (&number, name) in numbers.iter().zip(self.names) {
            if let Some(other) = taken[number].replace(name) {
                let found = format!("`{other}` and `{name}`, both class {number}");
                let order = self.rule.with("numbers=order");
                return Err(self.wrong("one name per class", found).hint(format!(
                    "rename it, or number all in the order of their names with the layout {order}"
                )));
            }
            if Reading::whole(name).is_none() || classes[number].is_empty() {
                classes[number].clone_from(name);
            }
        }
        Ok(Numbering { numbers, classes, words })
    }

    fn wrong(&self, expected: &str, found: impl Into<String>) -> DataError {
        DataError::unexpected(self.path, expected, found)
    }
}

#[cfg(test)]
mod tests;
