//! The tables of prototypes.

use crate::table::record;
use serde::{Deserialize, Serialize};

record! {
    /// A prototype.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct PrototypeRow {
        /// index of the class; null for a neuron
        pub class: Option<u64>,
        /// its name, or that of the neuron; null where nothing says it
        pub name: Option<String>,
        /// short name of the row of priors, unique in the run
        pub prior: String,
        /// the priors with all parameters, in canonical print, with commas
        pub priors: String,
        /// path of the picture below the results, without its ending; null without one
        pub picture: Option<String>,
        /// the objective at the end
        pub objective: Option<f64>,
        /// sum of the penalties at the end
        pub penalty: Option<f64>,
        /// the network's own score of the class for the picture
        pub score: Option<f64>,
        /// its probability
        pub probability: Option<f64>,
        /// the class that the network says of the picture
        pub predicted: Option<u64>,
        /// number of the climb that is kept, from 0
        pub restart: Option<u64>,
        /// number of the step that is kept
        pub step: Option<u64>,
        /// why there is no picture
        pub reason: Option<String>,
        /// 1 where the row of priors cannot be had here at all, for want of data or a generator
        pub impossible: bool,
    }
}

record! {
    /// A point of a climb.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct TraceRow {
        /// index of the class; null for a neuron
        pub class: Option<u64>,
        /// short name of the row of priors
        pub prior: String,
        /// steps so far
        pub step: u64,
        /// the objective, of what the network sees then
        pub objective: f64,
        /// sum of the penalties
        pub penalty: f64,
        /// the network's own score of the class
        pub score: Option<f64>,
        /// its probability
        pub probability: Option<f64>,
    }
}

record! {
    /// What another network says of a prototype.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Judged {
        /// index of the class
        pub class: Option<u64>,
        /// short name of the row of priors
        pub prior: String,
        /// file name of the other network
        pub judge: String,
        /// its score of the class
        pub score: f64,
        /// its probability of the class
        pub probability: Option<f64>,
        /// the class that it says
        pub predicted: u64,
        /// 1 where that is the class of the prototype
        pub agrees: bool,
    }
}

record! {
    /// A picture of the data set that is like a prototype.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Nearest {
        /// index of the class; null for a neuron
        pub class: Option<u64>,
        /// short name of the row of priors
        pub prior: String,
        /// 1 for the most similar picture, and so on
        pub rank: u64,
        /// id of the picture
        pub image: String,
        /// its class, where the data set says it
        pub label: Option<u64>,
        /// root of the mean squared difference of their pixels, in [0, 1]
        pub distance: f64,
    }
}

/// All tables of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// One row per prototype, by row of priors, then by class.
    pub prototypes: Vec<PrototypeRow>,
    /// One row per point.
    pub traces: Vec<TraceRow>,
    /// One row per prototype and judge.
    pub judged: Vec<Judged>,
    /// Rows per prototype and rank.
    pub nearest: Vec<Nearest>,
}
