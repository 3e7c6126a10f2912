//! Splits of tables in one line.

use super::random::tests;
use super::{Fold, KFold, RandomSplit};
use crate::error::Result;
use crate::{Table, Targets};

impl<Y: Targets> Table<Y> {
    /// The parts of each fold of [`KFold`], shuffled by the seed: `(train, test)`, made one pair at a
    /// time.
    ///
    /// # Panics
    /// **Panics** if there are fewer than two folds.
    ///
    /// # Errors
    /// If there are fewer rows than folds.
    ///
    /// # Example
    /// ```
    /// let table = fanin_datasets::diabetes();
    /// for (train, test) in table.k_fold(10, 42)? {
    ///     assert_eq!(train.len() + test.len(), 442);
    /// }
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[track_caller]
    pub fn k_fold(
        &self,
        folds: usize,
        seed: u64,
    ) -> Result<impl ExactSizeIterator<Item = (Self, Self)>> {
        Ok(self.pairs(KFold::new(folds).shuffle(seed).indices(self.len())?))
    }

    fn pairs(&self, folds: Vec<Fold>) -> impl ExactSizeIterator<Item = (Self, Self)> {
        folds.into_iter().map(|Fold { train, test }| (self.select(train), self.select(test)))
    }
}

impl Table<Vec<usize>> {
    /// [`k_fold`](Table::k_fold) with as many rows of each class in every fold, within one.
    ///
    /// # Panics
    /// **Panics** if there are fewer than two folds.
    ///
    /// # Errors
    /// If no class has as many rows as there are folds.
    ///
    /// # Example
    /// ```
    /// let table = fanin_datasets::iris();
    /// for (_, test) in table.stratified_k_fold(5, 42)? {
    ///     assert_eq!((0..3).map(|class| test.labels().iter().filter(|&&y| y == class).count())
    ///         .collect::<Vec<_>>(), [10, 10, 10]);
    /// }
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[track_caller]
    pub fn stratified_k_fold(
        &self,
        folds: usize,
        seed: u64,
    ) -> Result<impl ExactSizeIterator<Item = (Self, Self)>> {
        Ok(self.pairs(KFold::new(folds).shuffle(seed).stratified(self.labels())?))
    }

    /// [`train_test_split`](Table::train_test_split) with every class's share in both parts, within
    /// one row.
    ///
    /// # Panics
    /// **Panics** if `test_share` is not in \[0, 1\].
    ///
    /// # Errors
    /// If a part would be empty, or if a class has a single row.
    ///
    /// # Example
    /// ```
    /// let (train, test) = fanin_datasets::iris().stratified_split(0.2, 42)?;
    /// assert_eq!((train.len(), test.len()), (120, 30));
    /// assert_eq!(test.labels().iter().filter(|&&y| y == 0).count(), 10);
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[track_caller]
    pub fn stratified_split(&self, test_share: f64, seed: u64) -> Result<(Self, Self)> {
        let tests = tests(self.len(), test_share);
        let split = RandomSplit::of_sizes([self.len() - tests, tests]).seed(seed);
        let [train, test] = split.stratified(self.labels())?;
        Ok((self.select(train), self.select(test)))
    }
}
