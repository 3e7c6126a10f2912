//! The trait of this crate: how a parameter gets its first values.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewMutD};
use rand::RngCore;

use crate::{ParamKind, ParamSpec};

/// Fills a parameter with its first values.
///
/// An initializer has no state. All randomness comes from the caller's generator, and all that it
/// knows of the network is in the [`ParamSpec`]. The trait is object-safe: `Box<dyn Initializer>`,
/// references and `Arc`s are initializers too.
///
/// # Example
/// An initializer of your own, in which every unit has a few inputs only.
/// ([`SparseRows`](crate::SparseRows) does the same with PyTorch's permutations.)
/// ```
/// use fanin_init::ndarray::ArrayViewMutD;
/// use fanin_init::rand::{Rng, RngCore, seq::index};
/// use fanin_init::rand_distr::StandardNormal;
/// use fanin_init::{Initializer, ParamSpec, TorchRng};
///
/// #[derive(Debug)]
/// struct FewInputs(usize);
///
/// impl Initializer for FewInputs {
///     fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, mut values: ArrayViewMutD<'_, f32>) {
///         values.fill(0.0);
///         for mut unit in values.outer_iter_mut() {
///             for j in index::sample(rng, param.fan_in, self.0) {
///                 unit[j] = rng.sample(StandardNormal);
///             }
///         }
///     }
/// }
///
/// let w = FewInputs(15).draw(&ParamSpec::weight(784, 128), &[128, 784], &mut TorchRng::seed(1));
/// assert_eq!(w.iter().filter(|&&x| x != 0.0).count(), 128 * 15);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no initializer",
    label = "no `Initializer`, such as `KaimingNormal::default()`, `Zeros` or `Constant(0.1)`",
    note = "call `default()` or `new(…)` where only a name is given, write a closure as `from_fn(…)`, or \
            implement `Initializer` for your type"
)]
pub trait Initializer: fmt::Debug + Send + Sync {
    /// Overwrites `values`, in row-major order, with a draw from this initializer.
    ///
    /// # Panics
    /// The initializers of this crate panic where [`check`](Self::check) gives an error. The panic
    /// is at the caller's line, unless the call goes through `dyn Initializer`.
    #[track_caller]
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>);

    /// Whether this initializer can fill such a parameter.
    ///
    /// Layers call it before [`fill`](Self::fill), so that they can panic at the line that chose
    /// the initializer.
    ///
    /// # Errors
    /// A sentence that says why it cannot: an orthogonal bias, or an initializer that divides by a
    /// fan of 0.
    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let _ = (param, shape);
        Ok(())
    }

    /// Whether the values scale with the gain of the activation that follows, as those of
    /// [`Auto`](crate::Auto) do. If so, a layer multiplies its weights once it knows that gain.
    fn awaits_activation(&self) -> bool {
        false
    }

    /// At most this many bytes of memory are in use during [`fill`](Self::fill), beyond the parameter
    /// itself.
    ///
    /// Whoever reads a description of a network adds them up before anything is allocated. The
    /// number is that of a view in row-major order; any other view needs a copy of the parameter
    /// too. It saturates at `u64::MAX`. A spec does not state the rows of an embedding: for one, the
    /// number is that of a single row. The default is 0.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, Normal, Orthogonal, ParamSpec};
    ///
    /// let spec = ParamSpec::weight(1000, 1000);
    /// assert_eq!(Normal::new(0.0, 0.1).scratch_bytes(&spec), 0);
    /// // A copy in f64, in which the matrix is factorized, and the result in f32.
    /// assert!(Orthogonal::default().scratch_bytes(&spec) > 12_000_000);
    /// ```
    fn scratch_bytes(&self, _param: &ParamSpec) -> u64 {
        0
    }

    /// A new array of this shape, drawn from this initializer.
    ///
    /// # Panics
    /// Where [`check`](Self::check) gives an error.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, KaimingNormal, ParamSpec, TorchRng};
    ///
    /// let mut rng = TorchRng::seed(7);
    /// let w = KaimingNormal::default().draw(&ParamSpec::weight(784, 128), &[128, 784], &mut rng);
    /// assert_eq!(w.shape(), [128, 784]);
    /// ```
    #[track_caller]
    fn draw(&self, param: &ParamSpec, shape: &[usize], rng: &mut dyn RngCore) -> ArrayD<f32> {
        or_panic(self.check(param, shape));
        let mut values = zeros(shape);
        self.fill(param, rng, values.view_mut());
        values
    }
}

