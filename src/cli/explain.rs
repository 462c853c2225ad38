//! `pixelflip explain`.

use super::{
    args::ExplainArgs,
    input::{self, Decoded, Inputs},
    terminal::{self, count},
};
use anyhow::{Context, anyhow, bail};
use image::RgbImage;
use ndarray::{Array3, Axis};
use pixelflip::{
    Model,
    base::{
        geom::Shape,
        registry::Named,
        rng::Seed,
        text::{plain, plain_path},
        unit::{Grid, Remainder, Units},
    },
    data::tensor::write_npy,
    eval::order::unit_scores,
    explain::{
        Case, Explainer, HeatMap,
        lrp::trace::{NodeRelevance, Trace},
        slide::Slide,
    },
    nn::{canon::bent, graph::Activations, head::Head, tensor::Tensor},
    report::{
        colours::{Look, words},
        heatmap,
        plot::{encode, save},
        trace::trace_table,
    },
    run::{answer::predicted, methods},
};
use std::{path::Path, process::ExitCode};

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let method = methods::method(&args.method)?;
    let kind = args.out.as_deref().map(OutputKind::of).transpose()?;
    if args.overlay && kind == Some(OutputKind::Numbers) {
        bail!("`--overlay` lays colours over a picture: `--out` must end in .png");
    }
    let look = args.look.look()?;
    let model = input::model(&args.model, &args.preprocess)?;
    let fits = method.value.fits(&model.network().graph);
    fits.with_context(|| format!("`{}` cannot explain this network", method.name))?;
    if method.value.propagates() {
        bent(&model.network().graph)
            .iter()
            .for_each(|warning| terminal::talk(&format!("warning: {warning}")));
    }
    let subject = Explained { args, model: &model, method: &method };
    let explained = match args.slide {
        Some(stride) => subject.large(stride)?,
        None => subject.inputs(kind)?,
    };
    let explained = match args.region {
        Some(side) => explained.pooled(side)?,
        None => explained,
    };
    if let Some(out) = &args.out {
        let said = explained.write(out, &look, args.overlay)?;
        terminal::talk(&format!("{} written to `{}`{said}", method.name, plain_path(out)));
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputKind {
    Picture,
    Numbers,
}

impl OutputKind {
    fn of(path: &Path) -> anyhow::Result<OutputKind> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("png") => Ok(OutputKind::Picture),
            Some("npy") => Ok(OutputKind::Numbers),
            _ => bail!("`--out` must end in .png or .npy, found `{}`", path.display()),
        }
    }
}

/// What was found: relevance, one tensor per input.
struct Explanation {
    relevance: Vec<Tensor>,
    /// As pictures show it.
    heat: Vec<HeatMap>,
    batched: bool,
    /// What was explained, as people see it; none for a `.npy` tensor.
    picture: Option<RgbImage>,
}

/// One method on one network.
struct Explained<'a> {
    args: &'a ExplainArgs,
    model: &'a Model,
    method: &'a Named<dyn Explainer>,
}

