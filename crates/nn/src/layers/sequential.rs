//! [`Sequential`]: layers one behind the other.

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use fanin_init::Gain;
use fanin_tensor::Scalar;

use super::cast::cast_layer;
use super::layer::Layer;
use crate::describe::{Describe, Features};
use crate::layers::NetworkSpec;
use crate::module::Module;
use crate::ops::how_to_fit;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::summary::{Row, Summary};
use crate::tape::{Scope, Var};

/// Layers in a row: each one's input is the output of the layer before it.
///
/// Layers that do not fit are refused while the network is built. The parameters of layer *i* are
/// named `i.weight`, as in PyTorch, or by the [name](Self::add_named) that the layer was given.
///
/// # Example
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Module, Parameters, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
/// assert_eq!(model.predict(&Tensor::zeros([64, 784])).shape(), [64, 10]);
/// assert_eq!(model.to_string(), "0: Linear(784 → 128)\n1: Relu\n2: Linear(128 → 10)\n");
/// assert_eq!(model.num_params(), 101_770);
/// ```
#[derive(Clone)]
pub struct Sequential<T: Scalar = f32> {
    layers: Vec<Box<dyn Layer<T>>>,
    /// Of each layer, if it was given one.
    names: Vec<Option<Arc<str>>>,
    /// The names that layers have.
    taken: HashSet<Arc<str>>,
    /// Of the layers so far.
    features: Features,
    /// The number of features that they give, if it is known.
    output: Option<usize>,
}

impl<T: Scalar> Default for Sequential<T> {
    fn default() -> Self {
        Self {
            layers: vec![],
            names: vec![],
            taken: HashSet::new(),
            features: Features::Same,
            output: None,
        }
    }
}

impl<T: Scalar> Sequential<T> {
    /// A network without layers, which gives back its input. Its element type is that of its layers;
    /// `Sequential::<f64>::new()` states it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The network with one more layer. The layer is `Clone`, so that the network is.
    ///
    /// # Panics
    /// **Panics** if the layer takes another number of features than the network gives.
    #[expect(clippy::should_implement_trait, reason = "adds a layer, as every framework calls it")]
    #[must_use]
    #[track_caller]
    pub fn add(self, layer: impl Module<T> + Clone + 'static) -> Self {
        push(self, Box::new(layer), None)
    }

    /// The network with one more layer, whose parameters are `name.weight` and so on. The name does not
    /// depend on the layer's position: another layer in front changes neither the name nor what a
    /// [keyed](crate::InitPlan::keyed) plan draws for it.
    ///
    /// # Panics
    /// **Panics** as [`add`](Self::add) does, and if the name is empty, a number, taken, or has one of
    /// the characters `.*?`.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Tanh;
    /// use fanin_nn::{Linear, Parameters, Sequential};
    ///
    /// let model = Sequential::new().add_named("hidden", Linear::new(8, 4)).add(Tanh).add(Linear::new(4, 2));
    /// let names: Vec<String> = model.named_params().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["hidden.weight", "hidden.bias", "2.weight", "2.bias"]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn add_named(self, name: &str, layer: impl Module<T> + Clone + 'static) -> Self {
        push(self, Box::new(layer), Some(name.into()))
    }

    /// The layers.
    pub fn layers(&self) -> &[Box<dyn Layer<T>>] {
        &self.layers
    }

    /// The name of each layer, if it was given one.
    pub(super) fn names(&self) -> &[Option<Arc<str>>] {
        &self.names
    }

    /// Layer `i`, if it is an `L`.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Relu;
    /// use fanin_nn::{Linear, Sequential};
    ///
    /// let model = Sequential::new().add(Linear::new(784, 10)).add(Relu);
    /// assert_eq!(model.get::<Linear>(0).unwrap().weight().shape(), [10, 784]);
    /// assert!(model.get::<Linear>(1).is_none());
    /// ```
    pub fn get<L: Module<T> + 'static>(&self, i: usize) -> Option<&L> {
        let layer: &dyn Any = &**self.layers.get(i)?;
        layer.downcast_ref()
    }

    /// Layer `i`, to be changed, if it is an `L`.
    pub fn get_mut<L: Module<T> + 'static>(&mut self, i: usize) -> Option<&mut L> {
        let layer: &mut dyn Any = &mut **self.layers.get_mut(i)?;
        layer.downcast_mut()
    }

    /// The same network with another element type.
    ///
    /// # Panics
    /// **Panics** if a layer is of another crate, or a [`Lambda`](super::Lambda): only the other layers of
    /// this one can be cast.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Tanh;
    /// use fanin_nn::{Linear, Sequential, gradcheck_module};
    ///
    /// let model = Sequential::new().add(Linear::new(3, 4)).add(Tanh).add(Linear::new(4, 2));
    /// gradcheck_module(model.cast::<f64>(), &[5, 3], 1).assert_below(1e-6);
    /// ```
    #[track_caller]
    pub fn cast<U: Scalar>(&self) -> Sequential<U> {
        let mut layers = vec![];
        for (i, layer) in self.layers.iter().enumerate() {
            match cast_layer(&**layer) {
                Some(layer) => layers.push(layer),
                None => panic!(
                    "Sequential: layer {i}, {}, is of another crate or a function, and cannot be cast",
                    layer.describe()
                ),
            }
        }
        let (names, taken) = (self.names.clone(), self.taken.clone());
        Sequential { layers, names, taken, features: self.features, output: self.output }
    }

    /// A table of the layers: output features, parameters, initializers.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Relu;
    /// use fanin_nn::{Linear, Parameters, Sequential};
    ///
    /// let model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
    /// let summary = model.summary();
    /// summary.print();
    /// assert_eq!(summary.num_params(), 101_770);
    /// ```
    pub fn summary(&self) -> Summary {
        let mut output = None;
        let rows = self.layers.iter().enumerate().map(|(i, layer)| {
            output = layer.features().output_after(output);
            let name =
                self.names[i].as_ref().map_or_else(|| i.to_string(), |name| name.to_string());
            Row::of(name, layer.describe(), output, &**layer)
        });
        Summary::new(rows.collect())
    }
}

