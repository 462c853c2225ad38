//! From pictures to network inputs, as the sidecar beside a model file says.

/// How a picture becomes the network's input. Two spaces are kept apart: *image space*, where a
/// picture of the network's size has values in [0, 1] (perturbations work there), and *input
/// space*, after scaling and mean/std normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {}
