//! [`erase`]: a rectangle of the image becomes 0.

use fanin_init::rand::RngCore;
use fanin_tensor::show_shape;

use super::{uniform, unit};

/// How often a rectangle is drawn that does not fit, before the image stays as it is.
const TRIES: usize = 10;

/// Sets a rectangle of an image to 0, with this probability.
///
/// The rectangle's share of the area is uniform between `least` and `most`. The logarithm of its height
/// over its width is uniform between those of 0.3 and 3.3. A rectangle that does not fit is drawn again,
/// up to ten times. Torchvision's `RandomErasing` has the probability 0.5 and shares from 0.02 to 0.33.
///
/// # Shapes
/// The last two axes of an image are its height and width. All planes lose the same rectangle.
///
/// # Panics
/// **Panics** if `probability` is not in \[0, 1\], or if not `0 ≤ least ≤ most ≤ 1`. The change panics if
/// an image has fewer than two axes.
///
/// # Example
/// ```
/// use fanin_datasets::augment::erase;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let sum = |(x, _): (fanin_datasets::Tensor, _)| x.as_slice().iter().sum::<f32>();
/// let erased = train.batches(64).augment_parallel(erase(0.5, 0.02, 0.33)).next().unwrap();
/// assert!(sum(erased) < sum(train.batches(64).next().unwrap()));
/// ```
///
/// # Reference
/// Zhong et al. 2017, "Random erasing data augmentation", algorithm 1.
#[doc(alias = "RandomErasing")]
#[track_caller]
pub fn erase(
    probability: f64,
    least: f64,
    most: f64,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    if !(0.0..=1.0).contains(&probability) {
        panic!("erase: probability {probability}; give a number from 0 to 1, such as 0.5");
    }
    if !(least >= 0.0 && least <= most && most <= 1.0) {
        panic!(
            "erase: {least} to {most} of the area; give shares from 0 to 1, the smaller one first"
        );
    }
    move |image, shape, rng| {
        let &[.., height, width] = shape else {
            let shape = show_shape(shape);
            panic!("erase: an image of shape {shape}; give images with height and width");
        };
        if unit(rng) >= probability {
            return;
        }
        for _ in 0..TRIES {
            let area = uniform(rng, least, most) * (height * width) as f64;
            let ratio = uniform(rng, 0.3f64.ln(), 3.3f64.ln()).exp();
            let tall = (area * ratio).sqrt().round() as usize;
            let wide = (area / ratio).sqrt().round() as usize;
            if tall > height || wide > width {
                continue;
            }
            let top = rng.next_u32() as usize % (height - tall + 1);
            let left = rng.next_u32() as usize % (width - wide + 1);
            for plane in image.chunks_exact_mut(height * width) {
                for row in plane.chunks_exact_mut(width).skip(top).take(tall) {
                    row[left..left + wide].fill(0.0);
                }
            }
            return;
        }
    }
}
