//! Flags. Their help and defaults come from the config's own table.

use super::{
    keys::{KeyFlags, OfProperties, OfRun, help},
    prototype::PrototypeArgs,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use pixelflip::{
    base::registry::{Spec, SpecError},
    data::decode::{MAX_PIXELS, Orientation},
    nn::{
        head::Declared,
        preprocess::{Channels, Crop, InputAxes, Interpolation, Preset, Resize, Settings},
    },
    report::colours::{COLOUR_MAPS, Look, Percentile},
    run::{estimate::EXHIBITS, plan::SCENES, shard::Asked, stop::duration},
};
use std::{path::PathBuf, time::Duration};

/// Referees explanation methods for image classifiers: removes a picture region by region in the
/// order of a heat map and measures how fast the class score falls.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, args_override_self = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compare methods on a model and pictures; without arguments on the built-in ones
    Run(Box<RunArgs>),
    /// Make the page of results anew, from the folder of a run
    Report(ReportArgs),
    /// Write a config with every key explained, to be changed and run
    Init(InitArgs),
    /// Put the shards of a run together
    Merge(MergeArgs),
    /// Say how much of a run is done, without touching it
    Status(StatusArgs),
    /// Rank methods from the records of one or several runs: tables, tests, figures
    Rank(RankArgs),
    /// Make one figure for a paper: as PDF, SVG or PNG, as wide as it is printed
    Plot(PlotArgs),
    /// Compare two runs: the same methods and pictures before and after a change
    Diff(DiffArgs),
    /// Explain one picture with one method
    Explain(Box<ExplainArgs>),
    /// Classify one picture
    Predict(Box<PredictArgs>),
    /// Say what can be done with a model, its layers, and what import changed
    Model(ModelArgs),
    /// List what can be named: methods, perturbations, metrics, ...
    List(ListArgs),
    /// Look into a data set, or download one
    Data(DataArgs),
    /// Measure what LRP rules do with relevance: conservation, sign, class selectivity
    Properties(Box<PropertiesArgs>),
    /// Make pictures of what a class looks like to a network (activation maximisation)
    Prototype(Box<PrototypeArgs>),
    /// Test a classifier by samples: with the object removed, and with the object alone
    Probe(Box<super::probe::ProbeArgs>),
    /// Measure how much of the relevance lies around the objects, for one or several models
    Context(Box<super::context::ContextArgs>),
    /// Cluster the heat maps of each class: strategies that look elsewhere than the others (SpRAy)
    Clusters(Box<super::clusters::ClustersArgs>),
    /// Compare models on the same pictures: predictions, heat maps, whose maps are faithful to whom
    Compare(Box<super::compare::CompareArgs>),
    /// Measure full passes and steps of chains on this machine
    Bench(BenchArgs),
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Config in TOML, or the manifest.json of a run to be repeated; flags override it
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: KeyFlags<OfRun>,
    /// Do only every n-th part, beginning with the i-th (from 0, or from 1); `pixelflip merge` puts
    /// shards together. auto/n takes the number from SLURM and other schedulers, auto also n from
    /// the folder
    #[arg(long, value_name = "i/n")]
    pub(crate) shard: Option<Asked>,
    /// End after this time at the latest (90s, 15m, 2h, 1-12:00:00) with exit code 75; the same
    /// command goes on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_time: Option<Duration>,
    /// Pictures that the page shows with their heat maps; the numbers do not depend on it
    #[arg(long, value_name = "N", default_value_t = EXHIBITS)]
    pub(crate) gallery: usize,
    /// Say what would be done and what it would cost, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) talk: TalkFlags,
    #[command(flatten)]
    pub(crate) look: LookFlags,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

/// How heat maps are coloured.
#[derive(Args)]
pub(crate) struct LookFlags {
    #[arg(long, value_name = "NAME", default_value = COLOUR_MAPS[0].name, help = colormaps())]
    colormap: String,
    /// Relevance at this percentile has the strongest colour, 100 for the largest
    #[arg(long, value_name = "P", default_value_t = Percentile::default())]
    percentile: Percentile,
}

impl LookFlags {
    pub(crate) fn look(&self) -> Result<Look, SpecError> {
        Ok(Look { colours: self.colormap.parse()?, percentile: self.percentile })
    }
}

fn colormaps() -> String {
    let names: Vec<&str> = COLOUR_MAPS.iter().map(|m| m.name).collect();
    format!("Colours of heat maps: {}", names.join(", "))
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Folder of a run; several folders make one page, with their rankings side by side
    #[arg(required = true, num_args = 1..)]
    pub(crate) results: Vec<PathBuf>,
    /// Pictures in the gallery, of those that the run kept (`run --gallery`); without the flag at most 12
    #[arg(long, value_name = "N")]
    pub(crate) gallery: Option<usize>,
    #[command(flatten)]
    pub(crate) look: LookFlags,
    /// The page; report.html in the folder when not given, in the current one for several folders
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
    /// Threads, one per core when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
}

/// Where things lie that have moved since a run: they are known by their content.
#[derive(Args)]
pub(crate) struct PlaceFlags {
    /// Where the model lies now, if not where the run had it
    #[arg(long, value_name = "M.onnx")]
    pub(crate) model: Option<String>,
    /// Where the pictures lie now, if not where the run had them
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Where the heat maps of other tools lie now, NAME=PATH each, all of them
    #[arg(long, value_name = "NAME=PATH", value_delimiter = ',')]
    pub(crate) heatmaps: Vec<String>,
}

impl PlaceFlags {
    /// What of a manifest is set otherwise.
    pub(crate) fn flags(&self, threads: Option<usize>) -> toml::Table {
        let mut table = self::threads(threads);
        let text = |key: &str, path: &Option<String>| {
            path.clone().map(|path| (key.to_owned(), toml::Value::String(path)))
        };
        table.extend(text("model", &self.model));
        table.extend(text("data", &self.data));
        if !self.heatmaps.is_empty() {
            table.insert("heatmaps".to_owned(), self.heatmaps.clone().into());
        }
        table
    }
}

/// How much is said, and how.
#[derive(Args)]
pub(crate) struct TalkFlags {
    /// Say nothing but warnings and errors, and print no table
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say when each picture and part is done
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Words for people on stderr and a table on stdout, or one JSON object per line on stdout and nothing else
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) log: Log,
}

