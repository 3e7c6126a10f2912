//! [`Parallel`]: branches with one input, whose outputs are joined.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use fanin_init::Gain;
use fanin_tensor::Scalar;

use super::cast::cast_layer;
use super::layer::Layer;
use super::sequential::bad_name;
use crate::describe::{Describe, Features};
use crate::layers::{Join, LayerSpec, NetworkSpec, ParallelSpec};
use crate::module::Module;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::tape::Var;

/// Branches that read the same input. Their outputs stand side by side, `y = (F₁(x), F₂(x), …)`, or are
/// added, `y = F₁(x) + F₂(x) + …`.
///
/// A branch is a layer or a [`Sequential`](super::Sequential). The parameters of branch *i* are named
/// `i.weight`, or by the [name](Self::add_named) that the branch was given.
///
/// # Shapes
/// x `(…, features)`. With [`new`](Self::new) the branches may give different numbers of features, and y
/// has their sum; all other axes must agree. With [`sum`](Self::sum) all outputs have one shape.
///
/// # Panics
/// **Panics** if there are no branches, or their outputs do not fit together.
///
/// # Example
/// ```
/// use fanin_nn::layers::{Parallel, Relu, Tanh};
/// use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor};
///
/// let branch = |width| Sequential::new().add(Linear::new(8, width)).add(Relu);
/// let wide = Parallel::new().add(branch(3)).add_named("slow", branch(5));
/// let model = Sequential::new().add(wide).add(Linear::new(8, 2));
/// assert_eq!(model.predict(&Tensor::zeros([4, 8])).shape(), [4, 2]);
/// assert_eq!(model.named_params()[2].0, "0.slow.0.weight");
///
/// let mixed = Parallel::sum().add(Linear::new(8, 4)).add(Sequential::new().add(Linear::new(8, 4)).add(Tanh));
/// assert_eq!(mixed.predict(&Tensor::zeros([4, 8])).shape(), [4, 4]);
/// ```
///
/// # Reference
/// Szegedy et al. 2015, "Going Deeper with Convolutions", section 4, for concatenated branches.
#[doc(alias("Concat", "Concatenate", "SkipConnection"))]
#[derive(Clone)]
pub struct Parallel<T: Scalar = f32> {
    branches: Vec<Box<dyn Layer<T>>>,
    /// Of each branch, if it was given one.
    names: Vec<Option<Arc<str>>>,
    /// The names that branches have.
    taken: HashSet<Arc<str>>,
    /// The first branch that states its features.
    stated: Option<usize>,
    sums: bool,
}

impl<T: Scalar> Default for Parallel<T> {
    fn default() -> Self {
        Self { branches: vec![], names: vec![], taken: HashSet::new(), stated: None, sums: false }
    }
}

impl<T: Scalar> Parallel<T> {
    /// No branches yet, whose outputs stand side by side along the last axis. The element type is that of
    /// the branches.
    pub fn new() -> Self {
        Self::default()
    }

    /// No branches yet, whose outputs are added.
    pub fn sum() -> Self {
        Self { sums: true, ..Self::default() }
    }

    /// The layer with one more branch.
    ///
    /// # Panics
    /// **Panics** if the branch takes another number of features than the branches before, or, where they
    /// are added, gives another number.
    #[expect(clippy::should_implement_trait, reason = "adds a branch, as Sequential adds a layer")]
    #[must_use]
    #[track_caller]
    pub fn add(self, branch: impl Module<T> + Clone + 'static) -> Self {
        push(self, Box::new(branch), None)
    }

    /// The layer with one more branch, whose parameters are `name.weight` and so on.
    ///
    /// # Panics
    /// **Panics** as [`add`](Self::add) does, and if the name is empty, a number, taken, or has one of
    /// the characters `.*?`.
    #[must_use]
    #[track_caller]
    pub fn add_named(self, name: &str, branch: impl Module<T> + Clone + 'static) -> Self {
        push(self, Box::new(branch), Some(name.into()))
    }

    /// The branches.
    pub fn branches(&self) -> &[Box<dyn Layer<T>>] {
        &self.branches
    }

    /// The same layer with another element type.
    ///
    /// # Panics
    /// **Panics** if a branch is not a layer of this crate.
    #[track_caller]
    pub fn cast<U: Scalar>(&self) -> Parallel<U> {
        let mut branches = vec![];
        for branch in &self.branches {
            match cast_layer(&**branch) {
                Some(branch) => branches.push(branch),
                None => panic!("Parallel: {} cannot be cast", branch.describe()),
            }
        }
        let (names, taken) = (self.names.clone(), self.taken.clone());
        Parallel { branches, names, taken, stated: self.stated, sums: self.sums }
    }
}

/// What branches have in common, and what they give together.
pub(super) fn joined_features(
    branches: impl Iterator<Item = Features> + Clone,
    sums: bool,
    input: Option<usize>,
) -> Features {
    let stated = branches.clone().find_map(|features| match features {
        Features::Map { input, .. } => Some(input),
        _ => None,
    });
    let count = branches.clone().count();
    if branches.clone().all(|features| features == Features::Same) && (sums || count == 1) {
        return Features::Same;
    }
    let Some(input) = stated.or(input) else { return Features::Unknown };
    let mut output = 0usize;
    for features in branches {
        let own = match features {
            Features::Map { output, .. } => output,
            Features::Same => input,
            Features::Unknown => return Features::Unknown,
        };
        output = if sums { own } else { output.saturating_add(own) };
    }
    Features::Map { input, output }
}

