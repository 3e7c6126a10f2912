//! Parts of data: by fractions and counts, and folds for cross-validation.
//!
//! A split is made of indices, so it divides any [`Data`](crate::Data). [`Subset`](crate::Subset) is
//! the part of any data at some indices; [`Table::select`](crate::Table::select) and
//! [`Dataset::select`](crate::Dataset::select) copy it.
//!
//! | split | scikit-learn | promise |
//! |---|---|---|
//! | [`RandomSplit`] | `train_test_split`, torch's `random_split` | as many samples in each part as asked for |
//! | [`RandomSplit::stratified`] | `train_test_split(stratify=y)` | and of each class its share, within one sample |
//! | [`RandomSplit::grouped`] | `GroupShuffleSplit` | no group is in two parts |
//! | [`KFold`] | `KFold` | each sample is tested on once |
//! | [`KFold::stratified`] | `StratifiedKFold` | and of each class as many in each fold, within one |
//! | [`KFold::grouped`] | `GroupKFold` | no group is in two folds |
//! | [`leave_one_out`] | `LeaveOneOut` | each sample is a fold |
//!
//! # Example
//! ```
//! use fanin_datasets::split::KFold;
//!
//! let table = fanin_datasets::iris();
//! for fold in KFold::new(5).shuffle(42).stratified(table.labels())? {
//!     let (train, test) = (table.select(fold.train), table.select(fold.test));
//!     assert_eq!((train.len(), test.len()), (120, 30));
//! }
//! # Ok::<(), fanin_datasets::Error>(())
//! ```

mod classes;
mod fold;
mod random;
mod table;

pub use fold::{Fold, KFold, leave_one_out};
pub use random::RandomSplit;
pub(crate) use random::train_and_test;
