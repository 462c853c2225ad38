//! What pictures are grouped by.

use crate::{
    base::{bounded, hex},
    plan::{Plan, PlanError},
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path};

/// Largest table of groups.
const MAX_TEXT: u64 = 64 << 20;

/// How pictures are grouped, as manifests keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "by")]
pub enum Grouping {
    /// By their label.
    #[default]
    Class,
    /// By whether the model says the label.
    Right,
    /// By a table: its first column has classes (indices or names) or pictures, its second the groups.
    Table {
        /// The CSV file; it may move.
        path: String,
        /// Digest of its content; empty before it was read.
        #[serde(default)]
        digest: String,
    },
}

/// The groups.
#[derive(Debug)]
pub struct Groups {
    grouping: Grouping,
    table: BTreeMap<String, String>,
    /// Names of the classes.
    classes: Vec<String>,
}

impl Groups {
    /// Reads the table, if there is one.
    pub(super) fn read(grouping: &mut Grouping, plan: &Plan) -> Result<Groups, PlanError> {
        let mut table = BTreeMap::new();
        if let Grouping::Table { path, digest } = grouping {
            let wrong =
                |what: String| PlanError::Study { problem: format!("groups `{path}`: {what}") };
            let bytes =
                bounded::read(Path::new(path), MAX_TEXT).map_err(|e| wrong(e.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text".to_owned()))?;
            *digest = hex(&Sha256::digest(&text));
            for (number, line) in
                text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
            {
                let cells = line.rsplit_once(',').ok_or_else(|| {
                    wrong(format!(
                        "line {} has no comma: a class or picture, then its group",
                        number + 1
                    ))
                })?;
                let clean = |cell: &str| cell.trim().trim_matches('"').to_owned();
                let (key, group) = (clean(cells.0), clean(cells.1));
                if table.insert(key.clone(), group).is_some() {
                    return Err(wrong(format!("`{key}` is there twice")));
                }
            }
        }
        let classes = plan.model.classes.as_deref().or(plan.data.classes());
        Ok(Groups {
            grouping: grouping.clone(),
            table,
            classes: classes.unwrap_or_default().to_vec(),
        })
    }

    /// The group of a picture, for a model that says something of it or not.
    pub(super) fn of(&self, picture: &Subject, own: Option<&Subject>) -> Option<String> {
        let label = picture.label;
        let name = |class: usize| self.classes.get(class).cloned();
        match &self.grouping {
            Grouping::Class => {
                label.map(|class| name(class).unwrap_or_else(|| format!("class {class}")))
            }
            Grouping::Right => {
                let right = own?.right?;
                Some(if right { "right" } else { "wrong" }.to_owned())
            }
            Grouping::Table { .. } => {
                let by_picture = self.table.get(&picture.id).cloned();
                let file = picture.id.rsplit('/').next().and_then(|file| self.table.get(file));
                let by_number = || self.table.get(&label?.to_string()).cloned();
                let by_name = || self.table.get(&name(label?)?).cloned();
                by_picture.or(file.cloned()).or_else(by_number).or_else(by_name)
            }
        }
    }
}
