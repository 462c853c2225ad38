//! `pixelflip init`.

use super::{
    args::{Cli, InitArgs},
    terminal,
};
use anyhow::{Context, bail};
use clap::CommandFactory;
use pixelflip::{
    base::text::plain_path,
    run::{
        config::{Given, built_in_values, key, unset_line},
        plan::SCENES,
    },
};
use std::{
    fs::{self, File},
    io::Write,
    process::ExitCode,
};
use toml::Value;

/// Columns of a comment.
const WIDTH: usize = 96;

/// How the keys of a sidecar are written. Their help is that of the flags.
const PREPROCESS: &[(&str, &str, &str)] = &[
    ("input", "input_size", "[224, 224]"),
    ("axes", "axes", "\"nchw\""),
    ("preset", "preset", "\"torchvision\""),
    ("resize", "resize", "{ short = 256 }"),
    ("interpolation", "interpolation", "\"bilinear\""),
    ("crop", "crop", "\"center-torchvision\""),
    ("pad", "pad", "[0, 0]"),
    ("channels", "channels", "\"rgb\""),
    ("scale", "scale", "0.00392156862745098"),
    ("mean", "mean", "[0.485, 0.456, 0.406]"),
    ("std", "std", "[0.229, 0.224, 0.225]"),
    ("classes", "classes", "\"classes.txt\""),
];

pub(crate) fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let text = template(args.model.as_deref(), args.data.as_deref());
    let shown = plain_path(&args.file);
    // never over a config that somebody wrote
    let file = File::options().write(true).create_new(true).open(&args.file);
    let mut file = match file {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("`{shown}` is there already");
        }
        other => other.with_context(|| format!("cannot write `{shown}`"))?,
    };
    if let Err(e) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // half a config would look like a whole one
        let _ = fs::remove_file(&args.file);
        return Err(e).with_context(|| format!("cannot write `{shown}`"));
    }
    terminal::talk(&format!(
        "`{shown}` written; change it, then `pixelflip run {shown} --dry-run` says what it costs"
    ));
    Ok(ExitCode::SUCCESS)
}

/// A config with every key and its help. What is not set stands behind a `#`, so that `protocol` and
/// later defaults have their way. Without model and data it is the built-in experiment, and nothing of it
/// is set: whoever sets model and data later has the protocol.
fn template(model: Option<&str>, data: Option<&str>) -> String {
    let mut blocks = vec![comment(
        "An experiment for `pixelflip run`. Keys behind a # are not set: what stands there is the \
         default, or an example of a key that has none. Flags of the same names override what is set.",
    )];
    // one without the other is the built-in one
    let given = model.or(data).map(|_| SCENES);
    if given.is_none() {
        blocks.push(comment(&format!(
            "As long as no key is set, this is the built-in experiment, which is smaller than the protocol \
             ({}). Once `model` and `data` are set, all keys have the values that stand below.",
            built_in_values().join(", ")
        )));
    }
    for key in Given::KEYS.iter().filter(|key| key.has_flag()) {
        let set = match key.name {
            "model" => model.or(given).map(|model| format!("model = {}", Value::from(model))),
            "data" => data.or(given).map(|data| format!("data = {}", Value::from(data))),
            _ => None,
        };
        let line = set.unwrap_or_else(|| unset_line(key));
        blocks.push(format!("{}{line}\n", comment(&format!("{}.", key.help))));
    }
    blocks.push(format!("{}# [preprocess]\n", comment(&format!("{}.", key("preprocess").help))));
    for (key, flag, value) in PREPROCESS {
        blocks.push(format!("{}# {key} = {value}\n", comment(&format!("{}.", help(flag)))));
    }
    blocks.join("\n")
}

/// The help of a flag of `run`.
fn help(flag: &str) -> String {
    let cli = Cli::command();
    let run = cli.find_subcommand("run").expect("there is `run`");
    let argument = run.get_arguments().find(|a| a.get_id() == flag).expect("checked by a test");
    argument.get_help().map(ToString::to_string).unwrap_or_default()
}

/// Lines beginning with `# `.
fn comment(words: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in words.split_whitespace() {
        let last = lines.last_mut().expect("there is one");
        if last.len() + 1 + word.len() > WIDTH {
            lines.push(format!("# {word}"));
        } else {
            last.push(' ');
            last.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use pixelflip::run::config::Config;
    use toml::Table;

    fn load(text: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), Table::new()).unwrap()
    }

    #[test]
    fn the_config_as_written_is_the_protocol() {
        let flags = "model = 'm \"1\".onnx'\ndata = 'd'".parse().unwrap();
        let config = load(&template(Some("m \"1\".onnx"), Some("d")));
        assert_eq!(config, Config::load(None, flags).unwrap());
    }

    #[test]
    fn without_model_and_data_it_is_the_built_in_experiment_and_a_protocol_has_its_way() {
        let text = template(None, None);
        assert_eq!(load(&text), Config::load(None, Table::new()).unwrap());
        assert!(!text.lines().any(|line| !line.is_empty() && !line.starts_with('#')), "{text}");
        // with model and data of one's own it is the protocol
        let own = text
            .replace("# model = \"model.onnx\"  # an example", "model = \"m\"")
            .replace("# data = \"pictures\"  # an example", "data = \"d\"");
        let flags = "model = 'm'\ndata = 'd'".parse().unwrap();
        let (own, expected) = (load(&own), Config::load(None, flags).unwrap());
        assert_eq!((&own, own.repeats, own.images), (&expected, 10, None));
        let text = template(Some("m"), Some("d"));
        let text = text.replace("# protocol = \"samek2017\"", "protocol = \"quantus-0.6\"");
        let flags = "model = 'm'\ndata = 'd'\nprotocol = 'quantus-0.6'".parse().unwrap();
        assert_eq!(load(&text), Config::load(None, flags).unwrap());
    }

    #[test]
    fn examples_are_values_that_the_keys_take() {
        let text = template(None, None);
        let uncommented = |line: &str| {
            let key = line.strip_prefix("# ").and_then(|l| l.split_once(" = "));
            match key {
                Some((key, _)) if !key.contains(' ') => line[2..].to_owned(),
                _ if line == "# [preprocess]" => "[preprocess]".to_owned(),
                _ => line.to_owned(),
            }
        };
        let all = text.lines().map(uncommented).collect::<Vec<_>>().join("\n");
        let config = load(&all);
        assert!(config.images.is_some() && config.layout.is_some() && config.out.is_some());
        assert!(config.preprocess.input.is_some() && config.preprocess.classes.is_some());
        insta::assert_snapshot!("config_of_init", text);
    }
}
