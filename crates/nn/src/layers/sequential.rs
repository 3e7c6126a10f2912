//! [`Sequential`]: layers one behind the other.

use std::fmt;

use fanin_init::Gain;
use fanin_tensor::Scalar;

use crate::module::{Features, Module, ParamPath, Show, ShowMut};
use crate::tape::Var;

/// Layers one behind the other, each fed with what the one before gave.
///
/// Layers that do not fit are refused while the network is built. The parameters of layer *i* are
/// named `i.weight`, as in PyTorch, or by the [name](Self::add_named) that the layer was given.
///
/// # Example
/// ```
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));
/// assert_eq!(model.predict(&Tensor::zeros([64, 784])).shape(), [64, 10]);
/// assert_eq!(model.to_string(), "0: Linear(784 → 128)\n1: Relu\n2: Linear(128 → 10)\n");
/// assert_eq!(model.num_params(), 101_770);
/// ```
pub struct Sequential<T: Scalar = f32> {
    layers: Vec<Box<dyn Module<T>>>,
    /// Of each layer, if it was given one.
    names: Vec<Option<String>>,
}

impl Sequential<f32> {
    /// A network without layers, which gives back what it is fed. (`Sequential::<f64>::default()` is
    /// one for `f64`.)
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Scalar> Default for Sequential<T> {
    fn default() -> Self {
        Self { layers: vec![], names: vec![] }
    }
}

impl<T: Scalar> Sequential<T> {
    /// The network with one more layer.
    ///
    /// # Panics
    /// **Panics** if the layer takes another number of features than the network gives.
    #[expect(clippy::should_implement_trait, reason = "adds a layer, as every framework calls it")]
    #[must_use]
    #[track_caller]
    pub fn add(mut self, layer: impl Module<T> + 'static) -> Self {
        if let (Features::Map { output, .. }, Features::Map { input, .. }) =
            (self.features(), layer.features())
            && input != output
        {
            panic!(
                "Sequential: layer {}, {}, does not fit: the layers before give {output} features",
                self.layers.len(),
                layer.describe(),
            );
        }
        if let Some(gain) = layer.activation_gain() {
            self.followed_by(gain);
        }
        self.layers.push(Box::new(layer));
        self.names.push(None);
        self
    }

    /// The network with one more layer, whose parameters are `name.weight` and so on, wherever it
    /// stands: another layer put before it changes neither that nor what a
    /// [keyed](crate::InitPlan::keyed) plan draws for it.
    ///
    /// # Panics
    /// **Panics** as [`add`](Self::add) does, and if the name is empty, a number, taken, or has one of
    /// the characters `.*?`.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Tanh;
    /// use fanin_nn::{Linear, Module, Sequential};
    ///
    /// let model = Sequential::new().add_named("hidden", Linear::new(8, 4)).add(Tanh).add(Linear::new(4, 2));
    /// let names: Vec<String> = model.named_params().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["hidden.weight", "hidden.bias", "2.weight", "2.bias"]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn add_named(self, name: &str, layer: impl Module<T> + 'static) -> Self {
        if name.is_empty() || name.parse::<usize>().is_ok() || name.contains(['.', '*', '?']) {
            panic!(
                "Sequential: {name:?} cannot name a layer: it must be a word without any of `.*?`"
            );
        }
        if self.names.iter().flatten().any(|taken| taken == name) {
            panic!("Sequential: there is a layer named {name:?} already");
        }
        let mut model = self.add(layer);
        *model.names.last_mut().expect("just added") = Some(name.to_owned());
        model
    }

    /// The layers.
    pub fn layers(&self) -> &[Box<dyn Module<T>>] {
        &self.layers
    }
}

impl<T: Scalar> Module<T> for Sequential<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let mut x = x;
        for (i, layer) in self.layers.iter().enumerate() {
            // Asked here, and not in the layer alone, so that the panic is at the caller's line: it
            // does not reach through `dyn`.
            if let Features::Map { input, .. } = layer.features()
                && x.with_shape(|shape| shape.last() != Some(&input))
            {
                panic!(
                    "Sequential: input {} does not fit layer {i}, {}",
                    x.shape(),
                    layer.describe(),
                );
            }
            x = layer.forward(x);
        }
        x
    }

    fn visit<'m>(&'m self, path: &ParamPath<'_>, show: Show<'_, 'm, T>) {
        for (i, (layer, name)) in self.layers.iter().zip(&self.names).enumerate() {
            match name {
                Some(name) => layer.visit(&path.name(name), show),
                None => layer.visit(&path.index(i), show),
            }
        }
    }

    fn visit_mut(&mut self, path: &ParamPath<'_>, show: ShowMut<'_, T>) {
        for (i, (layer, name)) in self.layers.iter_mut().zip(&self.names).enumerate() {
            match name {
                Some(name) => layer.visit_mut(&path.name(name), show),
                None => layer.visit_mut(&path.index(i), show),
            }
        }
    }

    fn features(&self) -> Features {
        self.layers.iter().fold(Features::Same, |before, layer| before.then(layer.features()))
    }

    fn activation_gain(&self) -> Option<Gain> {
        // Of the one that comes first: what a layer before this network is followed by.
        for layer in &self.layers {
            let gain = layer.activation_gain();
            if gain.is_some() || layer.features() != Features::Same {
                return gain;
            }
        }
        None
    }

    fn followed_by(&mut self, activation: Gain) {
        // Through what is no activation itself and keeps the features, such as dropout.
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
