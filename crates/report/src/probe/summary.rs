//! Counts by class and filling.

use super::{About, words};
use crate::{
    eval::stats::proportion::{Proportion, mcnemar},
    run::probe::{Probed, Trial, Variant},
    table::{Sheet, TableError},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What is asked of a picture that the network says to be of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Is it still of the class without the object? Then something else is enough (false positive).
    StillWithout,
    /// Is it no longer of the class with the object alone? Then something else is needed (false negative).
    NotAlone,
}

impl Question {
    /// Both.
    pub const ALL: [Question; 2] = [Question::StillWithout, Question::NotAlone];

    /// Name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Question::StillWithout => "e2-still-the-class",
            Question::NotAlone => "e3-no-longer-the-class",
        }
    }

    const fn variants(self) -> [Variant; 2] {
        match self {
            Question::StillWithout => [Variant::Removed, Variant::RemovedElsewhere],
            Question::NotAlone => [Variant::Only, Variant::OnlyElsewhere],
        }
    }

    /// Whether what the network says of a variant counts.
    fn counts(self, says_target: bool) -> bool {
        says_target == (self == Question::StillWithout)
    }
}

/// The answer to a question for a class, or for all of them, and a filling.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// The class; `None` for all.
    pub class: Option<u64>,
    /// The filling.
    pub filling: String,
    /// The question.
    pub question: Question,
    /// Pictures on which the answer is yes.
    pub found: Proportion,
    /// The same where as many pixels elsewhere were taken, in place of the object.
    pub control: Proportion,
    /// Pictures of other classes, without their object, that are said to be of this class: what the network says where
    /// there is nothing. Only of the first question and single classes.
    pub base: Proportion,
    /// Pictures with yes for the object only, and for its control only.
    pub apart: (usize, usize),
    /// Exact p-value of McNemar's test of these.
    pub p: Option<f64>,
    /// Pictures of the class without an answer.
    pub undefined: usize,
}

/// All counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// By question, filling and class, all classes first.
    pub rates: Vec<Rate>,
    /// Pictures that were looked at, by class.
    pub pictures: BTreeMap<u64, usize>,
    /// Pictures that the network does not say to be of their class to begin with; they do not count.
    pub not_said: usize,
    /// Edited pictures: whether the network says the class of the original, of those that it said before.
    pub edited: Option<Proportion>,
}

/// What the network says of the variants of a picture, by variant and filling: whether its class, and which class.
type Said<'a> = BTreeMap<(Variant, Option<&'a str>), (Option<bool>, Option<u64>)>;

