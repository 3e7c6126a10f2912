//! `y = (x − μ) / √(σ² + ε) ⊙ γ + β`, with μ and σ² of each column.

use fanin_tensor::map::{map, update};
use fanin_tensor::simd::{Isa, Kernel, dispatch};
use fanin_tensor::{Scalar, Set, Tensor, Write, reduce, scratch};

use crate::parts::BatchParts;
use crate::tape::{Backward, Op, Var};

/// `σ² = Σ_rows (x − μ)² / n`. Only [`BatchNorm`] reads it, and its backward pass sends no gradient
/// here.
#[derive(Debug)]
struct ColumnVariance;

impl<T: Scalar> Op<T> for ColumnVariance {
    fn backward(&self, _: &mut Backward<'_, T>) {
        unreachable!("no gradient flows into the statistics of a batch")
    }
}

/// The number 1.
#[derive(Debug)]
struct One;

impl<T: Scalar> Op<T> for One {
    fn backward(&self, _: &mut Backward<'_, T>) {
        unreachable!("a number has no inputs")
    }
}

/// With `x̂ = (x − μ)/√(σ² + ε)`: `dγ = Σ_rows dy ⊙ x̂` and `dβ = Σ_rows dy`. If μ and σ² belong to
/// the batch, `dx = γ/√(σ² + ε) ⊙ (dy − dβ/n − x̂ ⊙ dγ/n)`, else `dx = γ/√(σ² + ε) ⊙ dy`. The
/// inputs are x, μ, σ², and optionally γ and β.
#[derive(Debug)]
struct BatchNorm {
    epsilon: f64,
    of_batch: bool,
}

impl<T: Scalar> Op<T> for BatchNorm {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, dy) = (cx.input(0).as_slice(), cx.dy());
        let (mean, variance) = (cx.input(1).as_slice(), cx.input(2).as_slice());
        let gamma = (cx.inputs() == 5).then(|| cx.input(3).as_slice());
        let (columns, rows) = (mean.len(), x.len() / mean.len().max(1));
        let scale = |variance: T| T::ONE / (variance + T::from_f64(self.epsilon)).sqrt();
        // Σ dy and Σ dy ⊙ x̂ of each column.
        scratch::with(2 * columns, |sums| {
            let (plain, along) = sums.split_at_mut(columns);
            let both = [(Write::Set, &mut *plain), (Write::Set, &mut *along)];
            reduce::row_sums([x, dy], [mean], both, |[x, dy], [m]| [dy, dy * (x - m)]);
            update([&mut *along], [variance], |[sum], [v]| [sum * scale(v)]);
            if cx.inputs() == 5 {
                for (input, sums) in [(3, &*along), (4, &*plain)] {
                    if let Some((write, d)) = cx.grad(input) {
                        map([sums], write, d, |[s]| s);
                    }
                }
            }
            let Some((write, dx)) = cx.grad(0) else { return };
            let parts = self.of_batch.then(BatchParts::current).flatten();
            let rows = match parts {
                Some(parts) => sum_over_parts(&parts, rows, [&mut *plain, &mut *along]),
                None => rows,
            };
            let n = if self.of_batch { T::from_f64(1.0 / rows as f64) } else { T::ZERO };
            for first in (0..columns).step_by(BLOCK) {
                let block = Block {
                    x,
                    dy,
                    columns,
                    first,
                    width: BLOCK.min(columns - first),
                    mean: &mean[first..],
                    variance: &variance[first..],
                    epsilon: T::from_f64(self.epsilon),
                };
                let gamma = gamma.map(|gamma| &gamma[first..]);
                let sums = [&plain[first..], &along[first..]];
                dispatch(BlockInput { block, sums, gamma, n, write, dx });
            }
        });
    }

    fn is_normalization(&self) -> bool {
        true
    }
}

/// The sums of the rows of all parts of a batch, and how many rows these are. Each part differentiates the
/// mean over its own rows, so its sums count by its rows, relative to this part's.
fn sum_over_parts<T: Scalar>(parts: &BatchParts, rows: usize, sums: [&mut [T]; 2]) -> usize {
    let own = rows as f64;
    let values = sums.iter().flat_map(|sums| sums.iter().map(|sum| own * sum.to_f64()));
    let mut all: Vec<f64> = std::iter::once(own).chain(values).collect();
    parts.sum(&mut all);
    let total = all[0] as usize;
    let sums = sums.into_iter().flatten();
    sums.zip(&all[1..]).for_each(|(sum, all)| *sum = T::from_f64(all / own));
    total
}

/// The number of columns in a block. Its sums fit into registers or the first-level cache.
const BLOCK: usize = 64;

/// Some columns of the input and of the output's gradient.
#[derive(Clone, Copy)]
struct Block<'a, T> {
    x: &'a [T],
    dy: &'a [T],
    columns: usize,
    first: usize,
    width: usize,
    mean: &'a [T],
    variance: &'a [T],
    epsilon: T,
}

impl<'a, T: Scalar> Block<'a, T> {
    #[inline(always)]
    fn rows(self) -> impl Iterator<Item = (&'a [T], &'a [T])> {
        let part = move |row: &'a [T]| &row[self.first..self.first + self.width];
        let x = self.x.chunks_exact(self.columns).map(part);
        x.zip(self.dy.chunks_exact(self.columns).map(part))
    }

    /// `1/√(σ² + ε)`
    #[inline(always)]
    fn scales(self) -> [T; BLOCK] {
        let mut scales = [T::ZERO; BLOCK];
        for (scale, &variance) in scales[..self.width].iter_mut().zip(self.variance) {
            *scale = T::ONE / (variance + self.epsilon).sqrt();
        }
        scales
    }
}

