//! All runs, and statistics of them.

use std::ops::Range;

use crate::schemes::Contender;
use crate::stats::{Summary, paired};
use crate::train::Run;

pub(crate) struct Results {
    pub(crate) contenders: Vec<Contender>,
    /// By contender, then by seed.
    pub(crate) runs: Vec<Vec<Run>>,
    pub(crate) setup: Setup,
}

/// The information needed to repeat the run.
pub(crate) struct Setup {
    /// The name of the data set.
    pub(crate) data: &'static str,
    /// The numbers of images for training, validation and test.
    pub(crate) images: [usize; 3],
    pub(crate) classes: usize,
    pub(crate) seeds: usize,
    pub(crate) epochs: usize,
    /// The options of the run.
    pub(crate) command: String,
}

/// A function that takes a number from a run.
pub(crate) type Measure = fn(&Run) -> f64;

pub(crate) const TEST: Measure = |run| run.last().test;
pub(crate) const VALIDATION: Measure = |run| run.last().validation;
pub(crate) const EPOCH_LOSS: Measure = |run| run.last().loss;
pub(crate) const LAST_LOSS: Measure = |run| run.losses.last().map_or(f64::NAN, |&l| l.into());

impl Results {
    /// A number of each seed.
    pub(crate) fn values(&self, contender: usize, of: Measure) -> Vec<f64> {
        self.runs[contender].iter().map(of).collect()
    }

    pub(crate) fn summary(&self, contender: usize, of: Measure) -> Summary {
        Summary::of(self.values(contender, of))
    }

    /// The difference between two contenders, seed by seed.
    pub(crate) fn difference(&self, a: usize, b: usize, of: Measure) -> Summary {
        paired(&self.values(a, of), &self.values(b, of))
    }

    /// The loss of a step for all seeds.
    pub(crate) fn loss(&self, contender: usize, step: usize) -> Summary {
        Summary::of(self.runs[contender].iter().map(|run| run.losses[step].into()))
    }

    /// The mean loss of some steps for all seeds.
    pub(crate) fn mean_loss(&self, contender: usize, steps: Range<usize>) -> Summary {
        let count = steps.len() as f64;
        Summary::of(self.runs[contender].iter().map(|run| {
            run.losses[steps.clone()].iter().map(|&loss| f64::from(loss)).sum::<f64>() / count
        }))
    }

    /// The steps of the training in groups. A group is a fifth as long as what is before it, so that all
    /// are as wide on a logarithmic scale.
    pub(crate) fn bins(&self) -> Vec<Range<usize>> {
        let (all, mut bins, mut from) = (self.steps(), vec![], 0);
        while from < all {
            let end = (from + 1 + from / 5).min(all);
            bins.push(from..end);
            from = end;
        }
        // A short rest is noisy.
        if let [.., before, last] = &mut bins[..]
            && last.len() < before.len() / 2
        {
            before.end = last.end;
            bins.pop();
        }
        bins
    }

    /// The number of steps of a training.
    pub(crate) fn steps(&self) -> usize {
        self.runs[0][0].losses.len()
    }

    /// Whether the run has the notebook's images and number of epochs.
    pub(crate) fn is_the_notebooks(&self) -> bool {
        self.setup.data == "Fashion-MNIST" && self.setup.epochs == 2
    }

    /// The number of steps in a chart of the first losses.
    pub(crate) fn first_steps(&self) -> usize {
        self.steps().min(100)
    }

    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.contenders.iter().position(|one| one.key == key)
    }

    pub(crate) fn name(&self, contender: usize) -> &str {
        &self.contenders[contender].name
    }

    /// The contenders in order of test accuracy, the best one first.
    pub(crate) fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.contenders.len()).collect();
        let mean = |i| self.summary(i, TEST).mean;
        order.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
        order
    }

    /// The others that cannot be told from the best one, and those that are behind it, each in order.
    pub(crate) fn tied_and_behind(&self) -> (Vec<usize>, Vec<usize>) {
        let ranked = self.ranked();
        let tied = |&i: &usize| self.difference(ranked[0], i, TEST).holds_zero();
        ranked[1..].iter().copied().partition(tied)
    }

    /// The contenders in order, without and with a gap to the best one that would make the gaps of the others
    /// invisible on one scale.
    pub(crate) fn near_and_far(&self) -> (Vec<usize>, Vec<usize>) {
        let ranked = self.ranked();
        let best = self.summary(ranked[0], TEST).mean;
        ranked.into_iter().partition(|&i| self.summary(i, TEST).mean > best - 3.0)
    }

    /// Whether a contender learnt nothing: for every seed, the test accuracy differs from chance by
    /// at most 2 per cent.
    pub(crate) fn is_at_chance(&self, contender: usize) -> bool {
        let chance = 100.0 / self.setup.classes as f64;
        self.values(contender, TEST).iter().all(|accuracy| (accuracy - chance).abs() < 2.0)
    }

    /// Whether the training started well: no seed's loss exceeded twice that of a uniform
    /// prediction, and the test accuracy is above chance.
    pub(crate) fn is_sound(&self, contender: usize) -> bool {
        let limit = 2.0 * (self.setup.classes as f64).ln();
        let below = |run: &Run| run.losses.iter().all(|&loss| f64::from(loss) < limit);
        self.runs[contender].iter().all(below) && !self.is_at_chance(contender)
    }
}
