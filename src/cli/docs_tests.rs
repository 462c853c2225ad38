//! The commands that README and docs show are commands of this program.

use super::args::Cli;
use clap::Parser as _;
use std::{fs, path::Path};

/// README and every page of docs, with its name.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    paths.push(root.join("README.md"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Lines of shell blocks that begin with the program, continued lines as one, without comments.
fn commands(page: &str) -> Vec<String> {
    let blocks =
        page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let lines = blocks.flat_map(|block| {
        let whole = block.replace("\\\n", " ");
        whole.lines().map(|line| line.trim().to_owned()).collect::<Vec<String>>()
    });
    let ours = lines.filter(|line| line.starts_with("pixelflip "));
    ours.map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned()).collect()
}

/// Words of a command, those in quotes as one.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in command.chars() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\'' | '"', None) => quote = Some(c),
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().expect("never empty").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn commands_of_readme_and_docs_are_understood() {
    let mut seen = 0;
    for (name, page) in pages() {
        for command in commands(&page) {
            let end =
                [" && ", " | ", " > ", " &"].iter().filter_map(|mark| command.find(mark)).min();
            let words = words(&command[..end.unwrap_or(command.len())]);
            seen += 1;
            if let Err(e) = Cli::try_parse_from(words) {
                // help and version are answers, no mistakes
                assert!(e.exit_code() == 0, "{name}: {command}\n{e}");
            }
        }
    }
    assert!(seen > 30, "{seen} commands");
}
