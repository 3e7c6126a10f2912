//! Singular values of a matrix.
//!
//! Householder reflections from both sides reduce the matrix to a bidiagonal matrix B (Golub &
//! Kahan 1965). The matrix `[0 B; Bᵀ 0]` has the eigenvalues ±σ. Reordered, it is tridiagonal with
//! a zero diagonal. The signs of its pivots count the eigenvalues below a number, so bisection can
//! find any eigenvalue (Demmel & Kahan 1990, section 4).

use fanin_tensor::{Scalar, Tensor, reduce, show_shape};

/// All singular values of a matrix, the largest first, accurate to about 1e-15 of the largest.
///
/// # Shapes
/// `(m, n)` gives `min(m, n)` values.
///
/// # Panics
/// **Panics** if it is not a matrix, or if a number is not finite.
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

/// The smallest and the largest singular value. `None` for a matrix that has none, and for one so
/// large that they would take more than a second.
pub(super) fn extremes<T: Scalar>(matrix: &Tensor<T>) -> Option<[f64; 2]> {
    /// The limit of `larger side · smaller side²`.
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

/// An upper bidiagonal matrix: the entries of the diagonal and of the one above alternate. The
/// entries are divided by `scale`.
struct Bidiagonal {
    entries: Vec<f64>,
    scale: f64,
}

impl Bidiagonal {
    /// The bidiagonal form of a row-major matrix.
    fn of<T: Scalar>(values: &[T], rows: usize, cols: usize) -> Self {
        // The matrix is transposed if it has more columns than rows. Dividing by the largest
        // element keeps squares from overflowing.
        let (m, n) = (rows.max(cols), rows.min(cols));
        let scale = values.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
        if scale == 0.0 {
            return Self { entries: vec![0.0; (2 * n).saturating_sub(1)], scale };
        }
        let at =
            |i: usize, j: usize| values[if rows >= cols { i * cols + j } else { j * cols + i }];
        let mut a: Vec<f64> =
            (0..m * n).map(|index| at(index / n, index % n).to_f64() / scale).collect();
        let mut entries = Vec::with_capacity(2 * n);
        let mut sums = vec![0.0; n];
        for k in 0..n {
            let mut column: Vec<f64> = (k..m).map(|i| a[i * n + k]).collect();
            entries.push(reflector(&mut column));
            // A − 2·v·(vᵀ·A), for the columns after this one.
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

    /// The k-th smallest singular value; k starts at 0.
    fn singular_value(&self, k: usize) -> f64 {
        // A row of the tridiagonal matrix has at most two entries. Their sum bounds every
        // eigenvalue.
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
        // A value that bisection cannot separate from 0 is 0.
        if low == 0.0 { 0.0 } else { 0.5 * (low + high) * self.scale }
    }

    /// The number of singular values below a positive number.
    fn below(&self, x: f64) -> usize {
        // The n eigenvalues −σ are all below x. They are counted first and subtracted at the end.
        let mut pivot = -x;
        let mut negative = 1;
        for entry in &self.entries {
            pivot = -x - entry * entry / pivot;
            // A pivot of 0 is replaced by the smallest negative number, because the next one
            // divides by it.
            if pivot.abs() < f64::MIN_POSITIVE {
                pivot = -f64::MIN_POSITIVE;
            }
            negative += usize::from(pivot < 0.0);
        }
        negative - self.count()
    }
}

/// Turns x into a unit vector v such that only the first element of `x − 2·v·(vᵀ·x)` is not 0, and
/// returns that element. If x is 0, v is 0.
fn reflector(x: &mut [f64]) -> f64 {
    let Some(&first) = x.first() else { return 0.0 };
    let norm = reduce::dot(x, x).sqrt();
    if norm == 0.0 {
        return 0.0;
    }
    // This sign makes v₀ a sum, so nothing cancels.
    let image = if first > 0.0 { -norm } else { norm };
    x[0] -= image;
    let length = reduce::dot(x, x).sqrt();
    x.iter_mut().for_each(|x| *x /= length);
    image
}
