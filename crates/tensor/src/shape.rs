//! Shapes: the type, what converts to it, and its text in messages.

use std::fmt;
use std::ops::Deref;

/// The lengths of a tensor's axes, outermost first. Derefs to a slice, prints as `64×784`, and needs no
/// heap for up to four axes.
///
/// # Example
/// ```
/// use fanin_tensor::Shape;
/// let shape = Shape::from(&[64, 784][..]);
/// assert_eq!((shape.to_string().as_str(), shape.len(), shape[1]), ("64×784", 2, 784));
/// ```
#[derive(Clone)]
pub struct Shape(Axes);

#[derive(Clone)]
enum Axes {
    Few([usize; FEW], usize),
    Many(Box<[usize]>),
}

const FEW: usize = 4;

impl From<&[usize]> for Shape {
    #[inline]
    fn from(axes: &[usize]) -> Self {
        if axes.len() > FEW {
            return Self(Axes::Many(axes.into()));
        }
        // A loop, because a call to memcpy costs more for so few bytes.
        let mut few = [0; FEW];
        few.iter_mut().zip(axes).for_each(|(to, &axis)| *to = axis);
        Self(Axes::Few(few, axes.len()))
    }
}

impl PartialEq for Shape {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Shape {}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        match &self.0 {
            Axes::Few(axes, len) => &axes[..*len],
            Axes::Many(axes) => axes,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_shape(self))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl IntoShape for Shape {
    fn with_shape<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(self)
    }
}

/// Anything that can be given as a shape: `4`, `(2, 3)`, `[2, 3]`, `&[2, 3]`, `vec![2, 3]`, a slice.
///
/// # Example
/// ```
/// use fanin_tensor::Tensor;
/// assert_eq!(Tensor::<f32>::zeros((2, 3)).shape(), Tensor::<f32>::zeros(vec![2, 3]).shape());
/// ```
pub trait IntoShape {
    /// Calls `f` with the lengths of the axes, outermost first.
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

/// A shape as messages show it: `64×784`, or `scalar` if it has no axes.
///
/// # Example
/// ```
/// assert_eq!(fanin_tensor::show_shape(&[64, 784]), "64×784");
/// ```
pub fn show_shape(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".into();
    }
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}
