//! [`Table`]: rows of numbers, with targets or without.

mod names;
mod wide;

use std::fmt;
use std::sync::Arc;

use fanin_tensor::{Tensor, show_shape};

use crate::error::{Error, Result, Thousands, count};
use crate::split::train_and_test;
use crate::{Augment, Batches, Buffers, Data, Standardizer, Targets};
use names::Names;

/// Rows of `f32`, one a sample, with numbers, class labels or nothing as targets.
///
/// `Table` has numbers `(n, k)` as targets, `Table<Vec<usize>>` a class for each row, of any number
/// of classes, and `Table<()>` none. Clones share the numbers; parts ([`select`](Table::select),
/// [`take`](Table::take), [`split`](Table::split), [`train_test_split`](Table::train_test_split)) are
/// tables of their own.
///
/// # Panics and errors
/// A table of tensors that a program has made **panics** at the caller's line if they do not fit: see
/// [`from_tensors`](Table::from_tensors). Rows that come from outside, such as a file, give an
/// [`Error`] that says what to do next: see [`from_rows`](Table::from_rows).
///
/// # Example
/// ```
/// use fanin_datasets::{Table, Tensor};
///
/// // Square metres and rooms; the price.
/// let x = Tensor::from_vec([4, 2], vec![50.0, 2.0, 80.0, 3.0, 120.0, 4.0, 95.0, 4.0]);
/// let y = Tensor::from_vec([4, 1], vec![210.0, 320.0, 500.0, 410.0]);
/// let (train, test) = Table::from_tensors(x, y).train_test_split(0.25, 42);
///
/// let scale = train.standardizer()?;                       // fitted to the training rows alone
/// let [train, test] = [train, test].map(|table| table.standardize(&scale));
///
/// for (x, y) in train.batches(2).shuffle() {
///     assert_eq!((x.shape()[1], y.shape()[1]), (2, 1));
/// }
/// assert_eq!((train.len(), test.len()), (3, 1));
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
#[derive(Clone)]
pub struct Table<Y: Targets = Tensor> {
    // Invariant: x is (n, features), and there are n targets, or none at all.
    x: Tensor,
    y: Arc<Y>,
    names: Names,
}

impl<Y: Targets> Table<Y> {
    /// A table of these inputs and targets: a tensor of numbers, a `Vec<usize>` of class labels, or
    /// `()` for none. [`Table::from`] takes a pair of ndarray arrays.
    ///
    /// # Shapes
    /// `x` is `(n, features)`. Targets are `(n, k)`, `(n)` or `n` labels; `(n)` becomes a column
    /// `(n, 1)`, as a network with one output gives it.
    ///
    /// # Panics
    /// **Panics** if `x` does not have two axes, or if there is not one target for each row. Values
    /// are not checked: NaN is taken as it is.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Table, Tensor};
    ///
    /// let x = Tensor::ones([3, 2]);
    /// let labelled = Table::from_tensors(x.clone(), vec![0, 999, 1]);
    /// assert_eq!((labelled.len(), labelled.features(), labelled.classes()), (3, 2, 1000));
    ///
    /// let alone = Table::from_tensors(x, ());
    /// assert_eq!(alone.batches(2).next().unwrap().shape(), [2, 2]);
    /// ```
    #[doc(alias("TensorDataset"))]
    #[track_caller]
    pub fn from_tensors(x: impl Into<Tensor>, y: Y) -> Self {
        Self::checked("from_tensors", x.into(), y)
    }

    #[track_caller]
    fn checked(op: &str, x: Tensor, y: Y) -> Self {
        let &[n, _] = x.shape() else {
            panic!("{op}: inputs {}; a table has two axes (rows, features)", show_shape(x.shape()));
        };
        if let Some(targets) = y.count()
            && targets != n
        {
            panic!("{op}: inputs {}, but {targets} targets", show_shape(x.shape()));
        }
        Self { x, y: Arc::new(y.column()), names: Names::default() }
    }

