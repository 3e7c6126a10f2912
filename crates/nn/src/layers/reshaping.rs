//! [`Flatten`], [`Unflatten`] and [`Identity`]: layers that compute nothing.

use std::fmt;

use fanin_tensor::{Scalar, show_shape};

use crate::describe::{Describe, Features};
use crate::layers::LayerSpec;
use crate::module::Module;
use crate::parameters::Parameters;
use crate::tape::Var;

/// Joins all axes but the first to one, as before the first linear layer of a network for images.
///
/// # Shapes
/// x `(n, a, b, …)`, y `(n, a·b·…)`.
///
/// # Panics
/// **Panics** if an input is a scalar.
///
/// # Example
/// ```
/// use fanin_nn::layers::Flatten;
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let model = Sequential::new().add(Flatten).add(Linear::new(28 * 28, 10));
/// assert_eq!(model.predict(&Tensor::zeros([5, 28, 28])).shape(), [5, 10]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flatten;

impl<T: Scalar> Parameters<T> for Flatten {}

impl Unflatten {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        LayerSpec::Unflatten(self.sizes.clone())
    }
}

impl Describe for Flatten {}

impl<T: Scalar> Module<T> for Flatten {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        if x.with_shape(|shape| shape.len() == 2) { x } else { x.flatten() }
    }
}

/// Splits the last axis into several: the opposite of [`Flatten`].
///
/// # Shapes
/// x `(…, a·b·…)`, y `(…, a, b, …)`, where `(a, b, …)` are the sizes.
///
/// # Panics
/// **Panics** if the last axis of an input is not the product of the sizes.
///
/// # Example
/// ```
/// use fanin_nn::layers::Unflatten;
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let decoder = Sequential::new().add(Linear::new(10, 28 * 28)).add(Unflatten::new(&[28, 28]));
/// assert_eq!(decoder.predict(&Tensor::zeros([5, 10])).shape(), [5, 28, 28]);
/// ```
#[derive(Clone, PartialEq)]
pub struct Unflatten {
    sizes: Vec<usize>,
}

impl Unflatten {
    /// A layer that splits the last axis into these sizes.
    ///
    /// # Panics
    /// **Panics** if there are no sizes, or their product is beyond `usize`.
    #[track_caller]
    pub fn new(sizes: &[usize]) -> Self {
        if let Some(reason) = unusable(sizes) {
            panic!("Unflatten: {reason}");
        }
        Self { sizes: sizes.to_vec() }
    }

    /// The sizes.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn product(&self) -> usize {
        self.sizes.iter().product()
    }
}

/// Why an axis cannot be split into these sizes.
pub(super) fn unusable(sizes: &[usize]) -> Option<String> {
    if sizes.is_empty() {
        return Some("there are no sizes to split an axis into".into());
    }
    // An axis of 0 counts as 1, so that the order of the sizes makes no difference.
    let product = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)));
    match product {
        Some(_) => None,
        None => Some("the product of the sizes is beyond 2^64".into()),
    }
}

impl<T: Scalar> Parameters<T> for Unflatten {}

impl<T: Scalar> Module<T> for Unflatten {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let shape = x.shape();
        let Some((&last, before)) = shape.split_last() else {
            panic!("unflatten: a scalar has no axis to split")
        };
        if last != self.product() {
            panic!("unflatten: input {shape} does not fit {}", self.describe());
        }
        let axes = before.len() + self.sizes.len();
        // On the stack, so that a steady step allocates nothing.
        let (mut few, mut many) = ([0; 4], vec![]);
        let to = match few.get_mut(..axes) {
            Some(to) => to,
            None => {
                many.resize(axes, 0);
                &mut many[..]
            }
        };
        to[..before.len()].copy_from_slice(before);
        to[before.len()..].copy_from_slice(&self.sizes);
        x.reshape(&*to)
    }
}

impl Describe for Unflatten {
    fn describe(&self) -> String {
        format!("Unflatten({})", show_shape(&self.sizes))
    }
}

impl fmt::Debug for Unflatten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Gives back its input: `y = x`. A place to put a layer in later, or a branch of a
/// [`Parallel`](super::Parallel) that keeps the input.
///
/// The prelude has it as `Passthrough`, because `Identity` is an [initializer](fanin_init::Identity)
/// there.
///
/// # Example
/// ```
/// use fanin_nn::layers::{Identity, Parallel};
/// use fanin_nn::{Linear, Module, Tensor};
///
/// // The input and 4 features of it, side by side.
/// let wide = Parallel::new().add(Identity).add(Linear::new(8, 4));
/// assert_eq!(wide.predict(&Tensor::zeros([5, 8])).shape(), [5, 12]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity;

impl<T: Scalar> Parameters<T> for Identity {}

impl<T: Scalar> Module<T> for Identity {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x
    }
}

impl Describe for Identity {
    fn features(&self) -> Features {
        Features::Same
    }
}
