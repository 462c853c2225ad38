//! Flags of the studies that stand beside the ranking, and the config that they make.

use super::{
    args::{PreprocessFlags, TalkFlags},
    keys::{KeyFlags, OfStudies},
};
use anyhow::Context;
use clap::Args;
use pixelflip::{
    explain::resize::Upsample,
    nn::preprocess::Settings,
    run::{
        config::Given,
        embedded::{BuiltIn, HANS},
        shard::Asked,
        stop::duration,
    },
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use toml::{Table, Value};

/// What every study is told.
#[derive(Args)]
pub(crate) struct StudyArgs {
    #[command(flatten)]
    pub(crate) keys: KeyFlags<OfStudies>,
    /// Folder of the results; without the flag results/, the name of the study and that of the model
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Do only every n-th part, as `run --shard`; `pixelflip merge` puts shards together
    #[arg(long, value_name = "i/n")]
    pub(crate) shard: Option<Asked>,
    /// End after this time at the latest, as `run --max-time`; the same command goes on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_time: Option<Duration>,
    #[command(flatten)]
    pub(crate) talk: TalkFlags,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

impl StudyArgs {
    /// The flags as a config for a model, of which there is one at least where pictures are given. What only matters
    /// to chains of removals is set to what always fits. `defaults` are laid below the flags.
    pub(crate) fn table(
        &self,
        model: Option<&str>,
        defaults: &[(&str, Value)],
    ) -> anyhow::Result<Table> {
        let mut table = self.keys.table.clone();
        let preprocess =
            Table::try_from(self.preprocess.settings()).context("reading the flags")?;
        if !preprocess.is_empty() {
            table.insert("preprocess".to_owned(), preprocess.into());
        }
        if let Some(model) = model {
            table.insert("model".to_owned(), model.into());
        } else if !table.contains_key("data") {
            table.insert("model".to_owned(), HANS.model.into());
        }
        if BuiltIn::of_model(table.get("model").and_then(Value::as_str).unwrap_or_default())
            .is_some()
        {
            table.entry("data").or_insert_with(|| HANS.data.into());
        }
        for (key, value) in defaults {
            table.entry(*key).or_insert_with(|| value.clone());
        }
        table.insert("direct".to_owned(), true.into());
        Ok(table)
    }

    /// Whether pictures are named.
    pub(crate) fn has_data(&self) -> bool {
        self.keys.table.contains_key("data")
    }

    /// How smaller heat maps are enlarged, where it is said.
    pub(crate) fn upsample(&self) -> anyhow::Result<Upsample> {
        Ok(Given::read(&self.keys.table)?.upsample.unwrap_or_default())
    }

    /// Whether some key of a sidecar is set.
    pub(crate) fn has_preprocess(&self) -> bool {
        self.preprocess.settings() != Settings::default()
    }

    /// The folder of the results of a study on a model.
    pub(crate) fn folder(&self, study: &str, model: &str) -> PathBuf {
        let model = Path::new(model).file_stem().unwrap_or_default();
        self.out.clone().unwrap_or_else(|| Path::new("results").join(study).join(model))
    }
}

/// A list of texts as a value.
pub(crate) fn texts<const N: usize>(list: [&str; N]) -> Value {
    list.map(|text| Value::String(text.to_owned())).to_vec().into()
}
