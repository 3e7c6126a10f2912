//! [`EmbeddingBag`]: a vector for each bag of ids.

use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use super::Embedding;
use crate::describe::Describe;
use crate::ops::Entries;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::tape::{Tape, Var};

pub use crate::ops::BagMode;

/// Looks up the vectors of several ids and makes one of them: `y_b = mean_{k in bag b} W[id_k]`, or their
/// sum or maximum.
///
/// For features that are sets of categories, such as the words of a text. Its input are integers, so it is
/// no [`Module`](crate::Module). An empty bag gives zeros. Ids that are the [padding](Embedding::padding_idx)
/// of the table do not count.
///
/// # Shapes
/// W `(count, features)`, ids of b bags one after the other; y `(b, features)`.
///
/// # Example
/// ```
/// use fanin_nn::layers::{BagMode, Embedding, EmbeddingBag};
/// use fanin_nn::{Optimizer, Sgd, Tape};
///
/// let mut bags = EmbeddingBag::new(1000, 16).mode(BagMode::Sum);
/// let (mut sgd, mut tape) = (Sgd::new(0.1), Tape::new());
/// // The bags [3, 999], [] and [7].
/// let (_, grads) = tape.value_and_grad(|t| bags.forward(t, &[3, 999, 7], &[0, 2, 2]).square().sum());
/// sgd.step(&mut bags, grads);
///
/// let padded = EmbeddingBag::of(Embedding::builder(1000, 16).padding_idx(0).build());
/// let y = tape.value(|t| padded.forward_fixed(t, &[3, 999, 7, 0], 2));
/// assert_eq!(y.shape(), [2, 16]);
/// assert_eq!(y.as_slice()[16..], padded.table().weight().as_slice()[7 * 16..8 * 16]);
/// ```
#[derive(Clone)]
pub struct EmbeddingBag<T: Scalar = f32> {
    table: Embedding<T>,
    mode: BagMode,
}

impl EmbeddingBag {
    /// Means over a table of `count` vectors, initialized as PyTorch does: `N(0, 1)`, from the thread's
    /// default generator.
    pub fn new(count: usize, features: usize) -> Self {
        Self::of(Embedding::new(count, features))
    }
}

impl<T: Scalar> EmbeddingBag<T> {
    /// Means over this table, with its initialization, padding and largest norm.
    pub fn of(table: Embedding<T>) -> Self {
        Self { table, mode: BagMode::Mean }
    }

    /// The layer that makes one vector of several in another way.
    #[must_use]
    pub fn mode(self, mode: BagMode) -> Self {
        Self { mode, ..self }
    }

