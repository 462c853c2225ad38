//! Which pictures of a set are used: steps such as `correct`, `class:tench`, `top-confident:10`, each
//! of which leaves some of the pictures that the one before left. Pure functions; what the network
//! thinks of a picture is handed in.

use crate::base::{
    key::{Value, Wrong},
    registry::near,
    rng::{Seed, permutation},
    words::{are, count},
};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The names of the steps with what follows the colon.
const STEPS: [(&str, &str); 10] = [
    ("top-confident", "top-confident:N"),
    ("least-confident", "least-confident:N"),
    ("extremes", "extremes:N+M"),
    ("correct", "correct"),
    ("wrong", "wrong"),
    ("class", "class:NAME"),
    ("first", "first:N"),
    ("random", "random:N"),
    ("spread", "spread:N"),
    ("words", "words:N"),
];

/// One step of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The `n` pictures with the largest probability of the predicted class.
    TopConfident(usize),
    /// The `n` pictures with the smallest probability of the predicted class.
    LeastConfident(usize),
    /// Of each class (by the label) the `n` pictures with the largest and the `m` with the smallest probability of the
    /// predicted class, or all where there are fewer.
    Extremes(usize, usize),
    /// Those that are classified right.
    Correct,
    /// Those that are classified wrong.
    Wrong,
    /// Those with a label among these classes: names or indices.
    Class(Vec<String>),
    /// The first `n`.
    First(usize),
    /// A random sample of `n` that depends on nothing else.
    Random(usize),
    /// `n` that are evenly spread, or all if there are fewer.
    Spread(usize),
    /// Texts of at least `n` words.
    Words(usize),
}

impl Step {
    /// True when the step asks what the network thinks.
    pub fn needs_guess(&self) -> bool {
        !matches!(
            self,
            Step::Class(_) | Step::First(_) | Step::Random(_) | Step::Spread(_) | Step::Words(_)
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::TopConfident(n) => write!(f, "top-confident:{n}"),
            Step::LeastConfident(n) => write!(f, "least-confident:{n}"),
            Step::Extremes(n, m) => write!(f, "extremes:{n}+{m}"),
            Step::Correct => f.write_str("correct"),
            Step::Wrong => f.write_str("wrong"),
            Step::Class(names) => write!(f, "class:{}", names.join("+")),
            Step::First(n) => write!(f, "first:{n}"),
            Step::Random(n) => write!(f, "random:{n}"),
            Step::Spread(n) => write!(f, "spread:{n}"),
            Step::Words(n) => write!(f, "words:{n}"),
        }
    }
}

impl FromStr for Step {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Step, SelectError> {
        let (name, value) =
            text.split_once(':').map_or((text, None), |(name, value)| (name, Some(value)));
        let number = || {
            let n = value.and_then(|v| v.parse().ok()).filter(|n| *n >= 1);
            n.ok_or_else(|| SelectError::Number { step: text.to_owned() })
        };
        let bare = |step| match value {
            None => Ok(step),
            Some(_) => Err(SelectError::Bare { step: text.to_owned() }),
        };
        match name {
            "top-confident" => number().map(Step::TopConfident),
            "least-confident" => number().map(Step::LeastConfident),
            "extremes" => extremes(value)
                .map(|(n, m)| Step::Extremes(n, m))
                .ok_or_else(|| SelectError::Extremes { step: text.to_owned() }),
            "first" => number().map(Step::First),
            "random" => number().map(Step::Random),
            "spread" => number().map(Step::Spread),
            "words" => number().map(Step::Words),
            "correct" => bare(Step::Correct),
            "wrong" => bare(Step::Wrong),
            "class" => {
                let names: Vec<String> =
                    value.unwrap_or_default().split('+').map(|n| n.trim().to_owned()).collect();
                if names.iter().any(String::is_empty) {
                    return Err(SelectError::NoClass { step: text.to_owned() });
                }
                Ok(Step::Class(names))
            }
            _ => Err(SelectError::Unknown {
                step: text.to_owned(),
                near: near(name, STEPS.iter().map(|(name, _)| *name)),
            }),
        }
    }
}

