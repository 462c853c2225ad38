//! A few pictures of a run with everything a reader wants to see of them: the picture as the
//! network gets it, its first fill image, the heat maps of all methods and their orders of the regions.
//!
//! A run keeps them in `gallery.parquet`, so that reports can be made later and on a machine that
//! has neither the network nor the pictures. Values of pictures are rounded to whole pixel values,
//! relevance to eight significant bits; the orders come from the unrounded maps.

use super::heatmap::visible;
use crate::{
    base::{geom::Shape, unit::Units},
    eval::order,
    explain::HeatMap,
    nn::tensor::Tensor,
    perturb::{Fill, Range, Site},
    run::{
        estimate::EXHIBITS,
        manifest::Skipped,
        plan::Plan,
        stop::Stop,
        subject::{Subject, Unusable},
    },
    table::{Column, Table, TableError},
};
use half::bf16;
use rayon::prelude::*;
use std::{collections::BTreeMap, path::Path};

/// File below the results.
pub const FILE: &str = "gallery.parquet";

/// Pictures that a run keeps.
pub const KEPT: usize = EXHIBITS;

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
    /// What each method gives.
    pub maps: Vec<Map>,
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

/// The pictures of a run that are shown.
#[derive(Debug, Default)]
pub struct Collected {
    /// Those that can be used.
    pub exhibits: Vec<Exhibit>,
    /// Those that could not be read just now.
    pub unread: Vec<Skipped>,
}

/// Explains `count` pictures (or all there are), evenly spread over those of the plan. Pictures
/// that cannot be used are left out. `None` when told to stop.
pub fn collect(plan: &Plan, count: usize, stop: &Stop) -> Option<Collected> {
    let count = count.min(plan.images.len());
    let chosen: Vec<usize> =
        (0..count).map(|k| plan.images[k * plan.images.len() / count]).collect();
    let exhibit = |index: usize| {
        let made = || {
            let subject = Subject::load(plan, index).map_err(|e| (index, e))?;
            Ok(exhibit(plan, &subject))
        };
        (!stop.is_now()).then(made)
    };
    let made = chosen.into_par_iter().map(exhibit).collect::<Option<Vec<_>>>()?;
    let mut all = Collected::default();
    for one in made {
        match one {
            Ok(exhibit) => all.exhibits.push(exhibit),
            Err((index, Unusable { reason, momentary: true })) => {
                all.unread.push(Skipped { image: plan.data.id(index), reason });
            }
            Err(_) => (),
        }
    }
    Some(all)
}

fn exhibit(plan: &Plan, subject: &Subject) -> Exhibit {
    let channels = plan.preprocess.channels();
    let first = plan.perturbations.first();
    let fill = first.and_then(|p| match p.value.fill(&site(plan, subject)) {
        Fill::Local(fill) => Some((p.name.clone(), whole(visible(channels, &fill)))),
        Fill::Masked(_) => None,
    });
    Exhibit {
        image: subject.id.clone(),
        note: note(plan, subject),
        picture: whole(visible(channels, &subject.picture)),
        fill,
        maps: (0..plan.methods.len()).map(|i| map(plan, subject, i)).collect(),
    }
}

/// Where the first noise image is drawn.
fn site<'a>(plan: &'a Plan, subject: &'a Subject) -> Site<'a> {
    Site {
        picture: &subject.picture,
        range: Range::PICTURE,
        units: &plan.regions[0].grid,
        seed: plan.seed,
        image: &subject.id,
        repeat: 0,
        data: plan,
    }
}

