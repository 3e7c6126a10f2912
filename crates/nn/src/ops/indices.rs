//! [`Indices`]: integers that an operation keeps for its backward pass.

use std::cell::RefCell;
use std::ops::Deref;

/// Integers in memory that is used again, so that a steady step allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Indices(Vec<usize>);

/// At most this many vectors are kept, each of at most this many elements: 8 MiB altogether.
const VECTORS: usize = 16;
const ELEMENTS: usize = 1 << 16;

thread_local! {
    static FREE: RefCell<Vec<Vec<usize>>> = const { RefCell::new(vec![]) };
}

impl Indices {
    /// None yet.
    pub(super) fn new() -> Self {
        Self(FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten().unwrap_or_default())
    }

    pub(super) fn of(indices: &[usize]) -> Self {
        let mut all = Self::new();
        all.0.extend_from_slice(indices);
        all
    }

    pub(super) fn push(&mut self, index: usize) {
        self.0.push(index);
    }
}

impl Clone for Indices {
    fn clone(&self) -> Self {
        Self::of(self)
    }
}

impl Deref for Indices {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl Drop for Indices {
    fn drop(&mut self) {
        let mut memory = std::mem::take(&mut self.0);
        memory.clear();
        // A thread that ends may have dropped the list already.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if memory.capacity() <= ELEMENTS && free.len() < VECTORS {
                free.push(memory);
            }
        });
    }
}