/// Form of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Words, and a bar on a terminal
    Text,
    /// One object per line
    Json,
}

/// The number of threads as a config.
pub(crate) fn threads(given: Option<usize>) -> toml::Table {
    let entry = given.and_then(|n| Some(("threads".to_owned(), i64::try_from(n).ok()?.into())));
    entry.into_iter().collect()
}

impl Command {
    /// In which form errors are told.
    pub(crate) fn log(&self) -> Log {
        match self {
            Command::Run(args) => args.talk.log,
            Command::Merge(args) => args.talk.log,
            Command::Properties(args) => args.talk.log,
            Command::Prototype(args) => args.talk.log,
            Command::Probe(args) => args.study.talk.log,
            Command::Context(args) => args.study.talk.log,
            Command::Clusters(args) => args.study.talk.log,
            Command::Compare(args) => args.study.talk.log,
            _ => Log::Text,
        }
    }
}

#[derive(Args)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(value_name = "FILE.toml", default_value = "pixelflip.toml")]
    pub(crate) file: PathBuf,
    /// ONNX file to write into it
    #[arg(long, value_name = "M.onnx")]
    pub(crate) model: Option<String>,
    /// Folder or file with pictures to write into it
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<String>,
}

#[derive(Args)]
pub(crate) struct MergeArgs {
    /// Folders that `run --shard` or `properties --shard` wrote to
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Folder for the whole; not needed when all shards wrote to one folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Put together what is there, even if parts are missing (exit code 3 then)
    #[arg(long)]
    pub(crate) partial: bool,
    #[command(flatten)]
    pub(crate) places: PlaceFlags,
    /// Threads, one per core when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) look: LookFlags,
    #[command(flatten)]
    pub(crate) talk: TalkFlags,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    /// Folders that `run` writes to, all of one run
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// JSON instead of a sentence
    #[arg(long)]
    pub(crate) json: bool,
    /// Only the numbers of the shards that have work left, as in `sbatch --array=2,5-7`
    #[arg(long, conflicts_with = "json")]
    pub(crate) missing_shards: bool,
    /// Shards that the rest is to be cut into; the number so far when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) shards: Option<usize>,
}