/// Pointers to initializers are initializers. All methods are forwarded: with the default `check`,
/// layers would not see the check of the initializer itself.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<I: Initializer + ?Sized> Initializer for $pointer {
            fn fill(
                &self,
                param: &ParamSpec,
                rng: &mut dyn RngCore,
                values: ArrayViewMutD<'_, f32>,
            ) {
                (**self).fill(param, rng, values);
            }

            fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
                (**self).check(param, shape)
            }

            fn awaits_activation(&self) -> bool {
                (**self).awaits_activation()
            }

            fn scratch_bytes(&self, param: &ParamSpec) -> u64 {
                (**self).scratch_bytes(param)
            }
        }
    )*};
}
forward!(&I, Box<I>, Arc<I>);

/// An initializer from a closure.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, ParamSpec, TorchRng, from_fn};
///
/// let ramp = from_fn(|param, _rng, mut values| {
///     for (i, v) in values.iter_mut().enumerate() {
///         *v = i as f32 / param.fan_in as f32;
///     }
/// });
/// let w = ramp.draw(&ParamSpec::weight(4, 1), &[1, 4], &mut TorchRng::seed(0));
/// assert_eq!(w.as_slice().unwrap(), [0.0, 0.25, 0.5, 0.75]);
/// ```
pub fn from_fn<F>(f: F) -> impl Initializer
where
    F: Fn(&ParamSpec, &mut dyn RngCore, ArrayViewMutD<'_, f32>) + Send + Sync,
{
    FromFn(f)
}

struct FromFn<F>(F);

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The type name of a closure has the path of the function in which it is written.
        write!(f, "from_fn({})", type_name::<F>())
    }
}

impl<F> Initializer for FromFn<F>
where
    F: Fn(&ParamSpec, &mut dyn RngCore, ArrayViewMutD<'_, f32>) + Send + Sync,
{
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        (self.0)(param, rng, values);
    }
}

/// Not part of [`Initializer::draw`], because that is compiled once for each initializer.
#[inline(never)]
fn zeros(shape: &[usize]) -> ArrayD<f32> {
    ArrayD::zeros(shape)
}

/// The value, or a panic with the reason at the line of the caller's caller.
///
/// A closure in `unwrap_or_else` would give its own line instead.
#[track_caller]
pub(crate) fn or_panic<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(reason) => panic!("{reason}"),
    }
}

/// What every `fill` of this crate does first.
#[track_caller]
pub(crate) fn require(initializer: &dyn Initializer, param: &ParamSpec, shape: &[usize]) {
    or_panic(initializer.check(param, shape));
}

/// Refuses a parameter whose layer states neither its kind nor its fans. Initializers that read either
/// of them call it in `check`.
pub(crate) fn stated(initializer: &str, param: &ParamSpec) -> Result<(), String> {
    if param.kind != ParamKind::Unstated {
        return Ok(());
    }
    Err(format!(
        "{initializer}: the kind and fans of `{}` are not stated, and this initializer needs them; make \
         it with Param::weight(value, fan_in, fan_out) or Param::bias(value, fan_in), or with a \
         ParamSpec that states them",
        param.name
    ))
}

/// Refuses what is neither a weight nor a bias. Initializers that treat the two differently have no
/// rule for other kinds.
pub(crate) fn weight_or_bias(initializer: &str, param: &ParamSpec) -> Result<(), String> {
    stated(initializer, param)?;
    match param.kind {
        ParamKind::Weight | ParamKind::Bias => Ok(()),
        _ => Err(format!("{initializer}: `{}` is neither a weight nor a bias", param.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Orthogonal, TorchRng};

    #[test]
    fn pointers_forward_all_methods() {
        let bias = ParamSpec::bias(3, 2);
        let initializer: Arc<dyn Initializer> = Arc::new(Orthogonal::default());
        let initializers: [&dyn Initializer; 3] =
            [&initializer, &Box::new(Orthogonal::default()), &&*initializer];
        for initializer in initializers {
            assert!(initializer.check(&bias, &[2]).is_err());
            assert!(initializer.scratch_bytes(&ParamSpec::weight(3, 2)) > 0);
            let mut w = ArrayD::zeros(vec![2, 3]);
            initializer.fill(&ParamSpec::weight(3, 2), &mut TorchRng::seed(0), w.view_mut());
            assert!(w.iter().all(|&x| x != 0.0));
        }
    }

    #[test]
    fn a_closure_has_a_name() {
        let initializer = from_fn(|_, _, mut values| values.fill(0.5));
        let text = format!("{initializer:?}");
        assert!(text.starts_with("from_fn(") && text.contains("a_closure_has_a_name"), "{text}");
    }

    #[test]
    #[should_panic(expected = "Orthogonal: `bias` of shape [2] needs at least two dimensions")]
    fn draw_panics_with_the_reason() {
        Orthogonal::default().draw(&ParamSpec::bias(3, 2), &[2], &mut TorchRng::seed(0));
    }
}
