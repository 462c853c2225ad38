//! What two models say and look at on the same pictures, as rows of tables.

use crate::{
    eval::order::Order,
    table::{record, record::Word},
};

record! {
    /// The heat maps of two models of one picture.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Pair {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name of the method, with all parameters
        pub method: String,
        /// name of a model
        pub model: String,
        /// name of another model
        pub other: String,
        /// 1 where both say the same class; null where their classes are not the same
        pub same_prediction: Option<bool>,
        /// Spearman correlation of the two maps over the cells of the picture that both see
        pub rank_correlation: Option<f64>,
        /// share of the tenth of these cells with the most relevance that is the same in both
        pub top_overlap: Option<f64>,
        /// cells that both see
        pub cells: Option<u64>,
        /// why the maps are not compared
        pub reason: Option<String>,
    }
}

record! {
    /// A curve in the order of the heat map of some model, under the same or another one.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Crossed {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name of the method, with all parameters
        pub method: String,
        /// model whose heat map orders the regions
        pub map_of: String,
        /// model whose score is watched
        pub model: String,
        /// class whose score is watched
        pub target: Option<u64>,
        /// what replaces a region
        pub perturbation: String,
        /// side of a region in pixels
        pub region: u64,
        /// which regions go first: morf or lerf
        pub removal_order: Order as Word,
        /// number of the noise image
        pub repeat: u64,
        /// score after 0, 1, ... steps
        pub scores: Option<Vec<f32>>,
        /// share of regions whose place is chance
        pub tied_fraction: Option<f64>,
        /// why there is no curve
        pub reason: Option<String>,
    }
}
