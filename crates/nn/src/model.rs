//! A model file with everything that belongs to it.

use super::{
    canon::{Canonical, HeadError, canonicalise},
    graph::Graph,
    head::{Declared, Head},
    onnx::{self, Embedding, Imported, OnnxError},
    op::foreign::Predictor,
    preprocess::{Prepared, Preprocess, PreprocessError, Settings, class_names},
    tensor::Tensor,
};
use crate::base::{
    geom::{Rect, Shape},
    hex,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Largest sidecar or list of class names.
const MAX_TEXT: u64 = 16 << 20;

/// A network, how pictures are made into its input, and where it came from.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network, canonicalised; its output are logits.
    pub graph: Graph,
    /// How a picture becomes the network's input; `None` where neither sidecar nor flags say so.
    /// [`Model::preprocess`] gives it or the error.
    pub preprocess: Option<Preprocess>,
    /// What the file does to its input and the network here does not: part of `preprocess`, where there is one.
    pub prepared: Option<Prepared>,
    /// Class names, one per logit, where known.
    pub classes: Option<Vec<String>>,
    /// File name without folder, or `"scenes"` for the embedded model.
    pub name: String,
    /// SHA-256 of the model file followed by its external data files, hexadecimal.
    pub digest: String,
    /// What import changed: batch norm folded, a trailing softmax cut off, ...; one line each.
    pub notes: Vec<String>,
    /// The module of the training code that some nodes are in, by name of the node.
    pub modules: BTreeMap<String, String>,
    /// The vectors of words that a network of texts looks up itself; its graph begins behind.
    pub embedding: Option<Arc<Embedding>>,
    /// Folder in which the files that a sidecar names are looked for; `None` of a model in memory.
    pub folder: Option<PathBuf>,
    /// What was chosen because nothing says it and another choice gives other scores; a sentence.
    pub chosen: Option<String>,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The model file.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The sidecar, or flags that override it.
    #[error(
        "preprocessing for model `{model}`{}: {source}", sidecar(.file.as_deref(), *.overridden)
    )]
    Preprocess {
        /// The model.
        model: String,
        /// The sidecar, where there is one.
        file: Option<String>,
        /// True where flags or a config override it.
        overridden: bool,
        /// What is wrong.
        source: Box<PreprocessError>,
    },
    /// What the outputs mean.
    #[error("model `{model}`: {source}")]
    Head {
        /// The model.
        model: String,
        /// What does not fit.
        source: HeadError,
    },
    /// A network of another engine that is none.
    #[error(
        "model `{model}`: expected an input of at least one value and at least two classes (two scores, \
         minus the logit and the logit, where there is one), found {input} and {classes}"
    )]
    Foreign {
        /// The model.
        model: String,
        /// The shape of its input.
        input: Shape,
        /// How many classes it has.
        classes: usize,
    },
    /// A sidecar or a list of class names that cannot be read.
    #[error("cannot read `{file}` of model `{model}`: {reason}")]
    Text {
        /// The model.
        model: String,
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// A list of class names that does not fit.
    #[error("class names `{file}` of model `{model}`: {source}")]
    Classes {
        /// The model.
        model: String,
        /// The file.
        file: String,
        /// What is wrong.
        source: Box<PreprocessError>,
    },
    /// Pictures are to be prepared, and nothing says how.
    #[error(
        "nothing says how pictures become the input of model `{model}`: write `{sidecar}` beside \
         it, or give the flags channels, scale, mean and std"
    )]
    NoPreprocess {
        /// The model.
        model: String,
        /// Name of the sidecar that is missing.
        sidecar: String,
    },
}

fn sidecar(file: Option<&str>, overridden: bool) -> String {
    match (file, overridden) {
        (None, _) => String::new(),
        (Some(file), false) => format!(" in `{file}`"),
        (Some(file), true) => format!(" in `{file}`, or in what overrides it"),
    }
}

/// A sidecar with the name it has in messages.
struct Sidecar {
    name: String,
    /// Its folder, where class names are looked for; `None` for one in memory.
    folder: Option<PathBuf>,
    text: String,
}