/// `10+20`.
fn extremes(value: Option<&str>) -> Option<(usize, usize)> {
    let (most, least) = value?.split_once('+')?;
    let (most, least) = (most.trim().parse().ok()?, least.trim().parse().ok()?);
    (most + least >= 1).then_some((most, least))
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Value for Step {
    fn rule() -> String {
        "a name".to_owned()
    }

    fn read(value: &toml::Value) -> Result<Step, Wrong> {
        let text = value.as_str().filter(|text| !text.is_empty()).ok_or(Wrong::Rule)?;
        text.parse().map_err(|e: SelectError| Wrong::Said(e.to_string()))
    }
}

/// What the network thinks of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// Whether it says a label of the picture; `None` without a label, and for an output that says no class.
    pub right: Option<bool>,
    /// The probability of the class with the largest logit; `None` where there are none.
    pub confidence: Option<f32>,
}

/// Why pictures cannot be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No such step.
    #[error("unknown selection `{step}`{}", hint(.near))]
    Unknown {
        /// What was written.
        step: String,
        /// Similar names, in backticks.
        near: Vec<String>,
    },
    /// A number is missing or none.
    #[error("selection `{step}`: a whole number >= 1 must follow the colon")]
    Number {
        /// What was written.
        step: String,
    },
    /// Not two numbers.
    #[error(
        "selection `{step}`: how many of the most and of the least confident pictures must follow the colon, \
         as in extremes:10+20"
    )]
    Extremes {
        /// What was written.
        step: String,
    },
    /// Something follows where nothing can.
    #[error("selection `{step}`: nothing can follow, this one has no number")]
    Bare {
        /// What was written.
        step: String,
    },
    /// A class without name.
    #[error("selection `{step}`: names of classes must follow the colon, with + between them")]
    NoClass {
        /// What was written.
        step: String,
    },
    /// A class that is not among the names.
    #[error("selection: no class is called `{name}`{}", hint_of_class(.near))]
    UnknownClass {
        /// What was written.
        name: String,
        /// Similar names, in backticks.
        near: Vec<String>,
    },
    /// A step that needs labels.
    #[error("selection `{step}` needs labels, and none of the pictures left has one")]
    NoLabels {
        /// The step.
        step: String,
    },
    /// A step that needs probabilities.
    #[error("selection `{step}`: the network's outputs are values without probabilities")]
    NoProbability {
        /// The step.
        step: String,
    },
    /// A step that needs to know what is right.
    #[error(
        "selection `{step}`: the network's only output is a value, so no class is right or wrong"
    )]
    NoClasses {
        /// The step.
        step: String,
    },
    /// A step for texts on pictures.
    #[error("selection `{step}` is for texts, and these are pictures")]
    NoTexts {
        /// The step.
        step: String,
    },
    /// Fewer pictures than asked for.
    #[error(
        "selection `{step}`: only {} {} left at this step", count(*.found, "picture"), are(*.found)
    )]
    TooFew {
        /// The step.
        step: String,
        /// How many there are.
        found: usize,
    },
    /// Nothing is left.
    #[error("selection `{step}` leaves no picture")]
    Nothing {
        /// The step.
        step: String,
    },
}

fn hint(near: &[String]) -> String {
    if near.is_empty() {
        return format!(" (there are {})", STEPS.map(|(_, shape)| shape).join(", "));
    }
    format!(", did you mean {}?", near.join(" or "))
}

fn hint_of_class(near: &[String]) -> String {
    match near {
        [] => "; an index from 0 will do too".to_owned(),
        some => format!(", did you mean {}?", some.join(" or ")),
    }
}

/// What is known of the pictures of a set.
pub struct Known<'a> {
    /// The labels of a picture; empty without.
    pub labels: &'a dyn Fn(usize) -> Vec<usize>,
    /// What the network thinks; `None` for pictures that it cannot look at. Those stay in the
    /// selection, so that the run names and counts them.
    pub guess: &'a dyn Fn(usize) -> Option<Guess>,
    /// Names of the classes, by index.
    pub classes: Option<&'a [String]>,
    /// How many words a text has; `None` of a picture.
    pub words: &'a dyn Fn(usize) -> Option<usize>,
}

