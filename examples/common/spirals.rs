//! Two spirals, a classic task that no straight line solves.

use std::f32::consts::PI;

use fanin::init::TorchRng;
use fanin::init::rand::Rng;
use fanin::prelude::*;

/// Noisy points on two spirals and their labels. The second spiral is the first one turned by half
/// a circle.
pub(crate) fn spirals(n: usize, rng: &mut TorchRng) -> (Tensor, Vec<usize>) {
    let (mut points, mut labels) = (vec![], vec![]);
    for i in 0..n {
        let t: f32 = rng.random();
        let (radius, angle) = (0.1 + 0.9 * t, 3.0 * PI * t + PI * (i % 2) as f32);
        points.extend(
            [radius * angle.cos(), radius * angle.sin()].map(|x| x + rng.random_range(-0.03..0.03)),
        );
        labels.push(i % 2);
    }
    (Tensor::from_vec([n, 2], points), labels)
}
