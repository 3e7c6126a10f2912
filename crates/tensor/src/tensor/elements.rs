//! The memory of a tensor: a vector that may hold some unused elements in front, so that the elements of
//! the tensor begin at a cache line.

use crate::{Scalar, Shape};

/// The alignment in bytes: a cache line, and a vector of AVX-512.
const ALIGN: usize = 64;

/// Elements in row-major order, and their shape.
pub(super) struct Elements<T> {
    /// Unused elements up to `start`, then those of the tensor, then others that were used before.
    memory: Vec<T>,
    // Invariant: start + len ≤ memory.len(), and len is the number of elements of the shape.
    start: usize,
    len: usize,
    shape: Shape,
}

/// The most elements that may be asked for.
pub(super) fn most<T>() -> usize {
    isize::MAX as usize / size_of::<T>() - padding::<T>()
}

/// The most unused elements in front.
const fn padding<T>() -> usize {
    ALIGN / size_of::<T>() - 1
}

/// Where the first aligned element of some memory is.
fn first_aligned<T>(memory: *const T) -> usize {
    memory.align_offset(ALIGN).min(padding::<T>())
}

impl<T: Scalar> Elements<T> {
    /// `len` times the same value, aligned. The caller has checked that the shape has `len` elements.
    pub(super) fn full(shape: &[usize], len: usize, value: T) -> Self {
        if len == 0 {
            return Self::from_vec(shape, vec![], 0);
        }
        let mut memory = vec![value; len + padding::<T>()];
        let start = first_aligned(memory.as_ptr());
        memory.truncate(start + len);
        Self { memory, start, len, shape: shape.into() }
    }

    /// `len` values, aligned.
    ///
    /// # Panics
    /// **Panics** if there are more or fewer values.
    pub(super) fn collect(shape: &[usize], len: usize, values: impl Iterator<Item = T>) -> Self {
        let (mut memory, start) = with_capacity(len);
        memory.extend(values);
        assert_eq!(memory.len(), start + len, "the number of values must be that of the shape");
        Self { memory, start, len, shape: shape.into() }
    }

    /// A copy of the values, aligned. The caller has checked that the shape has that many.
    pub(super) fn copy(shape: &[usize], values: &[T]) -> Self {
        let (mut memory, start) = with_capacity(values.len());
        memory.extend_from_slice(values);
        Self { memory, start, len: values.len(), shape: shape.into() }
    }

    /// The vector itself from element `start` on, however it is aligned. The caller has checked that the
    /// shape has that many elements.
    pub(super) fn from_vec(shape: &[usize], memory: Vec<T>, start: usize) -> Self {
        assert!(start <= memory.len());
        Self { len: memory.len() - start, memory, start, shape: shape.into() }
    }

    /// The elements themselves if they are aligned, else a copy that is.
    pub(super) fn into_aligned(self) -> Self {
        if self.as_slice().as_ptr().addr().is_multiple_of(ALIGN) || self.as_slice().is_empty() {
            return self;
        }
        self.clone()
    }

    /// Sets a shape of `len` elements. Keeps the memory if it is large enough.
    pub(super) fn resize(&mut self, shape: &[usize], len: usize) {
        if self.start + len > self.memory.capacity() {
            // Growing by a constant factor: a batch that grows step by step copies rarely.
            let double = self.memory.capacity().saturating_mul(2);
            (self.memory, self.start) = with_capacity(len.max(double).min(most::<T>().max(len)));
        }
        // Elements that were used before are not written again.
        if self.start + len > self.memory.len() {
            self.memory.resize(self.start + len, T::ZERO);
        }
        self.len = len;
        self.shape = shape.into();
    }

    /// Replaces the shape. The caller has checked that it has as many elements.
    pub(super) fn set_shape(&mut self, shape: &[usize]) {
        self.shape = shape.into();
    }

    /// The elements as a vector, in the same memory.
    pub(super) fn into_vec(mut self) -> Vec<T> {
        self.memory.truncate(self.start + self.len);
        self.memory.drain(..self.start);
        self.memory
    }

    /// The memory, where the elements begin in it, and the shape.
    pub(super) fn into_parts(mut self) -> (Vec<T>, usize, Shape) {
        self.memory.truncate(self.start + self.len);
        (self.memory, self.start, self.shape)
    }
}

impl<T> Elements<T> {
    #[inline]
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: the invariant: start + len ≤ memory.len().
        unsafe { self.memory.get_unchecked(self.start..self.start + self.len) }
    }

    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { self.memory.get_unchecked_mut(self.start..self.start + self.len) }
    }
}

/// Empty memory for `len` aligned elements, but for the unused ones in front.
fn with_capacity<T: Scalar>(len: usize) -> (Vec<T>, usize) {
    if len == 0 {
        return (vec![], 0);
    }
    let mut memory = Vec::with_capacity(len + padding::<T>());
    let start = first_aligned(memory.as_ptr());
    memory.resize(start, T::ZERO);
    (memory, start)
}

impl<T: Scalar> Clone for Elements<T> {
    /// A copy, aligned.
    fn clone(&self) -> Self {
        Self::copy(&self.shape, self.as_slice())
    }
}
