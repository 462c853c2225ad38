//! Rows of priors.

use super::PrototypeError;
use crate::{
    base::registry::{self, Named, Spec, SpecError},
    prototype::prior::{PRIORS, Prior},
};
use std::collections::BTreeMap;

/// Priors that work together.
#[derive(Debug)]
pub struct PriorRow {
    /// Short name, unique among the rows.
    pub label: String,
    /// In their order.
    pub priors: Vec<Named<dyn Prior>>,
    /// Whether the code of a generator is climbed.
    pub painted: bool,
    /// Why it cannot be had here.
    pub obstacle: Option<String>,
}

impl PriorRow {
    /// The priors in canonical print.
    pub fn name(&self) -> String {
        self.priors.iter().map(|prior| &prior.name[..]).collect::<Vec<_>>().join(",")
    }
}

/// What there is.
#[derive(Clone, Copy)]
pub(super) struct Supplies {
    pub(super) data: bool,
    pub(super) generator: bool,
}

/// Looks rows up. Where there is one row alone, what it lacks is an error; of several it is noted. A generator that is
/// given is meant by a row that stands alone.
pub(super) fn rows(texts: &[String], supplies: Supplies) -> Result<Vec<PriorRow>, PrototypeError> {
    let mut rows = texts.iter().map(|text| row(text)).collect::<Result<Vec<_>, SpecError>>()?;
    if let [only] = &mut rows[..] {
        only.painted |= supplies.generator;
    }
    for row in &mut rows {
        row.obstacle = obstacle(row, supplies);
    }
    if let [PriorRow { obstacle: Some(reason), .. }] = &rows[..] {
        return Err(PrototypeError::Row { reason: reason.clone() });
    }
    for (i, row) in rows.iter().enumerate() {
        if rows[..i].iter().any(|before| before.name() == row.name()) {
            return Err(PrototypeError::Twice { name: row.name() });
        }
    }
    label(&mut rows);
    Ok(rows)
}

fn row(text: &str) -> Result<PriorRow, SpecError> {
    let build = |text: &str| registry::build("prior", PRIORS, &text.parse::<Spec>()?);
    let none = ["", "none"].contains(&text.trim());
    let texts = text.split(',').filter(|_| !none);
    let priors = texts.map(build).collect::<Result<Vec<_>, SpecError>>()?;
    let painted = priors.iter().any(|prior| prior.value.asks_generator());
    Ok(PriorRow { label: String::new(), priors, painted, obstacle: None })
}

fn obstacle(row: &PriorRow, supplies: Supplies) -> Option<String> {
    if row.painted && !supplies.generator {
        return Some("`generator` climbs the code of a generator, and there is none: name it with `--generator`".to_owned());
    }
    if let Some(prior) = row.priors.iter().find(|prior| row.painted && prior.value.changes_pixels())
    {
        return Some(format!(
            "`{}` changes pixels, but the code of the generator is climbed: leave it out, or climb pixels (without `--generator`)",
            registry::id(&prior.name)
        ));
    }
    let without = row.priors.iter().find(|prior| prior.value.asks_data() && !supplies.data)?;
    Some(format!(
        "`{}` is learned from pictures, and there are none: name a data set with `--data`",
        registry::id(&without.name)
    ))
}

/// Short names: the ids, and a number where that is not enough.
fn label(rows: &mut [PriorRow]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let ids: Vec<&str> = row.priors.iter().map(|prior| registry::id(&prior.name)).collect();
        let painted = row.painted && !ids.contains(&"generator");
        let ids: Vec<&str> = painted.then_some("generator").into_iter().chain(ids).collect();
        let label = if ids.is_empty() { "none".to_owned() } else { ids.join("+") };
        let times = seen.entry(label.clone()).or_insert(0);
        *times += 1;
        row.label = if *times == 1 { label } else { format!("{label}-{times}") };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Supplies = Supplies { data: true, generator: true };

    fn labels(texts: &[&str], supplies: Supplies) -> Result<Vec<String>, String> {
        let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
        let rows = rows(&texts, supplies).map_err(|e| e.to_string())?;
        Ok(rows.into_iter().map(|row| row.label).collect())
    }

    #[test]
    fn rows_have_short_names_of_their_own() {
        let texts = ["none", "l2", "l2:weight=1", "l2,jitter:pixels=3", "generator,l2"];
        assert_eq!(
            labels(&texts, ALL).unwrap(),
            ["none", "l2", "l2-2", "l2+jitter", "generator+l2"]
        );
        assert_eq!(
            labels(&["l2"], ALL).unwrap(),
            ["generator+l2"],
            "a generator that is given is meant"
        );
    }

    #[test]
    fn what_a_row_lacks_is_an_error_where_it_stands_alone_and_noted_elsewhere() {
        let nothing = Supplies { data: false, generator: false };
        let all = [
            labels(&["patch-prior"], nothing).unwrap_err(),
            labels(&["expert"], nothing).unwrap_err(),
            labels(&["generator"], nothing).unwrap_err(),
            labels(&["l2,blur"], ALL).unwrap_err(),
            labels(&["l2", "l2:weight=0.0020"], ALL).unwrap_err(),
            labels(&["l3"], ALL).unwrap_err(),
            labels(&["tv"], ALL).unwrap_err(),
        ];
        insta::assert_snapshot!(all.join("\n"));
        let texts = ["l2", "expert", "expert:density=p.onnx"].map(str::to_owned);
        let rows = rows(&texts, nothing).unwrap();
        assert_eq!(
            rows.iter().map(|row| row.obstacle.is_some()).collect::<Vec<_>>(),
            [false, true, false]
        );
    }
}
