//! Tables, figures and texts for people.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_eval as eval;
use pixelflip_explain as explain;
use pixelflip_nn as nn;
#[cfg(feature = "figures")]
use pixelflip_perturb as perturb;
#[cfg(feature = "figures")]
use pixelflip_prototype as prototype;
use pixelflip_run as run;
use pixelflip_table as table;

pub mod agreement;
#[cfg(feature = "figures")]
pub mod bump;
#[cfg(feature = "figures")]
pub mod catalogue;
pub mod cells;
#[cfg(feature = "figures")]
pub mod clusters;
pub mod colours;
mod columns;
#[cfg(feature = "figures")]
pub mod compare;
pub mod contest;
#[cfg(feature = "figures")]
pub mod context;
#[cfg(feature = "figures")]
pub mod curves;
#[cfg(feature = "figures")]
mod data_url;
#[cfg(all(test, feature = "figures"))]
mod demo;
pub mod diff;
#[cfg(feature = "figures")]
pub mod drawing;
#[cfg(feature = "figures")]
pub mod figure;
#[cfg(feature = "figures")]
pub mod heatmap;
#[cfg(feature = "figures")]
pub mod ladder;
pub mod layers;
pub mod map_metrics;
pub mod naming;
#[cfg(feature = "figures")]
pub mod outcome;
#[cfg(feature = "figures")]
pub mod page;
#[cfg(feature = "figures")]
pub mod plot;
#[cfg(feature = "figures")]
pub mod plot_drawing;
#[cfg(feature = "figures")]
pub mod plot_grid;
#[cfg(feature = "figures")]
mod plot_pdf;
#[cfg(feature = "figures")]
pub mod probe;
#[cfg(feature = "figures")]
pub mod properties;
#[cfg(feature = "figures")]
pub mod prototypes;
pub mod rank;
#[cfg(feature = "figures")]
pub mod rank_figures;
mod rank_tables;
pub mod ranking;
#[cfg(feature = "figures")]
pub mod scale;
#[cfg(all(test, feature = "figures"))]
mod schema_tests;
#[cfg_attr(not(feature = "figures"), expect(dead_code, reason = "pages of large runs need it"))]
mod scratch;
#[cfg(feature = "figures")]
pub mod sheets;
#[cfg(feature = "figures")]
pub mod styles;
pub mod subsets;
pub mod summary;
mod text;
pub mod trace;
pub mod verdict;