    /// A table of rows that come from outside, such as the lines of a file.
    ///
    /// # Errors
    /// If a row is longer or shorter than the first, if a number is NaN or infinite, or if there is
    /// not one target for each row.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::Table;
    ///
    /// let table = Table::from_rows([[5.1, 3.5], [4.9, 3.0]], vec![0, 1])?;
    /// assert_eq!(table.features(), 2);
    ///
    /// let error = Table::from_rows([vec![5.1, 3.5], vec![4.9]], ()).unwrap_err();
    /// assert!(error.to_string().starts_with("row 1 has 1 number, but row 0 has 2"));
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn from_rows<R: AsRef<[f32]>>(rows: impl IntoIterator<Item = R>, y: Y) -> Result<Self> {
        let (mut values, mut features, mut n) = (Vec::new(), 0, 0);
        for row in rows {
            let row = row.as_ref();
            if n == 0 {
                features = row.len();
            }
            check_row(n, row, features)?;
            values.extend_from_slice(row);
            n += 1;
        }
        if let Some(targets) = y.count()
            && targets != n
        {
            return Err(Error::TargetsDiffer { rows: n, targets });
        }
        Ok(Self::checked("from_rows", Tensor::from_vec([n, features], values), y))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.x.shape()[0]
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers a row has: the inputs of a network for it.
    pub fn features(&self) -> usize {
        self.x.shape()[1]
    }

    /// The inputs, `(n, features)`.
    pub fn inputs(&self) -> &Tensor {
        &self.x
    }

    /// The same rows with other inputs, such as imputed ones. Names of columns stay if there are as many.
    ///
    /// # Panics
    /// **Panics** if `x` does not have two axes and as many rows.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::preprocess::MinMaxScaler;
    ///
    /// let (train, test) = fanin_datasets::iris().train_test_split(0.2, 42);
    /// let scaler = MinMaxScaler::fit(train.inputs())?;
    /// let [train, test] = [train, test].map(|part| part.with_inputs(scaler.apply(part.inputs())));
    /// assert!(train.inputs().as_slice().iter().all(|x| (0.0..=1.0).contains(x)));
    /// # let _ = test;
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_inputs(&self, x: impl Into<Tensor>) -> Self {
        let x = x.into();
        let &[n, features] = x.shape() else {
            let shape = show_shape(x.shape());
            panic!("with_inputs: inputs {shape}; a table has two axes (rows, features)");
        };
        if n != self.len() {
            panic!("with_inputs: inputs {}, but {} rows", show_shape(x.shape()), self.len());
        }
        let names = if features == self.features() {
            self.names.clone()
        } else {
            self.names.targets_alone()
        };
        Self { x, y: self.y.clone(), names }
    }

    /// The targets.
    pub fn targets(&self) -> &Y {
        &self.y
    }

    /// The whole table as one batch.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Table, Tensor};
    ///
    /// let (x, y) = Table::from_tensors(Tensor::ones([3, 2]), Tensor::zeros(3)).tensors();
    /// assert_eq!((x.shape(), y.shape()), (&[3, 2][..], &[3, 1][..]));
    /// ```
    pub fn tensors(&self) -> Y::Batch {
        self.y.whole(self.x.clone())
    }

    /// Batches of `size` rows, in order; the last one may be shorter. See [`Batches`] to shuffle.
    ///
    /// # Panics
    /// **Panics** if `size` is 0.
    #[doc(alias("DataLoader"))]
    #[track_caller]
    pub fn batches(&self, size: usize) -> Batches<'_, Self> {
        Data::batches(self, size)
    }

