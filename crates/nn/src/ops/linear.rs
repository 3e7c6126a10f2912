//! Matrix products.

use fanin_tensor::gemm::{Epilogue, Mat, gemm, gemm_bias, gemm_epilogue};
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
            // Looks at the shapes in place: copies would slow down a small layer.
            let op = self.with_shape(|x| {
                w.with_shape(|w| match b {
                    Some(b) => b.with_shape(|b| Linear::of(x, w, Some(b))),
                    None => Linear::of(x, w, None),
                })
            });
            let Some(op) = op else {
                does_not_fit(&self.shape(), &w.shape(), b.map(Self::shape).as_deref())
            };
            if cfg!(debug_assertions) && self.tape().takes_notes() && self.tape().is_data(self.node()) {
                let input = self.tape().with_value(self.node(), |x| Spread::of(x.as_slice()));
                if input.rms() > LARGE {
                    self.tape().note(Note::UnscaledInput(input), None);
                }
            }
            let forward = |cx: &mut Forward<'_, T>| {
                let (w, b) = (cx.input(1), (cx.inputs() == 3).then(|| cx.input(2)));
                op.forward(cx, w, b, None);
            };
            match b {
                Some(b) => self.tape().apply(op, &[self, w, b], forward),
                None => self.tape().apply(op, &[self, w], forward),
            }
        }

        /// [`linear`](Self::linear) in a step that is not recorded. The parameters need no nodes, which would
        /// take longer than the product of a small layer. The epilogue changes the elements of the result.
        #[track_caller]
        pub(crate) fn linear_unrecorded<'a>(
            self,
            w: &'a Tensor<T>,
            b: Option<&'a Tensor<T>>,
            epilogue: Option<&'a Epilogue<'a, T>>,
        ) -> Self {
            debug_assert!(!self.tape().is_recording());
            let b_shape = b.map(|b| b.shape());
            let op = self.with_shape(|x| Linear::of(x, w.shape(), b_shape));
            let Some(op) = op else { does_not_fit(&self.shape(), w.shape(), b_shape) };
            self.tape().apply(op, &[self], |cx| op.forward(cx, w, b, epilogue))
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    rows: usize,
    inputs: usize,
    outputs: usize,
}

impl Linear {
    /// The sizes of the product, if the shapes fit.
    #[inline]
    fn of(x: &[usize], w: &[usize], b: Option<&[usize]>) -> Option<Self> {
        let ([rows @ .., last], &[outputs, inputs]) = (x, w) else { return None };
        let fits = *last == inputs && b.is_none_or(|b| *b == [outputs]);
        fits.then(|| Self { rows: rows.iter().product(), inputs, outputs })
    }

    fn forward<T: Scalar>(
        &self,
        cx: &mut Forward<'_, T>,
        w: &Tensor<T>,
        b: Option<&Tensor<T>>,
        epilogue: Option<&Epilogue<'_, T>>,
    ) {
        let &Self { rows, inputs, outputs } = self;
        let x = cx.input(0);
        let y = match *x.shape() {
            [_, _] => cx.output([rows, outputs]),
            [_] => cx.output(outputs),
            ref axes => cx.output(with_length(axes, axes.len() - 1, outputs)),
        };
        let x = Mat::new(x.as_slice(), rows, inputs);
        let w = Mat::new(w.as_slice(), outputs, inputs).t();
        let b = b.map(Tensor::as_slice);
        match (b, epilogue) {
            (_, Some(epilogue)) => gemm_epilogue(x, w, b, epilogue, y),
            (Some(b), None) => gemm_bias(x, w, b, y),
            (None, None) => gemm(x, w, Write::Set, y),
        }
    }
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

/// Says which shape does not fit.
#[cold]
#[inline(never)]
#[track_caller]
fn does_not_fit(x: &[usize], w: &[usize], b: Option<&[usize]>) -> ! {
    let &[outputs, inputs] = w else {
        bad_shapes("linear", x, w, "the weight must be a matrix (out, in)")
    };
    if x.last() == Some(&inputs)
        && let Some(b) = b
    {
        bad_shapes("linear", w, b, "the bias must have an element per output");
    }
    panic!(
        "linear: input {} does not fit a layer of {inputs} → {outputs}: {}",
        show_shape(x),
        how_to_fit(x, inputs)
    )
}
