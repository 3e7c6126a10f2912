//! [`Adafactor`]: second moments of a matrix from those of its rows and columns.

use std::ops::Range;

use fanin_tensor::map::{map, update};
use fanin_tensor::reduce::{self, PairwiseSum};
use fanin_tensor::{Scalar, Set, Tensor, Write, scratch};

use super::rule::{mean, square_limit};
use super::{Rule, RuleOptimizer, Step, require};
use crate::param::Param;

/// Adafactor, as PyTorch has it. Of a matrix it remembers a number for each row and column in place of
/// one for each element; t is the number of the parameter's step, from 1:
///
/// ```text
/// f = t^decay                                            (decay = −0.8)
/// α = max(ε₂, rms(p)) · min(lr, 1/√t)
/// p ← p − lr · weight_decay · p
/// r ← (1 − f) r + f · mean of g² along each row
/// c ← (1 − f) c + f · mean of g² along each column
/// v = r cᵀ / max(mean(r), ε₁)                            (a vector has v ← (1 − f) v + f g²)
/// u = g / √max(v, ε₁²)
/// p ← p − α · u / max(1, rms(u) / d)
/// ```
///
/// Without ε₁ it is the distance from 1 to the next larger number of the element type. A parameter with
/// more than two axes is a stack of matrices.
///
/// A gradient below 1.4e-17 (for `f32`) counts as 0 in the squares, which would be subnormal.
///
/// # Example
/// ```
/// use fanin_nn::optim::Adafactor;
/// let adafactor = Adafactor::new(1e-2).weight_decay(0.01);
/// ```
///
/// # Reference
/// Shazeer and Stern 2018, algorithm 5.
pub type Adafactor = RuleOptimizer<AdafactorRule>;

/// The rule of [`Adafactor`].
#[derive(Clone, Debug)]
pub struct AdafactorRule {
    beta2_decay: f64,
    epsilon1: Option<f64>,
    epsilon2: f64,
    clip: f64,
    weight_decay: f64,
}

impl Rule for AdafactorRule {
    const NAME: &'static str = "Adafactor";

    fn slots(&self) -> &'static [&'static str] {
        &["row", "column"]
    }

    /// A vector has its moments in `row`, and an empty `column`.
    fn slot<T: Scalar>(&self, name: &str, param: &Param<T>, _: f64) -> Tensor<T> {
        let mut shape = param.value().shape().to_vec();
        match (shape.len(), name) {
            (0 | 1, "row") => {}
            (0 | 1, _) => shape = vec![0],
            (n, "row") => shape[n - 1] = 1,
            (n, _) => shape[n - 2] = 1,
        }
        Tensor::zeros(&shape[..])
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        adafactor(self, step, p, g, slots);
    }
}

/// The numbers of a step.
#[derive(Clone, Copy)]
struct Numbers<T> {
    /// How much of the moments stays, and how much of the new squares comes in.
    old_fresh: [T; 2],
    epsilon1: T,
    /// Rows and columns of each matrix; 1 and the length of a vector.
    size: [usize; 2],
    is_matrix: bool,
}

fn adafactor<'a, T: Scalar>(
    rule: &'a AdafactorRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [row, column] = slots else { unreachable!("there are two slots") };
    if p.is_empty() {
        return;
    }
    let is_matrix = !column.as_slice().is_empty();
    let size = match (is_matrix, row.shape(), column.shape()) {
        (true, [.., rows, _], [.., columns]) => [*rows, *columns],
        _ => [1, p.len()],
    };
    let t = step.number as f64;
    let fresh = t.powf(rule.beta2_decay);
    let epsilon1 = T::from_f64(rule.epsilon1.unwrap_or(T::EPSILON.to_f64()));
    let old_fresh = [1.0 - fresh, fresh].map(T::from_f64);
    let numbers = Numbers { old_fresh, epsilon1, size, is_matrix };
    let root_of_len = (p.len() as f64).sqrt();
    let rms = reduce::norm(p).to_f64() / root_of_len;
    let alpha = rms.max(rule.epsilon2) * step.lr.min(1.0 / t.sqrt());
    let shrink = 1.0 - step.lr * rule.weight_decay * step.decay_scale;

    moments(numbers, g, row.as_mut_slice(), column.as_mut_slice());
    let (row, column) = (row.as_slice(), column.as_slice());
    let floor = epsilon1 * epsilon1;
    let mut squares = PairwiseSum::new();
    scratch::with(size[1], |u: &mut [T]| {
        each_row(numbers, row, column, |at, share, column| {
            map([&g[at], column], Set, u, move |[g, c]| direction(g, share * c, floor));
            squares.push(reduce::dot(u, u).to_f64());
        });
    });
    let length = squares.total().sqrt() / (root_of_len * rule.clip);
    // A NaN stays one.
    let length = if length < 1.0 { 1.0 } else { length };
    let [rate, shrink] = [alpha / length, shrink].map(T::from_f64);
    each_row(numbers, row, column, |at, share, column| {
        update([&mut p[at.clone()]], [&g[at], column], move |[p], [g, c]| {
            [p * shrink - rate * direction(g, share * c, floor)]
        });
    });
}

