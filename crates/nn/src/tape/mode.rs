//! [`Mode`]: whether layers train or predict.

/// How layers behave that do something else in training than in prediction, such as dropout and batch
/// normalization.
///
/// The mode belongs to the tape, so nobody sets or forgets a flag on a layer. It is apart from whether
/// gradients are wanted: [`value_and_grad`](crate::Tape::value_and_grad) trains and
/// [`value`](crate::Tape::value) evaluates, [`value_and_grad_in`](crate::Tape::value_and_grad_in) and
/// [`value_in`](crate::Tape::value_in) take the mode as an argument.
///
/// # Example
/// Monte-Carlo dropout, and a gradient of the network as it predicts:
/// ```
/// use fanin_nn::layers::Dropout;
/// use fanin_nn::{Mode, Module, Param, Tape, Tensor};
///
/// let (dropout, p, mut tape) = (Dropout::new(0.5), Param::new(Tensor::<f32>::ones(100)), Tape::new());
/// let sample = tape.value_in(Mode::Train, |t| dropout.forward(t.param(&p)));
/// assert!(sample.as_slice().iter().all(|&x| x == 0.0 || x == 2.0));
///
/// let (_, grads) = tape.value_and_grad_in(Mode::Evaluate, |t| dropout.forward(t.param(&p)).sum());
/// assert_eq!(grads.get(&p).unwrap(), &Tensor::ones(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Dropout drops, batch normalization uses the batch and updates its running statistics.
    Train,
    /// Dropout passes its input on, batch normalization uses its running statistics.
    Evaluate,
}
