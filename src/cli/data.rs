//! `pixelflip data`: what is in a data set, and where to get one.

use super::{
    SOME_FAILED,
    args::{CheckArgs, DataArgs, DataCommand, ExportArgs, FetchArgs},
    run::flags,
    terminal::{self, count},
};
use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pixelflip::base::text::{plain, plain_path};
use pixelflip::data::{
    self, LeftOut, Options,
    catalogue::{self, Description},
    check::{Class, Content, Report, check},
    fetch::{Progress, fetch},
};
use pixelflip::run::{config::Config, inputs, machine, plan::Plan, runner, stop::Stop};
use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

/// Problems that are listed one by one; the others are counted.
const SHOWN: usize = 20;

pub(crate) fn run(args: &DataArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        DataCommand::Check(args) => run_check(args),
        DataCommand::Fetch(args) => run_fetch(args),
        DataCommand::Export(args) => run_export(args),
        DataCommand::List => list(),
    }
}

fn run_check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let about = args.name.as_deref().map(catalogue::find).transpose()?;
    let layout = args.layout.clone().or_else(|| about.as_ref().map(|a| a.layout.clone()));
    let layout = layout.map(|text| text.parse()).transpose().map_err(data::DataError::from)?;
    let options = Options { layout, max_pixels: args.max_pixels, ..Options::default() };
    let path = match &about {
        Some(about) if args.path.join(&about.folder).is_dir() => args.path.join(&about.folder),
        _ => args.path.clone(),
    };
    let bar = bar("{bar:30} {pos}/{len} pictures, {eta} left");
    let seen = |n: usize| {
        bar.set_length(n as u64);
        bar.inc(1);
    };
    let report = check(&path, &options, !args.quick, &seen)?;
    bar.finish_and_clear();
    terminal::data(&text(&report))?;
    let problems = problems(&report, about.as_ref());
    problems.iter().for_each(|line| terminal::talk(&plain(line)));
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_FAILED) })
}

/// What was found.
fn text(report: &Report) -> String {
    let mut lines = vec![
        vec!["layout".to_owned(), report.layout.clone()],
        vec!["found".to_owned(), report.found.clone()],
    ];
    if let Some(content) = &report.content {
        lines.push(vec!["content".to_owned(), content_words(content)]);
    }
    let mut text = terminal::columns(&lines);
    if !report.classes.is_empty() {
        let heading = ["class", "pictures", "name"].map(str::to_owned).to_vec();
        let line = |(at, class): (&usize, &Class)| {
            vec![at.to_string(), class.pictures.to_string(), class.name.clone()]
        };
        let classes = report.classes.iter().map(line);
        let lines: Vec<Vec<String>> = std::iter::once(heading).chain(classes).collect();
        text = format!("{text}\n{}", terminal::columns(&lines));
    }
    text
}

fn content_words(content: &Content) -> String {
    let mut parts = vec![];
    if content.colour > 0 {
        parts.push(count(content.colour, "colour picture"));
    }
    if content.grey > 0 {
        parts.push(count(content.grey, "grey picture"));
    }
    if let (Some([h, w]), Some([h_max, w_max])) = (content.smallest, content.largest) {
        parts.push(format!("heights {h} to {h_max}, widths {w} to {w_max} pixels"));
    }
    if content.boxes > 0 {
        parts.push(count(content.boxes, "box"));
    }
    if content.masks > 0 {
        parts.push(count(content.masks, "mask"));
    }
    if content.turned > 0 {
        parts.push(format!(
            "{} with an orientation tag to be turned (ignored unless `--orientation apply`)",
            count(content.turned, "picture")
        ));
    }
    if parts.is_empty() { "nothing usable".to_owned() } else { parts.join(", ") }
}

