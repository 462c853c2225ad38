//! The engine: networks, their import, forward and backward passes. It knows nothing of
//! explanations.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;

pub mod canon;
pub mod exact;
pub mod graph;
pub mod head;
pub mod kernel;
pub mod mapping;
pub mod model;
pub mod onnx;
pub mod op;
pub mod patch;
pub mod preprocess;
pub mod randomise;
pub mod session;
pub mod stream;
pub mod subset;
pub mod tensor;
pub mod tune;
