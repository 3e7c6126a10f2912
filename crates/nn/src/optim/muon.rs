//! [`Muon`]: momentum that is made orthogonal, for hidden matrices.

use fanin_init::ParamKind;
use fanin_tensor::gemm::{Mat, gemm};
use fanin_tensor::map::{map, update};
use fanin_tensor::{Scalar, Set, Tensor, Write, reduce, scratch, subnormal};

use super::adam::{AdamRule, AdamW};
use super::rule::mean;
use super::{Rule, RuleOptimizer, Step, require};
use crate::param::Param;

/// Muon for weight matrices, and [`AdamW`] for all other parameters:
///
/// ```text
/// m ← μ m + (1 − μ) g
/// b = μ m + (1 − μ) g                    (without Nesterov: b = m)
/// X = b / max(‖b‖, ε)
/// X ← a X + (b A + c A²) X,  A = X Xᵀ    five times: the singular values of X go to 1
/// p ← p − lr · decay · p − lr · s · X    s = √max(1, rows / columns), or as [`MuonScale`] says
/// ```
///
/// A parameter goes this way if its layer states that it is a weight, and it has two axes: the weight
/// of a [`Linear`](crate::Linear). Biases, scales, shifts, embeddings and parameters of no stated kind
/// are AdamW's. The last layer of a classifier learns better with AdamW too: [`adamw`](Self::adamw) in
/// a group sends it there. A schedule changes both learning rates in proportion.
///
/// PyTorch's Muon leaves the other parameters to a second optimizer, and iterates in `bfloat16`; this one
/// does so in the element type of the model. The iteration allocates memory for matrices of more than
/// 524,288 `f32` in every step.
///
/// # Example
/// Muon for the hidden layers, AdamW for biases and the output layer:
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::optim::{AdamW, Muon, Optimizer};
/// use fanin_nn::{Linear, Module, Sequential, Tape, Tensor};
///
/// let mut model = Sequential::new()
///     .add(Linear::new(8, 16))
///     .add(Relu)
///     .add(Linear::new(16, 16))
///     .add(Relu)
///     .add(Linear::new(16, 1));
/// let mut muon = Muon::new(0.02, AdamW::new(3e-3)).group("4.*", |g| g.adamw());
/// let (x, mut tape) = (Tensor::ones([4, 8]), Tape::new());
/// for _ in 0..100 {
///     let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
///     muon.step(&mut model, grads);
/// }
/// assert!(model.predict(&x).as_slice()[0].abs() < 0.1);
/// ```
///
/// # Reference
/// Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
pub type Muon = RuleOptimizer<MuonRule>;

/// The rule of [`Muon`].
#[derive(Clone, Debug)]
pub struct MuonRule {
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    coefficients: [f64; 3],
    iterations: usize,
    epsilon: f64,
    scale: MuonScale,
    /// Whether AdamW has the matrices too.
    only_rest: bool,
    rest: AdamRule<true>,
    /// The learning rate of AdamW over that of Muon.
    rest_rate: f64,
}

/// By what [`Muon`] multiplies its learning rate for a matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(alias = "adjust_lr_fn")]
pub enum MuonScale {
    /// `√max(1, rows / columns)` (Jordan et al. 2024).
    #[default]
    Original,
    /// `0.2 √max(rows, columns)`: a step is as large as one of AdamW, whose learning rate and weight decay
    /// fit Muon too (Liu et al. 2025, eq. 4).
    MatchRmsAdamW,
    /// `√(rows / columns)` (Bernstein 2025).
    SpectralUnclamped,
}

impl MuonScale {
    fn factor(self, rows: f64, columns: f64) -> f64 {
        match self {
            Self::Original => (rows / columns).max(1.0).sqrt(),
            Self::MatchRmsAdamW => 0.2 * rows.max(columns).sqrt(),
            Self::SpectralUnclamped => (rows / columns).sqrt(),
        }
    }
}

impl Rule for MuonRule {
    const NAME: &'static str = "Muon";

    fn slots(&self) -> &'static [&'static str] {
        &["m", "v"]
    }

    /// A hidden matrix has no second moments: its `v` is empty.
    fn slot<T: Scalar>(&self, name: &str, param: &Param<T>, _: f64) -> Tensor<T> {
        let shape = param.value().shape();
        let is_matrix = param.spec().kind == ParamKind::Weight && shape.len() == 2;
        if name == "v" && is_matrix && !self.only_rest {
            return Tensor::zeros(0);
        }
        Tensor::zeros(shape)
    }

    fn apply<T: Scalar>(&self, step: Step, p: &mut [T], g: &[T], slots: &mut [Tensor<T>]) {
        if p.is_empty() {
        } else if slots[1].as_slice().is_empty() {
            muon(self, step, p, g, slots);
        } else {
            self.rest.apply(Step { lr: step.lr * self.rest_rate, ..step }, p, g, slots);
        }
    }
}

