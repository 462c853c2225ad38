//! `pixelflip plot`.

use super::{args::PlotArgs, terminal};
use anyhow::{Context, bail};
use clap::ValueEnum as _;
use pixelflip::{
    base::{
        registry::{self, near},
        text::plain_path,
    },
    eval::{
        metric::{Chosen, METRICS},
        stats::Resampling,
    },
    report::{
        agreement::setting_names,
        catalogue::{Entry, FIGURES, Painting, Wish},
        cells::group,
        curves::{Dress, Heading},
        map_metrics::Maps,
        plot::save,
        rank::{Rank, rank},
        subsets::Sets,
    },
    run::{
        machine,
        record::{AllLogits, other_scores},
        results::{self, Loaded},
        runner,
    },
};
use std::{ffi::OsStr, fs, path::Path, process::ExitCode};

/// Points in a millimetre.
const POINTS: f64 = 72.0 / 25.4;

/// Text smaller than this is hard to read on paper, in points.
const SMALL: f64 = 5.0;

/// What a figure is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For papers: lines stay lines
    Pdf,
    /// For the web and for editing
    Svg,
    /// Pixels, see --dpi
    Png,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Pdf => "pdf",
            Format::Svg => "svg",
            Format::Png => "png",
        }
    }
}

/// A width on paper, in points: `85mm`, `8.5cm`, `3.3in`, `240pt`.
pub(crate) fn width(text: &str) -> Result<f64, String> {
    let units = [("mm", POINTS), ("cm", 10.0 * POINTS), ("in", 72.0), ("pt", 1.0)];
    let found = units.iter().find_map(|(unit, points)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * points)
    });
    let wanted = "expected a width between 30mm and 1000mm, as in 85mm, 8.5cm, 3.3in or 240pt";
    let fits = |points: &f64| (30.0 * POINTS..=1000.0 * POINTS).contains(points);
    found.filter(fits).ok_or_else(|| wanted.to_owned())
}

/// A new name: `old=new`.
pub(crate) fn renamed(text: &str) -> Result<(String, String), String> {
    // canonical names have `=` themselves, new ones have none
    let pair = text.rsplit_once('=').filter(|(old, new)| !old.is_empty() && !new.is_empty());
    let (old, new) = pair.ok_or("expected `old=new`, a name in the tables and another one")?;
    Ok((old.to_owned(), new.to_owned()))
}

pub(crate) fn run(args: &PlotArgs) -> anyhow::Result<ExitCode> {
    let entry = entry(&args.figure)?;
    let wish = Wish {
        panel: args.panel.as_deref(),
        title: args.title.as_deref().unwrap_or_default(),
        points: args.width,
    };
    entry.check(&wish)?;
    let format = format(args)?;
    let mut loaded = results::load(&args.results, AllLogits::Read)?;
    loaded.rows.extend(other_scores(&loaded.rows));
    let pool = runner::pool(args.threads.unwrap_or_else(machine::cores))?;
    let painting = pool.install(|| paint(entry, &wish, args, &loaded))?;
    let bytes = match format {
        Format::Pdf => painting.pdf(args.width)?,
        Format::Svg => painting.svg(args.width)?,
        Format::Png => painting.png(args.width, f64::from(args.dpi))?,
    };
    let path = args.out.clone().unwrap_or_else(|| {
        args.results[0].join("plots").join(format!("{}.{}", entry.name, format.name()))
    });
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    save(&path, &bytes)?;
    for line in painting.caption.iter().filter(|line| !line.is_empty()) {
        terminal::talk(line);
    }
    let text = painting.text(args.width);
    if text < SMALL {
        terminal::talk(&format!(
            "warning: text is {text:.1} points high; a larger --width or shorter names (--names) help"
        ));
    }
    terminal::talk(&format!("written to `{}`", plain_path(&path)));
    Ok(ExitCode::SUCCESS)
}

fn entry(name: &str) -> anyhow::Result<&'static Entry> {
    if let Some(entry) = FIGURES.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    let names: Vec<&str> = FIGURES.iter().map(|entry| entry.name).collect();
    let close = near(name, names.iter().copied());
    let hint = match close.first() {
        Some(close) => format!(", did you mean {close}?"),
        None => format!("; there are {}", names.join(", ")),
    };
    bail!("there is no figure `{name}`{hint}")
}

