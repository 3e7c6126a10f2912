//! [`Note`]: a mistake in a program that is no error: the numbers are what was asked for.
//!
//! The operation that can see a mistake notes it. The [doctor](crate::diagnose) names it, and a debug
//! build says it once on standard error, with the line that it belongs to.

use std::fmt::{self, Display};
use std::mem::{Discriminant, discriminant};
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use fanin_tensor::{Scalar, show_shape};

use crate::debug_build::say;

/// A mistake, with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    /// `(n, 1)` and `(n)` were broadcast to `(n, n)`.
    Broadcast { op: String, left: Box<[usize]>, right: Box<[usize]>, to: Box<[usize]> },
    /// The first layer reads numbers that are far from rms 1.
    UnscaledInput(Spread),
    /// A regression has targets that are far larger than what the network gives.
    UnscaledTarget { target: Spread, output: f64 },
    /// The last operation of the network does not fit the loss.
    UnfitOutput { output: String, loss: &'static str, why: String, advice: &'static str },
    /// A step without a single gradient.
    NoGradient { why: &'static str },
    /// All gradients of an optimizer's first step are 0.
    ZeroGradients,
    /// A loss is infinite or NaN.
    NonFiniteLoss(f64),
    /// A batch has few of the classes that the network tells apart.
    FewClasses { samples: usize, found: usize, classes: usize },
    /// All weights are constant when training begins.
    ConstantWeights { path: String, value: f64 },
    /// The first step of an optimizer makes a weight several times as large.
    LargeStep { path: String, factor: f64, lr: f64 },
    /// Steps compute gradients that nobody uses.
    UnusedGradients { steps: u32 },
}

impl Note {
    /// What was found, in a sentence.
    pub(crate) fn finding(&self) -> String {
        match self {
            Self::Broadcast { op, left, right, to } => format!(
                "{op}: {} and {} are broadcast to {}, so every element meets every other",
                show_shape(left),
                show_shape(right),
                show_shape(to)
            ),
            Self::UnscaledInput(_) => "the first layer reads data that nobody scaled".into(),
            Self::UnscaledTarget { target, output } => format!(
                "the targets have {target}, but the network's output has rms {}",
                show(*output)
            ),
            Self::UnfitOutput { output, loss, why, .. } => {
                format!("the network ends with {output}, which does not fit {loss}: {why}")
            }
            Self::NoGradient { why } => format!("this step changes no parameter: {why}"),
            Self::ZeroGradients => "all gradients of the first step are 0".into(),
            Self::NonFiniteLoss(loss) => format!("the loss is {loss}"),
            Self::FewClasses { samples, found, classes } => format!(
                "the {samples} labels of the batch are of {found} of {classes} classes: the data may be \
                 sorted by class"
            ),
            Self::ConstantWeights { path, value } => format!(
                "all weights are constant, {path} is {} everywhere: the units of a layer compute the \
                 same, and training keeps them equal",
                show(*value)
            ),
            Self::LargeStep { path, factor, lr } => format!(
                "the first step, with the optimizer's learning rate of {lr:?}, makes {path} {} times as large: it \
                 is too high",
                show(*factor)
            ),
            Self::UnusedGradients { steps } => {
                format!("{steps} steps computed gradients, and nobody used them")
            }
        }
    }

