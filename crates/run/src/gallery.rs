//! A few pictures of a run with everything a reader wants to see of them: the picture as the
//! network gets it, its first fill image, the heat maps of all methods and their orders of the regions.
//!
//! They are made while the pictures are in hand, so that no method explains one twice, and wait in their parts until the
//! run is complete. The run keeps them in `gallery.parquet`, so that reports can be made later and on a machine that
//! has neither the network nor the pictures. Values of pictures are rounded to whole pixel values,
//! relevance to eight significant bits; the orders come from the unrounded maps.

use super::{output::Output, plan::Plan, study::PartFile, subject::Subject};
use crate::{
    base::geom::Shape,
    explain::HeatMap,
    nn::{preprocess::Channels, tensor::Tensor},
    perturb::{Fill, Range, Site},
    table::{TableError, record, record::Record},
};
use half::bf16;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops,
    path::Path,
};

/// File below the results.
pub const FILE: &str = "gallery.parquet";

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhibit {
    /// Its id, as in the records.
    pub image: String,
    /// What the network says and what is explained, in words.
    pub note: String,
    /// The picture as people see it, values in [0, 1]: one channel, or red, green, blue.
    pub picture: Tensor,
    /// The perturbation that ranks and its first fill image; none when the fill of a region depends
    /// on which others are gone.
    pub fill: Option<(String, Tensor)>,
    /// The text with its words, which are its regions; none of a picture.
    pub text: Option<Passage>,
    /// What each method gives.
    pub maps: Vec<Map>,
}

/// A text that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// All of it, as the words were found in it.
    pub text: String,
    /// Where its words lie, in bytes, one after the other.
    pub words: Vec<ops::Range<usize>>,
}

/// One method on one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Canonical name of the method.
    pub method: String,
    /// Relevance per pixel; `None` where the method gives nothing.
    pub heat: Option<HeatMap>,
    /// Ids of all regions, most relevant first; the random order is that of the first repeat.
    pub order: Vec<u32>,
    /// Why there is no heat map.
    pub reason: Option<String>,
}

/// File with the exhibits of a part, where it has some; gone when the run is complete.
pub(super) const PART: PartFile = PartFile::of::<Shown>("parts", "gallery", true).passing();

/// Indices of the pictures that are shown when there are to be so many (or all there are): evenly spread over those
/// of the plan.
pub(super) fn chosen(plan: &Plan, count: usize) -> BTreeSet<usize> {
    let count = count.min(plan.images.len());
    (0..count).map(|k| plan.images[k * plan.images.len() / count]).collect()
}

/// A picture with its first fill image, without heat maps.
pub(super) fn exhibit(plan: &Plan, subject: &Subject) -> Exhibit {
    let channels = plan.preprocess.channels();
    let first = plan.perturbations.first();
    let fill = first.and_then(|p| match p.value.fill(&site(plan, subject)) {
        Fill::Local(fill) => Some((p.name.clone(), whole(visible(channels, &fill)))),
        Fill::Masked(_) | Fill::LeftOut => None,
    });
    Exhibit {
        image: subject.id.clone(),
        note: note(plan, subject),
        picture: whole(visible(channels, &subject.picture)),
        fill: fill.filter(|_| subject.words.is_none()),
        text: passage(plan, subject),
        maps: Vec::new(),
    }
}

/// The text of a subject; none of a picture.
fn passage(plan: &Plan, subject: &Subject) -> Option<Passage> {
    let index = subject.words.map(|_| subject.index)?;
    // ends of words are kept in single precision
    let document =
        plan.data.document(index).filter(|d| d.text.len() < 1 << f32::MANTISSA_DIGITS)?;
    Some(Passage { text: document.text, words: document.words })
}

/// A picture of the network's channels as people see it.
pub fn visible(channels: Channels, picture: &Tensor) -> Tensor {
    let mut picture = picture.clone();
    if ![1, 3].contains(&picture.shape.c) {
        // vectors of words have no colours: the text itself is shown
        return Tensor::zeros(Shape::new(1, picture.shape.h, picture.shape.w));
    }
    if channels == Channels::Bgr {
        picture.data.chunks_exact_mut(3).for_each(<[f32]>::reverse);
    }
    picture
}