fn muon<'a, T: Scalar>(
    rule: &'a MuonRule,
    step: Step,
    p: &'a mut [T],
    g: &'a [T],
    slots: &'a mut [Tensor<T>],
) {
    let [m, ..] = slots else { unreachable!("there are two slots") };
    let &[rows, columns] = m.shape() else { unreachable!("it is a matrix") };
    let m = m.as_mut_slice();
    let [mu, fresh] = [rule.momentum, 1.0 - rule.momentum].map(T::from_f64);
    update([m], [g], move |[m], [g]| [mean(m, g, mu, fresh)]);
    let scale = rule.scale.factor(rows as f64, columns as f64);
    let shrink = 1.0 - step.lr * rule.weight_decay * step.decay_scale;
    let [rate, shrink] = [step.lr * scale, shrink].map(T::from_f64);
    let nesterov = rule.nesterov;
    scratch::with(p.len(), |x: &mut [T]| {
        map([m, g], Set, x, move |[m, g]| if nesterov { mean(m, g, mu, fresh) } else { m });
        orthogonalize(rule, [rows, columns], x);
        update([p], [x], move |[p], [x]| [p * shrink - rate * x]);
    });
}

/// Moves the singular values of a matrix towards 1, by Newton and Schulz' iteration of fifth order.
fn orthogonalize<T: Scalar>(rule: &MuonRule, [rows, columns]: [usize; 2], x: &mut [T]) {
    let norm = reduce::norm(x).to_f64();
    let norm = T::from_f64(if norm < rule.epsilon { rule.epsilon } else { norm });
    let tiny = subnormal::limit::<T>();
    update([x], [], move |[x], []| [(x / norm).zero_below(tiny)]);
    let [a, b, c] = rule.coefficients.map(T::from_f64);
    // The smaller of X Xᵀ and Xᵀ X.
    let side = rows.min(columns);
    scratch::with(x.len(), |next: &mut [T]| {
        scratch::with(side * side, |gram: &mut [T]| {
            scratch::with(side * side, |poly: &mut [T]| {
                for _ in 0..rule.iterations {
                    let of_x = Mat::new(x, rows, columns);
                    if rows > columns {
                        gemm(of_x.t(), of_x, Write::Set, gram);
                    } else {
                        gemm(of_x, of_x.t(), Write::Set, gram);
                    }
                    let of_gram = Mat::new(gram, side, side);
                    gemm(of_gram, of_gram, Write::Set, poly);
                    update([&mut *poly], [gram], move |[p], [g]| [b * g + c * p]);
                    let of_poly = Mat::new(poly, side, side);
                    map([x], Set, next, move |[x]| a * x);
                    if rows > columns {
                        gemm(of_x, of_poly, Write::Add, next);
                    } else {
                        gemm(of_poly, of_x, Write::Add, next);
                    }
                    x.copy_from_slice(next);
                }
            });
        });
    });
}

impl Muon {
    /// With a learning rate per step for matrices (0.02 is usual) and the optimizer of all other
    /// parameters; μ = 0.95 with Nesterov's variant, a weight decay of 0.1, five iterations.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite, or 0 where that of `rest` is not, or if `rest` has
    /// groups: give them to Muon.
    #[track_caller]
    pub fn new(lr: f64, rest: AdamW) -> Self {
        require("Muon", "learning rate", lr, 0.0, f64::INFINITY);
        assert!(
            lr > 0.0 || rest.lr == 0.0,
            "Muon: AdamW cannot have a rate of {} beside one of 0",
            rest.lr
        );
        assert!(!rest.has_groups(), "Muon: the AdamW has groups; give them to Muon");
        let rule = MuonRule {
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.1,
            coefficients: [3.4445, -4.775, 2.0315],
            iterations: 5,
            epsilon: 1e-7,
            scale: MuonScale::Original,
            only_rest: false,
            rest_rate: if lr == 0.0 { 1.0 } else { rest.lr / lr },
            rest: rest.rule,
        };
        Self::of(rule, lr)
    }

    /// Leaves all parameters to AdamW: for a [`group`](Self::group), such as the output layer.
    ///
    /// A rate of such a group is Muon's, and AdamW's has the same proportion to it as elsewhere.
    #[must_use]
    pub fn adamw(mut self) -> Self {
        self.rule.only_rest = true;
        self
    }

    /// By what the learning rate of a matrix is multiplied.
    #[doc(alias = "adjust_lr_fn")]
    #[must_use]
    pub fn scale(mut self, scale: MuonScale) -> Self {
        self.rule.scale = scale;
        self
    }

    /// Whether a step looks ahead by one momentum; it does unless told not to.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.rule.nesterov = nesterov;
        self
    }

    /// The coefficients a, b and c of the iteration.
    ///
    /// # Panics
    /// **Panics** if one is not finite.
    #[doc(alias = "ns_coefficients")]
    #[must_use]
    #[track_caller]
    pub fn coefficients(mut self, a: f64, b: f64, c: f64) -> Self {
        let fits = a.is_finite() && b.is_finite() && c.is_finite();
        assert!(fits, "Muon: coefficients {a}, {b} and {c} must be finite");
        self.rule.coefficients = [a, b, c];
        self
    }

    /// How often the singular values are moved towards 1.
    #[doc(alias = "ns_steps")]
    #[must_use]
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.rule.iterations = iterations;
        self
    }

    options! { "Muon":
        /// μ, how much of the momentum stays.
        momentum in 0.0..1.0;
        /// The decoupled weight decay of matrices.
        weight_decay in 0.0..f64::INFINITY;
        /// ε, the least norm by which the momentum is divided.
        epsilon in 0.0..f64::INFINITY;
    }
}
