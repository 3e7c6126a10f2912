//! [`SpectralNorm`]: a linear layer whose weights are divided by their largest singular value.

use std::fmt;

use fanin_init::{Gain, Initializer, Normal, ParamSpec, default_rng};
use fanin_tensor::{Scalar, Tensor, reduce};

use super::Linear;
use crate::buffer::Buffer;
use crate::describe::{Describe, Features};
use crate::layers::LayerSpec;
use crate::module::Module;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::tape::{Mode, Tape, Var};

/// A [`Linear`] layer whose weights are divided by their largest singular value: `Ŵ = W / σ(W)`. The layer
/// then changes no distance by a factor of more than 1.
///
/// `σ = uᵀ·W·v` with the singular vectors u and v, which are [buffers](Buffer) named `weight_u` and
/// `weight_v`. A forward pass in [`Mode::Train`] improves them by a step of the power iteration,
/// `u ← W·v / ‖W·v‖` and `v ← Wᵀ·u / ‖Wᵀ·u‖`; the optimizer's step stores them. In [`Mode::Evaluate`] the
/// stored vectors are used. No gradient flows through u and v. The parameters are those of the wrapped
/// layer, so plans initialize them; new weights need some steps until σ fits them.
///
/// It is PyTorch's `parametrizations.spectral_norm(linear)`, and begins as it does: with two normal
/// vectors from the default generator, 15 iterations, and those of one forward pass. There each forward pass stores its vectors. Here
/// several micro-batches before one optimizer step begin with the same ones.
///
/// # Shapes
/// x `(…, in)`, W `(out, in)`, u `(out)`, v `(in)`; y `(…, out)`.
///
/// # Example
/// ```
/// use fanin_nn::layers::SpectralNorm;
/// use fanin_nn::{Linear, Module, Parameters, Tensor};
///
/// let layer = SpectralNorm::new(Linear::builder(2, 2).no_bias().build());
/// let names: Vec<String> = layer.named_buffers().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["weight_u", "weight_v"]);
/// let y = layer.predict(&Tensor::from_vec([1, 2], vec![0.6, 0.8]));
/// assert!(y.as_slice().iter().map(|y| y * y).sum::<f32>() < 1.1);
/// ```
///
/// # Reference
/// Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", algorithm 1.
#[doc(alias = "spectral_norm")]
#[derive(Clone)]
pub struct SpectralNorm<T: Scalar = f32> {
    linear: Linear<T>,
    weight_u: Buffer<T>,
    weight_v: Buffer<T>,
    iterations: usize,
    epsilon: f64,
}

/// The iterations at the beginning, as in PyTorch: 15, and those of one forward pass.
const FIRST: usize = 16;
/// PyTorch's.
const EPSILON: f64 = 1e-12;

impl<T: Scalar> SpectralNorm<T> {
    /// The layer with normalized weights.
    pub fn new(linear: Linear<T>) -> Self {
        let (inputs, outputs) = linear.sizes();
        let epsilon = EPSILON;
        let [u, v] = [outputs, inputs].map(|length| {
            let spec = ParamSpec::weight(length, 1);
            let vector = Normal::new(0.0, 1.0).draw(&spec, &[length], &mut default_rng());
            Tensor::<f32>::from(vector).cast::<T>()
        });
        let (weight_u, weight_v) = (Buffer::new(unit(u, epsilon)), Buffer::new(unit(v, epsilon)));
        let mut layer = Self { linear, weight_u, weight_v, iterations: 1, epsilon };
        layer.improve(FIRST);
        layer
    }

    /// Runs this many power iterations on the singular vectors.
    fn improve(&mut self, iterations: usize) {
        let (weight, mut tape) = (self.linear.weight(), Tape::default());
        for _ in 0..iterations {
            tape.begin(false, Mode::Evaluate);
            let w = tape.input(weight);
            let (u, v) = (tape.buffer(&self.weight_u), tape.buffer(&self.weight_v));
            let u = w.power_step(v, u, false, self.epsilon);
            let v = w.power_step(u, v, true, self.epsilon);
            let (u, v) = (u.value(), v.value());
            *self.weight_u.value_mut() = u;
            *self.weight_v.value_mut() = v;
        }
        tape.end_without_result();
    }

