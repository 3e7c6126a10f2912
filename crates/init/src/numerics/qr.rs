//! QR by Householder reflections, in blocks, so that most of the work is matrix products.
//!
//! A reflection is `I − τ·v·vᵀ`; the product of a block of them is `I − V·T·Vᵀ` with a small upper
//! triangular `T` (Schreiber & Van Loan 1989, "A storage-efficient WY representation for products
//! of Householder transformations"), and two neighbouring blocks join into one (Elmroth & Gustavson
//! 2000, "Applying recursion to serial and parallel QR factorization"). Everything is stored
//! transposed: a column in the papers is a row here, and contiguous.

use std::thread;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, LinalgScalar, azip, s};

/// Reflections that are applied together to all later vectors.
const BLOCK: usize = 64;
/// Reflections that are computed one after the other, without blocks.
const NARROW: usize = 16;
/// The number of elements from which reflecting them is worth several threads.
const WORTH_A_THREAD: usize = 1 << 16;

/// `Q·sign(diag R)` of the matrix `A = QR` whose columns are the rows of `a`.
///
/// The factorization is in f64, because it is sensitive for nearly singular matrices. The product
/// of the reflections never is, and is computed in f32.
///
/// # Shapes
/// `a` and the result are (n, m) with n ≤ m: n orthonormal vectors of length m.
pub(crate) fn orthonormal(a: Array2<f64>) -> Array2<f32> {
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    on_threads(a, cores.min(8))
}

/// The most memory that [`orthonormal`] has in use at once, its argument and its result included.
///
/// The argument in f64 and the result in f32; T of all blocks; in each thread the products of its
/// rows with one block, and what matrixmultiply packs of the two factors.
pub(crate) fn scratch_bytes(n: u64, m: u64) -> u64 {
    let cores = thread::available_parallelism().map_or(1, |n| n.get()).min(8) as u64;
    let elements = n.saturating_mul(m);
    let threads = if elements < WORTH_A_THREAD as u64 { 1 } else { cores };
    let block = n.min(BLOCK as u64);
    let products = n.saturating_mul(3 * 8 * block);
    let copy = m.saturating_mul(4 * block);
    let packed = threads * (8192 + 8 * (block + 8) * (m.min(1024) + 64).max(2 * m.min(256)));
    elements
        .saturating_mul(12)
        .saturating_add(products)
        .saturating_add(copy)
        .saturating_add(8 * 6 * block * block)
        .saturating_add(packed)
}

fn on_threads(mut a: Array2<f64>, threads: usize) -> Array2<f32> {
    let (n, m) = a.dim();
    assert!(n <= m, "qr: {n} vectors of length {m} cannot be orthogonal");
    let mut blocks = Vec::with_capacity(n.div_ceil(BLOCK));
    let mut signs = Vec::with_capacity(n);
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        let (mut v, rest) = a.slice_mut(s![start.., start..]).split_at(Axis(0), end - start);
        let t = factor(v.view_mut(), &mut signs, threads);
        reflect(rest, v.view(), t.view(), threads);
        blocks.push((start..end, t));
    }
    // Q is the product of the reflections, applied to the first n unit vectors. Go from the last
    // block to the first: then the leading coordinates are still zeros, and need no work.
    let mut q = Array2::zeros((n, m));
    q.diag_mut().fill(1.0);
    for (block, t) in blocks.into_iter().rev() {
        let start = block.start;
        let v = a.slice(s![block, start..]).mapv(|v| v as f32);
        let t = t.mapv(|t| t as f32).reversed_axes();
        reflect(q.slice_mut(s![start.., start..]), v.view(), t.view(), threads);
    }
    for (mut vector, sign) in q.rows_mut().into_iter().zip(signs) {
        vector *= sign;
    }
    q
}

/// Reflects the rows of the panel onto multiples of the unit vectors, and writes V in their place.
/// Returns T. The multiples are the diagonal of R; their signs are added to `signs`.
fn factor(panel: ArrayViewMut2<'_, f64>, signs: &mut Vec<f32>, threads: usize) -> Array2<f64> {
    let n = panel.nrows();
    if n <= NARROW {
        return factor_narrow(panel, signs);
    }
    let half = n / 2;
    let (mut v1, mut v2) = panel.split_at(Axis(0), half);
    let t1 = factor(v1.view_mut(), signs, threads);
    reflect(v2.view_mut(), v1.view(), t1.view(), threads);
    let (mut above, mut v2) = v2.split_at(Axis(1), half);
    above.fill(0.0);
    let t2 = factor(v2.view_mut(), signs, threads);
    // The product of both blocks has the T of each on its diagonal and −T₁·(V₁ᵀ·V₂)·T₂ beside them.
    let overlaps = v1.slice(s![.., half..]).dot(&v2.t());
    let mut t = Array2::zeros((n, n));
    t.slice_mut(s![..half, half..]).assign(&-t1.dot(&overlaps).dot(&t2));
    t.slice_mut(s![..half, ..half]).assign(&t1);
    t.slice_mut(s![half.., half..]).assign(&t2);
    t
}

