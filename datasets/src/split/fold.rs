//! [`KFold`]: cross-validation.

use fanin_init::{TorchRng, randperm};

use super::classes::{members, shuffled};
use crate::error::{Error, Result};

/// The samples to train on and those to test on, by their indices, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The indices to train on.
    pub train: Vec<usize>,
    /// The indices to test on.
    pub test: Vec<usize>,
}

/// Cross-validation: `k` folds, each of which is tested on once, by a model trained on the others.
///
/// # Example
/// ```
/// use fanin_datasets::split::KFold;
///
/// let folds = KFold::new(2).indices(5)?;                   // in order; `shuffle` draws
/// assert_eq!(folds[0].test, [0, 1, 2]);
/// assert_eq!((&folds[1].train[..], &folds[1].test[..]), (&[0, 1, 2][..], &[3, 4][..]));
///
/// let error = KFold::new(6).indices(5).unwrap_err();
/// assert!(error.to_string().starts_with("5 samples cannot be divided into 6 folds"));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("StratifiedKFold", "GroupKFold", "cross_validation"))]
#[derive(Clone, Debug)]
pub struct KFold {
    folds: usize,
    seed: Option<u64>,
}

impl KFold {
    /// This many folds.
    ///
    /// # Panics
    /// **Panics** if there are fewer than 2, because each model is trained on the other folds.
    #[track_caller]
    pub fn new(folds: usize) -> Self {
        if folds < 2 {
            panic!(
                "KFold::new: {folds} folds; give 2 or more, so that others are left to train on"
            );
        }
        Self { folds, seed: None }
    }

    /// Draws what goes to which fold, with the generator of this seed. Without it samples are divided
    /// in the order in which they are.
    #[must_use]
    pub fn shuffle(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Folds of the samples `0..n`. The first `n % k` folds have one sample more than the others.
    ///
    /// # Errors
    /// If there are fewer samples than folds.
    pub fn indices(&self, n: usize) -> Result<Vec<Fold>> {
        self.check(n, "samples")?;
        let order = match self.seed {
            Some(seed) => randperm(n, &mut TorchRng::seed(seed)),
            None => (0..n).collect(),
        };
        let mut rest = &order[..];
        let tests = (0..self.folds).map(|fold| {
            let (test, others) = rest.split_at(n / self.folds + usize::from(fold < n % self.folds));
            rest = others;
            test.to_vec()
        });
        Ok(folds(n, tests.collect()))
    }

    /// Folds with as many samples of each class, within one, and as many in all, within one.
    ///
    /// # Errors
    /// If no class has as many samples as there are folds.
    pub fn stratified(&self, labels: &[usize]) -> Result<Vec<Fold>> {
        self.check(labels.len(), "samples")?;
        let mut classes = members(labels);
        let largest = classes.iter().map(Vec::len).max().unwrap_or(0);
        if largest < self.folds {
            return Err(Error::TooFew {
                found: largest,
                of: "samples",
                parts: self.folds,
                noun: "folds",
                next: "no class has more samples; take fewer folds, or folds without classes",
            });
        }
        if let Some(seed) = self.seed {
            let mut rng = TorchRng::seed(seed);
            classes.iter_mut().for_each(|class| *class = shuffled(class, &mut rng));
        }
        // Dealt like cards, class after class: neighbours go to different folds.
        let mut tests = vec![Vec::new(); self.folds];
        for (i, sample) in classes.into_iter().flatten().enumerate() {
            tests[i % self.folds].push(sample);
        }
        Ok(folds(labels.len(), tests))
    }

    /// Folds of whole groups, such as all samples of one patient. The largest group goes first, each to
    /// the fold with the fewest samples. `groups` has the group of each sample: a number, a text,
    /// anything ordered.
    ///
    /// # Errors
    /// If there are fewer groups than folds.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::split::KFold;
    ///
    /// let folds = KFold::new(2).grouped(&["ada", "bob", "ada", "eve"])?;
    /// assert_eq!((&folds[0].test[..], &folds[1].test[..]), (&[0, 2][..], &[1, 3][..]));
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn grouped<G: Ord>(&self, groups: &[G]) -> Result<Vec<Fold>> {
        let mut members = members(groups);
        self.check(members.len(), "groups")?;
        if let Some(seed) = self.seed {
            members = shuffled(&members, &mut TorchRng::seed(seed));
        }
        members.sort_by_key(|group| std::cmp::Reverse(group.len())); // stable
        let mut tests = vec![Vec::new(); self.folds];
        for group in members {
            let lightest = tests.iter_mut().min_by_key(|test| test.len());
            lightest.expect("there are two folds or more").extend(group);
        }
        Ok(folds(groups.len(), tests))
    }

    fn check(&self, found: usize, of: &'static str) -> Result<()> {
        if found < self.folds {
            let next = "take fewer folds, or collect more data";
            return Err(Error::TooFew { found, of, parts: self.folds, noun: "folds", next });
        }
        Ok(())
    }
}

/// A fold for each of the samples `0..n`, which is tested on alone.
///
/// # Errors
/// If there are fewer than two samples.
///
/// # Example
/// ```
/// let folds = fanin_datasets::split::leave_one_out(3)?;
/// assert_eq!((&folds[1].train[..], &folds[1].test[..]), (&[0, 2][..], &[1][..]));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[doc(alias("LeaveOneOut"))]
pub fn leave_one_out(n: usize) -> Result<Vec<Fold>> {
    KFold { folds: n.max(2), seed: None }.indices(n)
}

/// Folds with these samples to test on, of `n`.
fn folds(n: usize, tests: Vec<Vec<usize>>) -> Vec<Fold> {
    let fold = |mut test: Vec<usize>| {
        test.sort_unstable();
        let mut tested = test.iter().peekable();
        let train = (0..n).filter(|i| tested.next_if_eq(&i).is_none()).collect();
        Fold { train, test }
    };
    tests.into_iter().map(fold).collect()
}