/// What is missing or broken, a line each.
fn problems(report: &Report, about: Option<&Description>) -> Vec<String> {
    let mut lines = vec![];
    let labelled = report.classes.values().any(|class| class.pictures > 0);
    if let Some(about) = about.filter(|about| about.pictures != report.pictures) {
        let (name, expected, found) = (&about.name, about.pictures, report.pictures);
        lines.push(format!("missing: `{name}` has {}, found {found}", count(expected, "picture")));
    }
    if labelled && report.unlabelled > 0 {
        lines.push(format!("missing: {} without label", count(report.unlabelled, "picture")));
    }
    let empty = report.classes.values().filter(|c| c.pictures == 0);
    let empty: Vec<String> = empty.map(|class| format!("`{}`", class.name)).collect();
    if labelled && !empty.is_empty() {
        let more = empty.len().saturating_sub(SHOWN);
        let shown = empty[..empty.len() - more].join(", ");
        let more =
            if more > 0 { format!(" and {}", count(more, "more class")) } else { String::new() };
        lines.push(format!("missing: no pictures of {shown}{more}"));
    }
    let left_out = &report.left_out;
    let first = left_out.iter().take(SHOWN);
    lines.extend(first.map(|LeftOut { id, reason }| format!("left out: `{id}`: {reason}")));
    if left_out.len() > SHOWN {
        lines.push(format!("left out: {} more", left_out.len() - SHOWN));
    }
    let broken = report.content.as_ref().map_or(&[][..], |content| &content.broken);
    lines.extend(
        broken.iter().take(SHOWN).map(|(id, reason)| format!("unusable: `{id}`: {reason}")),
    );
    if broken.len() > SHOWN {
        lines.push(format!("unusable: {} more", count(broken.len() - SHOWN, "picture")));
    }
    lines
}

fn run_export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref(), flags(&args.flags.table, &args.preprocess)?)?;
    let path = config.out.as_ref().map(PathBuf::from);
    let ends = |path: &PathBuf| path.extension().is_some_and(|end| end == "npz");
    let Some(path) = path.filter(ends) else {
        bail!("`data export` needs `--out FILE.npz`, the file to write");
    };
    let pool = runner::pool(config.threads.unwrap_or_else(machine::cores))?;
    let plan = pool.install(|| Plan::new(config, &Stop::after(None)))?;
    let written = inputs::export(&plan, &path)?;
    for (id, reason) in &written.left_out {
        terminal::talk(&plain(&format!("left out: `{id}`: {reason}")));
    }
    let pictures = count(written.pictures, "picture");
    terminal::talk(&format!("{pictures} written to `{}`", plain_path(&path)));
    let all = written.left_out.is_empty();
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(SOME_FAILED) })
}

fn run_fetch(args: &FetchArgs) -> anyhow::Result<ExitCode> {
    let about = catalogue::find(&args.name)?;
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("data").join(&about.name));
    if folder.is_file() {
        bail!("`--out` must be a folder, and `{}` is a file", folder.display());
    }
    terminal::talk(&format!("{}; licence: {}", about.title, about.licence));
    let bar = bar("{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    let path = fetch(&about, &folder, &|progress| show(&bar, progress))?;
    bar.finish_and_clear();
    let (layout, path) = (&about.layout, plain_path(&path));
    terminal::talk(&format!("use it with `--data {path} --layout {layout}`"));
    Ok(ExitCode::SUCCESS)
}

fn show(bar: &ProgressBar, progress: &Progress<'_>) {
    let line = match progress {
        Progress::Arrived { bytes, of, .. } => {
            bar.set_length((*of).max(*bytes));
            bar.set_position(*bytes);
            return;
        }
        Progress::There { name } => format!("`{name}` is there already, its checksum is right"),
        Progress::Restarted { name } => {
            format!("`{name}` is begun again: what arrived earlier cannot be continued")
        }
        Progress::Checked { name } => format!("`{name}` has arrived, its checksum is right"),
        Progress::Unpacked { name, files, others: 0 } => {
            format!("`{name}` unpacked: {}", count(*files, "file"))
        }
        Progress::Unpacked { name, files, others } => {
            let files = count(*files, "file");
            format!("`{name}` unpacked: {files}, {} left out", count(*others, "link"))
        }
    };
    bar.suspend(|| terminal::talk(&line));
}

fn list() -> anyhow::Result<ExitCode> {
    let mut lines = vec![];
    for name in catalogue::names() {
        let about = catalogue::find(name)?;
        let how = if about.files.is_empty() { " (by hand)" } else { "" };
        lines.push(vec![about.name, format!("{}{how}", about.title)]);
    }
    terminal::data(&terminal::columns(&lines))?;
    Ok(ExitCode::SUCCESS)
}

/// A bar, hidden when nobody watches.
fn bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("a valid template");
    let bar = ProgressBar::new(0).with_style(style.progress_chars("=> "));
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}
