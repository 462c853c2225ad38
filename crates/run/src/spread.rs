//! How work is spread over the threads.

use super::plan::Plan;
use crate::nn::kernel::parallel::layers_here;
use rayon::prelude::*;

/// How the jobs of a picture are spread over the threads.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    /// Side by side: there are fewer pictures than threads.
    jobs: bool,
    /// The layers of each over the threads: there are fewer jobs than threads, too.
    layers: bool,
}

/// How so many jobs of a picture are best spread.
pub(super) fn spread(plan: &Plan, jobs: usize) -> Spread {
    let (pictures, threads) = (plan.images.len(), rayon::current_num_threads());
    Spread { jobs: pictures < threads, layers: pictures * jobs < threads }
}

impl Spread {
    pub(super) fn run<R>(self, job: impl FnOnce() -> R) -> R {
        if self.layers { layers_here(job) } else { job() }
    }

    /// The results of all jobs in order; `None` when one has none.
    pub(super) fn over<'t, T: Sync, R: Send>(
        self,
        jobs: &'t [T],
        job: impl Fn(&'t T) -> Option<R> + Sync,
    ) -> Option<Vec<R>> {
        let job = |at: &'t T| self.run(|| job(at));
        if self.jobs { jobs.par_iter().map(job).collect() } else { jobs.iter().map(job).collect() }
    }
}