/// Where the first noise image is drawn.
fn site<'a>(plan: &'a Plan, subject: &'a Subject) -> Site<'a> {
    Site {
        picture: &subject.picture,
        units: &plan.regions[0].grid,
        seed: plan.seed,
        image: &subject.id,
        repeat: 0,
        data: plan,
        range: Range::PICTURE,
        neutral: &plan.neutral,
    }
}

impl Map {
    /// What a method gives: relevance and the order of the regions that follows from it, or why there is none.
    pub(super) fn of(method: &str, found: Result<(&HeatMap, Vec<u32>), String>) -> Map {
        let method = method.to_owned();
        match found {
            Ok((heat, order)) => Map { method, heat: Some(rounded(heat)), order, reason: None },
            Err(reason) => Map { method, heat: None, order: Vec::new(), reason: Some(reason) },
        }
    }
}

/// A map with eight significant bits.
fn rounded(heat: &HeatMap) -> HeatMap {
    let unit = unit(heat);
    heat.mapv(|v| bf16::from_f64(v / unit).to_f64() * unit)
}

/// What the values of a map are kept in: 1, or a power of two about its largest magnitude where single
/// precision might not hold them.
fn unit(heat: &HeatMap) -> f64 {
    let largest = heat.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let fits = largest == 0.0 || (1e-30..1e30).contains(&largest);
    if fits { 1.0 } else { largest.log2().floor().exp2() }
}

/// What the network says and what is explained.
fn note(plan: &Plan, subject: &Subject) -> String {
    let names = plan.class_names();
    let class = |c: usize| match names.and_then(|names| names.get(c)) {
        Some(name) => format!("{name} ({c})"),
        None => format!("class {c}"),
    };
    let score = subject.acts.value(plan.model.graph.output()).data[subject.target];
    let label = subject.label.map_or(String::new(), |l| format!(", label: {}", class(l)));
    let (predicted, target) = (class(subject.predicted), class(subject.target));
    format!("predicted: {predicted}{label}, explained: {target}, score {score:.2}")
}

/// Values rounded to the 256 that a pixel has.
fn whole(mut picture: Tensor) -> Tensor {
    picture.data.iter_mut().for_each(|v| *v = (v.clamp(0.0, 1.0) * 255.0).round() / 255.0);
    picture
}

record! {
    /// A picture, its fill, or a map of it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Shown {
        /// as in the curves
        pub image: String,
        /// picture, fill (the first fill image of the first perturbation), text (of which the regions are words) or map
        pub kind: String,
        /// words about the picture, canonical name of the perturbation or the method, or the text
        pub name: String,
        /// rows; null where a method gives nothing
        pub height: Option<u64>,
        /// columns
        pub width: Option<u64>,
        /// 1, or 3 for red, green, blue
        pub channels: Option<u64>,
        /// row by row, channels last; pictures in [0, 1], relevance with eight significant bits; of a text the first
        /// byte of each word and the one behind its last
        pub values: Option<Vec<f32>>,
        /// what the values of a map are multiples of; null elsewhere
        pub unit: Option<f64> = None,
        /// ids of all regions, most relevant first; null for pictures and fills
        pub order: Option<Vec<f32>> => column("region_order", once "order"),
        /// why a method gives nothing
        pub reason: Option<String>,
    }
}

impl Shown {
    fn new(image: &str, kind: &str, name: &str, shape: Option<Shape>) -> Shown {
        let side = |of: fn(Shape) -> usize| shape.map(|shape| of(shape) as u64);
        Shown {
            image: image.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            height: side(|s| s.h),
            width: side(|s| s.w),
            channels: side(|s| s.c),
            values: None,
            unit: None,
            order: None,
            reason: None,
        }
    }

    fn tensor(image: &str, kind: &str, name: &str, tensor: &Tensor) -> Shown {
        let values = Some(tensor.data.clone());
        Shown { values, ..Shown::new(image, kind, name, Some(tensor.shape)) }
    }

    /// The row of a text.
    fn passage(image: &str, passage: &Passage) -> Shown {
        let ends = passage.words.iter().flat_map(|word| [word.start as f32, word.end as f32]);
        Shown { values: Some(ends.collect()), ..Shown::new(image, "text", &passage.text, None) }
    }

