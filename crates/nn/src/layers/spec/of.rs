//! The description of a network that is built already.

use std::any::Any;

use fanin_init::{Scheme, Zeros};
use fanin_tensor::Scalar;

use super::{LayerSpec, NamedSpec, NetworkSpec, SpecError};
use crate::layers::layer::Layer;
use crate::layers::*;

impl NetworkSpec {
    /// The description of a network, from which [`Sequential::from_spec`] builds one like it: with the
    /// same layers and names, and with other weights.
    ///
    /// # Errors
    /// If a layer cannot be described: one of your own, a [`Lambda`], a [`FixupBranch`], a branch of a
    /// [`Residual`] or [`Parallel`] that is no [`Sequential`], named branches, a [`SpectralNorm`] with
    /// options.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::{NetworkSpec, Relu};
    /// use fanin_nn::{Linear, Sequential};
    ///
    /// let model = Sequential::new().add(Linear::new(4, 8)).add(Relu).add(Linear::new(8, 3));
    /// let spec = NetworkSpec::of(&model)?;
    /// assert_eq!(Sequential::from_spec(&spec)?.to_string(), model.to_string());
    /// # Ok::<(), fanin_nn::layers::SpecError>(())
    /// ```
    pub fn of<T: Scalar>(model: &Sequential<T>) -> Result<Self, SpecError> {
        let named = model.layers().iter().zip(model.names());
        let layers = named.enumerate().map(|(i, (layer, name))| {
            let Some(spec) = describe(&**layer) else {
                return Err(SpecError {
                    path: i.to_string(),
                    layer: layer.describe(),
                    reason: "a description has no word for it".into(),
                });
            };
            Ok(match name {
                Some(name) => NamedSpec::new(&**name, spec).into(),
                None => spec,
            })
        });
        Ok(Self { layers: layers.collect::<Result<_, _>>()? })
    }

    /// That of a branch, which must be a [`Sequential`].
    pub(in crate::layers) fn of_branch<T: Scalar>(branch: &dyn Layer<T>) -> Option<Self> {
        let branch: &dyn Any = branch;
        Self::of(branch.downcast_ref::<Sequential<T>>()?).ok()
    }

    /// The same network with zeros for all weights and biases, so that nothing is drawn, for values that a
    /// file has. The linear layer of a [`SpectralNorm`] keeps its initializers: zeros have no norm.
    #[must_use]
    pub fn undrawn(mut self) -> Self {
        self.layers.iter_mut().for_each(undrawn);
        self
    }
}

fn undrawn(layer: &mut LayerSpec) {
    match layer {
        LayerSpec::Linear(linear) | LayerSpec::WeightNorm(linear) => {
            linear.weight = Zeros.into();
            linear.bias = linear.bias.take().map(|_| Scheme::from(Zeros));
        }
        // Its singular vectors come from the weights, which must not be zero.
        LayerSpec::SpectralNorm(_) => {}
        LayerSpec::Residual(residual) => residual.branch.iter_mut().for_each(undrawn),
        LayerSpec::Parallel(parallel) => {
            parallel.branches.iter_mut().flatten().for_each(undrawn);
        }
        LayerSpec::Named(named) => undrawn(&mut named.layer),
        LayerSpec::Sequential(layers) => layers.iter_mut().for_each(undrawn),
        _ => {}
    }
}

/// The description of a layer, if it is one of this crate.
fn describe<T: Scalar>(layer: &dyn Layer<T>) -> Option<LayerSpec> {
    let any: &dyn Any = layer;
    if let Some(boxed) = any.downcast_ref::<Box<dyn Layer<T>>>() {
        return describe(&**boxed);
    }
    macro_rules! described {
        ($($layer:ty)*) => {$(
            if let Some(layer) = any.downcast_ref::<$layer>() {
                return Some(layer.spec());
            }
        )*};
    }
    described!(
        Prelu<T> LayerNorm<T> RmsNorm<T> GroupNorm<T> BatchNorm1d<T> WeightNorm<T>
        AlphaDropout Dropout Geglu Glu Reglu Rrelu Swiglu Unflatten
    );
    macro_rules! perhaps {
        ($($layer:ty)*) => {$(
            if let Some(layer) = any.downcast_ref::<$layer>() {
                return layer.spec();
            }
        )*};
    }
    perhaps!(Residual<T> Parallel<T> SpectralNorm<T>);
    if let Some(linear) = any.downcast_ref::<Linear<T>>() {
        return Some(LayerSpec::Linear(linear.spec()));
    }
    if let Some(layers) = any.downcast_ref::<Sequential<T>>() {
        return Some(LayerSpec::Sequential(NetworkSpec::of(layers).ok()?.layers));
    }
    if any.is::<Flatten>() {
        return Some(LayerSpec::Flatten);
    }
    if any.is::<super::super::Identity>() {
        return Some(LayerSpec::Identity);
    }
    activation::describe_activation(any)
}
