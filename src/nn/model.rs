//! A model file with everything that belongs to it.

use super::{graph::Graph, preprocess::Preprocess};

/// A network, how pictures are made into its input, and where it came from.
#[derive(Debug)]
pub struct Model {
    /// The network, canonicalised; its output are logits.
    pub graph: Graph,
    /// How a picture becomes the network's input.
    pub preprocess: Preprocess,
    /// Class names, one per logit, where known.
    pub classes: Option<Vec<String>>,
    /// File name without folder, or `"scenes"` for the embedded model.
    pub name: String,
    /// SHA-256 of the model file (and of its external data), hexadecimal.
    pub digest: String,
    /// What import changed: batch norm folded, a trailing softmax cut off, ...; one line each.
    pub notes: Vec<String>,
}