impl Explained<'_> {
    /// All inputs, each of the network's size.
    fn inputs(&self, kind: Option<OutputKind>) -> anyhow::Result<Explanation> {
        let inputs = input::read(&self.args.picture, self.model)?;
        let count = inputs.pictures.len();
        if kind == Some(OutputKind::Picture) && count > 1 {
            bail!("a .png shows one heat map, but `{}` holds {count}", inputs.name);
        }
        let relevance = self.each(&inputs)?;
        let heat = relevance.iter().map(|r| self.method.value.pool().apply(r)).collect();
        Ok(Explanation { relevance, heat, batched: inputs.batched, picture: inputs.picture })
    }

    fn each(&self, inputs: &Inputs) -> anyhow::Result<Vec<Tensor>> {
        let ask = |case: &Case<'_>| {
            Explained::state_side(case);
            self.relevance(case)
        };
        let (target, seed) = (self.args.target, Seed(self.args.seed));
        inputs.pictures.iter().map(|x| self.model.ask(x, target, seed, ask)?).collect()
    }

    /// Says which side of a single logit is explained.
    fn state_side(case: &Case<'_>) {
        let (image, target) = (case.image, case.target);
        let scores = &case.acts.value(case.graph.output()).data;
        if let (Head::OneLogit, &[_, logit]) = (case.graph.head(), &scores[..]) {
            let side = ["minus the logit", "the logit"].get(target);
            side.iter().for_each(|side| {
                terminal::talk(&format!(
                    "`{image}`: the logit is {logit:.4}; class {target} is explained, whose score is {side}"
                ));
            });
        }
    }

    fn case<'c>(
        &'c self,
        acts: &'c Activations,
        target: usize,
        (low, high): &'c (Vec<f32>, Vec<f32>),
        image: &'c str,
    ) -> Case<'c> {
        let seed = Seed(self.args.seed);
        Case { graph: &self.model.network().graph, acts, target, low, high, seed, image }
    }

    fn relevance(&self, case: &Case<'_>) -> anyhow::Result<Tensor> {
        let name = &self.method.name;
        let failed = || format!("`{name}` cannot explain `{}`", case.image);
        if !self.args.trace {
            return self.method.value.relevance(case).with_context(failed);
        }
        let (relevance, trace) = self.method.value.traced(case).with_context(failed)?;
        let total = self.method.value.total(case).with_context(failed)?;
        let total = total.filter(|total| total.theory).map(|total| total.value);
        let score = f64::from(case.acts.value(case.graph.output()).data[case.target]);
        let heading =
            format!("{name}\n`{}`, class {}, score {score:.6}\n", plain(case.image), case.target);
        let sums = Sums { found: relevance.sum(), total, by: self.method.value.approximation() };
        terminal::data(&told(&heading, trace.as_ref(), &sums))?;
        Ok(relevance)
    }

    /// A picture larger than the network's input, window by window, for the class with the highest
    /// mean logit over the windows.
    fn large(&self, stride: usize) -> anyhow::Result<Explanation> {
        let (preprocess, graph) =
            (input::window_preprocess(self.model)?, &self.model.network().graph);
        let Decoded { name: file, image } = input::picture(&self.args.picture, self.model)?;
        let Shape { h, w, .. } = image.shape;
        let [pad_y, pad_x] = preprocess.pad();
        let input = preprocess.input();
        let window = (input.h - 2 * pad_y, input.w - 2 * pad_x);
        let slide = Slide::new((h, w), window, stride).ok_or_else(|| {
            let (height, width) = window;
            anyhow!(
                "windows of {height}x{width} at every {stride} pixels do not cover `{file}` of {h}x{w}"
            )
        })?;
        let acts = |rect| -> anyhow::Result<Activations> {
            let mut part = vec![0.0; rect_len(window, image.shape.c)];
            image.read(rect, &mut part);
            let part = Tensor::new(Shape::new(image.shape.c, window.0, window.1), part);
            let acts = graph.forward(&preprocess.normalise(&preprocess.picture(&part)?));
            let scores = &acts.value(graph.output()).data;
            predicted(scores).map_err(anyhow::Error::msg)?;
            Ok(acts)
        };
        let target = match self.args.target {
            Some(target) => target,
            None => self.best_of(slide.windows().map(acts))?,
        };
        let bounds = self.model.network().bounds();
        let heat = slide.mean(|rect| -> anyhow::Result<HeatMap> {
            let name = format!("{file}:{},{}", rect.y0, rect.x0);
            let acts = acts(rect)?;
            let heat = self.method.value.heat_map(&self.case(&acts, target, &bounds, &name));
            let heat =
                heat.with_context(|| format!("`{}` cannot explain `{name}`", self.method.name))?;
            Ok(heat.slice_move(ndarray::s![pad_y..pad_y + window.0, pad_x..pad_x + window.1]))
        })?;
        let windows = count(slide.windows().count(), "window");
        terminal::talk(&format!("class {target} in {windows} over {h}x{w} pixels"));
        let picture = Some(heatmap::rgb(&image));
        let (relevance, heat) = (vec![one_channel(&heat)], vec![heat]);
        Ok(Explanation { relevance, heat, batched: false, picture })
    }

    /// The class with the highest mean logit.
    fn best_of(
        &self,
        windows: impl Iterator<Item = anyhow::Result<Activations>>,
    ) -> anyhow::Result<usize> {
        let mut sums = vec![0.0f64; self.model.network().graph.classes()];
        for acts in windows {
            let acts = acts?;
            let logits = &acts.value(self.model.network().graph.output()).data;
            sums.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += f64::from(*logit));
        }
        let means: Vec<f32> = sums.iter().map(|sum| *sum as f32).collect();
        predicted(&means).map_err(anyhow::Error::msg)
    }
}

impl Explanation {
    /// `R_J = sum over J` for the regions of the evaluation: one value per region, which pictures
    /// show as squares.
    fn pooled(self, side: usize) -> anyhow::Result<Explanation> {
        let one = |heat: &HeatMap| -> anyhow::Result<(Tensor, HeatMap)> {
            let (height, width) = heat.dim();
            let grid = Grid::new(height, width, side, Remainder::Drop);
            let grid = grid.with_context(|| {
                format!("no region of {side}x{side} pixels fits into a map of {height}x{width}")
            })?;
            let scores = unit_scores(heat, &grid)?;
            let mut squares = HeatMap::zeros((height, width));
            for (id, score) in grid.ids().zip(&scores) {
                let r = grid.rect(id);
                squares.slice_mut(ndarray::s![r.y0..r.y1, r.x0..r.x1]).fill(*score);
            }
            let (rows, columns) = grid.dims();
            let scores = scores.iter().map(|score| *score as f32).collect();
            Ok((Tensor::new(Shape::new(1, rows, columns), scores), squares))
        };
        let pooled = self.heat.iter().map(one).collect::<anyhow::Result<Vec<_>>>()?;
        let (relevance, heat) = pooled.into_iter().unzip();
        Ok(Explanation { relevance, heat, ..self })
    }