/// Pictures that `properties` looks at when no number is given.
pub(crate) const IMAGES: usize = 10;

#[derive(Args)]
pub(crate) struct PropertiesArgs {
    #[command(flatten)]
    pub(crate) flags: KeyFlags<OfProperties>,
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

/// Keys of a sidecar as flags.
#[derive(Args)]
#[command(next_help_heading = "Preprocessing (over the sidecar M.toml beside the model)")]
pub(crate) struct PreprocessFlags {
    /// Height and width fed to a model that leaves them open
    #[arg(long, value_name = "H,W", value_parser = pair)]
    input_size: Option<[usize; 2]>,
    /// nchw or nhwc: order of the input's axes, for a model that does not tell it
    #[arg(long, value_name = "WORD")]
    axes: Option<InputAxes>,
    /// torchvision, caffe, keras, inception or clip: the keys below as this family of models has
    /// them; those that are given too take precedence
    #[arg(long, value_name = "NAME")]
    preset: Option<Preset>,
    /// none, exact, cover, short=PIXELS, or square=PIXELS
    #[arg(long, value_name = "WORD")]
    resize: Option<Resize>,
    /// bilinear or bicubic, when resizing
    #[arg(long, value_name = "WORD")]
    interpolation: Option<Interpolation>,
    /// none, center, or center-torchvision
    #[arg(long, value_name = "WORD")]
    crop: Option<Crop>,
    /// Zero pixels above and below, left and right
    #[arg(long, value_name = "Y,X", value_parser = pair)]
    pad: Option<[usize; 2]>,
    /// rgb, bgr or grey
    #[arg(long, value_name = "WORD")]
    channels: Option<Channels>,
    /// Factor on pixels from 0 to 255
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    scale: Option<f64>,
    /// Subtracted after scaling, per channel in the network's order
    #[arg(long, value_name = "V,...", value_delimiter = ',', allow_negative_numbers = true)]
    mean: Option<Vec<f64>>,
    /// Divided by, per channel in the network's order
    #[arg(long, value_name = "V,...", value_delimiter = ',', allow_negative_numbers = true)]
    std: Option<Vec<f64>>,
    /// Text file with one class name per line, relative to the sidecar
    #[arg(long, value_name = "FILE")]
    classes: Option<String>,
    /// softmax, sigmoid or values: what a model's bare scores are
    #[arg(long, value_name = "WORD")]
    head: Option<Declared>,
    /// The output of the model file that has the scores, where it has several
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
}

/// `227,227`.
fn pair(text: &str) -> Result<[usize; 2], String> {
    let numbers = text.split_once(',').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
    numbers.ok_or_else(|| "two whole numbers with a comma between them are needed".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| *n >= 1);
    number.ok_or_else(|| "a whole number >= 1 is needed".to_owned())
}

impl PreprocessFlags {
    pub(crate) fn settings(&self) -> Settings {
        let given = Settings {
            input: self.input_size,
            axes: self.axes,
            resize: self.resize,
            interpolation: self.interpolation,
            crop: self.crop,
            pad: self.pad,
            channels: self.channels,
            scale: self.scale,
            mean: self.mean.clone(),
            std: self.std.clone(),
            classes: self.classes.clone(),
            head: self.head,
            output: self.output.clone(),
            text: None,
        };
        given.or_preset(self.preset)
    }
}

#[derive(Args)]
pub(crate) struct RankArgs {
    /// Folders that `pixelflip run` has written, or files with curves
    #[arg(required = true, value_name = "RESULTS")]
    pub(crate) results: Vec<PathBuf>,
    /// The metric that ranks, see `pixelflip list metrics`; AOPC when not given
    #[arg(long, value_name = "SPEC")]
    pub(crate) metric: Option<String>,
    /// Folder for tables and figures; without it the ranking is only printed
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Bootstrap resamples over images
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one)]
    pub(crate) resamples: usize,
    /// Seed of the resamples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Threads, one per core when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args)]
