//! A step length that fulfils the strong Wolfe conditions.

use fanin_tensor::Scalar;
use fanin_tensor::{Set, map::map};

use super::{Evaluate, dot, largest};

/// `f(t) ≤ f(0) + c₁ t f'(0)`: the loss falls enough.
const C1: f64 = 1e-4;
/// `|f'(t)| ≤ −c₂ f'(0)`: it does not fall much further.
const C2: f64 = 0.9;

/// Where a search starts.
pub(super) struct Start<'s, T> {
    pub(super) x: &'s [T],
    pub(super) direction: &'s [T],
    pub(super) loss: f64,
    /// The derivative along the direction.
    pub(super) along: f64,
    pub(super) tolerance_change: f64,
}

/// A point of the search.
struct Point<T> {
    t: f64,
    loss: f64,
    along: f64,
    gradient: Vec<T>,
}

impl<T: Scalar> Clone for Point<T> {
    fn clone(&self) -> Self {
        Self { gradient: self.gradient.clone(), ..*self }
    }
}

/// The minimum of the cubic polynomial through two points with their derivatives, kept within bounds.
///
/// # Reference
/// Nocedal and Wright 2006, eq. 3.59.
fn cubic<T>(a: &Point<T>, b: &Point<T>, bounds: Option<[f64; 2]>) -> f64 {
    let [low, high] = bounds.unwrap_or([a.t.min(b.t), a.t.max(b.t)]);
    let d1 = a.along + b.along - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let square = d1 * d1 - a.along * b.along;
    if square.is_nan() || square < 0.0 {
        return (low + high) / 2.0;
    }
    let d2 = square.sqrt();
    let (left, right) = if a.t <= b.t { (a, b) } else { (b, a) };
    let share = (right.along + d2 - d1) / (right.along - left.along + 2.0 * d2);
    let t = right.t - (right.t - left.t) * share;
    // `max` and `min` take the bound in place of a NaN.
    t.max(low).min(high)
}

/// Looks for a length t between `t` and where the loss falls no more. Returns the loss there, the length,
/// and the number of evaluations; `gradient` is that of the start when it is called, and afterwards that
/// of the end.
///
/// # Reference
/// Nocedal and Wright 2006, algorithms 3.5 and 3.6.
pub(super) fn strong_wolfe<T: Scalar>(
    start: Start<'_, T>,
    t: f64,
    most: usize,
    gradient: &mut [T],
    evaluate: &mut Evaluate<'_, T>,
) -> (f64, f64, usize) {
    let Start { x, direction, loss, along, tolerance_change } = start;
    let widest = largest(direction);
    let mut trial = x.to_vec();
    let mut evaluations = 0;
    let mut at = |t: f64| {
        let length = T::from_f64(t);
        map([x, direction], Set, &mut trial, move |[x, d]| x + length * d);
        let mut gradient = vec![T::ZERO; x.len()];
        let loss = evaluate(&trial, &mut gradient);
        evaluations += 1;
        let along = dot(&gradient, direction);
        Point { t, loss, along, gradient }
    };
    // The loss falls enough. A NaN does not.
    let falls = |p: &Point<T>| p.loss <= loss + C1 * p.t * along;
    let flat = |p: &Point<T>| p.along.abs() <= -C2 * along;

    let origin = Point { t: 0.0, loss, along, gradient: gradient.to_vec() };
    let mut before = origin.clone();
    let mut new = at(t);
    let mut iteration = 0;
    let mut done = false;
    // Look further out until the loss rises: the minimum is between the last two points.
    let mut bracket = loop {
        if iteration >= most {
            break [origin, new];
        }
        if !falls(&new) || (iteration > 1 && new.loss >= before.loss) {
            break [before, new];
        }
        if flat(&new) {
            done = true;
            break [new.clone(), new];
        }
        if new.along >= 0.0 {
            break [before, new];
        }
        let bounds = [new.t + 0.01 * (new.t - before.t), new.t * 10.0];
        let t = cubic(&before, &new, Some(bounds));
        before = std::mem::replace(&mut new, at(t));
        iteration += 1;
    };
    // Make the bracket smaller.
    let mut stalled = false;
    // A NaN is never the lower one: the loss at the start is finite.
    let lower = |[a, b]: &[Point<T>; 2]| usize::from(b.loss < a.loss || a.loss.is_nan());
    let mut low = lower(&bracket);
    while !done && iteration < most {
        let [first, last] = [bracket[0].t.min(bracket[1].t), bracket[0].t.max(bracket[1].t)];
        if (last - first) * widest < tolerance_change {
            break;
        }
        let mut t = cubic(&bracket[0], &bracket[1], None);
        // A point too near to an end of the bracket brings little; the second time it is moved inwards.
        let margin = 0.1 * (last - first);
        if (last - t).min(t - first) < margin {
            if stalled || t >= last || t <= first {
                t = if (t - last).abs() < (t - first).abs() {
                    last - margin
                } else {
                    first + margin
                };
                stalled = false;
            } else {
                stalled = true;
            }
        } else {
            stalled = false;
        }
        let new = at(t);
        iteration += 1;
        if !falls(&new) || new.loss >= bracket[low].loss {
            bracket[1 - low] = new;
            low = lower(&bracket);
        } else {
            done = flat(&new);
            let turns = new.along * (bracket[1 - low].t - bracket[low].t) >= 0.0;
            let old = std::mem::replace(&mut bracket[low], new);
            if turns && !done {
                bracket[1 - low] = old;
            }
        }
    }
    let found = &bracket[low];
    gradient.copy_from_slice(&found.gradient);
    (found.loss, found.t, evaluations)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PyTorch's search on losses that are often equal: golden/line_search.txt says how they are drawn.
    #[test]
    fn ends_where_pytorchs_ends() {
        let golden = include_str!("../../../golden/line_search.txt").lines();
        for line in golden.filter(|line| !line.starts_with('#')) {
            let words: Vec<f64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
            let &[seed, t, loss, evaluations] = &words[..] else { panic!("{line}") };
            let mut state = seed as u64;
            let mut evaluate = |_: &[f64], gradient: &mut [f64]| {
                state = (1_103_515_245 * state + 12_345) % (1 << 31);
                gradient[0] = (((state >> 16) % 17) as f64 - 8.0) / 2.0;
                (((state >> 8) % 12) as f64 - 8.0) / 8.0
            };
            let (x, direction, mut gradient) = ([0.0], [1.0], [-1.0]);
            let tolerance_change = 1e-9;
            let start =
                Start { x: &x, direction: &direction, loss: 0.0, along: -1.0, tolerance_change };
            let found = strong_wolfe(start, 1.0, 25, &mut gradient, &mut evaluate);
            let (got, want) = ([found.0, found.1, found.2 as f64], [loss, t, evaluations]);
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs();
            assert!(got.iter().zip(&want).all(close), "{line}: {got:?}");
        }
    }
}