    /// The rows at these indices, in this order; a range, an array, any iterator.
    ///
    /// # Panics
    /// **Panics** if there is no row of some index.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Table, Tensor};
    ///
    /// let x = Tensor::from_vec([3, 1], vec![10.0, 20.0, 30.0]);
    /// let part = Table::from_tensors(x, vec![0, 1, 0]).select([2, 0]);
    /// assert_eq!(part.tensors(), (Tensor::from_vec([2, 1], vec![30.0, 10.0]), vec![0, 0]));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn select(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        self.select_indices(&indices.into_iter().collect::<Vec<_>>())
    }

    #[track_caller]
    fn select_indices(&self, indices: &[usize]) -> Self {
        if let Some(i) = indices.iter().find(|&&i| i >= self.len()) {
            panic!("select: no row {i} among {}", count(self.len() as u64, "rows"));
        }
        let x = self.x.gather(indices, &mut Buffers::default());
        Self { x, y: Arc::new(self.y.select(indices)), names: self.names.clone() }
    }

    /// The first `n` rows, or all if there are fewer.
    #[must_use]
    pub fn take(&self, n: usize) -> Self {
        self.select(0..n.min(self.len()))
    }

    /// The first `n` rows, and the rest.
    ///
    /// # Panics
    /// **Panics** if there are fewer than `n`.
    #[must_use]
    #[track_caller]
    pub fn split(&self, n: usize) -> (Self, Self) {
        if n > self.len() {
            panic!("split: no first {n} of {}", count(self.len() as u64, "rows"));
        }
        (self.select(0..n), self.select(n..self.len()))
    }

    /// A random part to train on and the rest to test on: `test_share` of the rows, rounded up.
    ///
    /// The parts are those of torch's `random_split(data, [n_train, n_test], generator)` for a
    /// generator of the same seed.
    ///
    /// # Panics
    /// **Panics** if `test_share` is not in \[0, 1\].
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Table, Tensor};
    ///
    /// let table = Table::from_tensors(Tensor::ones([10, 2]), vec![0; 10]);
    /// let (train, test) = table.train_test_split(0.2, 42);
    /// assert_eq!((train.len(), test.len()), (8, 2));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn train_test_split(&self, test_share: f64, seed: u64) -> (Self, Self) {
        let (train, test) = train_and_test(self.len(), test_share, seed);
        (self.select_indices(&train), self.select_indices(&test))
    }

    /// The mean and standard deviation of every column, to [`standardize`](Table::standardize) this
    /// table and others with.
    ///
    /// # Errors
    /// If there are no rows, or if a number is NaN or infinite.
    #[doc(alias("StandardScaler"))]
    pub fn standardizer(&self) -> Result<Standardizer> {
        Standardizer::fit(&self.x)
    }

    /// The same table whose inputs are `(x − mean) / std`, column by column. Fit the
    /// [`Standardizer`] to the rows to train on, and apply it to all others.
    ///
    /// # Panics
    /// **Panics** if the standardizer was fitted to another number of columns.
    #[must_use]
    #[track_caller]
    pub fn standardize(&self, standardizer: &Standardizer) -> Self {
        Self { x: standardizer.apply(&self.x), ..self.clone() }
    }
}

impl Table {
    /// The mean and standard deviation of every column of the targets.
    ///
    /// # Panics
    /// **Panics** if the targets have more than two axes.
    ///
    /// # Errors
    /// If there are no rows, or if a target is NaN or infinite.
    #[track_caller]
    pub fn target_standardizer(&self) -> Result<Standardizer> {
        Standardizer::fit(&self.y)
    }

    /// The same table whose targets are `(y − mean) / std`, column by column.
    /// [`Standardizer::undo`] turns predictions of them back.
    ///
    /// # Panics
    /// **Panics** if the standardizer was fitted to another number of columns.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Table, Tensor};
    ///
    /// let table = Table::from_tensors(Tensor::ones([2, 1]), Tensor::from(vec![1.0, 3.0]));
    /// let scale = table.target_standardizer()?;
    /// assert_eq!(table.standardize_targets(&scale).targets().as_slice(), [-1.0, 1.0]);
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn standardize_targets(&self, standardizer: &Standardizer) -> Self {
        Self { y: Arc::new(standardizer.apply(&self.y)), ..self.clone() }
    }
}