impl Model {
    /// Reads a model file, and the sidecar beside it where there is one (`M.toml` for `M.onnx`).
    /// `flags` override the sidecar key by key.
    pub fn load(path: &Path, flags: Settings) -> Result<Model, ModelError> {
        let model = path.display().to_string();
        let sidecar = path.with_extension("toml");
        let text = if sidecar.exists() { Some(read_text(&model, &sidecar)?) } else { None };
        let sidecar = text.map(|text| Sidecar {
            name: sidecar.display().to_string(),
            folder: sidecar.parent().map(Path::to_owned),
            text,
        });
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Model::assemble(&model, name, sidecar, flags, |given| onnx::read(path, given))
    }

    /// A model in memory. `sidecar` is the text of a sidecar; it cannot name a file with classes.
    pub fn from_bytes(name: &str, onnx: &[u8], sidecar: Option<&str>) -> Result<Model, ModelError> {
        let sidecar = sidecar.map(|text| Sidecar {
            name: format!("{name}.toml"),
            folder: None,
            text: text.to_owned(),
        });
        let read = |given: &onnx::Given| onnx::read_bytes(name, onnx, given);
        Model::assemble(name, name.to_owned(), sidecar, Settings::default(), read)
    }

    /// A network that another engine computes, with the text of a sidecar. The scores are logits of one class
    /// of several unless the sidecar's `head` says otherwise.
    pub fn foreign(
        predictor: Arc<dyn Predictor>,
        input: Shape,
        classes: usize,
        sidecar: &str,
    ) -> Result<Model, ModelError> {
        let name = predictor.name().to_owned();
        let empty = || ModelError::Foreign { model: name.clone(), input, classes };
        let mut graph = Graph::foreign(predictor, input, classes)
            .ok()
            .filter(|_| !input.is_empty() && classes >= 2)
            .ok_or_else(empty)?;
        let wrong = |source| ModelError::Preprocess {
            overridden: false,
            model: name.clone(),
            file: None,
            source: Box::new(source),
        };
        let settings = Settings::from_toml(sidecar).map_err(wrong)?;
        graph.set_head(match settings.head {
            None | Some(Declared::Softmax) => Head::Softmax,
            Some(Declared::Sigmoid) => Head::Sigmoid,
            Some(Declared::Values) => Head::Values,
        });
        let preprocess = Some(settings.resolve(input).map_err(wrong)?);
        let notes = vec![format!("`{name}` computes it: scores are all that is known")];
        let digest = hex(&Sha256::digest(format!("engine {name} {input} {classes}")));
        let modules = BTreeMap::new();
        let (classes, chosen) = (None, None);
        let prepared = None;
        let (embedding, folder) = (None, None);
        Ok(Model {
            graph,
            preprocess,
            prepared,
            classes,
            name,
            digest,
            notes,
            modules,
            embedding,
            folder,
            chosen,
        })
    }

    fn assemble(
        model: &str,
        name: String,
        sidecar: Option<Sidecar>,
        flags: Settings,
        read: impl FnOnce(&onnx::Given) -> Result<(Imported, String), OnnxError>,
    ) -> Result<Model, ModelError> {
        let overridden = flags != Settings::default();
        let wrong = |source| ModelError::Preprocess {
            overridden,
            model: model.to_owned(),
            file: sidecar.as_ref().map(|s| s.name.clone()),
            source: Box::new(source),
        };
        let below = sidecar.as_ref().map(|s| Settings::from_toml(&s.text)).transpose();
        let mut settings = flags.or(below.map_err(wrong)?.unwrap_or_default());
        let begun = settings
            != Settings {
                input: settings.input,
                axes: settings.axes,
                classes: settings.classes.clone(),
                head: settings.head,
                output: settings.output.clone(),
                ..Settings::default()
            };
        let output = settings.output.clone();
        let (size, axes) = (settings.input, settings.axes);
        let given = onnx::Given {
            size,
            axes,
            output,
            free: false,
            words: settings.text.as_ref().map(|text| text.length),
        };
        let (imported, digest) = read(&given)?;
        settings.output = imported.output;
        let (modules, chosen) = (imported.modules, imported.chosen);
        let canonical = canonicalise(&imported.graph, &imported.remarks, settings.head);
        let Canonical { graph, prepared, notes: changes } =
            canonical.map_err(|source| ModelError::Head { model: model.to_owned(), source })?;
        let notes = [imported.notes, changes].concat();
        let preprocess = match settings.resolve(graph.input_shape()) {
            Ok(preprocess) => Some(preprocess.before(prepared.clone())),
            // an input that needs no preparation may still be fed
            Err(PreprocessError::Missing { .. }) if sidecar.is_none() && !begun => None,
            Err(source) => return Err(wrong(source)),
        };
        let classes = preprocess.as_ref().and_then(Preprocess::classes);
        let beside = Path::new(model).parent().filter(|_| Path::new(model).is_file());
        let folder = sidecar.as_ref().and_then(|s| s.folder.as_deref());
        let classes = classes.map(|file| read_classes(model, folder, file, graph.classes()));
        let classes = classes.transpose()?;
        let folder = folder.or(beside).map(Path::to_owned);
        let embedding = imported.embedding.map(Arc::new);
        Ok(Model {
            graph,
            preprocess,
            prepared,
            classes,
            name,
            digest,
            notes,
            modules,
            embedding,
            folder,
            chosen,
        })
    }

