//! What the pictures say of the methods, in sentences that the page and terminals share.

use super::cells::{RANDOM, Setting};
use crate::{
    base::words::{are, count, list},
    eval::{
        order::Order,
        stats::{
            Estimate,
            against::{Against, Verdict},
            wilcoxon::{can_reach, fewest_pictures},
        },
    },
};

/// How names of methods and numbers are written where the sentences are shown.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// A canonical name.
    pub name: &'a dyn Fn(&str) -> String,
    /// Any other text from records.
    pub text: &'a dyn Fn(&str) -> String,
    /// A number.
    pub number: &'a dyn Fn(f64) -> String,
}

impl Words<'_> {
    fn names(&self, methods: &[&str]) -> Vec<String> {
        methods.iter().map(|m| (self.name)(m)).collect()
    }

    /// An interval behind a number; nothing where there is none.
    pub fn interval(&self, e: &Estimate) -> String {
        let show = self.number;
        let ends = e.lo().zip(e.hi());
        ends.map_or(String::new(), |(lo, hi)| format!(" [{}, {}]", show(lo), show(hi)))
    }
}

/// More names than this in a sentence are counted.
const NAMED: usize = 4;

/// Some names, or how many there are.
pub fn named(names: &[String], noun: &str) -> String {
    if names.len() > NAMED { count(names.len(), noun) } else { list(names) }
}

/// What is removed: `10 regions of 9x9 pixels are removed (uniform)`.
pub fn removal(setting: &Setting, words: Words<'_>) -> String {
    let steps = setting.regions().unwrap_or(0);
    let r = setting.region;
    let regions = count(steps, "region");
    format!(
        "{regions} of {r}x{r} pixels {} removed{} ({})",
        are(steps),
        setting.at_stops(),
        (words.text)(&setting.perturbation)
    )
}

/// Why a first place is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The score does not fall when what the first calls most relevant is removed.
    Fall,
    /// Removing regions at random does as well.
    Chance,
}

impl Lack {
    /// All reasons.
    pub const ALL: [Lack; 2] = [Lack::Fall, Lack::Chance];

    /// What no method does, behind "no".
    pub fn words(self) -> &'static str {
        match self {
            Lack::Fall => "method makes the score fall",
            Lack::Chance => "method does better than removing regions at random",
        }
    }
}

/// Who has the first place by AOPC.
#[derive(Clone, Copy)]
pub struct Leader<'a> {
    /// Canonical name.
    pub method: &'a str,
    /// Whether the first place, or a share of it, is that of the random order.
    pub chance: bool,
    /// How many methods have a place.
    pub of: usize,
    /// Which regions were removed first.
    pub order: Order,
    /// What was removed.
    pub setting: &'a Setting,
    /// Its AOPC.
    pub aopc: Estimate,
}

impl Leader<'_> {
    /// Why its first place says nothing for it; nothing where it does.
    pub fn lack(&self) -> Option<Lack> {
        if self.order == Order::Morf && self.aopc.mean <= 0.0 {
            Some(Lack::Fall)
        } else if self.chance && self.of > 1 {
            Some(Lack::Chance)
        } else {
            None
        }
    }

    /// What is said in place of a winner; nothing where it is one.
    pub fn no_winner(&self, words: Words<'_>) -> Option<String> {
        let what = match self.lack()? {
            Lack::Fall => self.no_fall(words),
            Lack::Chance => self.no_better(words),
        };
        let (pictures, removal) = (count(self.aopc.n, "picture"), removal(self.setting, words));
        Some(format!("{what} on average over the steps and {pictures} when {removal}."))
    }

    fn no_fall(&self, words: Words<'_>) -> String {
        let raised = self.aopc.reversed();
        let change = if self.aopc.mean < 0.0 {
            format!(
                "raises the score, by {}{}",
                (words.number)(raised.mean),
                words.interval(&raised)
            )
        } else {
            "leaves the score as it is".to_owned()
        };
        let name = (words.name)(self.method);
        let removed = if self.method == RANDOM {
            "removing regions at random"
        } else {
            "removing the regions it calls most relevant first"
        };
        if self.of == 1 {
            return format!("{name} does not make the score fall: {removed} {change}");
        }
        let (none, of) = (Lack::Fall.words(), self.of);
        format!(
            "No {none}, so none is first: {name} has the largest AOPC of {of}, and {removed} {change}"
        )
    }

    fn no_better(&self, words: Words<'_>) -> String {
        let most = if self.order == Order::Morf { "largest" } else { "smallest" };
        format!(
            "No {}, so none is first: {} has the {most} AOPC of {}, {}{}",
            Lack::Chance.words(),
            (words.name)(RANDOM),
            self.of,
            (words.number)(self.aopc.mean),
            words.interval(&self.aopc)
        )
    }
}

