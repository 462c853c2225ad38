//! Tables, figures and texts for people.

// Lower layers under their names, so that `crate::nn` reads the same everywhere.
use pixelflip_base as base;
use pixelflip_eval as eval;
use pixelflip_explain as explain;
use pixelflip_nn as nn;
use pixelflip_perturb as perturb;
use pixelflip_run as run;
use pixelflip_table as table;

pub mod agreement;
pub mod cells;
pub mod colours;
pub mod contest;
pub mod curves;
#[cfg(test)]
mod demo;
pub mod diff;
pub mod drawing;
pub mod figure;
pub mod gallery;
pub mod heatmap;
pub mod labels;
pub mod layers;
mod ledger;
pub mod map_metrics;
pub mod outcome;
pub mod page;
pub mod plot;
pub mod plot_drawing;
pub mod properties;
pub mod rank;
pub mod rank_figures;
mod rank_tables;
pub mod ranking;
mod scratch;
pub mod sheets;
pub mod subsets;
pub mod summary;
mod text;
pub mod trace;
pub mod verdict;
