//! [`Embedding`]: a vector for each id.

use std::fmt;

use fanin_init::rand::RngCore;
use fanin_init::{Initializer, Normal, ParamSpec};
use fanin_tensor::{Scalar, Tensor};

use super::draw::{Draw, draw};
use crate::Parameters;
use crate::describe::Describe;
use crate::param::Param;
use crate::tape::{Mode, Tape, Var};

/// A table of vectors, of which a row is looked up for each id: `y_k = W[id_k]`.
///
/// Its input are integers, so it is no [`Module`](crate::Module). The gradient of a row is the sum of
/// the gradients of its uses, and 0 for rows without a use.
///
/// A [padding](EmbeddingBuilder::padding_idx) id stands for no id: its row begins at 0 and has no
/// gradient. With a [largest norm](EmbeddingBuilder::max_norm) rows are shortened when they are looked up.
///
/// # Cost
/// A lookup costs the rows that it reads. A training step costs the whole table: its gradient is as large
/// as the table, and an optimizer changes every row, as in PyTorch without `sparse=True`.
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
    #[parameters(skip)]
    padding: Option<usize>,
    #[parameters(skip)]
    max_norm: Option<f64>,
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
        EmbeddingBuilder {
            sizes: [count, features],
            weight,
            padding: None,
            max_norm: None,
            rng: None,
        }
    }
}

impl<T: Scalar> Embedding<T> {
    /// The vectors of some ids.
    ///
    /// # Panics
    /// **Panics** if an id is not below the number of vectors.
    #[track_caller]
    pub fn forward<'t>(&self, tape: &'t Tape<T>, ids: &[usize]) -> Var<'t, T> {
        self.require_fit("embedding", ids);
        self.table(tape, ids).lookup(ids, self.padding, self.max_norm)
    }

    /// # Panics
    /// **Panics** if an id is not below the number of vectors.
    #[track_caller]
    pub(super) fn require_fit(&self, op: &str, ids: &[usize]) {
        let count = self.weight().shape()[0];
        if let Some((k, id)) = ids.iter().enumerate().find(|(_, id)| **id >= count) {
            panic!("{op}: id {id}, number {k}, does not fit {}", self.describe());
        }
    }

    /// The table on the tape. If there is a largest norm, the rows of these ids get it in the table as
    /// well, by the optimizer's step.
    pub(super) fn table<'t>(&self, tape: &'t Tape<T>, ids: &[usize]) -> Var<'t, T> {
        let table = tape.param(&self.weight);
        if let Some(max_norm) = self.max_norm
            && tape.mode() == Mode::Train
        {
            tape.cap_rows(&self.weight, table.caps(ids, max_norm));
        }
        table
    }

    /// The id that stands for no id.
    pub fn padding_idx(&self) -> Option<usize> {
        self.padding
    }

    /// The largest norm of a row that is looked up.
    pub fn max_norm(&self) -> Option<f64> {
        self.max_norm
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
        Embedding { weight: self.weight.cast(), padding: self.padding, max_norm: self.max_norm }
    }
}

impl<T: Scalar> Describe for Embedding<T> {
    fn describe(&self) -> String {
        let shape = self.weight().shape();
        let padding = self.padding.map_or(String::new(), |id| format!(", padding {id}"));
        let max_norm = self.max_norm.map_or(String::new(), |norm| format!(", norm ≤ {norm}"));
        format!("Embedding({} → {}{padding}{max_norm})", shape[0], shape[1])
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
    padding: Option<usize>,
    max_norm: Option<f64>,
    rng: Option<&'a mut dyn RngCore>,
}

impl<'a> EmbeddingBuilder<'a> {
    /// The initializer of the vectors. Their fan-in is 1: one row is looked up for each id.
    pub fn weight(mut self, initializer: impl Initializer + 'a) -> Self {
        self.weight = Box::new(initializer);
        self
    }

    /// The id that stands for no id, such as the end of a short list. Its row begins at 0 and has no
    /// gradient.
    ///
    /// # Panics
    /// **Panics** if it is not below the number of vectors.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Embedding;
    ///
    /// let table = Embedding::builder(1000, 16).padding_idx(0).build();
    /// assert_eq!(table.weight().as_slice()[..16], [0.0; 16]);
    /// ```
    #[track_caller]
    pub fn padding_idx(mut self, id: usize) -> Self {
        let count = self.sizes[0];
        assert!(
            id < count,
            "Embedding: padding id {id} is not below the number of vectors, {count}"
        );
        self.padding = Some(id);
        self
    }

    /// The largest Euclidean norm of a row. A longer one is multiplied by `max_norm / (norm + 1e-7)` when
    /// it is looked up.
    ///
    /// As in PyTorch, the gradient is that of the shortened row, and the table is shortened too, but by
    /// the optimizer's step that follows, before its rule. In a prediction the table stays as it is, and
    /// the vectors are shortened all the same.
    ///
    /// # Panics
    /// **Panics** if it is not positive and finite.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::Tape;
    /// use fanin_nn::init::Constant;
    /// use fanin_nn::layers::Embedding;
    ///
    /// let table = Embedding::builder(3, 4).weight(Constant(1.0)).max_norm(1.0).build();
    /// let y = Tape::new().value(|t| table.forward(t, &[2]));
    /// assert!((y.as_slice()[0] - 0.5).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn max_norm(mut self, max_norm: f64) -> Self {
        assert!(
            max_norm > 0.0 && max_norm.is_finite(),
            "Embedding: a largest norm of {max_norm} must be positive and finite"
        );
        self.max_norm = Some(max_norm);
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
        let (mut weight, _) =
            draw(|| format!("Embedding({count} → {features})"), weight, None, self.rng);
        if let Some(id) = self.padding {
            weight.value_mut().as_mut_slice()[id * features..][..features].fill(0.0);
        }
        Embedding { weight, padding: self.padding, max_norm: self.max_norm }
    }
}
