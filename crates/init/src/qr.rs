//! QR by Householder reflections, in blocks, so that most of the work is matrix products.
//!
//! A reflection is `I − τ·v·vᵀ`; the product of a block of them is `I − V·T·Vᵀ` with a small upper
//! triangular `T` (Schreiber & Van Loan 1989, "A storage-efficient WY representation for products of
//! Householder transformations"). Everything is stored transposed: the columns of the
//! matrices in the text are rows here, and contiguous.

use std::thread;

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, azip, linalg::general_mat_mul, s};

/// Reflections per block.
const BLOCK: usize = 32;
/// Numbers to be reflected, from which on a thread is started for a part of them.
const WORTH_A_THREAD: usize = 1 << 16;

/// `I − V·T·Vᵀ`, acting on coordinates `start..`.
struct Reflections {
    start: usize,
    /// `V` transposed, (block, coordinates).
    v: Array2<f64>,
    t: Array2<f64>,
}

/// `Q·sign(diag R)` of the matrix `A = QR` whose columns are the rows of `a`.
///
/// # Shapes
/// `a` and the result are (n, m) with n ≤ m: n orthonormal vectors of length m.
pub(crate) fn orthonormal(a: Array2<f64>) -> Array2<f64> {
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    on_threads(a, cores.min(8))
}

fn on_threads(mut a: Array2<f64>, threads: usize) -> Array2<f64> {
    let (n, m) = a.dim();
    assert!(n <= m, "qr: {n} vectors of length {m} cannot be orthogonal");
    let mut blocks = Vec::with_capacity(n.div_ceil(BLOCK));
    let mut signs = Vec::with_capacity(n);
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        let (panel, rest) = a.slice_mut(s![start.., start..]).split_at(Axis(0), end - start);
        let block = factor(panel, start, &mut signs);
        block.apply(rest, block.t.view(), threads);
        blocks.push(block);
    }
    // Q is the product of the reflections, applied to the first n unit vectors from the last
    // block to the first: in this order the leading coordinates are still untouched zeros.
    let mut q = Array2::zeros((n, m));
    q.diag_mut().fill(1.0);
    for block in blocks.iter().rev() {
        let part = q.slice_mut(s![block.start.., block.start..]);
        block.apply(part, block.t.t(), threads);
    }
    for (mut vector, sign) in q.rows_mut().into_iter().zip(signs) {
        vector *= sign;
    }
    q
}

/// Reflects the rows of the panel onto multiples of the unit vectors, and collects how.
fn factor(mut panel: ArrayViewMut2<'_, f64>, start: usize, signs: &mut Vec<f64>) -> Reflections {
    let (block, length) = panel.dim();
    let mut v = Array2::zeros((block, length));
    let mut t = Array2::zeros((block, block));
    for i in 0..block {
        let x = panel.slice(s![i, i..]);
        let norm = x.dot(&x).sqrt();
        // The entry of R; of the sign that lets v₀ be a sum, not a difference.
        let r = if x[0] > 0.0 { -norm } else { norm };
        signs.push(if r < 0.0 { -1.0 } else { 1.0 });
        let mut vi = x.to_owned();
        vi[0] -= r;
        let square = vi.dot(&vi);
        let tau = if square > 0.0 { 2.0 / square } else { 0.0 };
        for mut row in panel.slice_mut(s![i + 1.., i..]).rows_mut() {
            let factor = tau * row.dot(&vi);
            row.scaled_add(-factor, &vi);
        }
        v.slice_mut(s![i, i..]).assign(&vi);
        // One more column of T: −τ·T·(Vᵀ·v), and τ on the diagonal.
        let overlaps: Array1<f64> = v.slice(s![..i, i..]).dot(&vi);
        let column = t.slice(s![..i, ..i]).dot(&overlaps);
        azip!((to in t.slice_mut(s![..i, i]), &c in &column) *to = -tau * c);
        t[[i, i]] = tau;
    }
    Reflections { start, v, t }
}

impl Reflections {
    /// `x ← x − x·V·t·Vᵀ`, for rows x. `t` is T for the transposed product, Tᵀ for the product.
    /// Each row for itself, so threads may share them: that changes no bit.
    fn apply(&self, rows: ArrayViewMut2<'_, f64>, t: ArrayView2<'_, f64>, threads: usize) {
        if rows.is_empty() {
            return;
        }
        let share = rows.nrows().div_ceil(if rows.len() < WORTH_A_THREAD { 1 } else { threads });
        let apply = |mut rows: ArrayViewMut2<'_, f64>| {
            let along = rows.dot(&self.v.t()).dot(&t);
            general_mat_mul(-1.0, &along, &self.v, 1.0, &mut rows);
        };
        thread::scope(|scope| {
            let (first, mut rest) = rows.split_at(Axis(0), share);
            while !rest.is_empty() {
                let next = share.min(rest.nrows());
                let part;
                (part, rest) = rest.split_at(Axis(0), next);
                scope.spawn(move || apply(part));
            }
            apply(first);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TorchRng, draw};

    fn random(n: usize, m: usize) -> Array2<f64> {
        let mut values = vec![0.0; n * m];
        draw::normal(&mut TorchRng::seed(6), &mut values, 0.0, 1.0);
        Array2::from_shape_vec((n, m), values).unwrap().mapv(f64::from)
    }

    /// Gram–Schmidt with positive lengths is the same thing, one vector at a time.
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
        for (n, m) in [(1, 1), (1, 5), (5, 5), (31, 40), (32, 32), (33, 90), (100, 101)] {
            let a = random(n, m);
            let error = (orthonormal(a.clone()) - reference(&a)).mapv(f64::abs);
            let worst = error.iter().copied().fold(0.0, f64::max);
            assert!(worst < 1e-11, "({n}, {m}): {worst}");
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
