//! What may be given as a shape, and how a shape is written in messages.

/// Anything that reads as a shape: `4`, `(2, 3)`, `[2, 3]`, `&[2, 3]`, `vec![2, 3]`, a slice.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// assert_eq!(Tensor::<f32>::zeros((2, 3)).shape(), Tensor::<f32>::zeros(vec![2, 3]).shape());
/// ```
pub trait IntoShape {
    /// Hands the lengths of the axes, outermost first, to `f`.
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R;
}

impl IntoShape for usize {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(&[*self])
    }
}

impl IntoShape for () {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(&[])
    }
}

impl IntoShape for [usize] {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(self)
    }
}

impl<const N: usize> IntoShape for [usize; N] {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(self)
    }
}

impl IntoShape for Vec<usize> {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(self)
    }
}

impl<S: IntoShape + ?Sized> IntoShape for &S {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        (**self).with_shape(f)
    }
}

macro_rules! tuple {
    ($($axis:ident $t:ident),+) => {
        impl IntoShape for ($($t,)+) {
            fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
                let ($($axis,)+) = *self;
                f(&[$($axis),+])
            }
        }
    };
}
type U = usize;
tuple!(a U);
tuple!(a U, b U);
tuple!(a U, b U, c U);
tuple!(a U, b U, c U, d U);

/// A shape as messages show it: `64×784`, and `scalar` for no axes at all.
///
/// ```
/// assert_eq!(fanin_tensor::show_shape(&[64, 784]), "64×784");
/// ```
pub fn show_shape(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".into();
    }
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}