    /// How a picture becomes the network's input, or the error that says what is missing.
    pub fn preprocess(&self) -> Result<&Preprocess, ModelError> {
        self.preprocess.as_ref().ok_or_else(|| ModelError::NoPreprocess {
            model: self.name.clone(),
            sidecar: Path::new(&self.name).with_extension("toml").display().to_string(),
        })
    }

    /// An input of the file, to which preprocessing was applied, as an input of the network.
    pub fn input(&self, x: Tensor) -> Tensor {
        match &self.prepared {
            Some(prepared) => prepared.apply(&x),
            None => x,
        }
    }

    /// Inputs of black and white, per channel. Where nothing says what they are, they are NaN, so a
    /// method that needs them fails and others do not care.
    pub fn bounds(&self) -> (Vec<f32>, Vec<f32>) {
        let unknown = || vec![f32::NAN; self.graph.input_shape().c];
        let preprocess = self.preprocess.as_ref();
        preprocess.map_or_else(|| (unknown(), unknown()), |p| (p.low(), p.high()))
    }

    /// The layers in the order of computation, the picture left out.
    pub fn layers(&self) -> Vec<LayerRow> {
        let row = |(id, node): (super::graph::NodeId, &super::graph::Node)| {
            let inputs = self.graph.shapes(&node.inputs);
            LayerRow {
                index: id.0,
                name: node.name.clone(),
                operator: node.op.name(),
                parameters: node.op.parameters(),
                macs: node.op.macs(&inputs, node.shape.rect()),
                reach: reach(node, &inputs),
                inputs,
                output: node.shape,
            }
        };
        self.graph.nodes().skip(1).map(row).collect()
    }
}

/// One layer of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRow {
    /// Position in the graph; the picture is 0.
    pub index: usize,
    /// Name in the model file.
    pub name: String,
    /// ONNX spelling.
    pub operator: &'static str,
    /// Shapes of the inputs, `(C, H, W)`.
    pub inputs: Vec<Shape>,
    /// Shape of the output, `(C, H, W)`.
    pub output: Shape,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-adds of one pass.
    pub macs: u64,
    /// Rows and columns of the output that are computed again when the pixel in the middle of the
    /// inputs changes; `None` for an operator without a local form, of which everything is.
    pub reach: Option<[usize; 2]>,
}

fn reach(node: &super::graph::Node, inputs: &[Shape]) -> Option<[usize; 2]> {
    let middle = |s: &Shape| Rect { y0: s.h / 2, y1: s.h / 2 + 1, x0: s.w / 2, x1: s.w / 2 + 1 };
    let of = |(k, shape)| node.op.reach(inputs, k, middle(shape));
    let rect = inputs.iter().enumerate().map(of).fold(Rect::EMPTY, Rect::union);
    let local = rect.area() < node.shape.rect().area() || inputs.iter().all(|s| s.h * s.w == 1);
    local.then(|| [rect.height(), rect.width()])
}

pub(crate) fn read_text(model: &str, path: &Path) -> Result<String, ModelError> {
    let text = |path: &Path| {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > MAX_TEXT {
            return Err(io::Error::other(format!("it is no text file below {MAX_TEXT} bytes")));
        }
        fs::read_to_string(path)
    };
    text(path).map_err(|e| ModelError::Text {
        model: model.to_owned(),
        file: path.display().to_string(),
        reason: e.to_string(),
    })
}

