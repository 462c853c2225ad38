//! Figures for papers, each by its name, at the size that it has on paper.

use super::{
    cells::Group,
    curves::{self, Dress, Heading},
    drawing::Drawing,
    figure::Figure,
    plot::{self, FigureError},
    plot_drawing,
    rank::Rank,
    rank_figures::{self, Look},
};

/// A figure by its name.
pub struct Entry {
    /// What it is called.
    pub name: &'static str,
    /// What it shows.
    pub summary: &'static str,
    /// What a run must have for it.
    pub takes: &'static str,
    /// How it is made.
    pub make: Make,
}

/// From what a figure is made.
pub enum Make {
    /// From the curves of a setting: the figure, and which of its panels are meant, each with its name.
    Curves(fn(&Group<'_>, &Heading, &Dress) -> Figure, &'static [(&'static str, usize)]),
    /// From a ranking.
    Ranks(fn(&Rank, &Look<'_>) -> Result<Option<Drawing>, FigureError>),
}

/// All figures.
pub const FIGURES: &[Entry] = &[
    Entry {
        name: "aopc",
        summary: "AOPC against the number of removed regions",
        takes: "curves",
        make: Make::Curves(curves::aopc, &[("aopc", 0)]),
    },
    Entry {
        name: "relative",
        summary: "the same minus the random order",
        takes: "`random` among the methods, and another one",
        make: Make::Curves(curves::aopc, &[("relative", 1)]),
    },
    Entry {
        name: "abpc",
        summary: "area between least and most relevant first",
        takes: "curves in both orders",
        make: Make::Curves(curves::aopc, &[("abpc", 2)]),
    },
    Entry {
        name: "scores",
        summary: "class score while regions are removed",
        takes: "curves in that order",
        make: Make::Curves(curves::scores, &[("morf", 0), ("lerf", 1)]),
    },
    Entry {
        name: "forest",
        summary: "mean difference of every two methods with its interval",
        takes: "two methods on the same pictures",
        make: Make::Ranks(rank_figures::forest),
    },
    Entry {
        name: "ranks",
        summary: "mean ranks with critical differences",
        takes: "two methods on two pictures or more",
        make: Make::Ranks(rank_figures::critical_difference),
    },
    Entry {
        name: "cost",
        summary: "quality beside the time of an explanation",
        takes: "the times of two methods or more, which `timings.parquet` has",
        make: Make::Ranks(rank_figures::cost),
    },
    Entry {
        name: "settings",
        summary: "ranks in each setting",
        takes: "several perturbations or sizes of regions",
        make: Make::Ranks(rank_figures::settings),
    },
    Entry {
        name: "agreement",
        summary: "Kendall's tau between ways to rank",
        takes: "two ways to rank two methods or more",
        make: Make::Ranks(rank_figures::agreement),
    },
];

/// Units of the layout in a point: ordinary text is then about 7 points high.
const UNIT: f64 = 1.0 / 0.54;

/// Points in an inch.
const INCH: f64 = 72.0;

/// Units of the layout of a figure that is so many points wide.
pub fn units(points: f64) -> f64 {
    points * UNIT
}

/// A figure that is ready to be drawn, and the words that belong below it.
pub struct Painting {
    what: Content,
    /// What was measured and what lines mean, for the caption.
    pub caption: Vec<String>,
}

enum Content {
    Curves(Figure),
    Shapes(Drawing),
}

/// Why there is no such figure.
#[derive(Debug, thiserror::Error)]
pub enum PaintError {
    /// No panel of this name.
    #[error("figure `{figure}` has no panel `{name}`, expected {}", either(.panels))]
    Panel {
        /// The figure.
        figure: &'static str,
        /// The name as it was typed.
        name: String,
        /// Those it has.
        panels: Vec<&'static str>,
    },
    /// The run has not what it takes.
    #[error("these results cannot give figure `{figure}`: it takes {takes}")]
    Lacks {
        /// The figure.
        figure: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// It cannot be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
}

fn either(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// What is wanted of a figure.
pub struct Wish<'a> {
    /// One of its panels.
    pub panel: Option<&'a str>,
    /// What stands above it.
    pub title: &'a str,
    /// How wide it is, in points.
    pub points: f64,
}

impl Entry {
    /// Whether it needs a ranking, which takes a while.
    pub fn needs_rank(&self) -> bool {
        matches!(self.make, Make::Ranks(_))
    }

    /// The names of its panels.
    pub fn panels(&self) -> Vec<&'static str> {
        match self.make {
            Make::Curves(_, panels) => panels.iter().map(|(name, _)| *name).collect(),
            Make::Ranks(_) => vec![self.name],
        }
    }

    /// Says no to a panel that it has not.
    pub fn check(&self, wish: &Wish<'_>) -> Result<(), PaintError> {
        let panels = self.panels();
        match wish.panel.filter(|name| !panels.contains(name)) {
            Some(name) => {
                Err(PaintError::Panel { figure: self.name, name: name.to_owned(), panels })
            }
            None => Ok(()),
        }
    }

    /// The figure of one setting, or of a ranking by it.
    pub fn paint(
        &self,
        (group, rank): (&Group<'_>, Option<&Rank>),
        (heading, dress): (&Heading, &Dress),
        wish: &Wish<'_>,
    ) -> Result<Painting, PaintError> {
        self.check(wish)?;
        let lacks = PaintError::Lacks { figure: self.name, takes: self.takes };
        let painting = match self.make {
            Make::Curves(of, panels) => {
                let wanted =
                    panels.iter().filter(|(name, _)| wish.panel.is_none_or(|p| p == *name));
                let wanted: Vec<usize> = wanted.map(|(_, at)| *at).collect();
                curves_on_paper(of(group, heading, dress), &wanted, wish)
            }
            Make::Ranks(of) => {
                let look = Look { heading, dress, width: units(wish.points) };
                let drawing = rank.map_or(Ok(None), |rank| of(rank, &look))?;
                drawing.map(|drawing| shapes_on_paper(drawing, wish))
            }
        };
        painting.ok_or(lacks)
    }
}

/// Some panels without the words above and below them, which belong into a caption.
fn curves_on_paper(mut figure: Figure, wanted: &[usize], wish: &Wish<'_>) -> Option<Painting> {
    let panels = wanted.iter().filter_map(|at| figure.panels.get(*at));
    figure.panels = panels.filter(|panel| !panel.lines.is_empty()).cloned().collect();
    if figure.panels.is_empty() {
        return None;
    }
    figure.width = units(wish.points);
    let caption = vec![
        std::mem::replace(&mut figure.title, wish.title.to_owned()),
        std::mem::take(&mut figure.subtitle),
        std::mem::take(&mut figure.caption),
    ];
    Some(Painting { what: Content::Curves(figure), caption })
}

fn shapes_on_paper(drawing: Drawing, wish: &Wish<'_>) -> Painting {
    let (drawing, caption) = drawing.on_paper(wish.title);
    Painting { what: Content::Shapes(drawing), caption }
}

impl Painting {
    fn width(&self) -> f64 {
        match &self.what {
            Content::Curves(figure) => figure.width,
            Content::Shapes(drawing) => drawing.width,
        }
    }

    /// How high its ordinary text is on paper, in points.
    pub fn text(&self, points: f64) -> f64 {
        plot::TEXT / plot::LINE * points / self.width()
    }

    /// As PNG.
    pub fn png(&self, points: f64, dpi: f64) -> Result<Vec<u8>, FigureError> {
        let pixels = points / INCH * dpi / self.width();
        match &self.what {
            Content::Curves(figure) => plot::png_at(figure, pixels),
            Content::Shapes(drawing) => plot_drawing::png_at(drawing, pixels),
        }
    }

    /// As SVG with text as text.
    pub fn svg(&self, points: f64) -> Result<Vec<u8>, FigureError> {
        let text = match &self.what {
            Content::Curves(figure) => plot::svg_at(figure, FINE)?,
            Content::Shapes(drawing) => plot_drawing::svg_at(drawing, FINE)?,
        };
        Ok(sized(&text, points).into_bytes())
    }

    /// As PDF with texts as outlines.
    pub fn pdf(&self, points: f64) -> Result<Vec<u8>, FigureError> {
        match &self.what {
            Content::Curves(figure) => plot::pdf(figure, points),
            Content::Shapes(drawing) => plot_drawing::pdf(drawing, points),
        }
    }
}

/// Whole positions of an SVG in a unit of the layout.
const FINE: f64 = 10.0;

/// The picture so many points wide.
fn sized(svg: &str, points: f64) -> String {
    let number = |key: &str| {
        let start = svg.find(key)? + key.len();
        svg[start..].split('"').next()?.parse::<f64>().ok()
    };
    let sizes = number(" width=\"").zip(number(" height=\""));
    let Some((width, height)) = sizes else { return svg.to_owned() };
    let new = format!(" width=\"{points:.3}pt\" height=\"{:.3}pt\"", points * height / width);
    svg.replacen(&format!(" width=\"{width}\" height=\"{height}\""), &new, 1)
}
