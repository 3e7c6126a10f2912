//! Losses: a single number, the mean over the batch.

use fanin_tensor::Write;
use fanin_tensor::map::map;
use fanin_tensor::{Scalar, reduce};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// `L = mean_i (log Σ_k e^{x_ik} − Σ_k q_ik x_ik)` with the targets `q = (1 − ε)·onehot + ε/classes`;
/// `dx_ik = dL (softmax(x)_ik − q_ik) / rows`. Saves the latter without dL.
#[derive(Debug)]
struct CrossEntropy;

impl<T: Scalar> Op<T> for CrossEntropy {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (saved, d) = (cx.saved(), cx.dy()[0]);
        if let Some((write, dx)) = cx.grad(0) {
            map([&saved[..dx.len()]], write, dx, move |[s]| d * s);
        }
    }
}

/// `L = mean (a − b)²`; `da = dL · 2 (a − b) / n = −db`. Saves a − b.
#[derive(Debug)]
struct MeanSquared;

impl<T: Scalar> Op<T> for MeanSquared {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let saved = cx.saved();
        let scale = cx.dy()[0] * T::from_f64(2.0 / saved.len() as f64);
        if let Some((write, da)) = cx.grad(0) {
            map([saved], write, da, move |[s]| scale * s);
        }
        if let Some((write, db)) = cx.grad(1) {
            map([saved], write, db, move |[s]| -(scale * s));
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The mean cross-entropy of logits `(rows, classes)` against the true class of each row.
    ///
    /// Softmax, logarithm and loss in one: stable for logits of any size, and its gradient is
    /// `(softmax − onehot) / rows`. The unit is nats; a network that knows nothing has ln(classes).
    ///
    /// # Panics
    /// **Panics** if there are not as many labels as rows, or a label is not below the number of
    /// classes.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let logits = Tensor::zeros([2, 10]);
    /// let loss = Tape::new().value(|t| t.input(&logits).cross_entropy(&[3, 7]));
    /// assert!((loss.item() - 10f32.ln()).abs() < 1e-6);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn cross_entropy(self, labels: &[usize]) -> Self {
        self.smoothed_cross_entropy(labels, 0.0)
    }

    /// [`cross_entropy`](Self::cross_entropy) against targets that give the true class `1 − ε` and
    /// share ε, `smoothing`, among all classes.
    ///
    /// # Panics
    /// **Panics** as above, or if the smoothing is outside \[0, 1\].
    ///
    /// # Reference
    /// Szegedy et al. 2015, section 7.
    #[must_use]
    #[track_caller]
    pub fn smoothed_cross_entropy(self, labels: &[usize], smoothing: f64) -> Self {
        let shape = self.shape();
        let &[rows, classes] = &*shape else {
            bad_shapes("cross_entropy", &shape, &[labels.len()], "logits must be (rows, classes)")
        };
        if labels.len() != rows {
            bad_shapes("cross_entropy", &shape, &[labels.len()], "there must be a label per row");
        }
        if let Some((row, label)) = labels.iter().enumerate().find(|(_, l)| **l >= classes) {
            panic!("cross_entropy: label {label} of row {row} is not below {classes} classes");
        }
        assert!(
            (0.0..=1.0).contains(&smoothing),
            "cross_entropy: a smoothing of {smoothing} is outside [0, 1]"
        );
        self.tape().apply(CrossEntropy, &[self], |cx| {
            let (x, way_back) = (cx.input(0).as_slice(), cx.differentiated());
            let (loss, saved) = cx.output_and_save((), x.len() + 2 * rows);
            let (p, saved) = saved.split_at_mut(x.len());
            let (top, log_sum) = saved.split_at_mut(rows);
            reduce::softmax(x, classes, p, top, log_sum);
            let (hit, spread) = (1.0 - smoothing, smoothing / classes as f64);
            let mut sum = 0.0;
            for (i, (x, &label)) in x.chunks_exact(classes.max(1)).zip(labels).enumerate() {
                let below_top = |x: &T| top[i].to_f64() - x.to_f64();
                sum += log_sum[i].to_f64() + hit * below_top(&x[label]);
                if smoothing > 0.0 {
                    sum += spread * x.iter().map(below_top).sum::<f64>();
                }
            }
            loss[0] = T::from_f64(sum / rows as f64);
            if way_back {
                let scale = T::from_f64(1.0 / rows as f64);
                let (hit, spread) = (T::from_f64(hit) * scale, T::from_f64(spread) * scale);
                for (p, &label) in p.chunks_exact_mut(classes.max(1)).zip(labels) {
                    p.iter_mut().for_each(|p| *p = *p * scale - spread);
                    p[label] -= hit;
                }
            }
        })
    }

    /// The mean squared difference of two values of one shape.
    ///
    /// # Panics
    /// **Panics** if the shapes differ: nothing is broadcast, as that would hide a mistake.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Tape, Tensor};
    /// let (a, b) = (Tensor::from_vec(2, vec![1.0, 2.0]), Tensor::from_vec(2, vec![1.0, 5.0]));
    /// assert_eq!(Tape::new().value(|t| t.input(&a).mse(t.input(&b))).item(), 4.5);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn mse(self, target: Self) -> Self {
        let (a, b) = (self.shape(), target.shape());
        if a != b {
            bad_shapes("mse", &a, &b, "prediction and target must have one shape");
        }
        self.tape().apply(MeanSquared, &[self, target], |cx| {
            let (a, b) = (cx.input(0).as_slice(), cx.input(1).as_slice());
            let (loss, diff) = cx.output_and_save((), a.len());
            map([a, b], Write::Set, diff, move |[a, b]| a - b);
            loss[0] = reduce::dot(diff, diff) / T::from_f64(diff.len() as f64);
        })
    }
}
