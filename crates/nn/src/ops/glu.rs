//! Gated linear units along the last axis: `y = a ⊙ f(b)`, a the first half of x and b the second;
//! `da = dy ⊙ f(b)`, `db = dy ⊙ a ⊙ f′(b)`.

use std::fmt;
use std::marker::PhantomData;

use fanin_tensor::map::{Function, apply, map};
use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Set};

use super::activations::{Gelu, Relu, Sigmoid, Silu};
use super::axes::with_length;
use super::elementwise::{Elementwise, Value};
use crate::tape::{Backward, Op, Var};

/// Saves `f(b)`.
struct Glu<F> {
    gate: F,
    half: usize,
}

/// `Glu(Sigmoid)`
impl<F: fmt::Debug> fmt::Debug for Glu<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glu({:?})", self.gate)
    }
}

/// `a · f(b)`
#[derive(Clone, Copy)]
struct Gated<F>(F);

impl<T: Scalar, F: Elementwise<T>> Function<T, 2> for Gated<F> {
    fn picos(&self) -> usize {
        F::PICOS
    }
    #[inline(always)]
    fn at<I: Isa>(&self, [a, b]: [T; 2]) -> T {
        const { assert!(F::EVERYWHERE, "a gate is computed without looking at its numbers") };
        a * self.0.value::<I>(b)
    }
}

/// `dy · a · f′(b)`, with g = f(b).
#[derive(Clone, Copy)]
struct GateDerivative<F, T> {
    gate: F,
    limit: T,
}

impl<T: Scalar, F: Elementwise<T>> Function<T, 4> for GateDerivative<F, T> {
    fn picos(&self) -> usize {
        F::PICOS
    }
    #[inline(always)]
    fn at<I: Isa>(&self, [a, b, g, dy]: [T; 4]) -> T {
        (dy * a * self.gate.derivative::<I>(b, g)).zero_below(self.limit)
    }
}

impl<T: Scalar, F: Elementwise<T>> Op<T> for Glu<F> {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, gates, dy, limit) = (cx.input(0).as_slice(), cx.saved(), cx.dy(), cx.limit(0));
        let Self { gate, half } = *self;
        let Some((write, dx)) = cx.grad(0) else { return };
        if half == 0 {
            return;
        }
        let rows =
            x.chunks_exact(2 * half).zip(gates.chunks_exact(half).zip(dy.chunks_exact(half)));
        for (dx, (x, (g, dy))) in dx.chunks_exact_mut(2 * half).zip(rows) {
            let ((a, b), (da, db)) = (x.split_at(half), dx.split_at_mut(half));
            map([dy, g], write, da, move |[dy, g]| (dy * g).zero_below(limit));
            apply([a, b, g, dy], write, db, GateDerivative { gate, limit });
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// A gated linear unit: `a ⊙ σ(b)`, for the halves a and b of the last axis. The gate is the
        /// second half, as in PyTorch's `F.glu`.
        ///
        /// # Shapes
        /// x `(…, 2n)`, y `(…, n)`.
        ///
        /// # Panics
        /// **Panics** if x is a scalar, or its last axis has an odd length.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let x = Tensor::from_vec([1, 4], vec![2.0, -6.0, 0.0, 100.0]);
        /// let y = Tape::new().value(|t| t.input(&x).glu());
        /// assert_eq!(y, Tensor::from_vec([1, 2], vec![1.0, -6.0]));
        /// ```
        ///
        /// # Reference
        /// Dauphin et al. 2017, eq. 1.
        #[must_use]
        #[track_caller]
        pub fn glu(self) -> Self {
            let half = self.half_of_features("glu");
            self.gated(half, Sigmoid { element: PhantomData })
        }

        /// [`glu`](Self::glu) with a ReLU for the gate: `a ⊙ max(0, b)`, the gate b the second half.
        ///
        /// # Shapes
        /// x `(…, 2n)`, y `(…, n)`.
        ///
        /// # Panics
        /// **Panics** if x is a scalar, or its last axis has an odd length.
        ///
        /// # Reference
        /// Shazeer 2020, "GLU Variants Improve Transformer", eq. 5.
        #[must_use]
        #[track_caller]
        pub fn reglu(self) -> Self {
            let half = self.half_of_features("reglu");
            self.gated(half, Relu { element: PhantomData })
        }

        /// [`glu`](Self::glu) with a GELU for the gate: `a ⊙ gelu(b)`, the gate b the second half.
        ///
        /// # Shapes
        /// x `(…, 2n)`, y `(…, n)`.
        ///
        /// # Panics
        /// **Panics** if x is a scalar, or its last axis has an odd length.
        ///
        /// # Reference
        /// Shazeer 2020, "GLU Variants Improve Transformer", eq. 5.
        #[must_use]
        #[track_caller]
        pub fn geglu(self) -> Self {
            let half = self.half_of_features("geglu");
            self.gated(half, Gelu { element: PhantomData })
        }

        /// [`glu`](Self::glu) with a SiLU for the gate: `a ⊙ b σ(b)`, the gate b the second half.
        ///
        /// # Shapes
        /// x `(…, 2n)`, y `(…, n)`.
        ///
        /// # Panics
        /// **Panics** if x is a scalar, or its last axis has an odd length.
        ///
        /// # Reference
        /// Shazeer 2020, "GLU Variants Improve Transformer", eq. 5.
        #[must_use]
        #[track_caller]
        pub fn swiglu(self) -> Self {
            let half = self.half_of_features("swiglu");
            self.gated(half, Silu { element: PhantomData })
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The length of a half of the last axis.
    #[track_caller]
    fn half_of_features(self, op: &str) -> usize {
        let features = self.last_axis(op);
        assert!(
            features.is_multiple_of(2),
            "{op}: the {features} features of {} have no halves",
            self.shape()
        );
        features / 2
    }

    fn gated(self, half: usize, gate: impl Elementwise<T>) -> Self {
        let shape = self.shape();
        let to = with_length(&shape, shape.len() - 1, half);
        self.tape().apply(Glu { gate, half }, &[self], |cx| {
            let x = cx.input(0).as_slice();
            if !cx.differentiated() {
                let y = cx.output(&to);
                for (y, x) in y.chunks_exact_mut(half.max(1)).zip(x.chunks_exact(2 * half.max(1))) {
                    let (a, b) = x.split_at(half);
                    apply([a, b], Set, y, Gated(gate));
                }
                return;
            }
            let (y, gates) = cx.output_and_save(&to, x.len() / 2);
            let rows = y.chunks_exact_mut(half.max(1)).zip(gates.chunks_exact_mut(half.max(1)));
            for ((y, g), x) in rows.zip(x.chunks_exact(2 * half.max(1))) {
                let (a, b) = x.split_at(half);
                apply([b], Set, g, Value(gate));
                map([a, g], Set, y, |[a, g]| a * g);
            }
        })
    }
}