struct BlockInput<'a, 'd, T> {
    block: Block<'a, T>,
    /// `Σ_rows dy` and `Σ_rows dy ⊙ x̂`.
    sums: [&'a [T]; 2],
    gamma: Option<&'a [T]>,
    /// `1/rows`, or 0 if the statistics do not depend on the input.
    n: T,
    write: Write,
    dx: &'d mut [T],
}

impl<T: Scalar> Kernel for BlockInput<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { block, sums: [plain, along], gamma, n, write, dx } = self;
        let (plain, along) = (&plain[..block.width], &along[..block.width]);
        let scales = block.scales();
        let factor = |j: usize| scales[j] * gamma.map_or(T::ONE, |gamma| gamma[j]);
        let dx = dx.chunks_exact_mut(block.columns);
        for (dx, (x, dy)) in dx.zip(block.rows()) {
            let dx = &mut dx[block.first..block.first + block.width];
            for j in 0..block.width {
                let normal = (x[j] - block.mean[j]) * scales[j];
                let d = factor(j) * (dy[j] - n * (plain[j] + normal * along[j]));
                dx[j] = if write == Write::Add { dx[j] + d } else { d };
            }
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The number 1 on this tape. Unlike an input it allocates nothing.
        pub(crate) fn one(self) -> Self {
            self.tape().apply(One, &[], |cx| cx.output(()).fill(T::ONE))
        }

        /// The mean and the variance `Σ (x − μ)² / n` of each column of a matrix.
        pub(crate) fn column_moments(self) -> [Self; 2] {
            let mean = self.mean_axis(0);
            let variance = self.tape().apply(ColumnVariance, &[self, mean], |cx| {
                let (x, mean) = (cx.input(0), cx.input(1));
                let columns = mean.len();
                let y = cx.output(columns);
                let (x, mean, sums) = (x.as_slice(), mean.as_slice(), [(Write::Set, &mut *y)]);
                reduce::row_sums([x], [mean], sums, |[x], [m]| [(x - m) * (x - m)]);
                let scale = T::from_f64(columns as f64 / x.len() as f64);
                y.iter_mut().for_each(|y| *y *= scale);
            });
            [mean, variance]
        }

        /// [`column_moments`](Self::column_moments) of all parts of a batch, of which the matrix is one, and
        /// how many rows they have.
        pub(crate) fn column_moments_of<'p>(self, parts: &'p BatchParts) -> ([Self; 2], usize) {
            let [mean, variance] = self.column_moments().map(|moment| moment.value());
            let columns = mean.len();
            let rows = self.shape().iter().product::<usize>() / columns.max(1);
            let own = rows as f64;
            let means = mean.as_slice().iter().map(|m| m.to_f64());
            let squares = means.clone().zip(variance.as_slice()).map(|(m, v)| own * (v.to_f64() + m * m));
            let mut sums: Vec<f64> =
                std::iter::once(own).chain(means.clone().map(|m| own * m)).chain(squares).collect();
            parts.sum(&mut sums);
            let total = sums[0];
            let (means, squares) = sums[1..].split_at(columns);
            let mean: Vec<T> = means.iter().map(|sum| T::from_f64(sum / total)).collect();
            // Σ r (v + m²) / n − μ² = Σ r (v + (m − μ)²) / n. In f64 nothing of it is lost.
            let both = squares.iter().zip(means);
            let variance = both.map(|(square, sum)| {
                T::from_f64((square / total - (sum / total).powi(2)).max(0.0))
            });
            let variance: Vec<T> = variance.collect();
            let t = self.tape();
            let moment = |values: Vec<T>| t.input(&Tensor::from_vec(columns, values));
            ([moment(mean), moment(variance)], total as usize)
        }

        /// Normalizes each column of a matrix with the given means and variances, then scales and
        /// shifts it. `of_batch` says that means and variances are those of the matrix itself.
        pub(crate) fn batch_norm(
            self,
            moments: [Self; 2],
            scale_and_shift: Option<[Self; 2]>,
            epsilon: f64,
            of_batch: bool,
        ) -> Self {
            let [mean, variance] = moments;
            let op = BatchNorm { epsilon, of_batch };
            let epsilon = T::from_f64(epsilon);
            let forward = |cx: &mut crate::tape::Forward<'_, T>| {
                let (x, mean, variance) = (cx.input(0), cx.input(1).as_slice(), cx.input(2).as_slice());
                let affine = (cx.inputs() == 5).then(|| [cx.input(3), cx.input(4)]);
                let columns = mean.len();
                let (y, scale) = cx.output_and_save(x.shape(), columns);
                map([variance], Set, scale, move |[v]| T::ONE / (v + epsilon).sqrt());
                let scale = &*scale;
                let rows = x.as_slice().chunks_exact(columns.max(1));
                for (y, x) in y.chunks_exact_mut(columns.max(1)).zip(rows) {
                    match affine {
                        None => map([x, mean, scale], Set, y, |[x, m, s]| (x - m) * s),
                        Some([gamma, beta]) => {
                            let affine = [x, mean, scale, gamma.as_slice(), beta.as_slice()];
                            map(affine, Set, y, |[x, m, s, g, b]| (x - m) * s * g + b);
                        }
                    }
                }
            };
            match scale_and_shift {
                Some([g, b]) => self.tape().apply(op, &[self, mean, variance, g, b], forward),
                None => self.tape().apply(op, &[self, mean, variance], forward),
            }
        }
    }
}