    /// The text of this row, of which every word lies behind the one before; the error ends a sentence.
    fn into_passage(self) -> Result<Passage, String> {
        let ends = self.values.unwrap_or_default();
        let words = ends.as_chunks::<2>().0.iter().map(|[from, to]| *from as usize..*to as usize);
        let (words, mut last): (Vec<ops::Range<usize>>, usize) = (words.collect(), 0);
        for word in &words {
            if word.start < last || self.name.get(word.clone()).is_none() {
                return Err(format!("has a word at {} to {} of its text", word.start, word.end));
            }
            last = word.end;
        }
        Ok(Passage { text: self.name, words })
    }

    /// The row of a map.
    pub(super) fn map(image: &str, map: &Map) -> Shown {
        let shape = map.heat.as_ref().map(|h| Shape::new(1, h.nrows(), h.ncols()));
        let unit = map.heat.as_ref().map(unit);
        let values = |(h, unit): (&HeatMap, f64)| h.iter().map(|v| (v / unit) as f32).collect();
        Shown {
            values: map.heat.as_ref().zip(unit).map(values),
            unit,
            order: Some(map.order.iter().map(|&id| id as f32).collect()),
            reason: map.reason.clone(),
            ..Shown::new(image, "map", &map.method, shape)
        }
    }
}

impl Shown {
    /// The values as a picture; `None` where there are none. The error ends a sentence.
    fn take_tensor(&mut self) -> Result<Option<Tensor>, String> {
        let sides = [self.channels, self.height, self.width];
        let sides = sides.map(|n| n.and_then(|n| usize::try_from(n).ok()));
        tensor(sides, self.values.take())
    }

    /// The name and the picture of this row.
    fn into_picture(mut self) -> Result<(String, Tensor), String> {
        let tensor = self.take_tensor()?.ok_or_else(|| "has no values".to_owned())?;
        Ok((self.name, tensor))
    }

    /// The map of this row.
    pub(super) fn into_map(mut self) -> Result<Map, String> {
        let tensor = self.take_tensor()?;
        let Shown { name, unit, order, reason, .. } = self;
        let heat = tensor.map(|t| heat_map(t, unit.unwrap_or(1.0))).transpose()?;
        let order = order.unwrap_or_default().iter().map(|&id| id as u32).collect();
        Ok(Map { method: name, heat, order, reason })
    }
}

/// The rows of an exhibit: the picture, its fill, its maps.
pub fn rows(exhibit: &Exhibit) -> Vec<Shown> {
    let image = &exhibit.image[..];
    let picture = Shown::tensor(image, "picture", &exhibit.note, &exhibit.picture);
    let fill = exhibit.fill.iter().map(|(name, fill)| Shown::tensor(image, "fill", name, fill));
    let text = exhibit.text.iter().map(|text| Shown::passage(image, text));
    let maps = exhibit.maps.iter().map(|map| Shown::map(image, map));
    std::iter::once(picture).chain(fill).chain(text).chain(maps).collect()
}

/// Writes exhibits as one Parquet file, whole or not at all.
pub fn write(path: &Path, exhibits: &[Exhibit]) -> Result<(), TableError> {
    Shown::write(path, &exhibits.iter().flat_map(rows).collect::<Vec<Shown>>())
}

/// Rows of the exhibits of parts, and of those that an earlier end of the run has put together, by picture; those of
/// the parts count.
pub(super) fn there(
    output: &Output,
    parts: &BTreeSet<usize>,
) -> Result<BTreeMap<String, Vec<Shown>>, TableError> {
    let of_parts = parts.iter().map(|part| output.root().join(PART.path(*part)));
    let mut all: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    for file in of_parts.chain([output.root().join(FILE)]).filter(|file| file.is_file()) {
        let mut found: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
        for row in Shown::read(&file)? {
            found.entry(row.image.clone()).or_default().push(row);
        }
        for (image, rows) in found {
            all.entry(image).or_insert(rows);
        }
    }
    Ok(all)
}

/// Reads exhibits from a file.
pub fn read(path: &Path) -> Result<Vec<Exhibit>, TableError> {
    let rows = Shown::read(path)?;
    exhibits(rows).map_err(|problem| TableError::Content { path: path.to_owned(), problem })
}

