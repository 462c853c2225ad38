//! Models outside the program: what they say is in a table of scores, what they look at in heat maps from files.

use crate::{
    base::{bounded, hex, registry::Named},
    context::Answer,
    explain::{Explainer, resize::Upsample},
    imported,
    plan::{Plan, PlanError},
    subject::Subject,
    table::Table,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path};

/// Largest table of scores.
const MAX_TEXT: u64 = 1 << 30;

/// A model outside, as manifests keep it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its table of scores; it may move.
    pub path: String,
    /// Digest of the table; empty before it was read.
    #[serde(default)]
    pub digest: String,
    /// Its heat maps, if it has some; they may move.
    #[serde(default)]
    pub maps: Option<Maps>,
}

/// Heat maps of a model outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Maps {
    /// Where they lie.
    pub path: String,
    /// Digest of their content.
    #[serde(default)]
    pub digest: String,
    /// How smaller ones are enlarged.
    #[serde(default)]
    pub upsample: Upsample,
}

/// A model outside.
pub(super) struct Outside {
    pub(super) name: String,
    /// By picture: class and score, each class once.
    scores: BTreeMap<String, Vec<(usize, f64)>>,
    pub(super) maps: Option<Named<dyn Explainer>>,
}

impl Outside {
    /// Reads its files, and completes what is known of them.
    pub(super) fn open(given: &mut Given, plan: &Plan) -> Result<Outside, PlanError> {
        let wrong =
            |what: String| PlanError::Study { problem: format!("scores `{}`: {what}", given.path) };
        let (digest, rows) = rows(Path::new(&given.path)).map_err(wrong)?;
        let names = plan.model.classes.as_deref().or(plan.data.classes()).unwrap_or_default();
        let mut scores: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
        for (image, class, score) in rows {
            let by_name = || names.iter().position(|name| *name == class);
            let index = class.parse().ok().or_else(by_name);
            let index = index.ok_or_else(|| wrong(format!("no class is called `{class}`")))?;
            let own = scores.entry(image.clone()).or_default();
            if own.iter().any(|(other, _)| *other == index) {
                return Err(wrong(format!("class `{class}` of picture `{image}` is there twice")));
            }
            own.push((index, score));
        }
        let known = |i: &&usize| scores.contains_key(&plan.data.id(**i));
        if plan.images.iter().find(known).is_none() {
            let first = plan.images.first().map_or(String::new(), |i| plan.data.id(*i));
            return Err(wrong(format!("it has none of the pictures, such as `{first}`")));
        }
        given.digest = digest;
        let maps = given.maps.as_mut().map(|maps| {
            let size = plan.model.graph.input_shape();
            let given = imported::Maps { name: given.name.clone(), path: maps.path.clone() };
            let (method, import) =
                imported::open(&given, maps.upsample, &*plan.data, (size.h, size.w))?;
            maps.digest = import.digest;
            Ok::<_, PlanError>(method)
        });
        Ok(Outside { name: given.name.clone(), scores, maps: maps.transpose()? })
    }

    /// What it says of a picture: the class with the largest score, the lowest of several.
    pub(super) fn answer(&self, picture: &Subject) -> Answer {
        let scores = self.scores.get(&picture.id);
        let best = scores.into_iter().flatten().copied().reduce(|best, next| {
            let larger = next.1 > best.1 || (next.1 >= best.1 && next.0 < best.0);
            if larger { next } else { best }
        });
        let said = best.map(|(class, _)| class);
        let right = said.filter(|_| !picture.labels.is_empty());
        Answer {
            image: picture.id.clone(),
            model: self.name.clone(),
            label: picture.label.map(|label| label as u64),
            predicted: said.map(|class| class as u64),
            probability: None,
            right: right.map(|class| picture.labels.contains(&class)),
            labels: None,
            unsure: None,
            logits: None,
            reason: said.is_none().then(|| "its table of scores lacks this picture".to_owned()),
        }
    }
}

type Row = (String, String, f64);

/// The rows of a table with the columns image, class, score (Parquet or CSV), with the digest of the file.
fn rows(path: &Path) -> Result<(String, Vec<Row>), String> {
    let bytes = bounded::read(path, MAX_TEXT).map_err(|e| e.to_string())?;
    let digest = hex(&Sha256::digest(&bytes));
    if path.extension().is_some_and(|ending| ending == "parquet") {
        let columns = ["image", "class", "score"];
        let mut table = Table::read_parquet(path, Some(&columns)).map_err(|e| e.to_string())?;
        let images = table.take_all::<String>("image")?;
        let classes = match table.schema().iter().find(|(name, _)| *name == "class") {
            Some((_, "whole numbers")) => {
                table.take_all::<u64>("class")?.iter().map(u64::to_string).collect()
            }
            _ => table.take_all::<String>("class")?,
        };
        let scores = table.take_all::<f64>("score")?;
        let rows = images.into_iter().zip(classes).zip(scores);
        return Ok((digest, rows.map(|((image, class), score)| (image, class, score)).collect()));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let head = lines.next().map_or("", |(_, line)| line.trim());
    if head != "image,class,score" {
        return Err(format!("its first line must be `image,class,score`, found `{head}`"));
    }
    let row = |(number, line): (usize, &str)| {
        let (rest, score) = line.trim().rsplit_once(',')?;
        // names of classes have no comma before them, pictures may
        let (image, class) = rest.rsplit_once(',')?;
        let score: f64 = score.trim().parse().ok().filter(|score: &f64| score.is_finite())?;
        let clean = |cell: &str| cell.trim().trim_matches('"').to_owned();
        Some((number, (clean(image), clean(class), score)))
    };
    let rows = lines.map(|line| {
        let found = row(line).map(|(_, row)| row);
        found.ok_or_else(|| format!("line {} is no picture, class and finite score", line.0 + 1))
    });
    Ok((digest, rows.collect::<Result<_, String>>()?))
}