/// An element of u.
#[inline(always)]
fn direction<T: Scalar>(g: T, v: T, floor: T) -> T {
    g / if v < floor { floor } else { v }.sqrt()
}

/// How many rows are squared before they are added.
const ROWS: usize = 16;

/// Takes the squares of the gradient into the moments.
fn moments<T: Scalar>(numbers: Numbers<T>, g: &[T], row: &mut [T], column: &mut [T]) {
    let ([old, fresh], [rows, columns]) = (numbers.old_fresh, numbers.size);
    let tiny = square_limit::<T>();
    let square = move |g: T| {
        let g = g.zero_below(tiny);
        g * g
    };
    if !numbers.is_matrix {
        return update([row], [g], move |[v], [g]| [mean(v, square(g), old, fresh)]);
    }
    // What a mean of squares may have lost to many zeros beside it.
    let least = T::MIN_POSITIVE * T::from_f64(64.0);
    let [of_row, of_column] = [columns, rows].map(|n| T::from_f64(1.0 / n as f64));
    let block = ROWS.min(rows) * columns;
    scratch::with(block + columns + ROWS, |memory: &mut [T]| {
        let (squares, memory) = memory.split_at_mut(block);
        let (along_columns, along_rows) = memory.split_at_mut(columns);
        let matrices = g.chunks(rows * columns).zip(row.chunks_mut(rows));
        for ((g, row), column) in matrices.zip(column.chunks_mut(columns)) {
            let mut write = Write::Set;
            for (g, row) in g.chunks(block).zip(row.chunks_mut(ROWS)) {
                let squares = &mut squares[..g.len()];
                map([g], Set, squares, move |[g]| square(g));
                reduce::sum_rows(squares, write, along_columns);
                let along_rows = &mut along_rows[..row.len()];
                reduce::sum_cols(squares, columns, along_rows);
                update([row], [along_rows], move |[r], [s]| {
                    [mean(r, (s * of_row).zero_below(least), old, fresh)]
                });
                write = Write::Add;
            }
            update([column], [along_columns], move |[c], [s]| {
                [mean(c, (s * of_column).zero_below(least), old, fresh)]
            });
        }
    });
}

/// Calls `f` with the place of each row in the parameter, and with what the moments of its elements
/// are a product of: the row's share, and the moments of the columns.
fn each_row<T: Scalar>(
    numbers: Numbers<T>,
    row: &[T],
    column: &[T],
    mut f: impl FnMut(Range<usize>, T, &[T]),
) {
    let [rows, columns] = numbers.size;
    if !numbers.is_matrix {
        return f(0..columns, T::ONE, row);
    }
    let mut first = 0;
    for (row, column) in row.chunks(rows).zip(column.chunks(columns)) {
        let mean = reduce::sum(row) * T::from_f64(1.0 / rows as f64);
        let mean = if mean < numbers.epsilon1 { numbers.epsilon1 } else { mean };
        for &r in row {
            f(first..first + columns, r / mean, column);
            first += columns;
        }
    }
}

impl Adafactor {
    /// With a relative learning rate per step (1e-2 is usual), a decay of −0.8, ε₂ = 1e-3, d = 1.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        let rule = AdafactorRule {
            beta2_decay: -0.8,
            epsilon1: None,
            epsilon2: 1e-3,
            clip: 1.0,
            weight_decay: 0.0,
        };
        Self::of(rule, lr)
    }

    /// The power of t by which new squares count: 0 or less.
    ///
    /// # Panics
    /// **Panics** if it is positive or not finite.
    #[must_use]
    #[track_caller]
    pub fn beta2_decay(mut self, decay: f64) -> Self {
        let fits = decay <= 0.0 && decay.is_finite();
        assert!(fits, "Adafactor: beta2_decay {decay} must be 0 or less");
        self.rule.beta2_decay = decay;
        self
    }

    /// ε₁, below which a moment does not fall, and ε₂, which is the least size of a parameter.
    ///
    /// # Panics
    /// **Panics** if one is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilons(mut self, epsilon1: f64, epsilon2: f64) -> Self {
        require("Adafactor", "epsilon1", epsilon1, 0.0, f64::INFINITY);
        require("Adafactor", "epsilon2", epsilon2, 0.0, f64::INFINITY);
        (self.rule.epsilon1, self.rule.epsilon2) = (Some(epsilon1), epsilon2);
        self
    }

    options! { "Adafactor":
        /// d, the root mean square of u above which it is clipped.
        #[doc(alias = "d")]
        clip in 1.0..f64::INFINITY;
        /// The decoupled weight decay.
        weight_decay in 0.0..f64::INFINITY;
    }
}