    /// Writes it, and says what the colours stand for where there are any.
    fn write(&self, out: &Path, look: &Look, overlay: bool) -> anyhow::Result<String> {
        if OutputKind::of(out)? == OutputKind::Numbers {
            write_relevance(out, &self.relevance, self.batched)?;
            return Ok(String::new());
        }
        let heat = &self.heat[0];
        let picture = match &self.picture {
            Some(picture) if overlay => heatmap::overlay(picture, heat, look),
            None if overlay => bail!("`--overlay` needs a picture, a .npy tensor is none"),
            _ => heatmap::picture(heat, look),
        };
        save(out, &encode(&picture)?)?;
        Ok(format!("; {}", drawn(heat, look)))
    }
}

/// What the colours of a heat map stand for.
fn drawn(heat: &HeatMap, look: &Look) -> String {
    let scale = words(look.range(heat), look.colours.side);
    format!("{} colours, {scale} ({})", look.colours.name, look.percentile.words())
}

fn rect_len((height, width): (usize, usize), channels: usize) -> usize {
    height * width * channels
}

fn one_channel(heat: &HeatMap) -> Tensor {
    let (h, w) = heat.dim();
    Tensor::new(Shape::new(1, h, w), heat.iter().map(|v| *v as f32).collect())
}

/// What relevance adds up to.
struct Sums {
    found: f64,
    /// In theory.
    total: Option<f64>,
    /// The parameter whose error the difference is.
    by: Option<String>,
}

impl Sums {
    fn words(&self) -> String {
        let words = format!("the relevance adds up to {:.6}", self.found);
        let Some(total) = self.total else { return words };
        let words =
            format!("{words}, in theory to {total:.6}: {:.6} is missing", total - self.found);
        match &self.by {
            Some(by) => {
                format!("{words}, the error of `{by}`, which becomes smaller with a larger number")
            }
            None => words,
        }
    }
}

/// What `--trace` prints.
fn told(heading: &str, trace: Option<&Trace>, sums: &Sums) -> String {
    let table = trace.map(|trace| format!("\n{}\n", trace_table(trace))).unwrap_or_default();
    let found = sums.words();
    let whereto = trace.map_or_else(String::new, whereto);
    format!("{heading}{table}{found}{whereto}\n")
}

/// Who kept what is missing: biases, and operators that are no layers.
fn whereto(trace: &Trace) -> String {
    let to_bias: f64 = trace.iter().map(|row| row.to_bias).sum();
    let lost: f64 = trace.iter().map(NodeRelevance::lost).sum();
    let size = trace.first().map_or(0.0, |row| row.size);
    let of = |op: &str, kept: fn(&NodeRelevance) -> f64| -> f64 {
        trace.iter().filter(|row| row.op == op).map(kept).sum()
    };
    let parts: [(&str, f64); 3] = [
        ("constants that are added, such as positions", of("Add", |row| row.to_bias)),
        ("softmax", of("Softmax", NodeRelevance::lost)),
        ("constants in the sequence, such as a class token", of("Constant", NodeRelevance::lost)),
    ];
    let part = |(name, kept): &(&str, f64)| {
        (kept.abs() > 1e-6 * size).then(|| format!("{kept:.6} by {name}"))
    };
    let parts: Vec<String> = parts.iter().filter_map(part).collect();
    let of_these =
        if parts.is_empty() { String::new() } else { format!("; of these {}", parts.join(", ")) };
    format!(", {to_bias:.6} went to biases, {lost:.6} was lost{of_these}")
}

/// Relevance before pooling, with a batch axis if the input had one.
fn write_relevance(path: &Path, relevance: &[Tensor], batched: bool) -> anyhow::Result<()> {
    let arrays: Vec<Array3<f32>> = relevance.iter().map(Tensor::to_chw).collect();
    let views: Vec<_> = arrays.iter().map(|a| a.view()).collect();
    let all = ndarray::stack(Axis(0), &views).context("collecting the relevance")?.into_dyn();
    let all = if batched { all.view() } else { all.index_axis(Axis(0), 0) };
    Ok(write_npy(path, &all)?)
}
