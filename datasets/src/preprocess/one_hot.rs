//! [`one_hot`]: classes as rows of zeros with a one.

use fanin_tensor::Tensor;

/// A row for each label, with a one in the column of its class and zeros in the others.
///
/// # Shapes
/// `n` labels give `(n, classes)`.
///
/// # Panics
/// **Panics** if a label is not below `classes`.
///
/// # Example
/// ```
/// let x = fanin_datasets::preprocess::one_hot(&[2, 0], 3);
/// assert_eq!((x.shape(), x.as_slice()), (&[2, 3][..], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0][..]));
/// ```
#[track_caller]
pub fn one_hot(labels: &[usize], classes: usize) -> Tensor {
    if let Some(i) = labels.iter().position(|&label| label >= classes) {
        panic!(
            "one_hot: label {i} is {}, but {classes} classes have labels below {classes}",
            labels[i]
        );
    }
    let mut x = Tensor::zeros([labels.len(), classes]);
    for (row, &label) in x.as_mut_slice().chunks_exact_mut(classes.max(1)).zip(labels) {
        row[label] = 1.0;
    }
    x
}
