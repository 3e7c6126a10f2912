//! Singular values: how far a matrix stretches, and how far it shrinks.
//!
//! Householder reflections from both sides leave a bidiagonal matrix B (Golub & Kahan 1965). The
//! matrix `[0 B; Bᵀ 0]` has the eigenvalues ±σ; reordered, it is tridiagonal with a zero diagonal,
//! and the signs of its pivots count how many eigenvalues are below a number, so that bisection finds
//! any one of them (Demmel & Kahan 1990, section 4).

use fanin_tensor::{Scalar, Tensor, reduce, show_shape};

/// All singular values of a matrix, the largest first, to some 1e-15 of the largest.
///
/// # Shapes
/// `(m, n)` gives `min(m, n)` values.
///
/// # Panics
/// **Panics** if it is no matrix, or holds a number that is not finite.
///
/// # Example
/// ```
/// use fanin_nn::Tensor;
/// use fanin_nn::diagnose::singular_values;
///
/// let shear = Tensor::from_vec([2, 2], vec![1.0, 1.5, 0.0, 1.0]);
/// let sigma = singular_values(&shear);
/// assert!((sigma[0] - 2.0).abs() < 1e-12 && (sigma[1] - 0.5).abs() < 1e-12);
/// ```
///
/// # Reference
/// Golub & Kahan 1965, section 2.
#[track_caller]
pub fn singular_values<T: Scalar>(matrix: &Tensor<T>) -> Vec<f64> {
    let [rows, cols] = *matrix.shape() else {
        panic!("singular_values: {} is no matrix", show_shape(matrix.shape()))
    };
    assert!(
        matrix.as_slice().iter().all(|x| x.is_finite()),
        "singular_values: an element is not finite"
    );
    let bidiagonal = Bidiagonal::of(matrix.as_slice(), rows, cols);
    (0..bidiagonal.count()).rev().map(|k| bidiagonal.singular_value(k)).collect()
}

/// The smallest and the largest singular value; nothing for a matrix so large that it would take
/// longer than a second, or one that has none.
pub(super) fn extremes<T: Scalar>(matrix: &Tensor<T>) -> Option<[f64; 2]> {
    /// Of `larger side · smaller side²`.
    const MOST: usize = 300_000_000;
    let [rows, cols] = *matrix.shape() else { return None };
    let small = rows.min(cols);
    if small == 0
        || rows.max(cols).saturating_mul(small * small) > MOST
        || !matrix.as_slice().iter().all(|x| x.is_finite())
    {
        return None;
    }
    let bidiagonal = Bidiagonal::of(matrix.as_slice(), rows, cols);
    Some([bidiagonal.singular_value(0), bidiagonal.singular_value(small - 1)])
}

/// An upper bidiagonal matrix: its diagonal and the one above, alternating, over a scale.
struct Bidiagonal {
    entries: Vec<f64>,
    scale: f64,
}

impl Bidiagonal {
    /// Of a row-major matrix.
    fn of<T: Scalar>(values: &[T], rows: usize, cols: usize) -> Self {
        // At least as many rows as columns; divided by the largest, so that squares do not overflow.
        let (m, n) = (rows.max(cols), rows.min(cols));
        let scale = values.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
        if scale == 0.0 {
            return Self { entries: vec![0.0; (2 * n).saturating_sub(1)], scale };
        }
        let at =
            |i: usize, j: usize| values[if rows >= cols { i * cols + j } else { j * cols + i }];
        let mut a: Vec<f64> =
            (0..m * n).map(|place| at(place / n, place % n).to_f64() / scale).collect();
        let mut entries = Vec::with_capacity(2 * n);
        let mut sums = vec![0.0; n];
        for k in 0..n {
            let mut column: Vec<f64> = (k..m).map(|i| a[i * n + k]).collect();
            entries.push(reflector(&mut column));
            // A − 2·v·(vᵀ·A), for the columns behind this one.
            let sums = &mut sums[k + 1..];
            sums.fill(0.0);
            for (row, &v) in a[k * n..].chunks_exact(n).zip(&column) {
                sums.iter_mut().zip(&row[k + 1..]).for_each(|(sum, x)| *sum += v * x);
            }
            for (row, &v) in a[k * n..].chunks_exact_mut(n).zip(&column) {
                row[k + 1..].iter_mut().zip(&*sums).for_each(|(x, sum)| *x -= 2.0 * v * sum);
            }
            if k + 1 == n {
                break;
            }
            let mut row = a[k * n + k + 1..(k + 1) * n].to_vec();
            entries.push(reflector(&mut row));
            // A − 2·(A·v)·vᵀ, for the rows below this one.
            for below in a[(k + 1) * n..].chunks_exact_mut(n) {
                let below = &mut below[k + 1..];
                let sum = 2.0 * reduce::dot(below, &row);
                below.iter_mut().zip(&row).for_each(|(x, v)| *x -= sum * v);
            }
        }
        Self { entries, scale }
    }

    fn count(&self) -> usize {
        self.entries.len().div_ceil(2)
    }

    /// The k-th singular value, the smallest being the 0-th.
    fn singular_value(&self, k: usize) -> f64 {
        // No row of the tridiagonal matrix sums to more than two entries.
        let largest = self.entries.iter().map(|x| x.abs()).fold(0.0, f64::max);
        let (mut low, mut high) = (0.0, 2.0 * largest);
        let exact = f64::EPSILON * high;
        while high - low > exact {
            let middle = 0.5 * (low + high);
            if self.below(middle) > k {
                high = middle;
            } else {
                low = middle;
            }
        }
        // One that cannot be told from 0 is 0.
        if low == 0.0 { 0.0 } else { 0.5 * (low + high) * self.scale }
    }

    /// How many singular values are below a positive number.
    fn below(&self, x: f64) -> usize {
        // Of the eigenvalues ±σ, all −σ are below x.
        let mut pivot = -x;
        let mut negative = 1;
        for entry in &self.entries {
            pivot = -x - entry * entry / pivot;
            // One that is 0 counts as what it is divided by.
            if pivot.abs() < f64::MIN_POSITIVE {
                pivot = -f64::MIN_POSITIVE;
            }
            negative += usize::from(pivot < 0.0);
        }
        negative - self.count()
    }
}

/// Turns x into the unit vector v for which `x − 2·v·(vᵀ·x)` has nothing but its first element, and
/// returns that one. (v is 0 if there is nothing to reflect.)
fn reflector(x: &mut [f64]) -> f64 {
    let Some(&first) = x.first() else { return 0.0 };
    let norm = reduce::dot(x, x).sqrt();
    if norm == 0.0 {
        return 0.0;
    }
    // Of the sign that lets v₀ be a sum and no difference.
    let image = if first > 0.0 { -norm } else { norm };
    x[0] -= image;
    let length = reduce::dot(x, x).sqrt();
    x.iter_mut().for_each(|x| *x /= length);
    image
}
