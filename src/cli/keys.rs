//! Keys of a config as flags: what there is, and its help, comes from the config's own table.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use pixelflip::run::config::{Given, Key, Takes, key};
use std::marker::PhantomData;
use toml::Table;

/// Which keys a command has as flags.
pub(crate) trait Keys {
    /// The keys in the order of the help, and the help where the config's does not fit.
    fn keys() -> Vec<(&'static Key, Option<&'static str>)>;
}

/// Flags that are keys of a config.
pub(crate) struct KeyFlags<K> {
    /// What is given, as a config.
    pub(crate) table: Table,
    keys: PhantomData<K>,
}

/// Help of a key that is also a flag, with its default.
pub(crate) fn help(name: &str) -> String {
    key(name).help_with_default()
}

impl<K: Keys> Args for KeyFlags<K> {
    fn augment_args(command: Command) -> Command {
        K::keys().into_iter().map(|(key, help)| flag(key, help)).fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        KeyFlags::<K>::augment_args(command)
    }
}

impl<K: Keys> FromArgMatches for KeyFlags<K> {
    fn from_arg_matches(found: &ArgMatches) -> Result<KeyFlags<K>, clap::Error> {
        let given = K::keys()
            .into_iter()
            .filter_map(|(key, _)| Some((key.name.to_owned(), value(key, found)?)));
        Ok(KeyFlags { table: given.collect(), keys: PhantomData })
    }

    fn update_from_arg_matches(&mut self, found: &ArgMatches) -> Result<(), clap::Error> {
        self.table.extend(KeyFlags::<K>::from_arg_matches(found)?.table);
        Ok(())
    }
}

fn flag(key: &'static Key, help: Option<&'static str>) -> Arg {
    let help = help.map_or_else(|| key.help_with_default(), str::to_owned);
    let arg = Arg::new(key.name).long(key.name.replace('_', "-")).help(help);
    match key.takes {
        Takes::Nothing => arg.action(ArgAction::SetTrue),
        Takes::One => arg.action(ArgAction::Set).value_name(key.flag),
        Takes::Each => arg.action(ArgAction::Append).value_name(key.flag),
        Takes::List => arg.action(ArgAction::Append).value_name(key.flag).value_delimiter(','),
    }
}

fn value(key: &Key, found: &ArgMatches) -> Option<toml::Value> {
    if key.takes == Takes::Nothing {
        return found.get_flag(key.name).then(|| (key.of_flag)(&[]));
    }
    let texts: Vec<&str> = found.get_many::<String>(key.name)?.map(String::as_str).collect();
    Some((key.of_flag)(&texts))
}

/// The keys of `run`: all.
pub(crate) struct OfRun;

impl Keys for OfRun {
    fn keys() -> Vec<(&'static Key, Option<&'static str>)> {
        Given::KEYS.iter().filter(|key| key.has_flag()).map(|key| (key, None)).collect()
    }
}

/// The keys of the studies that stand beside the ranking.
pub(crate) struct OfStudies;

impl Keys for OfStudies {
    fn keys() -> Vec<(&'static Key, Option<&'static str>)> {
        let data = "Folder or file with pictures; without model and pictures the built-in Clever Hans is looked at";
        [
            ("data", Some(data)),
            ("layout", None),
            (
                "methods",
                Some(
                    "Methods, see `pixelflip list methods`; without the flag lrp-epsilon-plus-flat",
                ),
            ),
            (
                "heatmaps",
                Some("Heat maps made by other tools, NAME=PATH each, see docs/heatmaps.md"),
            ),
            ("upsample", None),
            ("target", Some("Whose score is explained: predicted, label, or the index of a class")),
            ("select", Some("Which pictures, step by step, as in `pixelflip run --select`")),
            ("images", Some("Number of pictures, a random sample; all when not given")),
            ("seed", None),
            ("threads", None),
        ]
        .map(|(name, help)| (key(name), help))
        .to_vec()
    }
}

/// The keys of `properties`.
pub(crate) struct OfProperties;

impl Keys for OfProperties {
    fn keys() -> Vec<(&'static Key, Option<&'static str>)> {
        let methods =
            "Methods, see `pixelflip list methods`; without the flag all LRP rules and composites";
        let images = "A random sample of this many pictures; without the flag 10, evenly spread";
        let out =
            "Folder of the results; without the flag results/properties/ and the name of the model";
        [
            ("model", None),
            ("data", None),
            ("layout", None),
            ("methods", Some(methods)),
            ("target", None),
            ("images", Some(images)),
            ("seed", None),
            ("threads", None),
            ("out", Some(out)),
        ]
        .map(|(name, help)| (key(name), help))
        .to_vec()
    }
}