    /// What to do.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Broadcast { to, .. } => {
                let n = to[to.len() - 1];
                format!(
                    "bring both to one shape, as by reshape([{n}, 1]); where all pairs are meant, \
                     write reshape([1, {n}])"
                )
            }
            Self::UnscaledInput(input) => {
                format!("the input has {input}: bring it to mean 0 and std 1 first")
            }
            Self::UnscaledTarget { target, .. } => {
                let scale = if target.std > 0.0 { target.std } else { target.rms() };
                format!(
                    "train on (target − {}) / {}, and undo that after predict()",
                    show(target.mean),
                    show(scale)
                )
            }
            Self::UnfitOutput { advice, .. } => (*advice).into(),
            Self::NoGradient { .. } => "build the loss from forward(t.input(&x)) of a model with \
                                        trainable parameters"
                .into(),
            Self::ZeroGradients => {
                "look at InitReport: are all units dead, or all weights 0?".into()
            }
            Self::NonFiniteLoss(_) => {
                "look for NaN in the data, lower the learning rate, clip the \
                                       gradients by clip_norm, or look at InitReport"
                    .into()
            }
            Self::FewClasses { .. } => {
                "if it is, shuffle it before a part is taken, by train_test_split or \
                                        stratified_split, and let batches shuffle: \
                                        batches(64).shuffle()"
                    .into()
            }
            Self::ConstantWeights { .. } => {
                "draw the weights at random, as Linear::new does, or by \
                                             KaimingNormal, XavierNormal or Orthogonal"
                    .into()
            }
            Self::LargeStep { .. } => {
                "try a tenth, then a hundredth of it, or look for it by LrFinder; \
                                       Adam often starts at 1e-3"
                    .into()
            }
            Self::UnusedGradients { .. } => "give them to an optimizer, by \
                                             optimizer.step(&mut model, grads); for a loss alone, \
                                             Tape::value is twice as fast"
                .into(),
        }
    }

    /// Says it on standard error, unless it has been said of this line.
    pub(crate) fn say(&self, at: &'static Location<'static>) {
        static SAID: Mutex<Vec<(Discriminant<Note>, &Location<'_>)>> = Mutex::new(vec![]);
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        let this = (discriminant(self), at);
        if !said.contains(&this) {
            said.push(this);
            say(&format!("fanin: {at}: {}; {}", self.finding(), self.advice()));
        }
    }
}

/// The mean and standard deviation of data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) std: f64,
}

/// The rms beyond which data count as unscaled. Standardized data have 1, pixels from 0 to 1 have
/// less.
pub(crate) const LARGE: f64 = 5.0;

impl Spread {
    /// The spread of data, of which at most this many numbers are looked at.
    pub(crate) fn of<T: Scalar>(data: &[T]) -> Self {
        const MOST: usize = 1 << 16;
        let data = &data[..data.len().min(MOST)];
        let n = data.len().max(1) as f64;
        let mean = data.iter().map(|x| x.to_f64()).sum::<f64>() / n;
        let variance = data.iter().map(|x| (x.to_f64() - mean).powi(2)).sum::<f64>() / n;
        Self { mean, std: variance.sqrt() }
    }

    /// `√(mean² + std²)`
    pub(crate) fn rms(self) -> f64 {
        self.mean.hypot(self.std)
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mean {} and std {}", show(self.mean), show(self.std))
    }
}

/// Two to four digits, in the shorter of two notations.
pub(crate) fn show(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e4).contains(&size) => format!("{x:.1e}"),
        size if size < 1.0 => format!("{x:.3}"),
        size if size < 100.0 => format!("{x:.2}"),
        _ => format!("{x:.0}"),
    }
}

/// Whether two shapes broadcast by surprise: `(…, n, 1)` and `(n)`, with `n > 1`. Where all pairs are
/// meant, one writes `(1, n)`.
pub(crate) fn is_surprising(left: &[usize], right: &[usize]) -> bool {
    let surprise = |column: &[usize], row: &[usize]| matches!((column, row), ([.., n, 1], [m]) if n == m && *n > 1);
    surprise(left, right) || surprise(right, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprising_shapes() {
        assert!(is_surprising(&[64, 1], &[64]) && is_surprising(&[64], &[64, 1]));
        assert!(!is_surprising(&[64, 1], &[1, 64]), "all pairs, as written");
        assert!(!is_surprising(&[64, 1], &[10]), "a bias for each column");
        assert!(!is_surprising(&[64, 10], &[10]) && !is_surprising(&[1, 1], &[1]));
    }

    #[test]
    fn a_spread() {
        let spread = Spread::of(&[1.0_f64, 3.0]);
        assert_eq!(spread, Spread { mean: 2.0, std: 1.0 });
        assert_eq!(spread.rms(), 5f64.sqrt());
        assert_eq!(spread.to_string(), "mean 2.00 and std 1.00");
        assert_eq!(Spread::of::<f32>(&[]), Spread { mean: 0.0, std: 0.0 });
    }
}