    /// The layer with this many iterations in a forward pass in training, instead of one.
    ///
    /// # Panics
    /// **Panics** if there are none.
    #[doc(alias = "n_power_iterations")]
    #[must_use]
    #[track_caller]
    pub fn iterations(mut self, iterations: usize) -> Self {
        assert!(iterations > 0, "SpectralNorm: a training step needs an iteration or more");
        self.improve(iterations.saturating_sub(self.iterations));
        Self { iterations, ..self }
    }

    /// The layer with another ε, below which the length of a vector counts as ε: 1e-12 if not set.
    ///
    /// # Panics
    /// **Panics** if it is not positive and finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        assert!(
            epsilon > 0.0 && epsilon.is_finite(),
            "SpectralNorm: an epsilon of {epsilon} must be positive and finite"
        );
        Self { epsilon, ..self }
    }

    /// The wrapped layer, whose weights are not divided.
    pub fn linear(&self) -> &Linear<T> {
        &self.linear
    }

    /// The wrapped layer, to be changed.
    pub fn linear_mut(&mut self) -> &mut Linear<T> {
        &mut self.linear
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> SpectralNorm<U> {
        SpectralNorm {
            linear: self.linear.cast(),
            weight_u: self.weight_u.cast(),
            weight_v: self.weight_v.cast(),
            iterations: self.iterations,
            epsilon: self.epsilon,
        }
    }
}

/// `x / max(‖x‖, ε)`
fn unit<T: Scalar>(mut x: Tensor<T>, epsilon: f64) -> Tensor<T> {
    let (norm, epsilon) = (reduce::norm(x.as_slice()), T::from_f64(epsilon));
    let norm = if norm > epsilon { norm } else { epsilon };
    x.as_mut_slice().iter_mut().for_each(|x| *x /= norm);
    x
}

impl<T: Scalar> Module<T> for SpectralNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let t = x.tape();
        let w = self.linear.weight_var(x);
        let (mut u, mut v) = (t.buffer(&self.weight_u), t.buffer(&self.weight_v));
        if t.mode() == Mode::Train {
            let fixed = w.detach();
            for _ in 0..self.iterations {
                u = fixed.power_step(v, u, false, self.epsilon);
                v = fixed.power_step(u, v, true, self.epsilon);
            }
            t.update(&self.weight_u, T::ZERO, T::ONE, u);
            t.update(&self.weight_v, T::ZERO, T::ONE, v);
        }
        let weight = w.spectral_norm(u, v);
        self.linear.forward_with(weight, x)
    }
}

/// The parameters of the wrapped layer keep their names.
impl<T: Scalar> Parameters<T> for SpectralNorm<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        self.linear.visit(path, visitor);
        visitor.buffer(&path.name("weight_u"), &self.weight_u);
        visitor.buffer(&path.name("weight_v"), &self.weight_v);
    }

    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        self.linear.visit_mut(path, visitor);
        visitor.buffer(&path.name("weight_u"), &mut self.weight_u);
        visitor.buffer(&path.name("weight_v"), &mut self.weight_v);
    }
}

impl<T: Scalar> SpectralNorm<T> {
    pub(in crate::layers) fn spec(&self) -> Option<LayerSpec> {
        let usual = self.iterations == 1 && self.epsilon == EPSILON;
        usual.then(|| LayerSpec::SpectralNorm(self.linear.spec()))
    }
}

impl<T: Scalar> Describe for SpectralNorm<T> {
    fn features(&self) -> Features {
        self.linear.features()
    }

    fn followed_by(&mut self, activation: Gain) {
        self.linear.followed_by(activation);
    }

    fn describe(&self) -> String {
        format!("SpectralNorm({})", self.linear.describe())
    }
}

impl<T: Scalar> fmt::Debug for SpectralNorm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
