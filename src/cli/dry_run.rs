//! `pixelflip run --dry-run`.

use super::terminal::{self, are, count};
use pixelflip::{
    base::{
        registry::Spec,
        text::plain_path,
        unit::{Regions, Units},
    },
    run::{
        estimate::{Estimate, estimate},
        manifest::Manifest,
        output::{check_owner, finished, unread},
        plan::Plan,
        shard::Shard,
        study::Study,
    },
};
use std::{path::Path, process::ExitCode};

/// Prints what would be done and what it would cost.
pub(crate) fn show(
    study: &dyn Study,
    root: &Path,
    shard: Option<Shard>,
) -> anyhow::Result<ExitCode> {
    let plan = study.plan();
    if root.is_dir() {
        check_owner(root, &Manifest::new(study))?;
    }
    let estimate = estimate(plan, rayon::current_num_threads());
    let mut lines = what(plan);
    lines.extend(cost(&estimate, root));
    let done = finished(root, study.entry())?.difference(&unread(root)?).count();
    if done > 0 {
        lines.push(line(
            "there",
            &format!(
                "{done} of {} {} done already",
                count(estimate.parts, "part"),
                are(estimate.parts)
            ),
        ));
    }
    lines.extend(plan.warnings().iter().map(|text| line("note", text)));
    if let Some(shard) = shard {
        let parts = (0..estimate.parts).filter(|part| shard.takes(*part)).count();
        lines.push(line("shard", &format!("{shard}: {} of the above", count(parts, "part"))));
    }
    terminal::data(&terminal::columns(&lines))?;
    Ok(ExitCode::SUCCESS)
}

fn line(name: &str, text: &str) -> Vec<String> {
    vec![name.to_owned(), text.to_owned()]
}

fn what(plan: &Plan) -> Vec<Vec<String>> {
    let graph = &plan.model.graph;
    let input = graph.input_shape();
    let orders: Vec<&str> = plan.orders.iter().map(|o| o.name()).collect();
    let network = format!(
        "{}, {}x{}x{}, {}, {} multiply-adds a pass",
        plan.model.name,
        input.c,
        input.h,
        input.w,
        count(graph.classes(), "class"),
        number(graph.macs() as f64)
    );
    let mut lines = vec![
        line("model", &network),
        line("pictures", &format!("{} of {}", plan.images.len(), plan.data.describe())),
    ];
    let regions = plan.regions.iter().enumerate();
    lines.extend(regions.map(|(i, r)| line(if i == 0 { "regions" } else { "" }, &removed(r))));
    lines.extend([
        line("methods", &names(&plan.config.methods)),
        line("perturbation", &names(&plan.config.perturbation)),
        line("orders", &orders.join(", ")),
        line("repeats", &plan.repeats.to_string()),
    ]);
    lines
}

fn names(specs: &[Spec]) -> String {
    specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn removed(regions: &Regions) -> String {
    let Regions { grid, stops } = regions;
    let ((rows, columns), side) = (grid.dims(), grid.side());
    let all = grid.len();
    let gone = 100.0 * regions.removed();
    let last = regions.last();
    let at = match stops.len() {
        steps if steps == last => String::new(),
        steps => format!(" at {}", count(steps, "stop")),
    };
    format!(
        "{all} of {side}x{side} pixels ({rows}x{columns}), {last} removed{at}: {gone:.1} % of a picture"
    )
}

fn cost(e: &Estimate, root: &Path) -> Vec<Vec<String>> {
    let cells = format!("{} (methods x sizes of regions x perturbations x orders)", e.cells);
    let curves =
        format!("{} with {}, in {}", e.curves, count(e.steps, "step"), count(e.parts, "part"));
    let work = format!(
        "{} multiply-adds for curves, {} for {}",
        number(e.curve_macs),
        number(e.pass_macs),
        count(e.pictures, "full pass")
    );
    let threads = count(e.threads, "thread");
    let time = e.seconds.map_or("unknown: no picture could be used for a trial".to_owned(), |s| {
        format!("about {} on {threads}, from a trial on one picture", time(s))
    });
    let mut lines = vec![
        line("cells", &cells),
        line("curves", &curves),
        line("work", &work),
        line("time", &time),
    ];
    if let Some(curve) = e.curve {
        lines.push(line("", &format!("{} a curve", short(curve))));
    }
    for (method, seconds) in e.explain.iter().flatten() {
        lines.push(line("", &format!("{} a picture for {method}", short(*seconds))));
    }
    for (method, reason) in &e.failed {
        lines.push(line("", &format!("nothing from {method}: {reason}")));
    }
    lines.push(line("memory", &format!("about {}", bytes(e.memory))));
    lines.push(line(
        "disk",
        &format!("about {} in `{}`, beside figures and the page", bytes(e.disk), plain_path(root)),
    ));
    lines
}

/// `1.2 G`.
fn number(n: f64) -> String {
    let units = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let unit = units.into_iter().find(|(size, _)| n >= *size);
    unit.map_or(format!("{n:.0}"), |(size, unit)| format!("{:.1} {unit}", n / size))
}

fn bytes(n: f64) -> String {
    format!("{}B", number(n.max(1e6)))
}

/// A time for planning.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".to_owned(),
        s if s < 120.0 => format!("{s:.0} seconds"),
        s if s < 7_200.0 => format!("{:.0} minutes", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} hours", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

/// A time for comparing.
fn short(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.3} ms", 1e3 * seconds) } else { format!("{seconds:.2} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_rounded_for_people() {
        assert_eq!([number(999.0), number(1234.0), number(2.5e12)], ["999", "1.2 k", "2.5 T"]);
        assert_eq!(bytes(10.0), "1.0 MB");
        assert_eq!([time(0.2), time(90.0), time(600.0)], ["a second", "90 seconds", "10 minutes"]);
        assert_eq!([time(36_000.0), time(864_000.0)], ["10.0 hours", "10.0 days"]);
        assert_eq!([short(0.0012), short(2.0)], ["1.200 ms", "2.00 s"]);
    }
}
