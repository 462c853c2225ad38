//! pixelflip referees explanation methods for image classifiers: it destroys a picture region by
//! region in the order a heat map gives, watches the class score fall, and reports the area over
//! that curve (AOPC, Samek et al. 2017) for every method, with intervals and tests.
//!
//! ```
//! use ndarray::Array3;
//! use pixelflip::{Method, Model};
//!
//! fn main() -> Result<(), pixelflip::Error> {
//!     let model = Model::load("scenes")?; // or the path of an ONNX file
//!     let ramp = Array3::from_shape_fn((3, 96, 96), |(_, y, x)| (y + x) as f32 / 190.0);
//!     let picture = model.array("ramp", ramp.view())?; // or `model.picture("cat.jpg")?`
//!     println!("scores {:?}", model.scores(&picture)?);
//!
//!     // why the class that the network says?
//!     let map = model.explain(&picture, "lrp-epsilon-plus-flat", None)?;
//!     assert_eq!(map.heat.dim(), (96, 96));
//!     // and does the score fall when the regions that the map names first are gone?
//!     let flipped = model.flip(&picture, &map, "region = 12\nrepeats = 2")?;
//!     println!("curve {:?}", flipped.curves[0].scores);
//!
//!     // which of two methods finds what the network looks at?
//!     let methods = ["random", "gradient-x-input"].map(|name| name.parse::<Method>());
//!     let methods = methods.into_iter().collect::<Result<Vec<_>, _>>()?;
//!     let settings = "images = 3\nregion = 12\nsteps = 20\nrepeats = 1";
//!     let outcome = pixelflip::run(&model, "scenes", &methods, settings)?;
//!     for row in &outcome.summary.rows {
//!         println!("{} {}: AOPC {:?}", row.order, row.method, row.aopc.map(|aopc| aopc.mean));
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A method of your own competes as a [`Method::own`]: see `examples/rank_my_method.rs`. What all these
//! take and give stands in the module they come from: [`Model`], [`Picture`], [`Map`], [`Outcome`],
//! [`Explainer`]. Features: `cli` (the program) and `report` (figures and the page); a library needs
//! neither.
//!
//! The modules below form layers, each a crate of its own that uses lower ones only (`tests/layers.rs`):
//! [`base`] < [`nn`] < [`explain`], [`perturb`], [`data`] < [`eval`], [`prototype`] < [`run`](mod@run) <
//! [`report`] < the
//! items above < `cli`.

pub use pixelflip_base as base;
pub use pixelflip_data as data;
pub use pixelflip_eval as eval;
pub use pixelflip_explain as explain;
pub use pixelflip_nn as nn;
pub use pixelflip_perturb as perturb;
pub use pixelflip_prototype as prototype;
pub use pixelflip_report as report;
pub use pixelflip_run as run;

pub use pixelflip_table as table;

mod api;
mod error;
mod outcome;
mod pictures;
mod predict;

pub use api::{Map, Method, Model, run};
pub use error::Error;
pub use explain::{Case, ExplainError, Explainer};
pub use nn::tensor::Tensor;
pub use outcome::Outcome;
pub use pictures::{Picture, Pictures};
