//! All runs together, and the numbers that are made of them.

use crate::schemes::Contender;
use crate::stats::{Summary, paired};
use crate::train::Run;

pub(crate) struct Results {
    pub(crate) contenders: Vec<Contender>,
    /// By contender, then by seed.
    pub(crate) runs: Vec<Vec<Run>>,
    pub(crate) setup: Setup,
}

/// What a reader needs to have the same numbers again.
pub(crate) struct Setup {
    /// What the images are called.
    pub(crate) data: &'static str,
    /// How many there are to train on, to put aside, and to test on.
    pub(crate) images: [usize; 3],
    pub(crate) classes: usize,
    pub(crate) seeds: usize,
    pub(crate) epochs: usize,
    /// The options of this run.
    pub(crate) command: String,
}

/// A number of a run.
pub(crate) type Measure = fn(&Run) -> f64;

pub(crate) const TEST: Measure = |run| run.last().test;
pub(crate) const VALIDATION: Measure = |run| run.last().validation;
pub(crate) const EPOCH_LOSS: Measure = |run| run.last().loss;
pub(crate) const LAST_LOSS: Measure = |run| run.losses.last().map_or(f64::NAN, |&l| l.into());

impl Results {
    /// A number of every seed.
    pub(crate) fn values(&self, contender: usize, of: Measure) -> Vec<f64> {
        self.runs[contender].iter().map(of).collect()
    }

    pub(crate) fn summary(&self, contender: usize, of: Measure) -> Summary {
        Summary::of(self.values(contender, of))
    }

    /// What one has over another, seed by seed.
    pub(crate) fn difference(&self, a: usize, b: usize, of: Measure) -> Summary {
        paired(&self.values(a, of), &self.values(b, of))
    }

    /// The loss of a step, over the seeds.
    pub(crate) fn loss(&self, contender: usize, step: usize) -> Summary {
        Summary::of(self.runs[contender].iter().map(|run| run.losses[step].into()))
    }

    /// Whether the notebook trained the same: on the same images, as often.
    pub(crate) fn is_the_notebooks(&self) -> bool {
        self.setup.data == "Fashion-MNIST" && self.setup.epochs == 2
    }

    /// How many steps a figure of the first ones shows.
    pub(crate) fn first_steps(&self) -> usize {
        self.runs[0][0].losses.len().min(100)
    }

    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.contenders.iter().position(|one| one.key == key)
    }

    pub(crate) fn name(&self, contender: usize) -> &str {
        &self.contenders[contender].name
    }

    /// The contenders, the best on the test images first.
    pub(crate) fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.contenders.len()).collect();
        let mean = |i| self.summary(i, TEST).mean;
        order.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
        order
    }

    /// Whether a contender learnt nothing: the test images are classified as by chance, to 2 per
    /// cent, whatever the seed.
    pub(crate) fn is_at_chance(&self, contender: usize) -> bool {
        let chance = 100.0 / self.setup.classes as f64;
        self.values(contender, TEST).iter().all(|accuracy| (accuracy - chance).abs() < 2.0)
    }

    /// Whether the training began sanely: no seed's loss ever was more than twice what a network that
    /// knows nothing has, and the test images are not classified as by chance.
    pub(crate) fn is_sound(&self, contender: usize) -> bool {
        let limit = 2.0 * (self.setup.classes as f64).ln();
        let below = |run: &Run| run.losses.iter().all(|&loss| f64::from(loss) < limit);
        self.runs[contender].iter().all(below) && !self.is_at_chance(contender)
    }
}
