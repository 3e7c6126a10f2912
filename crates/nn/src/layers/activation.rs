//! Activations as layers for a [`Sequential`](super::Sequential). They come from the table
//! [`activations!`](crate::ops::activations).

use std::any::Any;

use fanin_init::{Gain, Nonlinearity};
use fanin_tensor::Scalar;

use super::{Layer, LayerSpec, Linear};
use crate::describe::{Describe, Features};
use crate::module::Module;
use crate::ops::activations;
use crate::parameters::Parameters;
use crate::tape::Var;

/// Writes a layer for each activation. It applies the method of [`Var`].
macro_rules! layers {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident = $default:literal),+))? as $name:ident
        $body:tt
    )*) => {
        $(
            #[doc = concat!("[`Var::", stringify!($method), "`] as a layer:")]
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct $name $(($(
                #[doc = concat!("The `", stringify!($param), "` of [`Var::", stringify!($method), "`].")]
                pub $param_type
            ),+))?;

            $(impl Default for $name {
                #[doc = concat!("With " $(, "`", stringify!($param), "` = ", $default, ". ")+)]
                fn default() -> Self {
                    Self($($default),+)
                }
            })?

            impl<T: Scalar> Parameters<T> for $name {}

            impl<T: Scalar> Module<T> for $name {
                #[track_caller]
                fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
                    $(let Self($($param),+) = *self;)?
                    x.$method($($(T::from_f64($param)),+)?)
                }

                fn after_linear<'t>(&self, linear: &Linear<T>, x: Var<'t, T>) -> Option<Var<'t, T>> {
                    $(let Self($($param),+) = *self;)?
                    layers!(@after_linear $method ($($(T::from_f64($param)),+)?) linear x $body)
                }
            }

            impl Describe for $name {
                fn features(&self) -> Features {
                    Features::Same
                }

                fn activation_gain(&self) -> Option<Gain> {
                    $(let Self($($param),+) = *self;)?
                    layers!(@gain $method ($($($param),+)?) $body)
                }
            }
        )*

        /// The same activation for another element type, if the layer is an activation.
        pub(super) fn cast_activation<U: Scalar>(layer: &dyn Any) -> Option<Box<dyn Layer<U>>> {
            $(if let Some(layer) = layer.downcast_ref::<$name>() {
                return Some(Box::new(*layer));
            })*
            None
        }

        /// The description of a layer, if it is an activation.
        pub(super) fn describe_activation(layer: &dyn Any) -> Option<LayerSpec> {
            $(if let Some(layer) = layer.downcast_ref::<$name>() {
                $(let $name($($param),+) = *layer;)?
                let _ = layer;
                return Some(LayerSpec::$name $(($($param),+))?);
            })*
            None
        }

        /// Every activation with its default parameters, as its name in a file, a layer and a
        /// description. Tests iterate over them.
        #[doc(hidden)]
        pub fn all_activations<T: Scalar>() -> Vec<(&'static str, Box<dyn Layer<T>>, LayerSpec)> {
            vec![$((
                stringify!($method),
                Box::new($name $(($($default),+))?),
                LayerSpec::$name $(($($default),+))?,
            )),*]
        }
    };
    (@after_linear $method:ident $params:tt $linear:ident $x:ident { rows }) => {{
        let _ = ($linear, $x);
        None
    }};
    (@after_linear $method:ident ($($param:expr),*) $linear:ident $x:ident $body:tt) => {{
        let (w, b) = $linear.values();
        crate::ops::activations::after_linear::$method($($param,)* $x, w, b)
    }};
    (@gain $method:ident $params:tt { rows }) => { None };
    (@gain $method:ident $params:tt {
        $picos:literal ps;
        $(valid $valid:expr => $why:literal;)?
        value $x:ident => $value:expr;
        derivative $dx:ident, $dy:ident => $derivative:expr;
        nonlinearity $nonlinearity:expr;
    }) => {
        match layers!(@fault $method $params) {
            None => Some(Nonlinearity::exact_gain($nonlinearity)),
            Some(_) => None,
        }
    };
    // A function that is 0 nearly everywhere, as a `hardshrink` with a lambda of 100, has no gain.
    (@gain $method:ident ($($param:ident),*) $body:tt) => {
        match layers!(@fault $method ($($param),*)) {
            None => {
                Gain::try_preserving(|x| crate::ops::activations::curves::$method($($param,)* x)).ok()
            }
            Some(_) => None,
        }
    };
    (@fault $method:ident ($($param:ident),*)) => {
        crate::ops::activations::faults::$method($($param),*)
    };
}

activations!(layers);

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the gain of a function's `Nonlinearity` equals the gain computed from its value.
    macro_rules! gains {
        ($(
            $(#[$doc:meta])*
            fn $method:ident $(($($param:ident: $param_type:ident = $default:literal),+))? as $name:ident
            $body:tt
        )*) => {$(
            $(let ($($param,)+) = ($($default,)+);)?
            let gain: Option<Gain> = layers!(@gain $method ($($($param),+)?) $body);
            gains!(@check gain, $method ($($($param),+)?) $body);
        )*};
        (@check $gain:ident, $method:ident $params:tt { rows }) => { assert_eq!($gain, None); };
        (@check $gain:ident, $method:ident ($($param:ident),*) $body:tt) => {
            let own = Gain::preserving(|x| crate::ops::activations::curves::$method($($param,)* x)).get();
            let error = $gain.unwrap().get() / own - 1.0;
            assert!(error.abs() < 1e-12, "{}: {error:e}", stringify!($method));
        };
    }

    #[test]
    fn a_nonlinearity_has_the_gain_of_the_function() {
        activations!(gains);
    }
}
