//! Shapes and their axes.

use fanin_tensor::Shape;

/// A shape seen along one axis: element (o, k, i) has the index `(o · length + k) · inner + i`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    /// The product of the lengths after the axis.
    pub(super) inner: usize,
    /// The length of the axis.
    pub(super) length: usize,
}

impl Along {
    /// # Panics
    /// **Panics** if the axis does not exist.
    #[track_caller]
    pub(super) fn new(op: &str, shape: &Shape, axis: usize) -> Self {
        assert!(axis < shape.len(), "{op}: {shape} has no axis {axis}");
        Self { inner: shape[axis + 1..].iter().product(), length: shape[axis] }
    }

    /// All elements as one axis.
    pub(super) fn all(shape: &[usize]) -> Self {
        Self { inner: 1, length: shape.iter().product() }
    }

    /// The number of elements that share the indices before the axis.
    pub(super) fn block(self) -> usize {
        self.length * self.inner
    }
}

/// The shape with one axis removed.
pub(super) fn without(shape: &[usize], axis: usize) -> Shape {
    edit(shape, axis, 1, &[])
}

/// The shape with the length of one axis replaced.
pub(super) fn with_length(shape: &[usize], axis: usize, length: usize) -> Shape {
    edit(shape, axis, 1, &[length])
}

/// The shape with a new axis before the given one.
pub(super) fn with_axis(shape: &[usize], axis: usize, length: usize) -> Shape {
    edit(shape, axis, 0, &[length])
}

/// Replaces `old` axes, the first of which is number `axis`, by others.
fn edit(shape: &[usize], axis: usize, old: usize, new: &[usize]) -> Shape {
    let axes = shape.len() - old + new.len();
    // On the stack, so that a steady step allocates nothing.
    let (mut few, mut many) = ([0; 4], vec![]);
    let to = match few.get_mut(..axes) {
        Some(to) => to,
        None => {
            many.resize(axes, 0);
            &mut many[..]
        }
    };
    let (before, rest) = to.split_at_mut(axis);
    let (middle, after) = rest.split_at_mut(new.len());
    before.copy_from_slice(&shape[..axis]);
    middle.copy_from_slice(new);
    after.copy_from_slice(&shape[axis + old..]);
    (&*to).into()
}