fn map(plan: &Plan, subject: &Subject, i: usize) -> Map {
    let method = &plan.methods[i];
    let case = subject.case(plan);
    let ranked = method.value.heat_map(&case).map_err(|e| e.to_string());
    let ranked = ranked.and_then(|heat| {
        let whole = method.value.whole_heat_map(&case).map_err(|e| e.to_string())?;
        let scores = order::scores(&heat, whole.as_ref(), &plan.regions[0].grid);
        let scores = scores.map_err(|e| e.to_string())?;
        let order = if method.value.is_random_order() {
            order::random(plan.regions[0].grid.len(), plan.seed, &subject.id, 0)
        } else {
            order::morf(&scores, plan.seed, &subject.id)
        };
        Ok((heat, order))
    });
    let method = method.name.clone();
    match ranked {
        Ok((heat, order)) => Map {
            method,
            heat: Some(rounded(&heat)),
            order: order.iter().map(|id| id.0).collect(),
            reason: None,
        },
        Err(reason) => Map { method, heat: None, order: Vec::new(), reason: Some(reason) },
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
    let names = plan.model.classes.as_deref().or(plan.data.classes());
    let class = |c: usize| match names.and_then(|names| names.get(c)) {
        Some(name) => format!("{name} ({c})"),
        None => format!("class {c}"),
    };
    let score = subject.acts.of(plan.model.graph.output()).data[subject.target];
    let label = subject.label.map_or(String::new(), |l| format!(", label: {}", class(l)));
    let (predicted, target) = (class(subject.predicted), class(subject.target));
    format!("predicted: {predicted}{label}, explained: {target}, score {score:.2}")
}

/// Values rounded to the 256 that a pixel has.
fn whole(mut picture: Tensor) -> Tensor {
    picture.data.iter_mut().for_each(|v| *v = (v.clamp(0.0, 1.0) * 255.0).round() / 255.0);
    picture
}

const NOTES: &[(&str, &str)] = &[
    ("image", "as in the curves"),
    ("kind", "picture, fill (the first fill image of the first perturbation) or map"),
    ("name", "words about the picture, canonical name of the perturbation or the method"),
    ("height", "rows; null where a method gives nothing"),
    ("width", "columns"),
    ("channels", "1, or 3 for red, green, blue"),
    (
        "values",
        "row by row, channels last; pictures in [0, 1], relevance with eight significant bits",
    ),
    ("unit", "what the values of a map are multiples of; null elsewhere"),
    ("order", "ids of all regions, most relevant first; null for pictures and fills"),
    ("reason", "why a method gives nothing"),
];

/// One row of the file.
#[derive(Default)]
struct Row {
    image: String,
    kind: &'static str,
    name: String,
    shape: Option<Shape>,
    values: Option<Vec<f32>>,
    unit: Option<f64>,
    order: Option<Vec<f32>>,
    reason: Option<String>,
}

fn rows(exhibit: &Exhibit) -> Vec<Row> {
    let row = |kind, name: &str| Row {
        image: exhibit.image.clone(),
        kind,
        name: name.to_owned(),
        ..Row::default()
    };
    let tensor = |kind, name: &str, t: &Tensor| Row {
        shape: Some(t.shape),
        values: Some(t.data.clone()),
        ..row(kind, name)
    };
    let mut rows = vec![tensor("picture", &exhibit.note, &exhibit.picture)];
    rows.extend(exhibit.fill.iter().map(|(name, fill)| tensor("fill", name, fill)));
    rows.extend(exhibit.maps.iter().map(|map| {
        let unit = map.heat.as_ref().map(unit);
        let values = |(h, unit): (&HeatMap, f64)| h.iter().map(|v| (v / unit) as f32).collect();
        Row {
            shape: map.heat.as_ref().map(|h| Shape::new(1, h.nrows(), h.ncols())),
            values: map.heat.as_ref().zip(unit).map(values),
            unit,
            order: Some(map.order.iter().map(|&id| id as f32).collect()),
            reason: map.reason.clone(),
            ..row("map", &map.method)
        }
    }));
    rows
}

/// Writes exhibits as one Parquet file, whole or not at all.
pub fn write(path: &Path, exhibits: &[Exhibit]) -> Result<(), TableError> {
    let rows: Vec<Row> = exhibits.iter().flat_map(rows).collect();
    let text =
        |of: fn(&Row) -> &str| Column::Text(rows.iter().map(|r| Some(of(r).to_owned())).collect());
    let side = |of: fn(Shape) -> usize| {
        Column::Integer(rows.iter().map(|r| r.shape.map(|s| of(s) as u64)).collect())
    };
    let mut table = Table::default();
    table.push("image", text(|r| &r.image));
    table.push("kind", text(|r| r.kind));
    table.push("name", text(|r| &r.name));
    table.push("height", side(|s| s.h));
    table.push("width", side(|s| s.w));
    table.push("channels", side(|s| s.c));
    table.push("values", Column::Floats(rows.iter().map(|r| r.values.clone()).collect()));
    table.push("unit", Column::Float(rows.iter().map(|r| r.unit).collect()));
    table.push("order", Column::Floats(rows.iter().map(|r| r.order.clone()).collect()));
    table.push("reason", Column::Text(rows.iter().map(|r| r.reason.clone()).collect()));
    let notes = NOTES.iter().map(|(name, help)| (format!("column {name}"), (*help).to_owned()));
    table.write_parquet(path, &notes.collect::<BTreeMap<_, _>>())
}

/// Reads exhibits from a file.
pub fn read(path: &Path) -> Result<Vec<Exhibit>, TableError> {
    let table = Table::read_parquet(path, None)?;
    exhibits(table).map_err(|problem| TableError::Content { path: path.to_owned(), problem })
}

fn exhibits(mut t: Table) -> Result<Vec<Exhibit>, String> {
    let (images, kinds) = (t.take_all::<String>("image")?, t.take_all::<String>("kind")?);
    let names = t.take_all::<String>("name")?;
    let sides: [Vec<Option<u64>>; 3] = [t.take("channels")?, t.take("height")?, t.take("width")?];
    let mut values = t.take::<Vec<f32>>("values")?;
    let has_units = t.schema().iter().any(|(name, _)| *name == "unit");
    let units = if has_units { t.take::<f64>("unit")? } else { vec![None; t.rows()] };
    let mut orders = t.take::<Vec<f32>>("order")?;
    let mut reasons = t.take::<String>("reason")?;
    let mut found: Vec<Exhibit> = Vec::new();
    for (i, (image, name)) in images.into_iter().zip(names).enumerate() {
        let side = |k: usize| sides[k][i].and_then(|n| usize::try_from(n).ok());
        let tensor = tensor([side(0), side(1), side(2)], values[i].take())
            .map_err(|problem| format!("row {i} {problem}"))?;
        let missing = || format!("row {i} has no values");
        let misplaced =
            || format!("row {i} belongs to `{image}`, whose picture does not stand before it");
        let current = found.last_mut().filter(|e| e.image == image);
        match kinds[i].as_str() {
            "picture" => {
                let (fill, maps) = (None, Vec::new());
                let picture = tensor.ok_or_else(missing)?;
                found.push(Exhibit { image, note: name, picture, fill, maps });
            }
            "fill" => {
                let fill = tensor.ok_or_else(missing)?;
                current.ok_or_else(misplaced)?.fill = Some((name, fill));
            }
            "map" => {
                let unit = units[i].unwrap_or(1.0);
                let heat = tensor.map(|t| heat_map(t, unit, i)).transpose()?;
                let order = orders[i].take().unwrap_or_default();
                let order = order.iter().map(|&id| id as u32).collect();
                let map = Map { method: name, heat, order, reason: reasons[i].take() };
                current.ok_or_else(misplaced)?.maps.push(map);
            }
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

fn heat_map(tensor: Tensor, unit: f64, row: usize) -> Result<HeatMap, String> {
    let Shape { c, h, w } = tensor.shape;
    let wrong = |_| format!("row {row} is a heat map with {c} channels");
    let values = tensor.data.iter().map(|v| f64::from(*v) * unit).collect();
    HeatMap::from_shape_vec((h, w), values).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo;

    #[test]
    fn exhibits_are_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let exhibits = demo::exhibits(3);
        write(&path, &exhibits).unwrap();
        assert_eq!(read(&path).unwrap(), exhibits);
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap(), []);
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
