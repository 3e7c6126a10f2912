//! Broadcasting by NumPy's rule: shapes are aligned at their last axes, and an axis that is missing
//! or has length 1 is repeated to the other shape's length.

use fanin_tensor::{Scalar, Shape, broadcast};

use super::bad_shapes;
use crate::tape::{Backward, Op, Var};

/// The shape to which two shapes broadcast.
#[track_caller]
pub(super) fn common_shape(op: &str, a: &[usize], b: &[usize]) -> Shape {
    let axes = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(axes).map_or(1, |axis| shape[axis])
    };
    // On the stack: a step with broadcasting allocates nothing.
    let (mut few, mut many) = ([0; 4], vec![]);
    let shape = if axes <= few.len() {
        &mut few[..axes]
    } else {
        many.resize(axes, 0);
        &mut many[..]
    };
    for (axis, length) in shape.iter_mut().enumerate() {
        *length = match (at(a, axis), at(b, axis)) {
            (m, n) if m == n => m,
            (1, n) => n,
            (m, 1) => m,
            _ => bad_shapes(op, a, b, "an axis must have the same length in both, or 1 in one"),
        };
    }
    (&*shape).into()
}

/// `y_{i,j} = x_j` for any axes i; `dx_j = Σ_i dy_{i,j}`.
#[derive(Debug)]
struct Expand;

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// Repeats the value along axes of length 1 and along new leading axes, to the given shape.
        ///
        /// # Panics
        /// **Panics** if the shape does not broadcast to the given one.
        #[doc(alias("broadcast_to", "expand_as", "repeat"))]
        #[track_caller]
        pub fn expand<'a>(self, shape: &'a [usize]) -> Self {
            let from = self.shape();
            if *from == *shape {
                return self;
            }
            if from.len() > shape.len() || *common_shape("expand", &from, shape) != *shape {
                bad_shapes("expand", &from, shape, "only axes of length 1 can be repeated");
            }
            self.tape().apply(Expand, &[self], |cx| {
                let x = cx.input(0);
                broadcast::expand(x.as_slice(), x.shape(), shape, cx.output(shape));
            })
        }
    }
}

impl<T: Scalar> Op<T> for Expand {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (from, to, dy) = (cx.input(0).shape(), cx.output().shape(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            broadcast::reduce_to(dy, to, from, write, dx);
        }
    }
}