fn exhibits(rows: Vec<Shown>) -> Result<Vec<Exhibit>, String> {
    let mut found: Vec<Exhibit> = Vec::new();
    for (i, row) in rows.into_iter().enumerate() {
        let at = |problem: String| format!("row {i} {problem}");
        let (image, kind) = (row.image.clone(), row.kind.clone());
        let misplaced =
            || format!("row {i} belongs to `{image}`, whose picture does not stand before it");
        let current = found.last_mut().filter(|e| e.image == image).ok_or_else(misplaced);
        match kind.as_str() {
            "picture" => {
                let (note, picture) = row.into_picture().map_err(at)?;
                let (fill, text, maps) = (None, None, Vec::new());
                found.push(Exhibit { image, note, picture, fill, text, maps });
            }
            "fill" => current?.fill = Some(row.into_picture().map_err(at)?),
            "text" => current?.text = Some(row.into_passage().map_err(at)?),
            "map" => current?.maps.push(row.into_map().map_err(at)?),
            other => return Err(format!("row {i} is of the unknown kind `{other}`")),
        }
    }
    Ok(found)
}

/// A tensor from its sides and values, `None` where it has none; the error ends a sentence.
fn tensor(sides: [Option<usize>; 3], values: Option<Vec<f32>>) -> Result<Option<Tensor>, String> {
    let ([Some(c), Some(h), Some(w)], Some(values)) = (sides, values) else { return Ok(None) };
    let expected = c.checked_mul(h).and_then(|n| n.checked_mul(w));
    if expected != Some(values.len()) {
        return Err(format!("has {} values for {c}x{h}x{w} of them", values.len()));
    }
    if c != 1 && c != 3 {
        return Err(format!("has {c} channels, expected 1 or 3"));
    }
    Ok(Some(Tensor::new(Shape::new(c, h, w), values)))
}

fn heat_map(tensor: Tensor, unit: f64) -> Result<HeatMap, String> {
    let Shape { c, h, w } = tensor.shape;
    let values = tensor.data.iter().map(|v| f64::from(*v) * unit).collect();
    HeatMap::from_shape_vec((h, w), values).map_err(|_| format!("is a heat map with {c} channels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exhibits() -> Vec<Exhibit> {
        let picture = Tensor::new(Shape::new(3, 1, 2), vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        let heat = |unit: f64| HeatMap::from_shape_fn((1, 2), |(_, x)| unit * (x as f64 - 0.75));
        let map = |method: &str, heat| Map::of(method, Ok((&heat, vec![1, 0])));
        let maps = vec![
            map("gradient", heat(1.0)),
            map("tiny", heat(1e-200)),
            Map::of("none", Err("no".to_owned())),
        ];
        let shown = |image: &str, fill| Exhibit {
            image: image.to_owned(),
            note: "a note".to_owned(),
            picture: picture.clone(),
            fill,
            text: (image == "b")
                .then(|| Passage { text: "ice, hockey".to_owned(), words: vec![0..3, 5..11] }),
            maps: maps.clone(),
        };
        vec![shown("a", Some(("uniform".to_owned(), picture.clone()))), shown("b", None)]
    }

    #[test]
    fn exhibits_are_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        write(&path, &exhibits()).unwrap();
        assert_eq!(read(&path).unwrap(), exhibits());
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }

    #[test]
    fn words_that_are_not_in_their_text_are_named() {
        let passage = Passage { text: "ice".to_owned(), words: vec![0..2, 1..3] };
        let error = Shown::passage("a", &passage).into_passage().unwrap_err();
        assert_eq!(error, "has a word at 1 to 3 of its text");
    }

    #[test]
    fn blue_first_is_shown_red_first() {
        let bgr = Tensor::new(Shape::new(3, 1, 2), vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        assert_eq!(visible(Channels::Bgr, &bgr).data, [0.3, 0.2, 0.1, 0.6, 0.5, 0.4]);
        assert_eq!(visible(Channels::Rgb, &bgr), bgr);
    }

    #[test]
    fn values_that_do_not_fit_are_named() {
        let say =
            |sides: [usize; 3], count| tensor(sides.map(Some), Some(vec![0.0; count])).unwrap_err();
        assert_eq!(say([3, 12, 12], 431), "has 431 values for 3x12x12 of them");
        assert_eq!(say([2, 12, 18], 432), "has 2 channels, expected 1 or 3");
        let huge = usize::MAX / 2;
        assert!(say([3, huge, huge], 1).starts_with("has 1 values for 3x"));
    }
}
