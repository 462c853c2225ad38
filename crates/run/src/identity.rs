//! What rows of tables say of the run that they belong to, so that the tables of several runs can be put together.

use super::plan::Plan;
use crate::{
    explain::labels::labels,
    table::{Table, record, record::Record},
};
use std::collections::BTreeMap;

record! {
    /// To which run a row belongs, and a short name of its method.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Identity {
        /// beginning of the digest that names the run, as in manifest.json
        pub run: String,
        /// beginning of the digest of the model
        pub model: String,
        /// beginning of the fingerprint of the data set
        pub data: String,
        /// short name of the method, unique in the run
        pub name: String,
    }
}

/// Digits of a digest, so few that people can compare them.
const DIGITS: usize = 12;

/// A run, as its rows name it.
pub struct Identities {
    run: String,
    model: String,
    data: String,
    names: BTreeMap<String, String>,
}

impl Identities {
    /// Of a study on a plan, whose digest names the run.
    pub fn of(digest: &str, plan: &Plan) -> Identities {
        let short = |digest: &str| digest.chars().take(DIGITS).collect::<String>();
        let methods: Vec<&str> = plan.methods.iter().map(|m| &m.name[..]).collect();
        let names = methods.iter().map(|&name| name.to_owned()).zip(labels(&methods));
        Identities {
            run: short(digest),
            model: short(&plan.model.digest),
            data: short(plan.fingerprint()),
            names: names.collect(),
        }
    }

    /// Rows behind the columns that say whose they are.
    pub fn table<R: Record>(&self, rows: &[R], method: impl Fn(&R) -> &str) -> Table {
        let one = |row| self.identity(method(row));
        Identity::table(&rows.iter().map(one).collect::<Vec<Identity>>()).beside(R::table(rows))
    }

    fn identity(&self, method: &str) -> Identity {
        // times of the network itself have no method of the plan
        let name = self.names.get(method).map_or(method, String::as_str);
        Identity {
            run: self.run.clone(),
            model: self.model.clone(),
            data: self.data.clone(),
            name: name.to_owned(),
        }
    }
}

/// The columns of such a table.
pub fn empty<R: Record>() -> Table {
    Identity::table(&[]).beside(R::table(&[]))
}

/// What its columns mean.
pub fn notes_of<R: Record>(table: &Table) -> BTreeMap<String, String> {
    Identity::notes_of(table).into_iter().chain(R::notes_of(table)).collect()
}