/// The pictures of `from` (ascending) that `step` leaves, ascending.
pub fn apply(step: &Step, from: &[usize], known: &Known<'_>) -> Result<Vec<usize>, SelectError> {
    let name = || step.to_string();
    let enough = |n: usize| {
        let found = from.len();
        if found < n { Err(SelectError::TooFew { step: name(), found }) } else { Ok(n) }
    };
    let left = match step {
        Step::First(n) => from[..enough(*n)?].to_vec(),
        Step::Random(n) => {
            let drawn = sample(from.len(), enough(*n)?, Seed(0));
            drawn.into_iter().map(|at| from[at]).collect()
        }
        Step::Words(n) => {
            if from.iter().any(|i| (known.words)(*i).is_none()) {
                return Err(SelectError::NoTexts { step: name() });
            }
            let long = |i: &usize| (known.words)(*i).is_some_and(|words| words >= *n);
            from.iter().copied().filter(long).collect()
        }
        Step::Spread(n) => {
            let wanted = from.len().min(*n);
            (0..wanted).map(|i| from[i * from.len() / wanted]).collect()
        }
        Step::Class(names) => {
            with_labels(step, from, known)?;
            let find = |name: &String| class_index(name, known.classes);
            let wanted = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            let keeps = |i: &usize| (known.labels)(*i).iter().any(|l| wanted.contains(l));
            from.iter().copied().filter(keeps).collect()
        }
        Step::Correct | Step::Wrong => {
            with_labels(step, from, known)?;
            let says = |i: &usize| (known.guess)(*i).is_none_or(|guess| guess.right.is_some());
            let labelled = |i: &&usize| !(known.labels)(**i).is_empty();
            if !from.iter().filter(labelled).all(says) {
                return Err(SelectError::NoClasses { step: name() });
            }
            let keeps = |i: &usize| match (known.guess)(*i) {
                None => true,
                Some(guess) => guess.right == Some(*step == Step::Correct),
            };
            from.iter().copied().filter(keeps).collect()
        }
        Step::TopConfident(n) => by_confidence(from, known, *n, true, &name)?,
        Step::LeastConfident(n) => by_confidence(from, known, *n, false, &name)?,
        Step::Extremes(n, m) => of_each_class(from, known, *n, *m, &name)?,
    };
    if left.is_empty() { Err(SelectError::Nothing { step: name() }) } else { Ok(left) }
}

fn with_labels(step: &Step, from: &[usize], known: &Known<'_>) -> Result<(), SelectError> {
    let any = from.iter().any(|i| !(known.labels)(*i).is_empty());
    if any { Ok(()) } else { Err(SelectError::NoLabels { step: step.to_string() }) }
}