pub(crate) struct PlotArgs {
    /// Folders that `pixelflip run` has written, or files with curves
    #[arg(required = true, value_name = "RESULTS")]
    pub(crate) results: Vec<PathBuf>,
    /// Which figure, see `pixelflip list figures`: aopc, relative, abpc, scores, forest, ranks, cost, ...
    #[arg(long, value_name = "NAME")]
    pub(crate) figure: String,
    /// One panel of a figure that has several
    #[arg(long, value_name = "NAME")]
    pub(crate) panel: Option<String>,
    /// Which setting (perturbation and size of regions), by its number in the order of the run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) setting: usize,
    /// The metric that ranks, see `pixelflip list metrics`; AOPC when not given
    #[arg(long, value_name = "SPEC")]
    pub(crate) metric: Option<String>,
    /// What stands above the figure; nothing when not given
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Call a method otherwise; may be repeated
    #[arg(long, value_name = "old=new", value_parser = super::plot::renamed)]
    pub(crate) names: Vec<(String, String)>,
    /// Width on paper: 85mm, 8.5cm, 3.3in, 240pt
    #[arg(long, value_name = "WIDTH", default_value = "160mm", value_parser = super::plot::width)]
    pub(crate) width: f64,
    /// What to write, else by the name of the file
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<super::plot::Format>,
    /// Pixels in an inch of a PNG
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(50..=2400))]
    pub(crate) dpi: u32,
    /// The file; `plots/FIGURE.FORMAT` in the first folder when not given
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Threads, one per core when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args)]
pub(crate) struct DiffArgs {
    /// Folder of the first run
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// Folder of the second run
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
    /// The metric that is compared, see `pixelflip list metrics`
    #[arg(long, value_name = "SPEC", default_value = "aopc")]
    pub(crate) metric: String,
    /// CSV file for the differences
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// ONNX file, or `scenes` for the built-in network
    #[arg(long, value_name = "M.onnx")]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) picture: PictureFlags,
    /// The method, see `pixelflip list methods`
    #[arg(long, value_name = "SPEC")]
    pub(crate) method: String,
    /// The class to explain; without it the predicted one
    #[arg(long, value_name = "C")]
    pub(crate) target: Option<usize>,
    /// A .png picture of the heat map, or .npy for the relevance before channels are pooled
    #[arg(long, value_name = "H", required_unless_present = "trace")]
    pub(crate) out: Option<PathBuf>,
    /// Print what became of the relevance: for LRP layer, rule, bias policy, relevance in and out,
    /// absorbed by the bias, lost; for all methods its sum, and what it is in theory
    #[arg(long)]
    pub(crate) trace: bool,
    /// Sum the heat map over square regions of this side in pixels, anchored at the top left
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) region: Option<usize>,
    /// Explain a picture larger than the network's input, as it is: the mean over windows at every N
    /// pixels, for the class with the highest mean logit
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "trace")]
    pub(crate) slide: Option<usize>,
    #[command(flatten)]
    pub(crate) look: LookFlags,
    /// Lay the heat map over the picture (.png only)
    #[arg(long)]
    pub(crate) overlay: bool,
    /// Seed of methods that draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

