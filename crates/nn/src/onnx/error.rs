//! Why a model file cannot be used.

use crate::base::words::count;

/// What is wrong with a file as a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Larger than protobuf allows.
    #[error(
        "it has {bytes} bytes, an ONNX file has at most 2 GiB; export it with its weights in an \
         external data file"
    )]
    TooLarge {
        /// Size of the file.
        bytes: u64,
    },
    /// It ends too early.
    #[error(
        "it is cut off: the part that starts at byte {at} needs {needed} bytes, {left} are left; \
         copy or download it again"
    )]
    CutOff {
        /// Where the unfinished part starts.
        at: usize,
        /// Bytes that it should have.
        needed: u64,
        /// Bytes that it has.
        left: u64,
    },
    /// Another format, or overwritten.
    #[error("byte {at} starts no protobuf field, so it is no ONNX file or a damaged one")]
    NotProtobuf {
        /// Where reading stopped.
        at: usize,
    },
    /// More nodes and weights than a classifier has.
    #[error("it has more than {limit} parts (nodes, attributes, weights), which no classifier has")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// Whole on the outside, but not inside.
    #[error("its protobuf data are damaged ({reason}), so it is no ONNX file or a damaged one")]
    Malformed {
        /// What the decoder found.
        reason: String,
    },
    /// Protobuf, but no model.
    #[error("it holds no {missing}, so it is no ONNX model or a damaged one")]
    Incomplete {
        /// What a model needs.
        missing: &'static str,
    },
}

/// Why a model file cannot be used; names the file, and the node or weight.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// It cannot be read.
    #[error("cannot read model `{file}`: {reason}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The file is no whole ONNX file.
    #[error("cannot use model `{file}`: {damage}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Made for a version of ONNX that is too old.
    #[error(
        "model `{file}` uses opset {found}, expected {oldest} or later; convert it with \
         `onnx.version_converter`"
    )]
    Opset {
        /// The file.
        file: String,
        /// Its opset.
        found: i64,
        /// The oldest one that is read.
        oldest: i64,
    },
    /// Operators of a set that came after this program.
    #[error(
        "model `{file}` uses opset {found}, expected at most {newest}: what operators of later sets \
         compute is not known; export with an `opset_version` up to {newest}"
    )]
    FutureOpset {
        /// The file.
        file: String,
        /// Its opset.
        found: i64,
        /// The newest one that is read.
        newest: i64,
    },
    /// The picture or the class scores are not where they are expected.
    #[error("model `{file}`: {problem}")]
    Interface {
        /// The file.
        file: String,
        /// What was expected and found.
        problem: String,
    },
    /// A weight whose data are unusable.
    #[error("model `{file}`: weight `{tensor}`: {problem}")]
    Tensor {
        /// The file.
        file: String,
        /// Name of the initializer.
        tensor: String,
        /// What was expected and found.
        problem: String,
    },
    /// A node with an operator that is not known.
    #[error("model `{file}`: node `{node}`: {}", unsupported(.op, .why))]
    Unsupported {
        /// The file.
        file: String,
        /// Name of the node.
        node: String,
        /// The operator, with its domain where it is not ONNX's own.
        op: String,
        /// More about it; starts with a space or is empty.
        why: String,
    },
    /// A node that cannot be imported as it is.
    #[error("model `{file}`: node `{node}` ({op}): {problem}")]
    Node {
        /// The file.
        file: String,
        /// Name of the node.
        node: String,
        /// Its operator.
        op: String,
        /// What was expected and found.
        problem: String,
    },
    /// Several nodes that cannot be imported.
    #[error("{first}; in all, {} cannot be imported (`pixelflip model` names them)", nodes(.all))]
    Nodes {
        /// What is said of the first one.
        first: Box<OnnxError>,
        /// All of them.
        all: Vec<Obstacle>,
    },
}

/// Nodes that cannot be imported, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Their operator, with its domain where it is not ONNX's own.
    pub op: String,
    /// What was expected and found at the first of them.
    pub problem: String,
    /// Their names.
    pub nodes: Vec<String>,
}

impl OnnxError {
    /// The nodes that keep a file from being imported, each once; none where something else does.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        match self {
            OnnxError::Nodes { all, .. } => all.clone(),
            OnnxError::Unsupported { node, op, why, .. } => {
                let problem = unsupported(op, why);
                vec![Obstacle { op: op.clone(), problem, nodes: vec![node.clone()] }]
            }
            OnnxError::Node { node, op, problem, .. } => {
                let (op, problem) = (op.clone(), problem.clone());
                vec![Obstacle { op, problem, nodes: vec![node.clone()] }]
            }
            _ => vec![],
        }
    }
}

fn unsupported(op: &str, why: &str) -> String {
    format!(
        "operator `{op}` is not supported{why}; `pixelflip list operators` names those that are"
    )
}

fn nodes(all: &[Obstacle]) -> String {
    count(all.iter().map(|obstacle| obstacle.nodes.len()).sum(), "node")
}

/// Obstacles as they are found.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    /// What is said of the first node.
    first: Option<OnnxError>,
    all: Vec<Obstacle>,
    /// Reasons without what differs from node to node, in the order of `all`.
    kinds: Vec<(String, String)>,
}

impl Obstacles {
    /// Notes a node that cannot be imported; gives an error back that is not about one node.
    pub(super) fn note(&mut self, error: OnnxError) -> Result<(), OnnxError> {
        let Some(found) = error.obstacles().pop() else { return Err(error) };
        let kind = (found.op.clone(), without_particulars(&found.problem));
        match self.kinds.iter().position(|known| *known == kind) {
            Some(at) => self.all[at].nodes.extend(found.nodes),
            None => {
                self.all.push(found);
                self.kinds.push(kind);
            }
        }
        self.first.get_or_insert(error);
        Ok(())
    }

    /// The error that all of them are, if there are any.
    pub(super) fn end(self) -> Result<(), OnnxError> {
        let Some(first) = self.first else { return Ok(()) };
        let alone = matches!(&self.all[..], [only] if only.nodes.len() == 1);
        Err(if alone { first } else { OnnxError::Nodes { first: Box::new(first), all: self.all } })
    }
}

/// A reason without names and numbers.
fn without_particulars(problem: &str) -> String {
    let words = problem.split('`').step_by(2).collect::<String>();
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}