    /// A vector for each bag. The bag b has the ids from number `offsets[b]` on, up to those of the next
    /// bag.
    ///
    /// # Panics
    /// **Panics** if an id is not below the number of vectors, or the offsets do not begin with 0, fall,
    /// or exceed the number of ids.
    #[track_caller]
    pub fn forward<'t>(&self, tape: &'t Tape<T>, ids: &[usize], offsets: &[usize]) -> Var<'t, T> {
        require_offsets(ids, offsets);
        self.apply(tape, ids, offsets.len(), &|bag| offsets[bag], None)
    }

    /// A vector for each bag of `length` ids, as PyTorch's for ids of shape `(bags, length)`.
    ///
    /// # Panics
    /// **Panics** if an id is not below the number of vectors, or the number of ids is no multiple of the
    /// length.
    #[track_caller]
    pub fn forward_fixed<'t>(&self, tape: &'t Tape<T>, ids: &[usize], length: usize) -> Var<'t, T> {
        assert!(
            length > 0 && ids.len().is_multiple_of(length),
            "embedding_bag: {} ids cannot be divided into bags of {length}",
            ids.len()
        );
        self.apply(tape, ids, ids.len() / length, &|bag| bag * length, None)
    }

    /// [`forward`](Self::forward) of a weighted sum: `y_b = Σ_{k in bag b} w_k W[id_k]`. Gradients flow
    /// into the weights too.
    ///
    /// # Shapes
    /// A weight for each id, `(n)`.
    ///
    /// # Panics
    /// **Panics** as [`forward`](Self::forward) does, and if the weights have another shape, or the mode
    /// is not [`BagMode::Sum`].
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::{BagMode, EmbeddingBag};
    /// use fanin_nn::{Tape, Tensor};
    ///
    /// let bags = EmbeddingBag::new(5, 2).mode(BagMode::Sum);
    /// let weights = Tensor::from_vec(2, vec![0.0, 2.0]);
    /// let y = Tape::new().value(|t| bags.forward_weighted(t, &[4, 1], &[0], t.input(&weights)));
    /// assert_eq!(y.as_slice()[0], 2.0 * bags.table().weight().as_slice()[2]);
    /// ```
    #[doc(alias = "per_sample_weights")]
    #[track_caller]
    pub fn forward_weighted<'t>(
        &self,
        tape: &'t Tape<T>,
        ids: &[usize],
        offsets: &[usize],
        weights: Var<'t, T>,
    ) -> Var<'t, T> {
        require_offsets(ids, offsets);
        assert!(
            self.mode == BagMode::Sum,
            "embedding_bag: only sums can be weighted, and {} is none",
            self.describe()
        );
        assert!(
            weights.with_shape(|shape| *shape == [ids.len()]),
            "embedding_bag: weights {} do not fit {} ids: there must be one for each",
            weights.shape(),
            ids.len()
        );
        self.apply(tape, ids, offsets.len(), &|bag| offsets[bag], Some(weights))
    }

    #[track_caller]
    fn apply<'t>(
        &self,
        tape: &'t Tape<T>,
        ids: &[usize],
        bags: usize,
        start: &dyn Fn(usize) -> usize,
        weights: Option<Var<'t, T>>,
    ) -> Var<'t, T> {
        self.table.require_fit("embedding_bag", ids);
        let mut table = self.table.table(tape, ids);
        let mut entries = Entries::new(bags);
        let short = self.table.max_norm().is_some();
        if short {
            table = table.lookup(ids, self.table.padding_idx(), self.table.max_norm());
        }
        for bag in 0..bags {
            let end = if bag + 1 < bags { start(bag + 1) } else { ids.len() };
            for k in (start(bag)..end).filter(|&k| Some(ids[k]) != self.table.padding_idx()) {
                entries.push(bag, if short { k } else { ids[k] }, k);
            }
        }
        table.embedding_bag(&entries, self.mode, weights)
    }

    /// The table.
    pub fn table(&self) -> &Embedding<T> {
        &self.table
    }

    /// The table, to be changed.
    pub fn table_mut(&mut self) -> &mut Embedding<T> {
        &mut self.table
    }

    /// The vectors, `(count, features)`.
    pub fn weight(&self) -> &Tensor<T> {
        self.table.weight()
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> EmbeddingBag<U> {
        EmbeddingBag { table: self.table.cast(), mode: self.mode }
    }
}

#[track_caller]
fn require_offsets(ids: &[usize], offsets: &[usize]) {
    if let Some(&first) = offsets.first()
        && first != 0
    {
        panic!("embedding_bag: the first offset is {first}, and must be 0");
    }
    if offsets.is_empty() && !ids.is_empty() {
        panic!(
            "embedding_bag: there are {} ids and no offsets, so no bag to put them in",
            ids.len()
        );
    }
    for (bag, pair) in offsets.windows(2).enumerate() {
        if pair[0] > pair[1] {
            panic!(
                "embedding_bag: offset {} of bag {} is below the one before, {}",
                pair[1],
                bag + 1,
                pair[0]
            );
        }
    }
    if let Some(&last) = offsets.last()
        && last > ids.len()
    {
        panic!("embedding_bag: offset {last} exceeds the number of ids, {}", ids.len());
    }
}

/// The table is named as in PyTorch, `weight`, without the struct that holds it.
impl<T: Scalar> Parameters<T> for EmbeddingBag<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        self.table.visit(path, visitor);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        self.table.visit_mut(path, visitor);
    }
}

impl<T: Scalar> Describe for EmbeddingBag<T> {
    fn describe(&self) -> String {
        let mode = match self.mode {
            BagMode::Sum => "sum",
            BagMode::Mean => "mean",
            BagMode::Max => "max",
        };
        format!("EmbeddingBag({mode} of {})", self.table.describe())
    }
}

impl<T: Scalar> fmt::Debug for EmbeddingBag<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
