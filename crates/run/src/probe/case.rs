//! Everything on one picture.

use super::{Frame, Mark, Probe, Share, Trial, Variant, place::elsewhere};
use crate::{
    base::registry::Named,
    data::object::Object,
    event::Event,
    explain::{Explainer, HeatMap},
    gallery::visible,
    nn::{head::best, tensor::Tensor},
    perturb::{Fill, Mask, Perturbation, Range, Site},
    plan::Plan,
    study::Work,
    subject::Subject,
};
use std::collections::BTreeSet;

/// What a picture gives.
#[derive(Default)]
pub(super) struct CaseRows {
    pub(super) trials: Vec<Trial>,
    pub(super) shares: Vec<Share>,
    pub(super) frames: Vec<Frame>,
}

/// A picture with what is known of its object.
pub(super) struct Case<'a> {
    probe: &'a Probe<'a>,
    plan: &'a Plan,
    subject: &'a Subject,
    index: usize,
    /// The object's pixels, or why there are none.
    object: Result<Vec<bool>, String>,
    /// As many pixels elsewhere, or why there are none.
    beside: Result<Vec<bool>, String>,
}

/// The pixels that count as the object; the error says why there are none.
fn pixels(object: Option<&Object>, mark: Mark) -> Result<Vec<bool>, String> {
    let object = object.ok_or("no object is marked")?;
    let boxes = object.has_boxes.then(|| object.in_boxes());
    let (found, kind) = match mark {
        Mark::Auto => (object.mask.clone().or(boxes), "mask or box"),
        Mark::Mask => (object.mask.clone(), "mask"),
        Mark::Box => (boxes, "box"),
    };
    let found = found.ok_or_else(|| format!("the object has no {kind}"))?;
    match found.iter().filter(|inside| **inside).count() {
        0 => Err("the object was cropped away".to_owned()),
        all if all == found.len() => Err("the object fills the picture".to_owned()),
        _ => Ok(found),
    }
}

/// Share of pixels that are true.
fn area(mask: &[bool]) -> f64 {
    mask.iter().filter(|inside| **inside).count() as f64 / mask.len() as f64
}

/// Share of the positive relevance that is on some pixels; `None` without any.
fn positive_share(heat: &HeatMap, inside: &[bool]) -> Option<f64> {
    let (mut on, mut all) = (0.0, 0.0);
    for (value, inside) in heat.iter().zip(inside).filter(|(value, _)| **value > 0.0) {
        all += value;
        on += if *inside { *value } else { 0.0 };
    }
    (all > 0.0).then(|| on / all)
}

