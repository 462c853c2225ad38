//! Heat maps, clusters and eigenvalues as rows of tables.

use crate::table::record;

record! {
    /// A heat map as a point.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Shrunk {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name of the method, with all parameters
        pub method: String,
        /// class whose score is explained: maps of one class are clustered
        pub target: u64,
        /// 1 where the model says the label
        pub right: Option<bool>,
        /// rows and columns of the shrunk map
        pub side: u64,
        /// the shrunk map, row by row; its absolute values sum to 1
        pub values: Option<Vec<f32>>,
        /// share of the positive relevance outside the object; null where none is marked
        pub outside: Option<f64>,
        /// share of the positive relevance within 15 % of the shorter side from an edge of the picture
        pub frame: Option<f64>,
        /// 1 where the method failed
        pub failed: bool,
        /// why there is no map
        pub reason: Option<String>,
    }
}

record! {
    /// A picture in a cluster.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Member {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name of the method, with all parameters
        pub method: String,
        /// explained class
        pub class: u64,
        /// number of the cluster, from 0; large ones first
        pub cluster: u64,
        /// place in the picture of all maps: second eigenvector over the root of the degree
        pub x: f64,
        /// the same of the third eigenvector
        pub y: f64,
    }
}

record! {
    /// An eigenvalue.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Spectrum {
        /// canonical name of the method, with all parameters
        pub method: String,
        /// explained class
        pub class: u64,
        /// its place, from 1 for the smallest
        pub index: u64,
        /// eigenvalue of the symmetric normalised Laplacian
        pub value: f64,
    }
}

record! {
    /// The maps of a class.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ClassClusters {
        /// canonical name of the method, with all parameters
        pub method: String,
        /// explained class
        pub class: u64,
        /// maps that were clustered
        pub pictures: u64,
        /// pictures without a map
        pub undefined: u64,
        /// number of clusters; 1 where the first gap is the largest
        pub clusters: Option<u64>,
        /// difference of the eigenvalue behind as many as there are clusters and the one before
        pub gap: Option<f64>,
        /// why the maps are not clustered
        pub reason: Option<String>,
    }
}
