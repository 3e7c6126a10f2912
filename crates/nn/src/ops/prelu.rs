//! `y = x` above 0 and `w x` elsewhere, w a number or one for each feature; `dx = dy` or `w dy`,
//! `dw = Σ dy min(x, 0)`.

use std::fmt;
use std::sync::Arc;

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set, Write, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Curve, Op, Var};

/// Saves `min(x, 0)` if there is one slope.
struct Prelu {
    /// That of the [`Curve`].
    slope: f64,
    features: usize,
}

impl fmt::Debug for Prelu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prelu")
    }
}

impl<T: Scalar> Op<T> for Prelu {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, w, dy) = (cx.input(0).as_slice(), cx.input(1).as_slice(), cx.dy());
        let below = cx.saved();
        if let Some((write, dx)) = cx.grad(0) {
            match *w {
                [w] => {
                    map([x, dy], write, dx, move |[x, dy]| if x > T::ZERO { dy } else { w * dy })
                }
                _ => {
                    let n = self.features.max(1);
                    let rows = x.chunks_exact(n).zip(dy.chunks_exact(n));
                    for (dx, (x, dy)) in dx.chunks_exact_mut(n).zip(rows) {
                        let slope = |[x, w, dy]: [T; 3]| if x > T::ZERO { dy } else { w * dy };
                        map([x, w, dy], write, dx, slope);
                    }
                }
            }
        }
        if let Some((write, dw)) = cx.grad(1) {
            if let [dw] = dw {
                let sum = reduce::dot(dy, below);
                *dw = if write == Write::Add { *dw + sum } else { sum };
            } else {
                let part =
                    |[x, dy]: [T; 2], []: [T; 0]| [if x > T::ZERO { T::ZERO } else { dy * x }];
                reduce::row_sums([x, dy], [], [(write, dw)], part);
            }
        }
    }

    fn activation(&self) -> Option<Curve> {
        let slope = self.slope;
        Some(Arc::new(move |x| if x > 0.0 { (x, 1.0) } else { (slope * x, slope) }))
    }
}

/// The slope that keeps as much of a signal as these do on average: the root of their mean square.
pub(crate) fn common_slope<T: Scalar>(slopes: &[T]) -> f64 {
    if let [one] = slopes {
        return one.to_f64();
    }
    let squares = slopes.iter().map(|w| w.to_f64() * w.to_f64());
    (squares.sum::<f64>() / slopes.len().max(1) as f64).sqrt()
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// `x` above 0, `weight · x` elsewhere: a leaky ReLU whose slopes may be learned.
        ///
        /// # Shapes
        /// x and y `(…, features)`; the weight `(1)` or `(features)`.
        ///
        /// # Panics
        /// **Panics** if the shape of the weight is another one.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        ///
        /// let (x, w) = (Tensor::full([1, 2], -2.0), Tensor::from_vec(2, vec![0.25, 0.5]));
        /// let y = Tape::new().value(|t| t.input(&x).prelu(t.input(&w)));
        /// assert_eq!(y, Tensor::from_vec([1, 2], vec![-0.5, -1.0]));
        /// ```
        ///
        /// # Reference
        /// He et al. 2015, "Delving Deep into Rectifiers", eq. 1.
        #[must_use]
        #[track_caller]
        pub fn prelu(self, weight: Self) -> Self {
            let (shape, slopes) = (self.shape(), weight.shape());
            let features = shape.last().copied().unwrap_or(1);
            if *slopes != [1] && *slopes != [features] {
                bad_shapes("prelu", &shape, &slopes, "there must be one slope, or one per feature");
            }
            let slope = self.tape().with_value(weight.node(), |w| common_slope(w.as_slice()));
            self.tape().apply(Prelu { slope, features }, &[self, weight], |cx| {
                let (x, w) = (cx.input(0), cx.input(1).as_slice());
                let prelu = |[x, w]: [T; 2]| if x > T::ZERO { x } else { w * x };
                if let [w] = *w {
                    let y = if cx.differentiated() {
                        let (y, below) = cx.output_and_save(x.shape(), x.len());
                        map([x.as_slice()], Set, below, |[x]| if x > T::ZERO { T::ZERO } else { x });
                        y
                    } else {
                        cx.output(x.shape())
                    };
                    return map([x.as_slice()], Set, y, move |[x]| prelu([x, w]));
                }
                let y = cx.output(x.shape());
                let rows = x.as_slice().chunks_exact(features.max(1));
                for (y, x) in y.chunks_exact_mut(features.max(1)).zip(rows) {
                    map([x, w], Set, y, prelu);
                }
            })
        }
    }
}
