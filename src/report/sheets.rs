//! Heat-map sheets of a few pictures of a run.

use super::{
    heatmap::{self, Sheet},
    labels::labels,
    plot::{FigureError, encode, save},
};
use crate::{
    explain::HeatMap,
    nn::{preprocess::Channels, tensor::Tensor},
    run::{plan::Plan, subject::Subject},
};
use image::RgbImage;
use rayon::prelude::*;
use std::{fs, path::Path};

/// Pictures that get a sheet.
pub const SHEETS: usize = 4;

/// Writes a sheet for each of a few pictures, evenly spread over those of the run, into `folder`.
/// Pictures that cannot be used and methods that give nothing are left out.
pub fn write(folder: &Path, plan: &Plan) -> Result<(), FigureError> {
    let count = SHEETS.min(plan.images.len());
    let chosen = (0..count).map(|k| plan.images[k * plan.images.len() / count]);
    let io = |source| FigureError::Io { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(io)?;
    let one = |(k, index): (usize, usize)| match Subject::load(plan, index) {
        Ok(subject) => {
            let name = format!("{}-{}.png", k + 1, slug(&subject.id));
            save(&folder.join(name), &encode(&page(plan, &subject)?)?)
        }
        Err(_) => Ok(()),
    };
    chosen.enumerate().collect::<Vec<_>>().into_par_iter().try_for_each(one)
}

fn page(plan: &Plan, subject: &Subject) -> Result<RgbImage, FigureError> {
    let case = subject.case(plan);
    let map = |i: usize| plan.methods[i].value.heat_map(&case).ok();
    let maps: Vec<Option<HeatMap>> = (0..plan.methods.len()).map(map).collect();
    let names: Vec<&str> = plan.methods.iter().map(|m| m.name.as_str()).collect();
    let labels = labels(&names);
    let named = labels.iter().zip(&maps);
    let maps = named.filter_map(|(label, map)| Some((label.as_str(), map.as_ref()?))).collect();
    let picture = heatmap::rgb(&visible(plan.preprocess.channels(), &subject.picture));
    let (title, subtitle) = (subject.id.clone(), subtitle(plan, subject));
    heatmap::sheet(&Sheet { title, subtitle, picture: &picture, maps })
}

/// What the network says and what is explained.
fn subtitle(plan: &Plan, subject: &Subject) -> String {
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

/// A picture of the network's channels as people see it.
fn visible(channels: Channels, picture: &Tensor) -> Tensor {
    let mut picture = picture.clone();
    if channels == Channels::Bgr {
        picture.data.chunks_exact_mut(3).for_each(<[f32]>::reverse);
    }
    picture
}

/// A file name without surprises.
fn slug(id: &str) -> String {
    let stem = id.rsplit_once('.').map_or(id, |(stem, _)| stem);
    stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::geom::Shape;

    #[test]
    fn ids_become_file_names() {
        assert_eq!(slug("a b/../ü.x.JPEG"), "a-b------x");
        assert_eq!(slug("scenes/test/00017"), "scenes-test-00017");
    }

    #[test]
    fn blue_first_is_shown_red_first() {
        let bgr = Tensor::new(Shape::new(3, 1, 2), vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        assert_eq!(visible(Channels::Bgr, &bgr).data, [0.3, 0.2, 0.1, 0.6, 0.5, 0.4]);
        assert_eq!(visible(Channels::Rgb, &bgr), bgr);
    }
}
