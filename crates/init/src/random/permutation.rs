//! Random orders: `torch.randperm`, and the order of a shuffled epoch.

use rand::RngCore;

use crate::TorchRng;

/// A random order of `0..n`: `torch.randperm(n)` when the generator is a [`TorchRng`].
///
/// Fisher–Yates from the front: for `i` in `0..n−1`, swap `i` with `i + next_u32 % (n − i)`. The
/// remainder makes small numbers more likely, by at most `n/2³²`.
///
/// # Panics
/// When `n` does not fit 32 bits.
///
/// # Example
/// ```
/// use fanin_init::{TorchRng, randperm};
///
/// // torch.manual_seed(0); torch.randperm(10)
/// assert_eq!(randperm(10, &mut TorchRng::seed(0)), [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]);
/// ```
#[track_caller]
pub fn randperm<R: RngCore + ?Sized>(n: usize, mut rng: &mut R) -> Vec<usize> {
    permutation(n, &mut rng)
}

/// [`randperm`], compiled once for all generators.
#[track_caller]
pub(crate) fn permutation(n: usize, rng: &mut dyn RngCore) -> Vec<usize> {
    assert!(u32::try_from(n).is_ok(), "randperm: {n} does not fit 32 bits");
    let mut order: Vec<usize> = (0..n).collect();
    for i in 0..n.saturating_sub(1) {
        let z = rng.next_u32() as usize % (n - i);
        order.swap(i, i + z);
    }
    order
}

/// The order in which PyTorch's `DataLoader(shuffle=True)` visits `n` items in its next epoch.
///
/// It takes two numbers from the generator. The first is the loader's seed for its workers, which
/// is not needed here. The second seeds another generator for [`randperm`].
///
/// # Panics
/// When `n` does not fit 32 bits.
///
/// # Example
/// ```
/// use fanin_init::{TorchRng, epoch_order};
///
/// let mut rng = TorchRng::seed(0);
/// assert_ne!(epoch_order(100, &mut rng), epoch_order(100, &mut rng));
/// ```
#[track_caller]
pub fn epoch_order<R: RngCore + ?Sized>(n: usize, rng: &mut R) -> Vec<usize> {
    let _workers = rng.next_u64();
    // PyTorch's number has 63 bits. TorchRng keeps the low 32, which are the same.
    permutation(n, &mut TorchRng::seed(rng.next_u64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_comes_once() {
        for n in [0, 1, 2, 1000] {
            let mut order = epoch_order(n, &mut TorchRng::seed(1));
            order.sort_unstable();
            assert!(order.into_iter().eq(0..n));
        }
    }

    #[test]
    #[should_panic(expected = "randperm: 8589934592 does not fit 32 bits")]
    fn too_many_items_are_refused() {
        randperm(1 << 33, &mut TorchRng::seed(0));
    }
}
