//! [`Buffers`]: the memory of batches, used again.

use fanin_tensor::Tensor;

/// The memory of a pass's batches. [`Data::gather`](crate::Data::gather) takes tensors from it.
///
/// A tensor that the caller has dropped becomes a tensor of a later batch. A tensor that the caller
/// keeps stays as it is. The first tensor taken for a batch uses the memory of the first tensors of
/// earlier batches, the second that of the second ones, and so on.
///
/// # Example
/// ```
/// use fanin_datasets::Buffers;
///
/// let squares = [0.0, 1.0, 4.0, 9.0];
/// let x = Buffers::default().rows(&[3, 1], &[1], |i, row| row[0] = squares[i]);
/// assert_eq!((x.shape(), x.as_slice()), (&[2, 1][..], &[9.0, 1.0][..]));
/// ```
#[derive(Clone, Default)]
pub struct Buffers {
    /// For the first tensor of a batch, the second, …: those of the last batches, the latest first.
    ///
    /// Three, because a tape keeps its input until the next step begins. By then the next batch has
    /// been made, and a thread that prefetches is at work on the one after it.
    recent: Vec<[Tensor; 3]>,
    /// How many tensors of the current batch have been taken.
    taken: usize,
    /// Memory for the indices of a batch: see [`Subset`](crate::Subset).
    pub(crate) indices: Vec<usize>,
}

impl Buffers {
    /// Begins a batch: the next tensor is its first one. [`Batches`](crate::Batches) does this. A loop that
    /// calls [`Data::gather`](crate::Data::gather) itself does so before each call.
    pub fn begin(&mut self) {
        self.taken = 0;
    }

    /// A tensor of this shape, whose elements `write` must write, all of them: what they hold before
    /// is unspecified.
    ///
    /// # Example
    /// ```
    /// let x = fanin_datasets::Buffers::default().tensor(&[2, 2], |values| values.fill(1.0));
    /// assert_eq!(x.as_slice(), [1.0; 4]);
    /// ```
    pub fn tensor(&mut self, shape: &[usize], write: impl FnOnce(&mut [f32])) -> Tensor {
        let tensor = self.take();
        write(tensor.reuse(shape));
        tensor.clone()
    }

    /// A tensor with one row of shape `row_shape` for each index; `write` gets an index and must
    /// write its row.
    ///
    /// # Shapes
    /// `row_shape` `(…)` gives a tensor `(indices.len(), …)`.
    pub fn rows(
        &mut self,
        indices: &[usize],
        row_shape: &[usize],
        mut write: impl FnMut(usize, &mut [f32]),
    ) -> Tensor {
        let size = row_shape.iter().product();
        self.tensor(&[&[indices.len()], row_shape].concat(), |values| {
            if size > 0 {
                for (&i, row) in indices.iter().zip(values.chunks_exact_mut(size)) {
                    write(i, row);
                }
            }
        })
    }

    /// Copies of the rows at these indices out of `values`, whose rows have the shape `row_shape`.
    pub(crate) fn copy_rows(
        &mut self,
        values: &[f32],
        row_shape: &[usize],
        indices: &[usize],
    ) -> Tensor {
        let size: usize = row_shape.iter().product();
        self.rows(indices, row_shape, |i, row| {
            row.copy_from_slice(&values[i * size..(i + 1) * size]);
        })
    }

    /// The next tensor of this batch: one that the caller has dropped, if there is one.
    fn take(&mut self) -> &mut Tensor {
        if self.taken == self.recent.len() {
            self.recent.push(Default::default());
        }
        let recent = &mut self.recent[self.taken];
        self.taken += 1;
        let free = recent.iter().position(|x| !x.is_shared());
        recent[..=free.unwrap_or(2)].rotate_right(1);
        &mut recent[0]
    }
}