/// Which picture: one of these.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// A picture, or a .npy tensor that is already preprocessed, (C,H,W) or (N,C,H,W)
    #[arg(long, value_name = "X")]
    pub(crate) input: Option<PathBuf>,
    /// A picture of a data set, by its name in tables and reports; what a method draws is then what
    /// it draws in a run, and values are the same but for their last digits
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,
}

/// What a command for single pictures looks at.
#[derive(Args)]
pub(crate) struct PictureFlags {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The data set of `--image`: a folder, a file, or `scenes` for the built-in one
    #[arg(long, value_name = "PATH", requires = "image", default_value = SCENES)]
    pub(crate) data: String,
    #[arg(long, value_name = "SPEC", requires = "image", help = help("layout"))]
    pub(crate) layout: Option<Spec>,
    /// Larger pictures are refused
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    pub(crate) max_pixels: u64,
    #[arg(long, value_name = "WORD", default_value_t, hide_default_value = true, help = help("orientation"))]
    pub(crate) orientation: Orientation,
}

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// ONNX file, or `scenes` for the built-in network
    #[arg(long, value_name = "M.onnx")]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) picture: PictureFlags,
    /// Number of classes to show, best first
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) top: usize,
    /// .npy file for the logits of all classes, (classes) or (N, classes)
    #[arg(long, value_name = "L.npy")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

#[derive(Args)]
pub(crate) struct ModelArgs {
    /// ONNX file, or `scenes` for the built-in network
    #[arg(value_name = "M.onnx")]
    pub(crate) model: String,
    /// Show every layer, note and node instead of blocks and the first of each kind
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// ONNX file, or `scenes` for the built-in network
    #[arg(long, value_name = "M.onnx")]
    pub(crate) model: String,
    /// Threads, one per core when not given
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
    /// Side of the square regions in pixels
    #[arg(long, value_name = "N", default_value_t = 9)]
    pub(crate) region: usize,
    /// Steps of a chain
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) steps: usize,
    /// Rounds; figures are medians over them
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one)]
    pub(crate) rounds: usize,
    /// Order of the regions: random, or most relevant first by a method
    #[arg(long, value_name = "SPEC", default_value = "random")]
    pub(crate) order: String,
    /// Without Winograd tiles
    #[arg(long)]
    pub(crate) direct: bool,
    /// JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

#[derive(Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// Say what is there, count the classes, name what is missing or broken
    Check(CheckArgs),
    /// Download a known data set where its licence allows it
    Fetch(FetchArgs),
    /// Write the exact inputs of a run for other tools: ids, pixels and preprocessed tensors as .npz
    Export(Box<ExportArgs>),
    /// List the known data sets
    List,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Config in TOML, or the manifest.json of a run; flags override it
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: KeyFlags<OfRun>,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessFlags,
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Folder or file with pictures
    pub(crate) path: PathBuf,
    /// How they lie, see `pixelflip list datasets`; found out when not given
    #[arg(long, value_name = "SPEC")]
    pub(crate) layout: Option<String>,
    /// Compare with a known data set, see `pixelflip data list`, or with a description.toml
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Larger pictures are refused
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    pub(crate) max_pixels: u64,
    /// Read the listing only, do not decode the pictures
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Args)]
pub(crate) struct FetchArgs {
    /// A known data set, see `pixelflip data list`, or the path of a description.toml
    pub(crate) name: String,
    /// Folder to download to; data/NAME when not given
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// What to list
    pub(crate) what: What,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Explanation methods
    Methods,
    /// What replaces a removed region
    Perturbations,
    /// Numbers that say how good a method is
    Metrics,
    /// Figures that `plot` makes
    Figures,
    /// LRP rules
    Rules,
    /// LRP rules per layer
    Composites,
    /// Layouts of pictures on disk
    Datasets,
    /// ONNX operators
    Operators,
    /// What prototypes climb
    Objectives,
    /// What makes prototypes more like pictures
    Priors,
    /// How prototypes go uphill
    Optimisers,
    /// Protocols of a paper and of other tools, for `run --protocol`
    Protocols,
}
