//! ONNX files to graphs.
//!
//! A file is checked as a file (`wire`), decoded (`proto`), and imported node by node (`build`).
//! What does not depend on the picture is computed on the way (`op` on constants), so shapes that
//! exporters compute from `Shape`, `Gather`, `Concat` and the like are numbers when a `Reshape`
//! asks for them. A new operator is a function in a file of `op` and a line in `table`.
//!
//! Values have any number of axes. Each knows in which order they lie in memory (`value::Map`), so a
//! `Transpose` only renames dimensions, a `Reshape` splits or joins neighbours, and values are moved
//! where an operator needs another order: pictures channels last, the rows of a matrix product
//! behind each other.
//!
//! One picture at a time is computed: the batch axis counts 1, whatever the file says.

mod attributes;
mod batch;
mod build;
mod call;
mod decode;
mod embedding;
mod error;
mod external;
mod inline;
mod input;
mod kind;
mod op;
mod proto;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod wire;

pub use embedding::Embedding;
pub use error::{Damage, Obstacle, OnnxError};

use super::{graph::Graph, preprocess::InputAxes};
use crate::base::hex;
use external::External;
use prost::{Message, bytes::Bytes};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// Protobuf's own limit.
const MAX_FILE: u64 = 1 << 31;

/// A network as it stands in the file.
#[derive(Debug)]
pub struct Imported {
    /// The nodes that the class scores need.
    pub graph: Graph,
    /// What import did beyond the obvious, one line each.
    pub notes: Vec<String>,
    /// Details of some nodes, by name, that a note about them should carry (`epsilon 1e-5`).
    pub remarks: BTreeMap<String, String>,
    /// The module that some nodes are in, by name, as exporters note it (`layer1.0.conv1`).
    pub modules: BTreeMap<String, String>,
    /// Name of the output with the scores, where the file has others too.
    pub output: Option<String>,
    /// What was chosen because nothing says it, in a sentence.
    pub chosen: Option<String>,
    /// The vectors of words that a network of texts looks up itself.
    pub embedding: Option<Embedding>,
}

/// What a model file may leave open about its input and output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Height and width, used where the file does not fix them.
    pub size: Option<[usize; 2]>,
    /// The order of axes, used whatever the file looks like.
    pub axes: Option<InputAxes>,
    /// The output with the scores, of several.
    pub output: Option<String>,
    /// True of a network that is no classifier: its input may also be a vector or rows of vectors, its output anything.
    pub free: bool,
    /// Words of a text, for a network that takes texts: one vector (N, T, D) or one id (N, T) each.
    pub words: Option<usize>,
}

/// Reads a model file. Returns the network and the SHA-256 (hexadecimal) of the file followed by its external data files, which are
/// sorted by their location.
pub fn read(path: &Path, given: &Given) -> Result<(Imported, String), OnnxError> {
    let file = path.display().to_string();
    let fail = |e: io::Error| OnnxError::Io { file: file.clone(), reason: e.to_string() };
    let bytes = read_file(path, &file)?;
    let mut sha = Sha256::new();
    sha.update(&bytes);
    let mut external = External::new(Some(path.to_owned()));
    let mut model = decode(&file, bytes.clone())?;
    external::let_go(&mut model, &bytes);
    drop(bytes);
    build::expand(&file, &mut model)?;
    let embedding = vectors_of_words(&file, &mut model, &mut external, given)?;
    let (mut imported, external) = build::import(&file, &model, external, given)?;
    imported.embedding = embedding;
    for path in external.used() {
        io::copy(&mut File::open(path).map_err(fail)?, &mut Hasher(&mut sha)).map_err(fail)?;
    }
    Ok((imported, hex(&sha.finalize())))
}

/// [`read`] for a model in memory, which has no external data; `name` stands for the file in
/// messages.
pub fn read_bytes(
    name: &str,
    bytes: &[u8],
    given: &Given,
) -> Result<(Imported, String), OnnxError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut sha = Sha256::new();
    sha.update(&bytes);
    let mut model = decode(name, bytes)?;
    build::expand(name, &mut model)?;
    let mut external = External::new(None);
    let embedding = vectors_of_words(name, &mut model, &mut external, given)?;
    let (mut imported, _) = build::import(name, &model, external, given)?;
    imported.embedding = embedding;
    Ok((imported, hex(&sha.finalize())))
}

/// Takes the embedding off a network of texts.
fn vectors_of_words(
    file: &str,
    model: &mut proto::ModelProto,
    external: &mut External,
    given: &Given,
) -> Result<Option<Embedding>, OnnxError> {
    if given.words.is_none() {
        return Ok(None);
    }
    let problem = |problem| OnnxError::Interface { file: file.to_owned(), problem };
    embedding::take(model, external).map_err(problem)
}

/// Operators that can be imported, in the order of their names; those of onnxruntime, with their domain,
/// come last.
pub fn supported() -> Vec<String> {
    table::names()
}

fn read_file(path: &Path, file: &str) -> Result<Bytes, OnnxError> {
    let fail = |e: io::Error| OnnxError::Io { file: file.to_owned(), reason: e.to_string() };
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        let reason = "it is no file".to_owned();
        return Err(OnnxError::Io { file: file.to_owned(), reason });
    }
    if metadata.len() > MAX_FILE {
        let damage = Damage::TooLarge { bytes: metadata.len() };
        return Err(OnnxError::Damaged { file: file.to_owned(), damage });
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    File::open(path).and_then(|mut f| f.read_to_end(&mut bytes)).map_err(fail)?;
    Ok(Bytes::from(bytes))
}

fn decode(file: &str, bytes: Bytes) -> Result<proto::ModelProto, OnnxError> {
    let damaged = |damage| OnnxError::Damaged { file: file.to_owned(), damage };
    wire::check(&bytes).map_err(damaged)?;
    proto::ModelProto::decode(bytes)
        .map_err(|e| damaged(Damage::Malformed { reason: e.to_string() }))
}

/// A hash that can be copied into.
struct Hasher<'a>(&'a mut Sha256);

impl io::Write for Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