impl Summary {
    /// Counts the trials.
    pub fn of(probed: &Probed, about: &About) -> Summary {
        let mut pictures: BTreeMap<&str, (u64, Said<'_>)> = BTreeMap::new();
        for Trial { image, target, variant, filling, says_target, predicted, .. } in &probed.trials
        {
            let (_, said) = pictures.entry(image).or_insert_with(|| (*target, Said::new()));
            said.insert((*variant, filling.as_deref()), (*says_target, *predicted));
        }
        let mut by_class: BTreeMap<u64, usize> = BTreeMap::new();
        pictures.values().for_each(|(class, _)| *by_class.entry(*class).or_default() += 1);
        let original = |said: &Said<'_>| said.get(&(Variant::Original, None))?.0;
        let good: Vec<&(u64, Said<'_>)> =
            pictures.values().filter(|(_, said)| original(said) == Some(true)).collect();
        let classes: BTreeSet<u64> = good.iter().map(|(class, _)| *class).collect();
        let groups: Vec<Option<u64>> =
            std::iter::once(None).chain(classes.into_iter().map(Some)).collect();
        let mut rates = Vec::new();
        for question in Question::ALL {
            for filling in &about.fillings {
                for &class in &groups {
                    let own = good.iter().filter(|(c, _)| class.is_none_or(|class| *c == class));
                    let said: Vec<&Said<'_>> = own.map(|(_, said)| said).collect();
                    let base = base(class, filling, question, &good);
                    rates.push(Rate { base, ..rate(class, filling, question, &said) });
                }
            }
        }
        let edited = |(_, said): &&(u64, Said<'_>)| said.get(&(Variant::Edited, None))?.0;
        let edited: Vec<bool> = good.iter().filter_map(edited).collect();
        let edited = (!edited.is_empty()).then(|| Proportion::of(edited.into_iter()));
        Summary { rates, not_said: pictures.len() - good.len(), pictures: by_class, edited }
    }

    /// The counts of all classes together for a question and a filling.
    pub fn overall(&self, question: Question, filling: &str) -> Option<&Rate> {
        let own = |r: &&Rate| r.class.is_none() && r.question == question && r.filling == filling;
        self.rates.iter().find(own)
    }

    /// The classes whose share lies above that of the others together beyond doubt, and above how often the class is said
    /// where there is nothing: its interval above theirs, for a filling.
    pub fn outstanding(&self, question: Question, filling: &str) -> Vec<&Rate> {
        let Some(all) = self.overall(question, filling) else { return Vec::new() };
        let own = self.rates.iter().filter(|r| r.question == question && r.filling == filling);
        let beyond = |rate: &&Rate| {
            let others = Proportion {
                count: all.found.count - rate.found.count,
                of: all.found.of - rate.found.of,
            };
            let above = |other: Proportion| {
                let intervals = rate.found.wilson().zip(other.wilson());
                intervals.is_some_and(|(own, other)| own.lo > other.hi)
            };
            above(others) && (rate.base.of == 0 || above(rate.base))
        };
        own.filter(|rate| rate.class.is_some()).filter(beyond).collect()
    }

    /// Writes `summary` as CSV and Parquet.
    pub fn write(&self, folder: &Path, about: &About) -> Result<(), TableError> {
        let name = |r: &Rate| r.class.map_or_else(|| "all".to_owned(), |class| about.class(class));
        let rows: Vec<(String, &Rate)> = self.rates.iter().map(|rate| (name(rate), rate)).collect();
        let sheet = sheet().about("model", &about.model).about("data", &about.data);
        sheet.write(folder, "summary", &rows)
    }

    /// The cells of a table for a terminal: all classes together.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let head = ["question", "filling", "pictures", "yes", "control", "p", "undefined"];
        let line = |rate: &Rate| {
            vec![
                rate.question.name().to_owned(),
                rate.filling.clone(),
                rate.found.of.to_string(),
                words(rate.found),
                words(rate.control),
                rate.p.map_or("-".to_owned(), |p| format!("{p:.2e}")),
                rate.undefined.to_string(),
            ]
        };
        let rates = self.rates.iter().filter(|rate| rate.class.is_none()).map(line);
        std::iter::once(head.map(str::to_owned).to_vec()).chain(rates).collect()
    }

    /// What came out, in words.
    pub fn sentences(&self, about: &About) -> Vec<String> {
        let Some(filling) = about.fillings.first() else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(rate) = self.overall(Question::StillWithout, filling) {
            found.push(format!(
                "Without the object (`{filling}` in its place) {} pictures are still said to be of their class; with \
                 the same area elsewhere gone {}.",
                words(rate.found),
                words(rate.control)
            ));
            found.extend(self.names(rate.question, about).map(|(classes, only)| {
                format!(
                    "{only} without the object are said to be of their class: {classes}. Something else in these \
                     pictures is enough; look where their relevance lies."
                )
            }));
        }
        if let Some(rate) = self.overall(Question::NotAlone, filling) {
            found.push(format!(
                "With the object alone {} are no longer of their class: they need what is around it. With as large a \
                 piece elsewhere alone {} are not.",
                words(rate.found),
                words(rate.control)
            ));
            found.extend(self.names(rate.question, about).map(|(classes, only)| {
                format!(
                    "{only} with the object alone are not said to be of their class: {classes}."
                )
            }));
        }
        if let Some(edited) = self.edited {
            found.push(format!(
                "Edited by hand, {} are said to be of the class of their original.",
                words(edited)
            ));
        }
        found
    }

    /// The classes that stand out with most fillings, with their counts for the first.
    fn names(&self, question: Question, about: &About) -> Option<(String, &'static str)> {
        let votes = |class: u64| {
            let has = |filling: &&String| {
                self.outstanding(question, filling).iter().any(|rate| rate.class == Some(class))
            };
            about.fillings.iter().filter(has).count()
        };
        let named: Vec<String> = self
            .pictures
            .keys()
            .filter(|class| 2 * votes(**class) > about.fillings.len())
            .filter_map(|class| {
                // the counts of a filling with which it stands out
                let stands_out = |filling: &&String| {
                    self.outstanding(question, filling)
                        .iter()
                        .any(|rate| rate.class == Some(*class))
                };
                let filling = about.fillings.iter().find(stands_out)?;
                let with = if about.fillings.first() == Some(filling) {
                    String::new()
                } else {
                    format!(" with `{filling}`")
                };
                let own = |r: &&Rate| {
                    r.class == Some(*class) && r.question == question && r.filling == *filling
                };
                let rate = self.rates.iter().find(own)?;
                let base = (rate.base.of > 0).then(|| {
                    format!(", of other classes without their object {}", words(rate.base))
                });
                let base = base.unwrap_or_default();
                Some(format!("`{}`: {}{with}{base}", about.class(*class), words(rate.found)))
            })
            .collect();
        let only = if named.len() == 1 {
            "One class stands out beyond doubt, whose pictures"
        } else {
            "Some classes stand out beyond doubt, whose pictures"
        };
        (!named.is_empty()).then(|| (named.join("; "), only))
    }

    /// What a reader must know.
    pub fn caveats(&self, about: &About) -> Vec<String> {
        let chosen = about.by_answer.then(|| {
            format!(
                "the pictures were chosen by what the network says of them (`{}`): the counts say what happens, not how \
                 often it happens in all pictures",
                about.selection
            )
        });
        let not_said = (self.not_said > 0).then(|| {
            format!(
                "{} of the pictures {} not said to be of their class to begin with and do not count",
                self.not_said,
                if self.not_said == 1 { "is" } else { "are" }
            )
        });
        let undefined = self.rates.iter().filter(|r| r.class.is_none()).map(|r| r.undefined).max();
        let undefined = undefined.filter(|n| *n > 0).map(|n| {
            format!(
                "up to {n} pictures have no value, since no object is marked, it fills the picture, or there is no room \
                 elsewhere; `reason` in probes.csv says which"
            )
        });
        let filling = Some(
            "every filling is itself something that the network was not trained on; believe what all of them say. Where \
             an object is taken away by its mask its outline stays (`--object box` hides it)"
                .to_owned(),
        );
        [chosen, not_said, undefined, filling].into_iter().flatten().collect()
    }
}

/// How often a class is said of pictures of other classes without their object.
fn base(
    class: Option<u64>,
    filling: &str,
    question: Question,
    good: &[&(u64, Said<'_>)],
) -> Proportion {
    let class = class.filter(|_| question == Question::StillWithout);
    let others = good.iter().filter(|(own, _)| class.is_some_and(|class| class != *own));
    let said = others.filter_map(|(_, said)| said.get(&(Variant::Removed, Some(filling)))?.1);
    Proportion::of(said.map(|said| Some(said) == class))
}

fn rate(class: Option<u64>, filling: &str, question: Question, said: &[&Said<'_>]) -> Rate {
    let [variant, control] = question.variants();
    let answer = |said: &Said<'_>, variant| {
        let says = said.get(&(variant, Some(filling))).and_then(|said| said.0);
        says.map(|says| question.counts(says))
    };
    let both: Vec<(Option<bool>, Option<bool>)> =
        said.iter().map(|said| (answer(said, variant), answer(said, control))).collect();
    let apart = |one: bool| both.iter().filter(|pair| **pair == (Some(one), Some(!one))).count();
    let apart = (apart(true), apart(false));
    Rate {
        class,
        filling: filling.to_owned(),
        question,
        found: Proportion::of(both.iter().filter_map(|pair| pair.0)),
        control: Proportion::of(both.iter().filter_map(|pair| pair.1)),
        base: Proportion { count: 0, of: 0 },
        apart,
        p: mcnemar(apart.0, apart.1),
        undefined: both.iter().filter(|pair| pair.0.is_none()).count(),
    }
}

/// The columns of the table.
pub(crate) fn sheet<'a>() -> Sheet<'a, (String, &'a Rate)> {
    type Row<'a> = (String, &'a Rate);
    let lo = |found: Proportion| found.wilson().map(|interval| interval.lo);
    let hi = |found: Proportion| found.wilson().map(|interval| interval.hi);
    Sheet::default()
        .text("class", "name of the class, or all", |r: &Row<'a>| Some(&r.0))
        .text(
            "question",
            "e2-still-the-class: without the object; e3-no-longer-the-class: with it alone",
            |r| Some(r.1.question.name()),
        )
        .text("filling", "what takes the place of pixels", |r| Some(&r.1.filling))
        .whole(
            "pictures",
            "pictures of the class that the network says to be of it, with a value",
            |r| Some(r.1.found.of as u64),
        )
        .whole("count", "those of them for which the answer is yes", |r| {
            Some(r.1.found.count as u64)
        })
        .number("share", "count / pictures", |r| r.1.found.share())
        .number("share_lo", "lower end of its 95 % Wilson interval", move |r| lo(r.1.found))
        .number("share_hi", "upper end", move |r| hi(r.1.found))
        .whole(
            "control_pictures",
            "pictures with a value where the same area elsewhere was taken",
            |r| Some(r.1.control.of as u64),
        )
        .whole("control_count", "those of them for which the answer is yes", |r| {
            Some(r.1.control.count as u64)
        })
        .number("control_share", "control_count / control_pictures", |r| r.1.control.share())
        .number("control_lo", "lower end of its 95 % Wilson interval", move |r| lo(r.1.control))
        .number("control_hi", "upper end", move |r| hi(r.1.control))
        .whole(
            "base_pictures",
            "pictures of other classes without their object; null but for classes and e2",
            |r| (r.1.base.of > 0).then_some(r.1.base.of as u64),
        )
        .whole(
            "base_count",
            "those of them that are said to be of this class: what is said where nothing is",
            |r| (r.1.base.of > 0).then_some(r.1.base.count as u64),
        )
        .number("base_share", "base_count / base_pictures", |r| r.1.base.share())
        .whole("only_object", "pictures with yes for the object and no for the control", |r| {
            Some(r.1.apart.0 as u64)
        })
        .whole("only_control", "pictures with no for the object and yes for the control", |r| {
            Some(r.1.apart.1 as u64)
        })
        .number("p", "two-sided exact p-value of McNemar's test of these two counts", |r| r.1.p)
        .whole("undefined", "pictures of the class without a value", |r| Some(r.1.undefined as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(image: &str, target: u64, variant: Variant, says: Option<bool>) -> Trial {
        let filling = Variant::FILLED.contains(&variant).then(|| "blur".to_owned());
        Trial {
            image: image.to_owned(),
            label: Some(target),
            target,
            variant,
            filling,
            area: None,
            predicted: None,
            probability: None,
            target_probability: None,
            score: None,
            says_target: says,
            reason: None,
        }
    }

    fn about() -> About {
        About {
            classes: ["cat", "fish"].map(str::to_owned).to_vec(),
            fillings: vec!["blur".to_owned()],
            ..About::default()
        }
    }

    /// Twenty pictures of each class; all fish and no cat are still there without the object.
    fn probed() -> Probed {
        let mut trials = Vec::new();
        for k in 0..40 {
            let (image, class) = (format!("{k:02}"), k % 2);
            let mut say = |variant, says| trials.push(trial(&image, class, variant, says));
            say(Variant::Original, Some(k != 0));
            say(Variant::Removed, Some(class == 1));
            say(Variant::RemovedElsewhere, Some(true));
            say(Variant::Only, if k == 1 { None } else { Some(true) });
            say(Variant::OnlyElsewhere, Some(false));
        }
        Probed { trials, ..Probed::default() }
    }

    #[test]
    fn counts_are_of_pictures_that_the_network_says_to_be_of_the_class() {
        let summary = Summary::of(&probed(), &about());
        assert_eq!(summary.not_said, 1, "picture 0");
        let all = summary.overall(Question::StillWithout, "blur").unwrap();
        assert_eq!((all.found, all.undefined), (Proportion { count: 20, of: 39 }, 0));
        assert_eq!((all.control, all.apart), (Proportion { count: 39, of: 39 }, (0, 19)));
        let all = summary.overall(Question::NotAlone, "blur").unwrap();
        assert_eq!((all.found, all.undefined), (Proportion { count: 0, of: 38 }, 1));
        assert_eq!(all.control, Proportion { count: 39, of: 39 });
    }

    #[test]
    fn the_class_that_stands_out_is_named() {
        let (summary, about) = (Summary::of(&probed(), &about()), about());
        let outstanding = summary.outstanding(Question::StillWithout, "blur");
        assert_eq!(outstanding.iter().map(|r| r.class).collect::<Vec<_>>(), [Some(1)]);
        let sentences = summary.sentences(&about).join("\n");
        assert!(sentences.contains("`fish`: 20 of 20 (100 %, 84 to 100 %)"), "{sentences}");
        assert!(!sentences.contains("`cat`"), "{sentences}");
    }

    #[test]
    fn every_column_has_its_note() {
        let sheet = sheet();
        let noted = |name: &str| sheet.notes().contains_key(&format!("column {name}"));
        assert!(sheet.names().all(noted));
    }
}