/// [`factor`], one reflection at a time.
fn factor_narrow(mut panel: ArrayViewMut2<'_, f64>, signs: &mut Vec<f32>) -> Array2<f64> {
    let n = panel.nrows();
    let mut t = Array2::zeros((n, n));
    for i in 0..n {
        let (mut done, mut rest) = panel.view_mut().split_at(Axis(0), i + 1);
        done.slice_mut(s![i, ..i]).fill(0.0);
        let mut v = done.slice_mut(s![i, i..]);
        let norm = v.dot(&v).sqrt();
        // The entry of R. Its sign makes v₀ a sum of numbers of one sign, which loses no digits.
        let r = if v[0] > 0.0 { -norm } else { norm };
        signs.push(if r < 0.0 { -1.0 } else { 1.0 });
        v[0] -= r;
        let square = v.dot(&v);
        let tau = if square > 0.0 { 2.0 / square } else { 0.0 };
        for mut row in rest.slice_mut(s![.., i..]).rows_mut() {
            let factor = tau * row.dot(&v);
            row.scaled_add(-factor, &v);
        }
        // One more column of T: −τ·T·(Vᵀ·v), and τ on the diagonal.
        let overlaps: Array1<f64> = done.slice(s![..i, i..]).dot(&done.slice(s![i, i..]));
        let column = t.slice(s![..i, ..i]).dot(&overlaps);
        azip!((to in t.slice_mut(s![..i, i]), &c in &column) *to = -tau * c);
        t[[i, i]] = tau;
    }
    t
}

/// `x ← x − x·V·t·Vᵀ`, for rows x. `t` is T for the transposed product, Tᵀ for the product. Rows
/// are independent of each other, so the number of threads changes no bit.
fn reflect<A: LinalgScalar + Send + Sync>(
    rows: ArrayViewMut2<'_, A>,
    v: ArrayView2<'_, A>,
    t: ArrayView2<'_, A>,
    threads: usize,
) {
    if rows.is_empty() {
        return;
    }
    let share = rows.nrows().div_ceil(if rows.len() < WORTH_A_THREAD { 1 } else { threads });
    let reflect = |mut rows: ArrayViewMut2<'_, A>| {
        let along = rows.dot(&v.t()).dot(&t);
        general_mat_mul(A::zero() - A::one(), &along, &v, A::one(), &mut rows);
    };
    thread::scope(|scope| {
        let (first, mut rest) = rows.split_at(Axis(0), share);
        while !rest.is_empty() {
            let next = share.min(rest.nrows());
            let part;
            (part, rest) = rest.split_at(Axis(0), next);
            scope.spawn(move || reflect(part));
        }
        reflect(first);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use crate::random::draw;

    fn random(n: usize, m: usize) -> Array2<f64> {
        let mut values = vec![0.0; n * m];
        draw::normal(&mut TorchRng::seed(6), &mut values, 0.0, 1.0);
        Array2::from_shape_vec((n, m), values).unwrap().mapv(f64::from)
    }

    /// Gram–Schmidt with positive lengths gives the same vectors, one after the other.
    fn reference(a: &Array2<f64>) -> Array2<f64> {
        let mut q = a.clone();
        for i in 0..q.nrows() {
            for _twice in 0..2 {
                for j in 0..i {
                    let dot = q.row(i).dot(&q.row(j));
                    let earlier = q.row(j).to_owned();
                    q.row_mut(i).scaled_add(-dot, &earlier);
                }
            }
            let norm = q.row(i).dot(&q.row(i)).sqrt();
            q.row_mut(i).mapv_inplace(|x| x / norm);
        }
        q
    }

    #[test]
    fn agrees_with_gram_schmidt() {
        for (n, m) in [(1, 1), (1, 5), (5, 5), (31, 40), (32, 32), (33, 90), (64, 64), (161, 170)] {
            let a = random(n, m);
            let error = orthonormal(a.clone()).mapv(f64::from) - reference(&a);
            let worst = error.iter().fold(0.0_f64, |worst, e| worst.max(e.abs()));
            assert!(worst < 4e-7, "({n}, {m}): {worst}");
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let a = random(300, 401);
        let one = on_threads(a.clone(), 1);
        for threads in [2, 3, 7] {
            assert_eq!(on_threads(a.clone(), threads), one, "{threads} threads");
        }
    }

    #[test]
    fn a_zero_matrix_gives_unit_vectors() {
        let q = orthonormal(Array2::zeros((2, 3)));
        assert_eq!(q, ndarray::arr2(&[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]));
    }
}