once! {
    /// One more branch.
    #[track_caller]
    fn push<T: Scalar>(
        layer: Parallel<T>,
        branch: Box<dyn Layer<T>>,
        name: Option<Arc<str>>,
    ) -> Parallel<T> {
        let mut layer = layer;
        if let Some(name) = &name {
            if let Some(reason) = bad_name(name, |name| layer.taken.contains(name)) {
                panic!("Parallel: {reason}");
            }
            layer.taken.insert(name.clone());
        }
        if let Features::Map { .. } = branch.features() {
            let first = layer.stated.get_or_insert(layer.branches.len());
            if let Some(before) = layer.branches.get(*first)
                && let Some(reason) = misfit(before.features(), branch.features(), layer.sums)
            {
                panic!("Parallel: {} and {} {reason}", before.describe(), branch.describe());
            }
        }
        layer.branches.push(branch);
        layer.names.push(name);
        layer
    }

    #[track_caller]
    fn forward<'t, 'a, T: Scalar>(layer: &'a Parallel<T>, x: Var<'t, T>) -> Var<'t, T> {
        /// Up to this many outputs are kept on the stack, so that a steady step allocates nothing.
        const FEW: usize = 16;
        let (mut few, mut many) = ([x; FEW], vec![]);
        let outputs = if layer.branches.len() <= FEW {
            &mut few[..layer.branches.len()]
        } else {
            many.resize(layer.branches.len(), x);
            &mut many[..]
        };
        for (i, (branch, y)) in layer.branches.iter().zip(&mut *outputs).enumerate() {
            // Checked here too: #[track_caller] does not reach through `dyn`.
            if let Features::Map { input, .. } = branch.features()
                && x.with_shape(|shape| shape.last() != Some(&input))
            {
                panic!("Parallel: input {} does not fit branch {i}, {}", x.shape(), branch.describe());
            }
            *y = branch.forward(x);
        }
        let Some(&first) = outputs.first() else { panic!("Parallel: there are no branches") };
        let shape = first.shape();
        let Some((_, before)) = shape.split_last() else {
            panic!("Parallel: the branches turned {} into a scalar, which has no features", x.shape())
        };
        for y in &*outputs {
            let fits = y.with_shape(|own| match own.split_last() {
                Some((_, own_before)) if !layer.sums => own_before == before,
                _ => *own == *shape,
            });
            if !fits {
                panic!(
                    "Parallel: the branches turned {} into {shape} and {}, which cannot be {}",
                    x.shape(),
                    y.shape(),
                    if layer.sums { "added" } else { "put side by side" }
                );
            }
        }
        if layer.sums {
            return outputs[1..].iter().fold(first, |sum, &y| sum + y);
        }
        if outputs.len() == 1 { first } else { Var::concat(outputs, shape.len() - 1) }
    }
}

/// Why two branches that state their features cannot stand beside each other.
pub(super) fn misfit(a: Features, b: Features, sums: bool) -> Option<String> {
    let (Features::Map { input, output }, Features::Map { input: other, output: gives }) = (a, b)
    else {
        return None;
    };
    if input != other {
        return Some(format!("take {input} and {other} features of one input"));
    }
    (sums && output != gives)
        .then(|| format!("give {output} and {gives} features, which cannot be added"))
}

impl<T: Scalar> Module<T> for Parallel<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        forward(self, x)
    }
}

impl<T: Scalar> Parameters<T> for Parallel<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        for (i, (branch, name)) in self.branches.iter().zip(&self.names).enumerate() {
            match name {
                Some(name) => branch.visit(&path.name(name), visitor),
                None => branch.visit(&path.index(i), visitor),
            }
        }
    }

    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        for (i, (branch, name)) in self.branches.iter_mut().zip(&self.names).enumerate() {
            match name {
                Some(name) => branch.visit_mut(&path.name(name), visitor),
                None => branch.visit_mut(&path.index(i), visitor),
            }
        }
    }
}

impl<T: Scalar> Parallel<T> {
    pub(in crate::layers) fn spec(&self) -> Option<LayerSpec> {
        if !self.taken.is_empty() {
            return None;
        }
        let branches =
            self.branches.iter().map(|branch| Some(NetworkSpec::of_branch(&**branch)?.layers));
        let join = if self.sums { Join::Sum } else { Join::Concat };
        Some(LayerSpec::Parallel(ParallelSpec { branches: branches.collect::<Option<_>>()?, join }))
    }
}

impl<T: Scalar> Describe for Parallel<T> {
    fn features(&self) -> Features {
        let branches = self.branches.iter().map(|branch| branch.features());
        joined_features(branches, self.sums, None)
    }

    fn followed_by(&mut self, activation: Gain) {
        // Each feature of a concatenation goes through the activation. In a sum none does by itself.
        if !self.sums {
            self.branches.iter_mut().for_each(|branch| branch.followed_by(activation));
        }
    }

    fn describe(&self) -> String {
        let branches: Vec<_> = self.branches.iter().map(|branch| branch.describe()).collect();
        let join = if self.sums { " + " } else { " | " };
        format!("Parallel({})", branches.join(join))
    }
}

impl<T: Scalar> fmt::Debug for Parallel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
