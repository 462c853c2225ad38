//! A network that is no classifier: a generator, an encoder, a density.

use super::{
    graph::Graph,
    model::{ModelError, read_text},
    onnx::{self, Given, Imported},
    op::Function,
    preprocess::Settings,
};
use std::path::Path;

/// A network as it stands in its file, whose input may be a vector, rows of vectors or a picture, and whose output is
/// anything; a trailing sigmoid or softmax stays.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The network. Pictures are channels last, as everywhere.
    pub graph: Graph,
    /// What the sidecar beside it says, where there is one.
    pub sidecar: Option<Settings>,
    /// File name without folder.
    pub name: String,
    /// SHA-256 of the file followed by its external data files, hexadecimal.
    pub digest: String,
}

impl Mapping {
    /// Reads a file, and the sidecar beside it where there is one (`G.toml` for `G.onnx`).
    pub fn load(path: &Path) -> Result<Mapping, ModelError> {
        let model = path.display().to_string();
        let file = path.with_extension("toml");
        let text = file.exists().then(|| read_text(&model, &file)).transpose()?;
        let wrong = |source| ModelError::Preprocess {
            model: model.clone(),
            file: Some(file.display().to_string()),
            overridden: false,
            source: Box::new(source),
        };
        let sidecar = text.map(|text| Settings::from_toml(&text).map_err(wrong)).transpose()?;
        let below = sidecar.clone().unwrap_or_default();
        let given = Given {
            size: below.input,
            axes: below.axes,
            output: below.output,
            free: true,
            words: None,
        };
        let (imported, digest) = onnx::read(path, &given)?;
        let Imported { graph, .. } = imported;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Mapping { graph, sidecar, name, digest })
    }

    /// A network in memory, without a sidecar.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Mapping, ModelError> {
        let given = Given { free: true, ..Given::default() };
        let (Imported { graph, .. }, digest) = onnx::read_bytes(name, bytes, &given)?;
        Ok(Mapping { graph, sidecar: None, name: name.to_owned(), digest })
    }

    /// The function that every value of the output went through last, where only moves of values follow it.
    pub fn last_function(&self) -> Option<Function> {
        let mut node = self.graph.node(self.graph.output());
        loop {
            if let Some(function) = node.op.function() {
                return Some(function);
            }
            match (node.op.name(), &node.inputs[..]) {
                ("Reshape" | "Transpose" | "Flatten", [before]) => node = self.graph.node(*before),
                _ => return None,
            }
        }
    }
}
