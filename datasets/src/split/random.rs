//! [`RandomSplit`]: a few random parts.

use fanin_init::{TorchRng, randperm};

use super::classes::{members, quotas, shuffled};
use crate::error::{Error, Result};

/// Random parts of some samples, by fractions or counts: `[train, test]`, `[train, validation, test]`.
///
/// # Panics and errors
/// Fractions that are no shares are a mistake in the program, and **panic**. How many samples there
/// are comes from outside, so parts that they do not fill are an [`Error`].
///
/// # Example
/// ```
/// use fanin_datasets::split::RandomSplit;
///
/// let split = RandomSplit::fractions([0.6, 0.2, 0.2]).seed(42);
/// let [train, validation, test] = split.indices(10)?;
/// assert_eq!((train.len(), validation.len(), test.len()), (6, 2, 2));
///
/// // As many of each class in every part.
/// let [train, test] = RandomSplit::fractions([0.5, 0.5]).stratified(&[0, 0, 1, 1])?;
/// assert_eq!(train.iter().filter(|&&i| i < 2).count(), 1);
/// # assert_eq!(test.len(), 2);
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("random_split", "ShuffleSplit"))]
#[derive(Clone, Debug)]
pub struct RandomSplit<const N: usize> {
    sizes: Sizes<N>,
    seed: u64,
}

#[derive(Clone, Debug)]
enum Sizes<const N: usize> {
    Fractions([f64; N]),
    Counts([usize; N]),
}

impl<const N: usize> RandomSplit<N> {
    /// Parts by their shares, which add up to 1. As in torch, each part gets the whole number below
    /// its share, and what is left goes to the first parts; but no part stays empty, if there are as
    /// many samples as parts.
    ///
    /// # Panics
    /// **Panics** if a fraction is not between 0 and 1, or if they do not add up to 1.
    #[track_caller]
    pub fn fractions(fractions: [f64; N]) -> Self {
        let sum: f64 = fractions.iter().sum();
        if fractions.iter().any(|&share| !(share > 0.0 && share <= 1.0)) || (sum - 1.0).abs() > 1e-9
        {
            panic!(
                "RandomSplit::fractions: {fractions:?}; give shares between 0 and 1 that add up to 1, \
                 such as [0.8, 0.2]"
            );
        }
        Self { sizes: Sizes::Fractions(fractions), seed: 0 }
    }

    /// Parts of this many samples each, which must be all that there are.
    ///
    /// # Panics
    /// **Panics** if a count is 0.
    #[track_caller]
    pub fn counts(counts: [usize; N]) -> Self {
        if counts.contains(&0) {
            panic!("RandomSplit::counts: {counts:?}; give each part at least one sample");
        }
        Self { sizes: Sizes::Counts(counts), seed: 0 }
    }

    /// Parts of sizes that come from outside, and may be 0.
    pub(super) fn of_sizes(counts: [usize; N]) -> Self {
        Self { sizes: Sizes::Counts(counts), seed: 0 }
    }

    /// Draws with the generator of this seed, which is 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The indices of each part, of samples `0..n`, in random order. They are those of torch's
    /// `random_split(data, sizes, generator)` for a generator of the same seed, where torch leaves no
    /// part empty.
    ///
    /// # Errors
    /// If a part would be empty, or if counts are not `n` in all.
    pub fn indices(&self, n: usize) -> Result<[Vec<usize>; N]> {
        let sizes = self.sizes(n)?;
        let order = randperm(n, &mut TorchRng::seed(self.seed));
        let mut rest = &order[..];
        Ok(sizes.map(|size| {
            let (part, others) = rest.split_at(size);
            rest = others;
            part.to_vec()
        }))
    }

    /// Parts with every class's share of each, within one sample. The order within a part is random.
    ///
    /// `labels` has the class of each sample: see [`Table::labels`](crate::Table::labels).
    ///
    /// # Errors
    /// As [`indices`](RandomSplit::indices), and if a class has fewer samples than there are parts.
    pub fn stratified(&self, labels: &[usize]) -> Result<[Vec<usize>; N]> {
        let sizes = self.sizes(labels.len())?;
        let classes = members(labels);
        if let Some(few) = classes.iter().find(|class| class.len() < N) {
            return Err(Error::TooFewOfClass { class: labels[few[0]], found: few.len(), parts: N });
        }
        let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
        let quotas = quotas(&counts, &sizes);
        let mut rng = TorchRng::seed(self.seed);
        let mut parts = [const { Vec::new() }; N];
        for (class, quota) in classes.iter().zip(quotas) {
            let class = shuffled(class, &mut rng);
            let mut rest = &class[..];
            for (part, size) in parts.iter_mut().zip(quota) {
                let (mine, others) = rest.split_at(size);
                part.extend(mine);
                rest = others;
            }
        }
        Ok(parts.map(|part| shuffled(&part, &mut rng)))
    }

