//! Composites that users write.

use super::{
    Lrp, Options,
    composite::{Composite, CompositeError},
    options::{MAX, NORM, PRODUCT, START, SUM},
};
use crate::base::registry::{Entry, Kind, Param};

/// A method whose composite stands in a TOML file ([`Composite::from_toml`]).
#[derive(Debug)]
pub struct FromFile {
    /// The file.
    pub file: String,
    options: Options,
}

/// `lrp-composite`
pub const ENTRY: Entry<FromFile> = Entry {
    id: "lrp-composite",
    summary: "LRP with the rules that a TOML file gives to layers",
    cite: "bach2015pixel",
    params: &[
        Param { key: "file", default: "", kind: Kind::Text, help: "the TOML file" },
        START,
        SUM,
        MAX,
        NORM,
        PRODUCT,
    ],
    build: |args| {
        let file = args.text("file").to_owned();
        if file.is_empty() {
            return Err(args.bad("file", "the name of a TOML file"));
        }
        Ok(Box::new(FromFile { file, options: Options::of(args) }))
    },
};

impl FromFile {
    /// The method, given the text of the file.
    pub fn method(&self, text: &str) -> Result<Lrp, CompositeError> {
        Ok(Lrp::new(Composite::from_toml(text)?, self.options))
    }
}