/// Which methods are found to be better or worse than removing regions at random, by a family of tests of
/// their own; nothing where there is no such method or nothing to compare with it.
pub fn against_random(found: &[(&str, Against)], words: Words<'_>) -> Option<String> {
    let (_, Against { tests, pictures, .. }) = found.first()?;
    if *tests == 0 {
        let every = if *pictures == 1 { "on the only picture" } else { "on every picture" };
        return Some(match found.len() {
            1 => format!("The other method gives what removing regions at random gives, {every}."),
            n => format!("All {n} methods give what removing regions at random gives, {every}."),
        });
    }
    if !can_reach(*pictures, *tests) {
        return Some(too_few_for_random(*pictures, *tests));
    }
    let of = |verdict: Verdict| -> Vec<&str> {
        found.iter().filter(|(_, a)| a.verdict == verdict).map(|(method, _)| *method).collect()
    };
    if let [(_, Against { verdict, .. })] = found {
        return Some(of_one(*verdict));
    }
    let mut said = vec![better(of(Verdict::Better).len(), found.len(), *tests)];
    for (verdict, what, all) in [
        (Verdict::Open, "Not told apart from it", false),
        (Verdict::TooFew, "The same as it on too many pictures for a test to reach 5 %", false),
        (Verdict::Equal, "The same as it on every picture", false),
        (Verdict::Worse, "Worse than it", true),
    ] {
        let names = words.names(&of(verdict));
        if !names.is_empty() {
            let names = if all { list(&names) } else { named(&names, "method") };
            said.push(format!("{what}: {names}."));
        }
    }
    Some(said.join(" "))
}

/// What is said of the only method beside the random order.
fn of_one(verdict: Verdict) -> String {
    let what = match verdict {
        Verdict::Better => "does better than removing regions at random",
        Verdict::Worse => "does worse than removing regions at random",
        Verdict::Open => "is not told apart from removing regions at random",
        Verdict::TooFew => {
            return "The other method is the same as removing regions at random on too many pictures for a \
                    test to reach 5 %."
                .to_owned();
        }
        Verdict::Equal => {
            return "The other method gives what removing regions at random gives, on every picture."
                .to_owned();
        }
    };
    format!("The other method {what} (signed-rank test, 5 %).")
}

fn better(better: usize, all: usize, tests: usize) -> String {
    let by = match tests {
        1 => "(signed-rank test, 5 %)".to_owned(),
        n => format!("(signed-rank tests, 5 % after Holm's correction for {n} tests)"),
    };
    let what = "better than removing regions at random";
    match (better, all) {
        (2, 2) => format!("Both methods do {what} {by}."),
        (n, all) if n == all => format!("All {n} methods do {what} {by}."),
        (0, _) => format!("No method is found to do {what} {by}."),
        (n, all) => {
            format!("{n} of {all} methods {} found to do {what} {by}.", are(n))
        }
    }
}

/// That no statement is possible, and how many pictures would make one possible.
fn too_few_for_random(pictures: usize, tests: usize) -> String {
    let corrected = match tests {
        1 => String::new(),
        n => format!(" after Holm's correction for {n} tests"),
    };
    format!(
        "{} {} too few to say whether a method does better or worse than removing regions at random: even \
         if it does so on every picture, the signed-rank test cannot reach 5 %{corrected}; {} could.",
        count(pictures, "picture"),
        are(pictures),
        count(fewest_pictures(tests), "picture"),
    )
}

/// That pictures are too few for tests of every two methods; nothing where they are enough, or where there
/// is nothing to test.
pub fn too_few_for_pairs(pictures: usize, tests: usize) -> Option<String> {
    (tests > 0 && !can_reach(pictures, tests)).then(|| {
        let what = match tests {
            1 => "the signed-rank test cannot reach 5 %".to_owned(),
            n => format!("none of the {n} signed-rank tests can reach 5 % after Holm's correction"),
        };
        format!(
            "{} {} too few to tell methods apart by a test: even if one is ahead on every picture, {what}; \
             {} could",
            count(pictures, "picture"),
            are(pictures),
            count(fewest_pictures(tests), "picture"),
        )
    })
}
