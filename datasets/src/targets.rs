//! [`Targets`]: what the rows of a [`Table`](crate::Table) are to be mapped to.

use fanin_tensor::Tensor;

use crate::{Buffers, Data};

mod sealed {
    pub trait Sealed {}
    impl Sealed for fanin_tensor::Tensor {}
    impl Sealed for Vec<usize> {}
    impl Sealed for () {}
}

/// The targets of a [`Table`](crate::Table): numbers, class labels, or none. Sealed.
///
/// | targets | a batch of the table |
/// |---|---|
/// | [`Tensor`] `(n, k)` | `(Tensor, Tensor)` |
/// | `Vec<usize>`, a class each | `(Tensor, Vec<usize>)` |
/// | `()` | `Tensor` |
pub trait Targets: sealed::Sealed + Clone + Send + Sync + 'static {
    /// A batch of inputs with these targets.
    type Batch: Send + 'static;

    /// How many there are, and `None` if a table has no targets.
    #[doc(hidden)]
    fn count(&self) -> Option<usize>;
    /// Those at these indices.
    #[doc(hidden)]
    #[must_use]
    fn select(&self, indices: &[usize]) -> Self;
    /// The inputs `x`, with the targets at these indices.
    #[doc(hidden)]
    fn batch(&self, x: Tensor, indices: &[usize], buffers: &mut Buffers) -> Self::Batch;
    /// The inputs `x`, with all targets.
    #[doc(hidden)]
    fn whole(&self, x: Tensor) -> Self::Batch;
    /// The class label at an index, if these are labels.
    #[doc(hidden)]
    fn label_of(&self, index: usize) -> Option<usize> {
        let _ = index;
        None
    }
    /// Targets `(n)` as a column `(n, 1)`.
    #[doc(hidden)]
    #[must_use]
    fn column(self) -> Self {
        self
    }
}

impl Targets for Tensor {
    type Batch = (Tensor, Tensor);

    fn count(&self) -> Option<usize> {
        Some(self.shape().first().copied().unwrap_or(1))
    }
    fn select(&self, indices: &[usize]) -> Self {
        self.gather(indices, &mut Buffers::default())
    }
    fn batch(&self, x: Tensor, indices: &[usize], buffers: &mut Buffers) -> Self::Batch {
        (x, self.gather(indices, buffers))
    }
    fn whole(&self, x: Tensor) -> Self::Batch {
        (x, self.clone())
    }
    fn column(self) -> Self {
        match *self.shape() {
            [n] => self.reshape([n, 1]),
            _ => self,
        }
    }
}

impl Targets for Vec<usize> {
    type Batch = (Tensor, Vec<usize>);

    fn count(&self) -> Option<usize> {
        Some(self.len())
    }
    fn select(&self, indices: &[usize]) -> Self {
        indices.iter().map(|&i| self[i]).collect()
    }
    fn batch(&self, x: Tensor, indices: &[usize], _: &mut Buffers) -> Self::Batch {
        (x, self.select(indices))
    }
    fn whole(&self, x: Tensor) -> Self::Batch {
        (x, self.clone())
    }
    fn label_of(&self, index: usize) -> Option<usize> {
        Some(self[index])
    }
}

impl Targets for () {
    type Batch = Tensor;

    fn count(&self) -> Option<usize> {
        None
    }
    fn select(&self, _: &[usize]) -> Self {}
    fn batch(&self, x: Tensor, _: &[usize], _: &mut Buffers) -> Tensor {
        x
    }
    fn whole(&self, x: Tensor) -> Tensor {
        x
    }
}
