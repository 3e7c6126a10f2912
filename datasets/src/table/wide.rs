//! Tables from arrays of `f64`, as statistics have them.

use fanin_tensor::Tensor;
use fanin_tensor::ndarray::ArrayView2;

use crate::error::{Error, Result};
use crate::{Table, Targets};

impl<Y: Targets> Table<Y> {
    /// A table of an ndarray array of `f64`, whose numbers are rounded to `f32`.
    ///
    /// # Shapes
    /// `x` is `(n, features)`.
    ///
    /// # Errors
    /// If a number is NaN, infinite or too large for `f32`, or if there is not one target for each row.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::Table;
    /// use fanin_tensor::ndarray::array;
    ///
    /// let table = Table::from_f64(&array![[5.1f64, 3.5], [4.9, 3.0]], vec![0, 1])?;
    /// assert_eq!(table.inputs().as_slice(), [5.1f32, 3.5, 4.9, 3.0]);
    ///
    /// let error = Table::from_f64(&array![[1e300f64]], ()).unwrap_err();
    /// assert!(error.to_string().starts_with("row 0, column 0 is inf"));
    /// # Ok::<(), fanin_datasets::Error>(())
    /// ```
    pub fn from_f64<'a>(x: impl Into<ArrayView2<'a, f64>>, y: Y) -> Result<Self> {
        let x = x.into();
        let (n, features) = x.dim();
        if let Some(targets) = y.count()
            && targets != n
        {
            return Err(Error::TargetsDiffer { rows: n, targets });
        }
        let values: Vec<f32> = x.iter().map(|&value| value as f32).collect();
        if let Some(i) = values.iter().position(|value| !value.is_finite()) {
            let (row, column) = (i / features, i % features);
            return Err(Error::NotFinite { row, column, value: values[i] });
        }
        Ok(Self::from_tensors(Tensor::from_vec([n, features], values), y))
    }
}
