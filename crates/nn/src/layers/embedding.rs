//! [`Embedding`]: a vector for each id.

use std::fmt;

use fanin_init::rand::RngCore;
use fanin_init::{Initializer, Normal, ParamSpec};
use fanin_tensor::{Scalar, Tensor};

use super::draw::{Draw, draw};
use crate::Parameters;
use crate::describe::Describe;
use crate::param::Param;
use crate::tape::{Tape, Var};

/// A table of vectors, of which a row is looked up for each id: `y_k = W[id_k]`.
///
/// Its input are integers, so it is no [`Module`](crate::Module). The gradient of a row is the sum of
/// the gradients of its uses, and 0 for rows without a use.
///
/// # Shapes
/// W `(count, features)`, n ids; y `(n, features)`.
///
/// # Example
/// ```
/// use fanin_nn::layers::Embedding;
/// use fanin_nn::{Optimizer, Sgd, Tape};
///
/// let (mut table, mut sgd, mut tape) = (Embedding::new(1000, 16), Sgd::new(0.1), Tape::new());
/// let (_, grads) = tape.value_and_grad(|t| table.forward(t, &[3, 999, 3]).square().sum());
/// sgd.step(&mut table, grads);
/// ```
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
pub struct Embedding<T: Scalar = f32> {
    weight: Param<T>,
}

impl Embedding {
    /// A table of `count` vectors, initialized as PyTorch does: `N(0, 1)`, from the thread's default
    /// generator.
    pub fn new(count: usize, features: usize) -> Self {
        Self::builder(count, features).build()
    }

    /// A table whose initialization the caller chooses.
    pub fn builder<'a>(count: usize, features: usize) -> EmbeddingBuilder<'a> {
        let weight = Box::new(Normal::new(0.0, 1.0));
        EmbeddingBuilder { sizes: [count, features], weight, rng: None }
    }
}

impl<T: Scalar> Embedding<T> {
    /// The vectors of some ids.
    ///
    /// # Panics
    /// **Panics** if an id is not below the number of vectors.
    #[track_caller]
    pub fn forward<'t>(&self, tape: &'t Tape<T>, ids: &[usize]) -> Var<'t, T> {
        let count = self.weight().shape()[0];
        if let Some((k, id)) = ids.iter().enumerate().find(|(_, id)| **id >= count) {
            panic!("embedding: id {id}, number {k}, does not fit {}", self.describe());
        }
        tape.param(&self.weight).rows(ids)
    }

    /// The vectors, `(count, features)`.
    pub fn weight(&self) -> &Tensor<T> {
        self.weight.value()
    }

    /// The vectors, to be changed.
    pub fn weight_mut(&mut self) -> &mut Param<T> {
        &mut self.weight
    }

    /// The same table with another element type.
    pub fn cast<U: Scalar>(&self) -> Embedding<U> {
        Embedding { weight: self.weight.cast() }
    }
}

impl<T: Scalar> Describe for Embedding<T> {
    fn describe(&self) -> String {
        let shape = self.weight().shape();
        format!("Embedding({} → {})", shape[0], shape[1])
    }
}

impl<T: Scalar> fmt::Debug for Embedding<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Chooses the initialization of an [`Embedding`].
#[must_use = "call build() to get the layer"]
pub struct EmbeddingBuilder<'a> {
    /// Count and features.
    sizes: [usize; 2],
    weight: Box<dyn Initializer + 'a>,
    rng: Option<&'a mut dyn RngCore>,
}

impl<'a> EmbeddingBuilder<'a> {
    /// The initializer of the vectors. Their fan-in is 1: one row is looked up for each id.
    pub fn weight(mut self, initializer: impl Initializer + 'a) -> Self {
        self.weight = Box::new(initializer);
        self
    }

    /// Draws from this generator instead of the thread's default one.
    pub fn rng(mut self, rng: &'a mut dyn RngCore) -> Self {
        self.rng = Some(rng);
        self
    }

    /// Draws the vectors.
    ///
    /// # Panics
    /// **Panics** if the initializer cannot fill the table, with its reason.
    #[track_caller]
    pub fn build(self) -> Embedding {
        let [count, features] = self.sizes;
        let weight = Draw {
            initializer: &*self.weight,
            spec: ParamSpec::embedding(features),
            shape: &[count, features],
        };
        let (weight, _) =
            draw(|| format!("Embedding({count} → {features})"), weight, None, self.rng);
        Embedding { weight }
    }
}
