//! From raw columns to a network's inputs: impute, scale, one-hot; fitted on the rows to train on,
//! applied to all others, saved beside the model.
//!
//! - [`Preprocessor`] says what is to be done; [`Preprocessor::fit`] measures the rows to train on and
//!   gives a [`Pipeline`].
//! - A [`Pipeline`] makes a [`Table`](crate::Table) of any [`Frame`](crate::Frame) with the same columns,
//!   and inputs of a single row. It undoes the scale of targets, names classes, and is saved with the
//!   model in one file or beside it.
//! - [`Standardizer`], [`MinMaxScaler`], [`Imputer`] and [`one_hot`] do one step with a tensor, for data
//!   that never was a frame.
//!
//! | here | scikit-learn |
//! |---|---|
//! | [`Scale::Standardize`], [`Standardizer`] | `StandardScaler` |
//! | [`Scale::MinMax`], [`MinMaxScaler`] | `MinMaxScaler` |
//! | [`Impute`], [`Imputer`] | `SimpleImputer` |
//! | [`Encode::OneHot`], [`one_hot`] | `OneHotEncoder` |
//! | [`Encode::Ordinal`] | `OrdinalEncoder` |
//! | [`Pipeline`] | `ColumnTransformer` in a `Pipeline`, `TransformedTargetRegressor` |
//!
//! # Example
//! ```
//! use fanin_datasets::Frame;
//! use fanin_datasets::preprocess::{Impute, Preprocessor, Scale};
//!
//! let homes = Frame::new()
//!     .with_numbers("size", [50.0, f64::NAN, 120.0, 95.0])
//!     .with_texts("city", ["Oslo", "Rome", "Oslo", "Rome"])
//!     .with_numbers("price", [210.0, 320.0, 500.0, 410.0]);
//! let (train, test) = homes.split(3);
//!
//! let pipeline = Preprocessor::new()
//!     .target("price")
//!     .scale_targets(Scale::Standardize)
//!     .impute(Impute::Mean)
//!     .fit(&train)?;                                       // measures the training rows alone
//! assert_eq!(pipeline.feature_names(), ["size", "city=Oslo", "city=Rome"]);
//!
//! let (x, y) = pipeline.table(&train)?.tensors();
//! assert_eq!((x.shape(), y.shape()), (&[3, 3][..], &[3, 1][..]));
//! assert_eq!(x.as_slice()[3..6], [0.0, 0.0, 1.0]);         // a size that is missing is the mean: 0
//! assert!((pipeline.undo_targets(&y).as_slice()[2] - 500.0).abs() < 1e-3);
//! # let _ = pipeline.table(&test)?;
//! # Ok::<(), fanin_datasets::Error>(())
//! ```
//! Cross-validation fits a pipeline in each fold:
//! ```
//! use fanin_datasets::split::KFold;
//! use fanin_datasets::{Frame, Preprocessor};
//!
//! let frame = Frame::new()
//!     .with_numbers("size", (0..20).map(f64::from))
//!     .with_texts("sold", (0..20).map(|i| if i % 2 == 0 { "yes" } else { "no" }));
//! for fold in KFold::new(5).shuffle(42).stratified(&frame.labels("sold")?)? {
//!     let (train, test) = (frame.select(fold.train), frame.select(fold.test));
//!     let pipeline = Preprocessor::new().class("sold").fit(&train)?;
//!     let (train, test) = (pipeline.labelled(&train)?, pipeline.labelled(&test)?);
//!     assert_eq!((train.len(), test.len(), test.classes()), (16, 4, 2));
//! }
//! # Ok::<(), fanin_datasets::Error>(())
//! ```

mod fit;
mod imputer;
mod min_max;
mod one_hot;
mod pipeline;
mod preprocessor;
mod rows;
mod save;
mod standardizer;
mod statistics;
mod step;

pub use imputer::{Impute, Imputer};
pub use min_max::MinMaxScaler;
pub use one_hot::one_hot;
pub use pipeline::Pipeline;
pub use preprocessor::{Encode, Preprocessor, Scale, Unseen};
pub use rows::Value;
#[cfg(feature = "csv")]
pub(crate) use rows::WAS_A_NUMBER;
pub use standardizer::Standardizer;