/// As it is said, or as the name of the file says.
fn format(args: &PlotArgs) -> anyhow::Result<Format> {
    let end = args.out.as_deref().and_then(Path::extension).and_then(OsStr::to_str);
    let by_name = end.and_then(|end| Format::value_variants().iter().find(|f| f.name() == end));
    match (args.format, by_name, &args.out) {
        (Some(format), Some(other), Some(path)) if format != *other => bail!(
            "`{}` ends in .{}, but --format is {}: expected one of both",
            path.display(),
            other.name(),
            format.name()
        ),
        (Some(format), ..) => Ok(format),
        (None, Some(format), _) => Ok(*format),
        (None, None, Some(path)) => bail!(
            "`{}` does not say what to write: expected a name that ends in .pdf, .svg or .png, or --format",
            path.display()
        ),
        (None, None, None) => Ok(Format::Pdf),
    }
}

fn paint(
    entry: &Entry,
    wish: &Wish<'_>,
    args: &PlotArgs,
    loaded: &Loaded,
) -> anyhow::Result<Painting> {
    let groups = group(&loaded.rows)?;
    let mut dress = Dress::of(&groups);
    dress.names.rename(&args.names)?;
    let at = args.setting - 1;
    let Some(setting) = groups.get(at) else {
        let names = setting_names(&groups.iter().map(|g| &g.setting).collect::<Vec<_>>());
        let numbered = names.iter().enumerate().map(|(i, name)| format!("{} ({name})", i + 1));
        let all: Vec<String> = numbered.collect();
        bail!("these results have no setting {}, expected {}", args.setting, all.join(" or "));
    };
    let heading = Heading::of(loaded.manifests.first());
    let rank = entry.needs_rank().then(|| ranked(args, loaded)).transpose()?;
    let rank = rank.map(|mut rank| {
        // the setting that is asked for ranks
        match rank.contests.iter().position(|contest| contest.setting == setting.setting) {
            Some(at) => rank.contests[..=at].rotate_right(1),
            None => rank.contests.clear(),
        }
        rank
    });
    Ok(entry.paint((setting, rank.as_ref()), (&heading, &dress), wish)?)
}

fn ranked(args: &PlotArgs, loaded: &Loaded) -> anyhow::Result<Rank> {
    let metric = args.metric.as_deref();
    let metric = metric.map(|spec| registry::build("metric of curves", METRICS, &spec.parse()?));
    let metric = metric.transpose()?;
    let chosen = metric.as_ref().map(|m| Chosen { name: &m.name, metric: &*m.value });
    let resampling = Resampling::default();
    let maps = Maps::of(&loaded.metrics, resampling);
    let timings = &loaded.timings;
    Ok(rank(&loaded.rows, &Sets::new(), timings, &maps.rows, chosen, resampling)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_paper() {
        assert!((width("85mm").unwrap() - 240.945).abs() < 1e-3);
        assert!((width("8.5cm").unwrap() - 240.945).abs() < 1e-3);
        assert!((width("3.5in").unwrap() - 252.0).abs() < 1e-9);
        assert!((width("252pt").unwrap() - 252.0).abs() < 1e-9);
        for text in ["85", "-85mm", "2mm", "mm", "NaNmm", "1e9mm"] {
            assert!(width(text).unwrap_err().contains("expected a width"), "{text}");
        }
    }

    #[test]
    fn a_new_name_stands_behind_the_last_sign() {
        let pair = |old: &str, new: &str| Ok((old.to_owned(), new.to_owned()));
        assert_eq!(renamed("lrp-gamma=LRP-γ"), pair("lrp-gamma", "LRP-γ"));
        assert_eq!(renamed("lrp-gamma:gamma=0.5=mine"), pair("lrp-gamma:gamma=0.5", "mine"));
        assert!(renamed("lrp-gamma").is_err() && renamed("=x").is_err() && renamed("x=").is_err());
    }
}