/// Why a layer or a branch cannot have this name.
pub(super) fn bad_name(name: &str, taken: impl Fn(&str) -> bool) -> Option<String> {
    let shown: String = name.chars().take(40).collect();
    if name.is_empty() || name.parse::<usize>().is_ok() || name.contains(['.', '*', '?']) {
        return Some(format!(
            "{shown:?} cannot name a layer: it must not be empty, a number, or have one of the \
             characters `.*?`"
        ));
    }
    taken(name).then(|| format!("there is a layer named {shown:?} already"))
}

once! {
    /// One more layer.
    #[track_caller]
    fn push<T: Scalar>(
        model: Sequential<T>,
        layer: Box<dyn Layer<T>>,
        name: Option<Arc<str>>,
    ) -> Sequential<T> {
        let mut model = model;
        if let Some(name) = &name {
            if let Some(reason) = bad_name(name, |name| model.taken.contains(name)) {
                panic!("Sequential: {reason}");
            }
            model.taken.insert(name.clone());
        }
        if let (Some(output), Features::Map { input, .. }) = (model.output, layer.features())
            && input != output
        {
            panic!(
                "Sequential: layer {}, {}, does not fit: the layers before give {output} features, and it \
                 takes {input}",
                model.layers.len(),
                layer.describe(),
            );
        }
        if let Some(gain) = layer.activation_gain() {
            model.followed_by(gain);
        }
        model.features = model.features.then(layer.features());
        model.output = layer.features().output_after(model.output);
        model.layers.push(layer);
        model.names.push(name);
        model
    }

    #[track_caller]
    fn forward<'t, 'a, T: Scalar>(model: &'a Sequential<T>, x: Var<'t, T>) -> Var<'t, T> {
        let (mut x, mut scope) = (x, Scope::new(x));
        let (joins, mut layers) = (!x.tape().is_recording(), model.layers.iter().enumerate().peekable());
        while let Some((i, layer)) = layers.next() {
            // Checked here too: #[track_caller] does not reach through `dyn`.
            if let Features::Map { input, .. } = layer.features()
                && x.with_shape(|shape| shape.last() != Some(&input))
            {
                panic!(
                    "Sequential: input {} does not fit layer {i}, {}: {}",
                    x.shape(),
                    layer.describe(),
                    how_to_fit(&x.shape(), input),
                );
            }
            // In a prediction, an activation is applied to what is still in the cache.
            let both = if joins && let Some((_, next)) = layers.peek() {
                let layer: &dyn Any = &**layer;
                layer.downcast_ref().and_then(|linear| next.after_linear(linear, x))
            } else {
                None
            };
            x = match both {
                Some(y) => {
                    layers.next();
                    y
                }
                None => layer.forward(x),
            };
            scope.keep(x);
        }
        x
    }
}

impl<T: Scalar> Module<T> for Sequential<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        forward(self, x)
    }
}

impl<T: Scalar> Parameters<T> for Sequential<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        for (i, (layer, name)) in self.layers.iter().zip(&self.names).enumerate() {
            match name {
                Some(name) => layer.visit(&path.name(name), visitor),
                None => layer.visit(&path.index(i), visitor),
            }
        }
    }

    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        for (i, (layer, name)) in self.layers.iter_mut().zip(&self.names).enumerate() {
            match name {
                Some(name) => layer.visit_mut(&path.name(name), visitor),
                None => layer.visit_mut(&path.index(i), visitor),
            }
        }
    }

    fn architecture(&self) -> Option<String> {
        serde_json::to_string(&NetworkSpec::of(self).ok()?).ok()
    }
}

impl<T: Scalar> Describe for Sequential<T> {
    fn features(&self) -> Features {
        self.features
    }

    fn activation_gain(&self) -> Option<Gain> {
        // The gain of the first activation, which follows a layer in front of this network.
        for layer in &self.layers {
            let gain = layer.activation_gain();
            if gain.is_some() || layer.features() != Features::Same {
                return gain;
            }
        }
        None
    }

    fn followed_by(&mut self, activation: Gain) {
        // Through layers that are no activation and keep the features, such as dropout.
        for layer in self.layers.iter_mut().rev() {
            layer.followed_by(activation);
            if layer.activation_gain().is_some() || layer.features() != Features::Same {
                return;
            }
        }
    }

    fn describe(&self) -> String {
        let layers: Vec<_> = self.layers.iter().map(|layer| layer.describe()).collect();
        format!("Sequential({})", layers.join(", "))
    }
}

/// A line for each layer.
impl<T: Scalar> fmt::Display for Sequential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layers.iter().enumerate().try_for_each(|(i, l)| writeln!(f, "{i}: {}", l.describe()))
    }
}

impl<T: Scalar> fmt::Debug for Sequential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
