//! Lets a method of one's own compete with built-in ones: `cargo run --release --example rank_my_method`.
#![expect(clippy::print_stdout, reason = "its output is the ranking")]

use pixelflip::{Case, Error, ExplainError, Explainer, Method, Model, Tensor};

/// What the input contributes along the gradient, where it speaks for the class.
struct Mine;

impl Explainer for Mine {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let mut relevance = case.gradient()?;
        let pairs = relevance.data.iter_mut().zip(&case.input().data);
        pairs.for_each(|(r, x)| *r = (*r * x).max(0.0));
        Ok(relevance)
    }
}

pub(crate) fn main() -> Result<(), Error> {
    let model = Model::load("scenes")?;
    let methods = ["random".parse()?, "lrp-epsilon-plus".parse()?, Method::own("mine", Mine)];
    let settings = "images = 5\nregion = 12\nsteps = 20\nrepeats = 1";
    let outcome = pixelflip::run(&model, "scenes", &methods, settings)?;
    for row in outcome.summary.rows.iter().filter(|row| row.aopc.is_some()) {
        println!("{} {} {:?}: AOPC {:.3}", row.order, row.method, row.rank, row.aopc.unwrap().mean);
    }
    Ok(())
}