/// The `n` most or least confident, ties by position, and those that cannot be looked at.
fn by_confidence(
    from: &[usize],
    known: &Known<'_>,
    n: usize,
    top: bool,
    name: &dyn Fn() -> String,
) -> Result<Vec<usize>, SelectError> {
    let (mut usable, mut left) = (vec![], vec![]);
    for &i in from {
        match (known.guess)(i) {
            Some(Guess { confidence: Some(confidence), .. }) => usable.push((confidence, i)),
            Some(_) => return Err(SelectError::NoProbability { step: name() }),
            None => left.push(i),
        }
    }
    if usable.len() < n {
        return Err(SelectError::TooFew { step: name(), found: usable.len() });
    }
    usable.sort_by(|a, b| {
        let order = if top { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
        order.then(a.1.cmp(&b.1))
    });
    left.extend(usable[..n].iter().map(|(_, i)| *i));
    left.sort_unstable();
    Ok(left)
}

/// The `n` most and the `m` least confident pictures of each class, or all of it; pictures without a label are a class
/// of their own.
fn of_each_class(
    from: &[usize],
    known: &Known<'_>,
    n: usize,
    m: usize,
    name: &dyn Fn() -> String,
) -> Result<Vec<usize>, SelectError> {
    let mut classes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for &i in from {
        classes.entry((known.labels)(i).first().copied()).or_default().push(i);
    }
    let mut left = Vec::new();
    for members in classes.values() {
        let (usable, odd): (Vec<usize>, Vec<usize>) =
            members.iter().partition(|i| (known.guess)(**i).is_some());
        left.extend(odd);
        let take =
            |count: usize, top| by_confidence(&usable, known, count.min(usable.len()), top, name);
        left.extend(take(n, true)?);
        left.extend(take(m, false)?);
    }
    left.sort_unstable();
    left.dedup();
    Ok(left)
}

/// Index of a class given its index or one of its names: `tench` finds `n01440764 tench, Tinca
/// tinca`, and so does `n01440764`. Case does not count; `-`, `_` and blanks are the same.
fn class_index(name: &str, classes: Option<&[String]>) -> Result<usize, SelectError> {
    let classes = classes.unwrap_or_default();
    let wanted = plain(name);
    let is_named = |line: &String| aliases(line).any(|alias| alias == wanted);
    if let Some(at) = classes.iter().position(is_named) {
        return Ok(at);
    }
    let known: Vec<String> = classes.iter().flat_map(|line| aliases(line)).collect();
    name.parse().map_err(|_| SelectError::UnknownClass {
        name: name.to_owned(),
        near: near(&wanted, known.iter().map(String::as_str)),
    })
}

/// The names in a line of class names: the whole, its parts between commas, and those of a line
/// that begins with an id (`n01440764`).
fn aliases(line: &str) -> impl Iterator<Item = String> {
    let id = line.split([' ', '\t']).next().filter(|word| is_wordnet_id(word));
    let rest = id.map_or(line, |id| line[id.len()..].trim_start());
    let whole = [Some(line), id].into_iter().flatten();
    whole.chain(rest.split(',').map(str::trim)).map(plain).collect::<Vec<_>>().into_iter()
}

/// `n01440764`.
pub(super) fn is_wordnet_id(word: &str) -> bool {
    word.len() == 9 && word.starts_with('n') && word[1..].bytes().all(|b| b.is_ascii_digit())
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', '_'], " ")
}

/// `n` pictures drawn without replacement, or all if there are fewer, in the order of the set. For
/// one seed a larger sample contains every smaller one.
pub fn sample(len: usize, n: usize, seed: Seed) -> Vec<usize> {
    let mut drawn = permutation(&mut seed.rng("select", "", &[]), len);
    drawn.truncate(n);
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [&str; 3] = ["n01440764 tench, Tinca tinca", "great_white shark", "7"];

    /// Pictures 0 to 9: label i % 3 (none for the last; picture 8 shows class 0, too), class 0 predicted with
    /// confidence that falls and rises again, picture 4 unreadable.
    fn pick(steps: &str) -> Result<Vec<usize>, SelectError> {
        let classes = CLASSES.map(str::to_owned);
        let labels = |i: usize| match i {
            8 => vec![2, 0],
            9 => vec![],
            i => vec![i % 3],
        };
        let confidence = |i: usize| (i as f32 - 5.25).abs() / 10.0;
        let right = |i| Some(labels(i).contains(&0)).filter(|_| i < 9);
        let guess =
            |i| (i != 4).then(|| Guess { right: right(i), confidence: Some(confidence(i)) });
        let known =
            Known { labels: &labels, guess: &guess, classes: Some(&classes), words: &|_| None };
        let mut left: Vec<usize> = (0..10).collect();
        for step in steps.split(',') {
            let step: Step = step.parse()?;
            assert_eq!(step.to_string().parse(), Ok(step.clone()));
            left = apply(&step, &left, &known)?;
        }
        Ok(left)
    }

    #[test]
    fn steps_leave_pictures_in_the_order_of_the_set() {
        let left = |steps: &str| pick(steps).unwrap();
        assert_eq!(left("first:3"), [0, 1, 2]);
        // picture 4 cannot be read: it stays, so that the run names it
        assert_eq!(left("correct"), [0, 3, 4, 6, 8]);
        assert_eq!(left("wrong"), [1, 2, 4, 5, 7]);
        assert_eq!(left("top-confident:2"), [0, 1, 4]);
        assert_eq!(left("least-confident:2"), [4, 5, 6]);
        for name in ["tench", "Tinca-tinca", "n01440764", "0"] {
            assert_eq!(left(&format!("class:{name}")), [0, 3, 6, 8], "{name}");
        }
        assert_eq!(left("class:great white shark"), [1, 4, 7]);
        assert_eq!(left("class:tench+great-white-shark"), [0, 1, 3, 4, 6, 7, 8]);
        // a name that looks like an index is a name
        assert_eq!(left("class:7"), [2, 5, 8]);
        assert_eq!(left("random:10"), (0..10).collect::<Vec<_>>());
        assert_eq!(left("spread:4"), [0, 2, 5, 7]);
        assert_eq!(left("spread:99"), (0..10).collect::<Vec<_>>(), "all there are");
        // of each class: by distance from 5.25 the first of 0, 3, 6, 8 is 0, of 1, 4, 7 it is 1, of 2, 5, 8 it is 2
        let extremes = left("extremes:1+1");
        assert_eq!(extremes, left("extremes:1+1,extremes:9+9"), "all where there are fewer");
        assert!(extremes.contains(&4), "what cannot be read stays: {extremes:?}");
    }

    #[test]
    fn steps_are_applied_from_left_to_right() {
        assert_eq!(pick("wrong,first:2").unwrap(), [1, 2]);
        assert_eq!(pick("first:2,wrong").unwrap(), [1]);
        assert_eq!(pick("class:tench,top-confident:1").unwrap(), [0]);
        assert_eq!(pick("top-confident:1,class:tench").unwrap(), [0]);
        assert_eq!(pick("top-confident:4,class:2,first:1").unwrap(), [2]);
    }

    #[test]
    fn what_an_output_does_not_say_selects_nothing() {
        let guess = |_| Some(Guess { right: None, confidence: None });
        let known = Known { labels: &|i| vec![i], guess: &guess, classes: None, words: &|_| None };
        let refused = |step: Step| apply(&step, &[0, 1], &known).unwrap_err();
        let step = "wrong".to_owned();
        assert_eq!(refused(Step::Wrong), SelectError::NoClasses { step });
        let step = "top-confident:1".to_owned();
        assert_eq!(refused(Step::TopConfident(1)), SelectError::NoProbability { step });
    }

    #[test]
    fn messages_say_what_a_selection_may_be() {
        let steps = [
            "topconfident:10",
            "nearest",
            "first",
            "first:0",
            "random:-1",
            "correct:3",
            "extremes:3",
            "class:",
            "class:trench",
            "class:whale",
            "first:11",
            "first:3,top-confident:4",
            "class:tench,first:1,wrong",
        ];
        let messages: Vec<String> =
            steps.iter().map(|text| pick(text).unwrap_err().to_string()).collect();
        let unlabelled =
            Known { labels: &|_| vec![], guess: &|_| None, classes: None, words: &|_| None };
        let bare = apply(&Step::Correct, &[0, 1], &unlabelled).unwrap_err();
        insta::assert_snapshot!([messages.join("\n"), bare.to_string()].join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_step_or_an_error(text in "\\PC{0,30}") {
            let _ = text.parse::<Step>();
        }
    }

    #[test]
    fn samples_are_drawn_without_replacement_and_nested() {
        let small = sample(100, 10, Seed(1));
        let large = sample(100, 40, Seed(1));
        assert_eq!(small.len(), 10);
        assert!(small.windows(2).all(|w| w[0] < w[1]), "{small:?}");
        assert!(small.iter().all(|i| large.contains(i)));
        assert_ne!(small, sample(100, 10, Seed(2)));
        assert_eq!(sample(3, 10, Seed(1)), [0, 1, 2]);
    }

    #[test]
    fn every_picture_is_drawn_equally_often() {
        let mut hits = [0u32; 10];
        for seed in 0..2000 {
            sample(10, 3, Seed(seed)).into_iter().for_each(|i| hits[i] += 1);
        }
        // expected 600, standard deviation 20.5
        assert!(hits.iter().all(|h| (500..700).contains(h)), "{hits:?}");
    }

    #[test]
    fn texts_are_chosen_by_their_number_of_words() {
        let words = |i: usize| Some([12, 100, 99, 250][i]);
        let known = Known { labels: &|_| vec![], guess: &|_| None, classes: None, words: &words };
        let step: Step = "words:100".parse().unwrap();
        assert_eq!(step.to_string(), "words:100");
        assert!(!step.needs_guess());
        assert_eq!(apply(&step, &[0, 1, 2, 3], &known), Ok(vec![1, 3]));
        let pictures = Known { words: &|_| None, ..known };
        let error = apply(&step, &[0], &pictures).unwrap_err().to_string();
        assert_eq!(error, "selection `words:100` is for texts, and these are pictures");
    }
}
