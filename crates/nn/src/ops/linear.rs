//! Matrix products.

use fanin_tensor::gemm::{Mat, gemm, gemm_bias};
use fanin_tensor::{Scalar, Tensor, Write, reduce, show_shape};

use super::axes::with_length;
use super::{bad_shapes, how_to_fit};
use crate::note::{LARGE, Note, Spread};
use crate::tape::{Backward, Forward, Op, Var};

/// `Y = A·B`; `dA = dY·Bᵀ`, `dB = Aᵀ·dY`.
#[derive(Debug)]
struct MatMul;

/// The rows and columns of a matrix whose shape is checked already.
fn mat<T: Scalar>(x: &Tensor<T>) -> Mat<'_, T> {
    let [rows, cols] = *x.shape() else { unreachable!("matmul checks its shapes") };
    Mat::new(x.as_slice(), rows, cols)
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The matrix product: `(m, k)` times `(k, n)` gives `(m, n)`.
        ///
        /// # Panics
        /// **Panics** if either value is not a matrix, or if the inner lengths differ.
        #[doc(alias("mm", "dot"))]
        #[must_use]
        #[track_caller]
        pub fn matmul(self, other: Self) -> Self {
            let (left, right) = (self.shape(), other.shape());
            let (&[m, k], &[k2, n]) = (&*left, &*right) else {
                bad_shapes("matmul", &left, &right, "it takes two matrices")
            };
            if k != k2 {
                bad_shapes("matmul", &left, &right, "the inner lengths must be equal");
            }
            self.tape().apply(MatMul, &[self, other], |cx| {
                let (a, b) = (cx.input(0), cx.input(1));
                gemm(mat(a), mat(b), Write::Set, cx.output([m, n]));
            })
        }

        /// `X·Wᵀ + b`, as a [`Linear`](crate::Linear) layer computes it.
        ///
        /// # Shapes
        /// X `(…, in)`, W `(out, in)`, b `(out)`; the result is `(…, out)`.
        ///
        /// # Panics
        /// **Panics** if the shapes do not fit.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let (x, w) = (Tensor::ones([2, 3]), Tensor::from_vec([1, 3], vec![1.0, 2.0, 3.0]));
        /// let b = Tensor::from_vec(1, vec![0.5]);
        /// let y = Tape::new().value(|t| t.input(&x).linear(t.input(&w), Some(t.input(&b))));
        /// assert_eq!(y.as_slice(), [6.5, 6.5]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn linear(self, w: Self, b: Option<Self>) -> Self {
            // Reads the shapes in place and copies them only for a message: the copies would slow
            // down a small layer.
            let sizes: Option<[usize; 2]> = w.with_shape(|shape| shape.try_into().ok());
            let Some([outputs, inputs]) = sizes else {
                let why = "the weight must be a matrix (out, in)";
                bad_shapes("linear", &self.shape(), &w.shape(), why)
            };
            let rows: Option<usize> = self.with_shape(|shape| match shape {
                [rows @ .., last] if *last == inputs => Some(rows.iter().product()),
                _ => None,
            });
            let Some(rows) = rows else { bad_input(&self.shape(), inputs, outputs) };
            if let Some(b) = b
                && b.with_shape(|shape| *shape != [outputs])
            {
                let why = "the bias must have an element per output";
                bad_shapes("linear", &w.shape(), &b.shape(), why);
            }
            if cfg!(debug_assertions) && self.tape().takes_notes() && self.tape().is_data(self.node()) {
                let input = self.tape().with_value(self.node(), |x| Spread::of(x.as_slice()));
                if input.rms() > LARGE {
                    self.tape().note(Note::UnscaledInput(input), None);
                }
            }
            let op = Linear { rows, inputs, outputs };
            let forward = |cx: &mut Forward<'_, T>| {
                let (x, w) = (cx.input(0), cx.input(1));
                let bias = (cx.inputs() == 3).then(|| cx.input(2).as_slice());
                let y = match *x.shape() {
                    [_, _] => cx.output([rows, outputs]),
                    [_] => cx.output(outputs),
                    ref axes => cx.output(with_length(axes, axes.len() - 1, outputs)),
                };
                let x = Mat::new(x.as_slice(), rows, inputs);
                let w = Mat::new(w.as_slice(), outputs, inputs).t();
                match bias {
                    Some(b) => gemm_bias(x, w, b, y),
                    None => gemm(x, w, Write::Set, y),
                }
            };
            match b {
                Some(b) => self.tape().apply(op, &[self, w, b], forward),
                None => self.tape().apply(op, &[self, w], forward),
            }
        }
    }
}

impl<T: Scalar> Op<T> for MatMul {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (a, b) = (mat(cx.input(0)), mat(cx.input(1)));
        let [m, n] = *cx.output().shape() else { unreachable!("a product is a matrix") };
        let dy = Mat::new(cx.dy(), m, n);
        if let Some((write, da)) = cx.grad(0) {
            gemm(dy, b.t(), write, da);
        }
        if let Some((write, db)) = cx.grad(1) {
            gemm(a.t(), dy, write, db);
        }
    }
}

/// `Y = X·Wᵀ + b`; `dX = dY·W`, `dW = dYᵀ·X`, `db = Σ_rows dY`.
#[derive(Debug)]
pub(crate) struct Linear {
    rows: usize,
    inputs: usize,
    outputs: usize,
}

impl<T: Scalar> Op<T> for Linear {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let &Self { rows, inputs, outputs } = self;
        let x = Mat::new(cx.input(0).as_slice(), rows, inputs);
        let w = Mat::new(cx.input(1).as_slice(), outputs, inputs);
        let dy = Mat::new(cx.dy(), rows, outputs);
        if cx.inputs() == 3 {
            let dy = cx.dy();
            if let Some((write, db)) = cx.grad(2) {
                reduce::sum_rows(dy, write, db);
            }
        }
        if let Some((write, dw)) = cx.grad(1) {
            gemm(dy.t(), x, write, dw);
        }
        // The input of a first layer needs no gradient. Leaving it out saves a third of the layer's
        // work.
        if let Some((write, dx)) = cx.grad(0) {
            gemm(dy, w, write, dx);
        }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_input(x: &[usize], inputs: usize, outputs: usize) -> ! {
    panic!(
        "linear: input {} does not fit a layer of {inputs} → {outputs}: {}",
        show_shape(x),
        how_to_fit(x, inputs)
    )
}
