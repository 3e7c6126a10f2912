//! [`noise`]: a normal number is added to each pixel.

use fanin_init::rand::RngCore;
use fanin_init::rand_distr::{Distribution, StandardNormal};

/// Adds a normal number of this standard deviation to each pixel, and limits the sum to 0 and 1.
///
/// ```text
/// y = min(1, max(0, x + std · z)),   z normal with mean 0 and variance 1
/// ```
/// Torchvision calls it `GaussianNoise(0, std)`.
///
/// # Shapes
/// Any.
///
/// # Panics
/// **Panics** if `std` is negative or not finite.
///
/// # Example
/// ```
/// use fanin_datasets::augment::noise;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let (x, _) = train.batches(64).augment_parallel(noise(0.1)).next().unwrap();
/// assert!(x.as_slice().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
/// ```
#[doc(alias = "GaussianNoise")]
#[track_caller]
pub fn noise(
    std: f32,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    if !(std >= 0.0 && std.is_finite()) {
        panic!("noise: std {std}; give a finite number of at least 0, such as 0.1");
    }
    move |image, _, rng| add(image, std, rng)
}

/// A closure is compiled by the crate that calls it; this is compiled here.
fn add(image: &mut [f32], std: f32, rng: &mut dyn RngCore) {
    for pixel in image {
        let z: f32 = StandardNormal.sample(rng);
        *pixel = (*pixel + std * z).clamp(0.0, 1.0);
    }
}
