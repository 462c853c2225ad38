//! `pixelflip status`.

use super::{
    INCOMPLETE,
    args::StatusArgs,
    terminal::{self, are, count},
};
use pixelflip::run::status::{Status, status};
use std::process::ExitCode;

pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let status = status(&args.folders, args.shards)?;
    let text = if args.json {
        serde_json::to_string_pretty(&status)?
    } else if args.missing_shards {
        status.missing_shards.clone().unwrap_or_default()
    } else {
        sentence(&status)
    };
    terminal::data(&format!("{text}\n"))?;
    Ok(if status.complete { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn sentence(status: &Status) -> String {
    let unread = match status.unread {
        0 => String::new(),
        n => format!(
            ", in {} some pictures or heat maps could not be read and the same command tries again",
            count(n, "part")
        ),
    };
    let all = count(status.parts, "part");
    let parts = format!("{} of {all} {} done{unread}", status.done, are(status.parts));
    match (&status.missing_shards, status.shards) {
        _ if status.complete => format!("complete: {parts} and put together"),
        _ if status.done == status.parts => format!("{parts}, but not put together yet"),
        (Some(list), Some(of)) => format!("{parts}; shards {list} of {of} have work left"),
        _ => parts,
    }
}