    /// Parts of whole groups, such as all samples of one patient. A fraction is that of the groups, as
    /// in scikit-learn. `groups` has the group of each sample: a number, a text, anything ordered.
    ///
    /// # Panics
    /// **Panics** if the parts are counts, because whole groups seldom have exactly that many samples.
    ///
    /// # Errors
    /// If there are fewer groups than parts need.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::split::RandomSplit;
    ///
    /// let patients = ["ada", "bob", "ada", "eve", "bob"];
    /// let [train, test] = RandomSplit::fractions([0.7, 0.3]).grouped(&patients)?;
    /// assert!(train.iter().all(|&i| test.iter().all(|&j| patients[i] != patients[j])));
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[track_caller]
    pub fn grouped<G: Ord>(&self, groups: &[G]) -> Result<[Vec<usize>; N]> {
        if let Sizes::Counts(counts) = &self.sizes {
            panic!("RandomSplit::grouped: counts {counts:?}; whole groups are split by fractions");
        }
        let members = members(groups);
        if members.len() < N {
            return Err(Error::TooFew {
                found: members.len(),
                of: "groups",
                parts: N,
                noun: "parts",
                next: "collect more groups, or split without them",
            });
        }
        let parts = self.indices(members.len())?;
        Ok(parts.map(|part| part.into_iter().flat_map(|group| members[group].clone()).collect()))
    }

    fn sizes(&self, n: usize) -> Result<[usize; N]> {
        let sizes = match self.sizes {
            Sizes::Counts(counts) => {
                let asked = counts.iter().fold(0usize, |sum, &count| sum.saturating_add(count));
                if asked != n {
                    return Err(Error::CountsOfParts { asked, found: n });
                }
                counts
            }
            Sizes::Fractions(fractions) => {
                let mut sizes = fractions.map(|share| (n as f64 * share).floor() as usize);
                let left = n.saturating_sub(sizes.iter().sum());
                (0..left).for_each(|i| sizes[i % N] += 1);
                // Torch leaves small parts of few samples empty.
                while n >= N
                    && let Some(empty) = sizes.iter().position(|&size| size == 0)
                    && let Some(largest) = (0..N).max_by_key(|&part| sizes[part])
                {
                    sizes[largest] -= 1;
                    sizes[empty] += 1;
                }
                sizes
            }
        };
        match sizes.iter().position(|&size| size == 0) {
            Some(part) => Err(Error::EmptyPart { part, samples: n }),
            None => Ok(sizes),
        }
    }
}

/// The indices of the samples to train on and of those to test on, in random order.
///
/// `torch.utils.data.random_split(data, [n_train, n_test], generator)`: `randperm(n)`, of which the
/// first `n_train` are to train on.
#[track_caller]
pub(crate) fn train_and_test(n: usize, test_share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let tests = tests(n, test_share);
    let mut train = randperm(n, &mut TorchRng::seed(seed));
    let test = train.split_off(n - tests);
    (train, test)
}

/// How many of `n` samples are to test on: their share, rounded up.
#[track_caller]
pub(super) fn tests(n: usize, test_share: f64) -> usize {
    if !(0.0..=1.0).contains(&test_share) {
        panic!("train_test_split: test_share {test_share}; give a share in [0, 1], such as 0.2");
    }
    // A product such as 0.07 · 100 is a little more than 7, and must not round up to 8.
    (n as f64 * test_share * (1.0 - f64::EPSILON)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::train_and_test;

    #[test]
    fn the_test_share_is_rounded_up() {
        let tests = |n, share| train_and_test(n, share, 0).1.len();
        assert_eq!([tests(10, 0.25), tests(10, 0.0), tests(10, 1.0), tests(0, 0.5)], [3, 0, 10, 0]);
        // In f64, 0.07 · 100 is more than 7.
        assert_eq!([tests(100, 0.07), tests(100, 0.0701)], [7, 8]);
    }

    #[test]
    fn the_parts_are_those_of_torchs_random_split() {
        // torch.manual_seed(0); torch.randperm(10) is 4 1 7 5 3 9 0 8 6 2.
        let parts = (vec![4, 1, 7, 5, 3, 9, 0], vec![8, 6, 2]);
        assert_eq!(train_and_test(10, 0.3, 0), parts);
    }
}
