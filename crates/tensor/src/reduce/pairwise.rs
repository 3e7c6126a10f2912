//! [`PairwiseSum`]: the sum of numbers that come one after the other.

/// Terms that are added in plain order.
const RUN: u64 = 32;
/// For 2⁶⁴ terms.
const LEVELS: usize = 60;

/// The sum of numbers that come one after the other, as a tree: its error grows with the logarithm of their
/// number.
///
/// # Example
/// ```
/// use fanin_tensor::reduce::PairwiseSum;
///
/// let sum: PairwiseSum = (0..1_000_000).map(|_| 0.1).collect();
/// assert!((sum.total() - 1e5).abs() < 1e-9);
/// ```
///
/// # Reference
/// Higham 1993, "The accuracy of floating point summation", section 4.
#[derive(Clone, Debug)]
pub struct PairwiseSum {
    /// The sum of the latest terms, fewer than [`RUN`].
    run: f64,
    count: u64,
    /// At level l: the sum of 2^l runs that waits for its neighbour.
    tree: [f64; LEVELS],
}

impl Default for PairwiseSum {
    fn default() -> Self {
        Self { run: 0.0, count: 0, tree: [0.0; LEVELS] }
    }
}

impl PairwiseSum {
    /// An empty sum, 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number.
    #[inline]
    pub fn push(&mut self, x: f64) {
        self.run += x;
        self.count += 1;
        if self.count.is_multiple_of(RUN) {
            let (mut sum, mut level) = (std::mem::take(&mut self.run), 0);
            let runs = self.count / RUN - 1;
            while runs >> level & 1 == 1 {
                sum += self.tree[level];
                level += 1;
            }
            self.tree[level] = sum;
        }
    }

    /// The sum of all numbers.
    pub fn total(&self) -> f64 {
        let runs = self.count / RUN;
        let waiting = (0..LEVELS).filter(|level| runs >> level & 1 == 1);
        waiting.fold(self.run, |sum, level| sum + self.tree[level])
    }

    /// [`total`](Self::total) of the numbers.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> f64 {
        numbers.into_iter().collect::<Self>().total()
    }
}

impl Extend<f64> for PairwiseSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|x| self.push(x));
    }
}

impl FromIterator<f64> for PairwiseSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::new();
        sum.extend(numbers);
        sum
    }
}