impl Table<Vec<usize>> {
    /// The class of every row.
    pub fn labels(&self) -> &[usize] {
        &self.y
    }

    /// How many classes there are: as many as [`class_names`](Table::class_names), if the table has
    /// them, else one more than the largest label.
    pub fn classes(&self) -> usize {
        let largest = self.y.iter().max().map_or(0, |&largest| largest + 1);
        largest.max(self.class_names().len())
    }
}

fn check_row(n: usize, row: &[f32], features: usize) -> Result<()> {
    if row.len() != features {
        return Err(Error::Ragged { row: n, found: row.len(), expected: features });
    }
    match row.iter().position(|value| !value.is_finite()) {
        Some(column) => Err(Error::NotFinite { row: n, column, value: row[column] }),
        None => Ok(()),
    }
}

/// Inputs and targets as tensors or ndarray arrays.
///
/// # Panics
/// **Panics** as [`Table::from_tensors`] does.
impl<X: Into<Tensor>, Y: Into<Tensor>> From<(X, Y)> for Table {
    #[track_caller]
    fn from((x, y): (X, Y)) -> Self {
        Self::checked("Table::from", x.into(), y.into())
    }
}

/// Inputs as a tensor or an ndarray array, and a class label for each row.
///
/// # Panics
/// **Panics** as [`Table::from_tensors`] does.
///
/// # Example
/// ```
/// use fanin_datasets::Table;
/// use fanin_tensor::ndarray::array;
///
/// let labelled = Table::from((array![[5.1, 3.5], [4.9, 3.0]], vec![0, 1]));
/// let priced = Table::from((array![[50.0, 2.0], [80.0, 3.0]], array![210.0, 320.0]));
/// assert_eq!((labelled.classes(), priced.targets().shape()), (2, &[2, 1][..]));
/// ```
impl<X: Into<Tensor>> From<(X, Vec<usize>)> for Table<Vec<usize>> {
    #[track_caller]
    fn from((x, y): (X, Vec<usize>)) -> Self {
        Self::checked("Table::from", x.into(), y)
    }
}

impl<Y: Targets> Data for Table<Y> {
    type Batch = Y::Batch;

    fn num_samples(&self) -> usize {
        self.len()
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Y::Batch {
        let x = self.x.gather(indices, buffers);
        self.y.batch(x, indices, buffers)
    }
    fn label_of(&self, index: usize) -> Option<usize> {
        self.y.label_of(index)
    }
}

/// A change gets a row of the inputs.
impl<Y: Targets> Augment for Table<Y> {
    fn gather_augmented(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Y::Batch {
        let (values, shape) = (self.x.as_slice(), &self.x.shape()[1..]);
        let x = buffers.rows(indices, shape, |i, row| {
            row.copy_from_slice(&values[i * row.len()..][..row.len()]);
            change(row, shape);
        });
        self.y.batch(x, indices, buffers)
    }

    fn gather_augmented_together(
        &self,
        indices: &[usize],
        buffers: &mut Buffers,
        change: &mut dyn FnMut(&mut [f32], &[usize]),
    ) -> Y::Batch {
        let (values, shape) = (self.x.as_slice(), &self.x.shape()[1..]);
        let size: usize = shape.iter().product();
        let x = buffers.tensor(&[&[indices.len()], shape].concat(), |rows| {
            for (&i, row) in indices.iter().zip(rows.chunks_exact_mut(size.max(1))) {
                row.copy_from_slice(&values[i * size..][..size]);
            }
            change(rows, shape);
        });
        self.y.batch(x, indices, buffers)
    }
}

impl<Y: Targets> fmt::Debug for Table<Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets = if self.y.count().is_some() { "" } else { ", no targets" };
        let (rows, features) = (Thousands(self.len() as u64), self.features());
        write!(f, "Table {{ {rows} × {features}{targets} }}")
    }
}
