//! [`Bilinear`]: `y_o = aᵀ·W_o·b + c_o`, a layer of two inputs.

use std::fmt;

use fanin_init::rand::RngCore;
use fanin_init::{FanInUniform, Initializer, ParamSpec};
use fanin_tensor::{Scalar, Tensor, show_shape};

use super::draw::{Draw, draw};
use crate::Parameters;
use crate::describe::Describe;
use crate::param::Param;
use crate::tape::Var;

/// A layer of two inputs: `y_o = Σ_ij a_i·W_oij·b_j + c_o`.
///
/// It has two inputs, so it is no [`Module`](crate::Module). Its [`forward`](Self::forward) takes both.
///
/// # Shapes
/// a `(n, left)`, b `(n, right)`, W `(out, left, right)` as in PyTorch, c `(out)`; y `(n, out)`.
///
/// # Example
/// ```
/// use fanin_nn::layers::Bilinear;
/// use fanin_nn::{Tape, Tensor};
///
/// let layer = Bilinear::new(3, 4, 2);
/// let (a, b) = (Tensor::ones([5, 3]), Tensor::ones([5, 4]));
/// let y = Tape::new().value(|t| layer.forward(t.input(&a), t.input(&b)));
/// assert_eq!(y.shape(), [5, 2]);
/// ```
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
pub struct Bilinear<T: Scalar = f32> {
    weight: Param<T>,
    bias: Option<Param<T>>,
}

impl Bilinear {
    /// A layer initialized as PyTorch does: weights and biases `U(−1/√left, 1/√left)`, from the
    /// thread's default generator.
    pub fn new(left: usize, right: usize, outputs: usize) -> Self {
        Self::builder(left, right, outputs).build()
    }

    /// A layer whose initialization the caller chooses.
    pub fn builder<'a>(left: usize, right: usize, outputs: usize) -> BilinearBuilder<'a> {
        BilinearBuilder {
            sizes: [outputs, left, right],
            weight: Box::new(FanInUniform),
            bias: Some(Box::new(FanInUniform)),
            rng: None,
        }
    }
}

impl<T: Scalar> Bilinear<T> {
    /// The layer's output for two inputs.
    ///
    /// # Panics
    /// **Panics** if the inputs do not fit the layer, or each other.
    #[track_caller]
    pub fn forward<'t>(&self, a: Var<'t, T>, b: Var<'t, T>) -> Var<'t, T> {
        let [outputs, left, right] = self.sizes();
        let (shape_a, shape_b) = (a.shape(), b.shape());
        let rows = match (&*shape_a, &*shape_b) {
            (&[n, l], &[m, r]) if n == m && l == left && r == right => n,
            _ => panic!("bilinear: inputs {shape_a} and {shape_b} do not fit {}", self.describe()),
        };
        let t = a.tape();
        let w = t.param(&self.weight).reshape([outputs * left, right]);
        let products = b.linear(w, None).reshape([rows, outputs, left]);
        let y = (products * a.reshape([rows, 1, left])).sum_axis(2);
        self.bias.as_ref().map_or(y, |bias| y + t.param(bias))
    }

    /// The weights, `(out, left, right)`.
    pub fn weight(&self) -> &Tensor<T> {
        self.weight.value()
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> Bilinear<U> {
        Bilinear { weight: self.weight.cast(), bias: self.bias.as_ref().map(Param::cast) }
    }

    fn sizes(&self) -> [usize; 3] {
        let shape = self.weight().shape();
        [shape[0], shape[1], shape[2]]
    }
}

impl<T: Scalar> Describe for Bilinear<T> {
    fn describe(&self) -> String {
        let [outputs, left, right] = self.sizes();
        let bias = if self.bias.is_some() { "" } else { ", no bias" };
        format!("Bilinear({} → {outputs}{bias})", show_shape(&[left, right]))
    }
}

impl<T: Scalar> fmt::Debug for Bilinear<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Chooses the initialization of a [`Bilinear`].
#[must_use = "call build() to get the layer"]
pub struct BilinearBuilder<'a> {
    /// Outputs, left, right.
    sizes: [usize; 3],
    weight: Box<dyn Initializer + 'a>,
    bias: Option<Box<dyn Initializer + 'a>>,
    rng: Option<&'a mut dyn RngCore>,
}

impl<'a> BilinearBuilder<'a> {
    /// The initializer of the weights. Their fan-in is that of PyTorch: `left`.
    pub fn weight(mut self, initializer: impl Initializer + 'a) -> Self {
        self.weight = Box::new(initializer);
        self
    }

    /// The initializer of the biases.
    pub fn bias(mut self, initializer: impl Initializer + 'a) -> Self {
        self.bias = Some(Box::new(initializer));
        self
    }

    /// Builds the layer without biases.
    pub fn no_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// Draws from this generator instead of the thread's default one.
    pub fn rng(mut self, rng: &'a mut dyn RngCore) -> Self {
        self.rng = Some(rng);
        self
    }

    /// Draws the weights, then the biases.
    ///
    /// # Panics
    /// **Panics** if an initializer cannot fill its parameter, with its reason.
    #[track_caller]
    pub fn build(self) -> Bilinear {
        let [outputs, left, right] = self.sizes;
        let name = || format!("Bilinear({left}×{right} → {outputs})");
        let weight = Draw {
            initializer: &*self.weight,
            spec: ParamSpec::weight(left, outputs),
            shape: &[outputs, left, right],
        };
        let bias_shape = [outputs];
        let bias = self.bias.as_deref().map(|initializer| Draw {
            initializer,
            spec: ParamSpec::bias(left, outputs),
            shape: &bias_shape,
        });
        let (weight, bias) = draw(name, weight, bias, self.rng);
        Bilinear { weight, bias }
    }
}
