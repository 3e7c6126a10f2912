//! Random parts of data.

use fanin_init::{TorchRng, randperm};

/// The indices of the samples to train on and of those to test on, in random order.
///
/// `torch.utils.data.random_split(data, [n_train, n_test], generator)`: `randperm(n)`, of which the
/// first `n_train` are to train on.
#[track_caller]
pub(crate) fn train_and_test(n: usize, test_share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    if !(0.0..=1.0).contains(&test_share) {
        panic!("train_test_split: test_share {test_share}; give a share in [0, 1], such as 0.2");
    }
    // A product such as 0.07 · 100 is a little more than 7, and must not round up to 8.
    let tests = (n as f64 * test_share * (1.0 - f64::EPSILON)).ceil() as usize;
    let mut train = randperm(n, &mut TorchRng::seed(seed));
    let test = train.split_off(n - tests);
    (train, test)
}

#[cfg(test)]
mod tests {
    use super::train_and_test;

    #[test]
    fn the_test_share_is_rounded_up() {
        let tests = |n, share| train_and_test(n, share, 0).1.len();
        assert_eq!([tests(10, 0.25), tests(10, 0.0), tests(10, 1.0), tests(0, 0.5)], [3, 0, 10, 0]);
        // In f64, 0.07 · 100 is more than 7.
        assert_eq!([tests(100, 0.07), tests(100, 0.0701)], [7, 8]);
    }

    #[test]
    fn the_parts_are_those_of_torchs_random_split() {
        // torch.manual_seed(0); torch.randperm(10) is 4 1 7 5 3 9 0 8 6 2.
        let parts = (vec![4, 1, 7, 5, 3, 9, 0], vec![8, 6, 2]);
        assert_eq!(train_and_test(10, 0.3, 0), parts);
    }
}