/// The class names in the file that the sidecar names, relative to the sidecar.
fn read_classes(
    model: &str,
    folder: Option<&Path>,
    file: &str,
    outputs: usize,
) -> Result<Vec<String>, ModelError> {
    let path = folder.unwrap_or(Path::new("")).join(file);
    let text = read_text(model, &path)?;
    class_names(&text, outputs).map_err(|source| ModelError::Classes {
        model: model.to_owned(),
        file: path.display().to_string(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENET: &[u8] = include_bytes!("../../../tests/data/onnx/lenet.ts17_fix.onnx");

    const SIDECAR: &str =
        "channels = \"grey\"\nscale = 0.00392156862745098\nmean = [0.0]\nstd = [1.0]\n";

    /// A folder with a model, and a sidecar with some text.
    fn folder(sidecar: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        fs::write(&path, LENET).unwrap();
        fs::write(folder.path().join("net.toml"), sidecar).unwrap();
        (folder, path)
    }

    fn flags(text: &str) -> Settings {
        Settings::from_toml(text).unwrap()
    }

    #[test]
    fn without_a_sidecar_only_pictures_are_an_error() {
        let model = Model::from_bytes("net.onnx", LENET, None).unwrap();
        assert!(model.preprocess.is_none() && model.classes.is_none());
        insta::assert_snapshot!(model.preprocess().unwrap_err());
    }

    #[test]
    fn the_sidecar_beside_the_model_is_read_and_flags_override_it() {
        let (_folder, path) = folder(SIDECAR);
        let plain = Model::load(&path, Settings::default()).unwrap();
        assert_eq!(plain.preprocess().unwrap().high(), [1.0]);
        assert_eq!(plain.name, "net.onnx");
        let other = Model::load(&path, flags("std = [0.5]")).unwrap();
        assert_eq!(other.preprocess().unwrap().high(), [2.0]);
        assert_eq!(plain.digest, other.digest);
        let memory = Model::from_bytes("net.onnx", LENET, Some(SIDECAR)).unwrap();
        assert_eq!(memory.preprocess, plain.preprocess);
    }

    #[test]
    fn flags_alone_are_enough_when_they_are_complete() {
        let (folder, path) = folder("");
        fs::remove_file(folder.path().join("net.toml")).unwrap();
        let model = Model::load(&path, flags(SIDECAR)).unwrap();
        assert!(model.preprocess().is_ok());
        // some of them name what is missing
        let error = Model::load(&path, flags("std = [0.5]")).unwrap_err().to_string();
        assert!(error.contains("channels, scale") || error.contains("`channels`"), "{error}");
        // without any a tensor may still be fed
        let model = Model::load(&path, Settings::default()).unwrap();
        assert!(model.preprocess().is_err());
    }

    #[test]
    fn class_names_are_found_beside_the_sidecar() {
        let (folder, path) = folder(&format!("{SIDECAR}classes = \"digits.txt\""));
        let digits: Vec<String> = (0..10).map(|d| format!("digit {d}")).collect();
        fs::write(folder.path().join("digits.txt"), digits.join("\n")).unwrap();
        let model = Model::load(&path, Settings::default()).unwrap();
        assert_eq!(model.classes, Some(digits));
    }

    #[test]
    fn a_sidecar_that_does_not_fit_is_named() {
        let message = |sidecar: &str| {
            let (folder, path) = folder(sidecar);
            fs::write(folder.path().join("nine.txt"), "a\nb").unwrap();
            let error = Model::load(&path, Settings::default()).unwrap_err().to_string();
            error.replace(&folder.path().display().to_string(), "[folder]")
        };
        let all = [
            message("channels"),
            message("channels = \"grey\"\nscale = 1.0"),
            message(&SIDECAR.replace("grey", "rgb")),
            message(&format!("{SIDECAR}input = [32, 32]")),
            message(&format!("{SIDECAR}classes = \"nine.txt\"")),
            message(&format!("{SIDECAR}classes = \"missing.txt\"")),
            message(&format!("{SIDECAR}classes = \".\"")),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }
}