impl<'a> Case<'a> {
    pub(super) fn of(probe: &'a Probe<'a>, subject: &'a Subject, index: usize) -> Case<'a> {
        let plan = probe.plan;
        let object = match subject.shows {
            Some(class) if class != subject.target => {
                Err(format!("only an object of class {class} is marked"))
            }
            _ => pixels(subject.object.as_ref(), probe.settings.mark),
        };
        let beside = object.as_ref().map_err(Clone::clone).and_then(|object| {
            let shape = subject.picture.shape;
            let rng = &mut plan.seed.rng("probe elsewhere", &subject.id, &[]);
            elsewhere(object, (shape.h, shape.w), rng)
                .ok_or_else(|| "there is no room for the same area elsewhere".to_owned())
        });
        Case { probe, plan, subject, index, object, beside }
    }

    /// Everything; `None` when stopped.
    pub(super) fn trials(&self, shown: bool, work: &Work<'_>) -> Option<CaseRows> {
        let mut found = CaseRows::default();
        let original = self.trial(Variant::Original, None, None, Ok(self.subject.picture.clone()));
        self.keep(original, shown, &mut found);
        for filling in &self.plan.perturbations {
            if work.is_over() {
                return None;
            }
            for variant in Variant::FILLED {
                let gone = self.gone(variant);
                let share = gone.as_deref().map(area).ok();
                let seen = gone.map(|gone| self.filled(&*filling.value, &gone));
                self.keep(self.trial(variant, Some(&filling.name), share, seen), shown, &mut found);
            }
        }
        if let Some(edited) = &self.probe.edited {
            let seen = edited.picture(&self.subject.id, self.plan);
            self.keep(self.trial(Variant::Edited, None, None, seen), shown, &mut found);
        }
        let marks = self.marks();
        for method in &self.plan.methods {
            if work.is_over() {
                return None;
            }
            self.explain(method, &marks, shown, work, &mut found);
        }
        Some(found)
    }

    /// The pixels that a variant fills.
    fn gone(&self, variant: Variant) -> Result<Vec<bool>, String> {
        let inverse = |mask: &[bool]| mask.iter().map(|inside| !inside).collect();
        let of = |mask: &Result<Vec<bool>, String>| mask.clone();
        match variant {
            Variant::Removed => of(&self.object),
            Variant::Only => of(&self.object).map(|mask| inverse(&mask)),
            Variant::RemovedElsewhere => of(&self.beside),
            _ => of(&self.beside).map(|mask| inverse(&mask)),
        }
    }

    /// The picture with a filling on some pixels.
    fn filled(&self, filling: &dyn Perturbation, gone: &[bool]) -> Tensor {
        let picture = &self.subject.picture;
        let site = Site {
            picture,
            range: Range::PICTURE,
            neutral: &self.plan.neutral,
            units: &self.plan.regions[0].grid,
            seed: self.plan.seed,
            image: &self.subject.id,
            repeat: 0,
            data: self.plan,
        };
        let (mut seen, channels) = (picture.clone(), picture.shape.c);
        match filling.fill(&site) {
            Fill::Local(fill) => {
                let pixels = seen.data.chunks_exact_mut(channels);
                for ((pixel, fill), gone) in pixels.zip(fill.data.chunks_exact(channels)).zip(gone)
                {
                    if *gone {
                        pixel.copy_from_slice(fill);
                    }
                }
            }
            Fill::LeftOut => unreachable!("refused when the study was made"),
            Fill::Masked(fill) => {
                let width = picture.shape.w;
                let mut mask = Mask::none(picture.shape.h, width);
                let places = gone.iter().enumerate().filter(|(_, gone)| **gone);
                places.for_each(|(at, _)| mask.remove_pixel(at / width, at % width));
                fill.update(&mask, picture.shape.rect(), &mut seen);
            }
        }
        seen
    }

    /// What the network says of what it sees, with that.
    fn trial(
        &self,
        variant: Variant,
        filling: Option<&str>,
        area: Option<f64>,
        seen: Result<Tensor, String>,
    ) -> (Trial, Option<Tensor>) {
        let (plan, subject) = (self.plan, self.subject);
        let mut trial = Trial {
            image: subject.id.clone(),
            label: subject.label.map(|label| label as u64),
            target: subject.target as u64,
            variant,
            filling: filling.map(str::to_owned),
            area,
            predicted: None,
            probability: None,
            target_probability: None,
            score: None,
            says_target: None,
            reason: None,
        };
        let scored = seen.and_then(|seen| {
            let input = plan.preprocess.normalise(&seen);
            let scores = plan.model.graph.scores(&[input]).map_err(|e| e.to_string())?;
            Ok((seen, scores.into_iter().next().expect("one picture")))
        });
        match scored {
            Err(reason) => {
                trial.reason = Some(reason);
                (trial, None)
            }
            Ok((seen, scores)) => {
                let head = plan.model.graph.head();
                let probability = |class| head.probability_in_double(&scores, class);
                let class = best(&scores, None).expect("there are classes");
                trial.predicted = Some(class as u64);
                trial.probability = probability(class);
                trial.target_probability = probability(subject.target);
                trial.score = Some(f64::from(scores[subject.target]));
                trial.says_target = head.says(&scores, subject.target);
                (trial, Some(seen))
            }
        }
    }

    fn keep(&self, (trial, seen): (Trial, Option<Tensor>), shown: bool, found: &mut CaseRows) {
        if let Some(seen) = seen.filter(|_| shown) {
            found.frames.push(self.frame(&trial, &seen));
        }
        found.trials.push(trial);
    }

    fn frame(&self, trial: &Trial, seen: &Tensor) -> Frame {
        let seen = visible(self.plan.preprocess.channels(), seen);
        let (kind, filling) = (trial.variant.name(), trial.filling.as_deref());
        Frame::of_picture(&trial.image, kind, filling, self.caption(trial), &seen)
    }

    /// `predicted tench, 0.455`.
    fn caption(&self, trial: &Trial) -> String {
        let names = self.plan.model.classes.as_deref().or(self.plan.data.classes());
        let class = trial.predicted.unwrap_or_default() as usize;
        let name = names.and_then(|names| names.get(class)).cloned();
        let name = name.unwrap_or_else(|| format!("class {class}"));
        match trial.probability {
            Some(probability) => format!("predicted {name}, {probability:.3}"),
            None => format!("predicted {name}"),
        }
    }

    /// Every annotated class with the pixels of its objects, the tested one first.
    fn marks(&self) -> Vec<(usize, Result<Vec<bool>, String>)> {
        let (plan, subject) = (self.plan, self.subject);
        let mut marks = vec![(subject.target, self.object.clone())];
        let others: BTreeSet<usize> =
            subject.labels.iter().copied().filter(|class| *class != subject.target).collect();
        if others.is_empty() {
            return marks;
        }
        let mark = self.probe.settings.mark;
        let of = |class: usize| {
            let item = plan.data.item(self.index).map_err(|e| e.to_string())?;
            let object = if item.label == Some(class) {
                Object::of(&item, &plan.preprocess)
            } else {
                let shape = item.image.shape;
                let other =
                    plan.data.others(self.index, class, shape).map_err(|e| e.to_string())?;
                let other = other.ok_or("no object is marked")?;
                Object::marked(&other.boxes, other.mask.as_deref(), shape, &plan.preprocess)
            };
            pixels(object.map_err(|e| e.to_string())?.as_ref(), mark)
        };
        marks.extend(others.into_iter().map(|class| (class, of(class))));
        marks
    }

    fn explain(
        &self,
        method: &Named<dyn Explainer>,
        marks: &[(usize, Result<Vec<bool>, String>)],
        shown: bool,
        work: &Work<'_>,
        found: &mut CaseRows,
    ) {
        let (subject, name) = (self.subject, &method.name);
        let heat = method.value.heat_map(&subject.case(self.plan)).map_err(|e| e.to_string());
        if let Err(reason) = &heat {
            let (image, method) = (subject.id.clone(), name.clone());
            work.observer.on(&Event::Failed { image, method, reason: reason.clone() });
        }
        for (class, pixels) in marks {
            let share = heat.as_ref().map_err(Clone::clone).and_then(|heat| {
                let pixels = pixels.as_ref().map_err(Clone::clone)?;
                positive_share(heat, pixels).ok_or_else(|| "no relevance is positive".to_owned())
            });
            found.shares.push(Share {
                image: subject.id.clone(),
                method: name.clone(),
                target: subject.target as u64,
                class: *class as u64,
                area: pixels.as_deref().map(area).ok(),
                relevance: share.as_ref().ok().copied(),
                failed: heat.is_err(),
                reason: share.err(),
            });
        }
        if let Some(heat) = heat.ok().filter(|_| shown) {
            let caption = format!("relevance for class {}", subject.target);
            found.frames.push(Frame::of_map(&subject.id, name.clone(), caption, &heat));
        }
    }
}
