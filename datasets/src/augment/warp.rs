//! [`Warp`]: a random map of the plane, by which images are read.

use fanin_init::rand::RngCore;
use fanin_tensor::show_shape;

use super::elastic::{Gaussian, with_field};
use super::resample::{Affine, resample};
use super::{uniform, unit};

/// A random shift, rotation, scaling, shear and elastic deformation of images, as one map.
///
/// The pixel of the result at `p` is read at `q`, by bilinear interpolation. All changes together
/// interpolate once, so that an image loses no more than by one of them:
/// ```text
/// q = c + A⁻¹ (p + d(p) − c − t),   A = rotation · shear · scale
/// ```
/// `c` is the middle of the image, `t` the [`shift`](Self::shift), `d` the displacements of
/// [`elastic`](Self::elastic). Outside of the image are zeros, MNIST's background. Everything that is
/// not asked for stays as it is, and a warp of nothing returns the image, bit for bit.
///
/// [`build`](Self::build) gives the function for
/// [`Batches::augment_parallel`](crate::Batches::augment_parallel).
///
/// # Shapes
/// The last two axes of an image are its height and width. All planes of the axes before them, such
/// as channels, are changed alike.
///
/// # Example
/// ```
/// use fanin_datasets::augment::Warp;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let warp = Warp::new().shift(1.0).rotate(10.0).scale(0.9, 1.1).elastic(4.0, 30.0).build();
/// let (plain, _) = train.batches(64).next().unwrap();
/// let (warped, _) = train.batches(64).augment_parallel(warp).next().unwrap();
/// assert_ne!(plain, warped);
/// ```
///
/// # Reference
/// Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to
/// visual document analysis": affine and elastic distortions; σ = 4 and α = 34 were best on MNIST.
#[doc(alias("RandomAffine", "ElasticTransform"))]
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a warp changes nothing until it is built and given to a pass over data"]
pub struct Warp {
    shift: f64,
    rotate: f64,
    scale: [f64; 2],
    stretch: [f64; 2],
    shear: f64,
    /// σ and α.
    elastic: Option<[f64; 2]>,
}

impl Default for Warp {
    fn default() -> Self {
        let none = [1.0, 1.0];
        Self { shift: 0.0, rotate: 0.0, scale: none, stretch: none, shear: 0.0, elastic: None }
    }
}

impl Warp {
    /// A warp that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the image down and right by a distance each, uniform between `-pixels` and `pixels`.
    /// Distances are fractions of pixels too.
    ///
    /// # Panics
    /// **Panics** if `pixels` is negative or not finite.
    #[track_caller]
    pub fn shift(mut self, pixels: f64) -> Self {
        self.shift = at_least_0("shift", "pixels", pixels);
        self
    }

    /// Rotates by an angle that is uniform between `-degrees` and `degrees`, about the middle.
    ///
    /// # Panics
    /// **Panics** if `degrees` is negative or not finite.
    #[doc(alias = "RandomRotation")]
    #[track_caller]
    pub fn rotate(mut self, degrees: f64) -> Self {
        self.rotate = at_least_0("rotate", "degrees", degrees);
        self
    }

    /// Enlarges the image by one factor for both axes, uniform between `least` and `most`.
    ///
    /// # Panics
    /// **Panics** if not `0 < least ≤ most < ∞`.
    #[track_caller]
    pub fn scale(mut self, least: f64, most: f64) -> Self {
        self.scale = factors("scale", least, most);
        self
    }

    /// Enlarges width and height by a factor each, uniform between `least` and `most`; together with
    /// [`scale`](Self::scale) the factors multiply.
    ///
    /// # Panics
    /// **Panics** if not `0 < least ≤ most < ∞`.
    #[track_caller]
    pub fn stretch(mut self, least: f64, most: f64) -> Self {
        self.stretch = factors("stretch", least, most);
        self
    }

    /// Slants the image along its rows by an angle that is uniform between `-degrees` and `degrees`: a
    /// pixel at a distance `y` below the middle moves to the right by `y · tan(angle)`.
    ///
    /// # Panics
    /// **Panics** if `degrees` is negative or not below 90.
    #[track_caller]
    pub fn shear(mut self, degrees: f64) -> Self {
        self.shear = at_least_0("shear", "degrees", degrees);
        if degrees >= 90.0 {
            panic!(
                "shear: {degrees} degrees; give less than 90, at which a pixel moves to infinity"
            );
        }
        self
    }

    /// Moves each pixel by a displacement of its own, smooth over neighbours.
    ///
    /// ```text
    /// d = α · Gaussian(σ) * noise       noise uniform in [-1, 1), for each pixel and both axes
    /// ```
    /// `σ` is in pixels. With a large `σ` the image moves as a whole, with a small one the pixels are
    /// scattered. In the middle of the image a displacement has a standard deviation of `0.16 α / σ`
    /// pixels. The noise outside of the image is 0, and the Gaussian ends at `3 σ`.
    ///
    /// # Panics
    /// **Panics** if `sigma` is not above 0 and at most 1,000, or if `alpha` is negative or not finite.
    #[doc(alias = "ElasticTransform")]
    #[track_caller]
    pub fn elastic(mut self, sigma: f64, alpha: f64) -> Self {
        if !(sigma > 0.0 && sigma <= 1_000.0) {
            panic!("elastic: sigma {sigma}; give pixels above 0 and up to 1,000, such as 4");
        }
        self.elastic = Some([sigma, at_least_0("elastic", "alpha", alpha)]);
        self
    }

    /// The change itself.
    ///
    /// It draws in this order, and only what was asked for: two shifts (down, right), the rotation, the
    /// scale, two factors of the stretch (height, width), the shear, and 64 bits for each pixel's
    /// displacement.
    ///
    /// # Panics
    /// The change **panics** if an image has fewer than two axes.
    pub fn build(
        self,
    ) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
        let field = self.elastic.map(|[sigma, alpha]| (Gaussian::new(sigma), alpha as f32));
        // A closure is compiled by the crate that calls it. What takes time is compiled here.
        move |image, shape, rng| self.apply(field.as_ref(), image, shape, rng)
    }

    fn apply(
        &self,
        field: Option<&(Gaussian, f32)>,
        image: &mut [f32],
        shape: &[usize],
        rng: &mut dyn RngCore,
    ) {
        let &[.., height, width] = shape else {
            let shape = show_shape(shape);
            panic!("warp: an image of shape {shape}; give images with height and width");
        };
        if *self == Self::new() {
            return;
        }
        let size = [height, width];
        let map = self.draw(size, rng);
        match field {
            None => resample(image, size, map, None),
            Some((gaussian, alpha)) => {
                with_field(size, gaussian, *alpha, rng, |field, stride| {
                    resample(image, size, map, Some((field, stride)));
                });
            }
        }
    }

    /// A map at random.
    fn draw(&self, [height, width]: [usize; 2], rng: &mut dyn RngCore) -> Affine {
        let mut within = |reach: f64| if reach > 0.0 { uniform(rng, -reach, reach) } else { 0.0 };
        let (down, right) = (within(self.shift), within(self.shift));
        let turn = within(self.rotate).to_radians();
        let mut factor = |[least, most]: [f64; 2]| {
            if least < most { least + (most - least) * unit(rng) } else { least }
        };
        let scale = factor(self.scale);
        let (tall, wide) = (scale * factor(self.stretch), scale * factor(self.stretch));
        let shear = if self.shear > 0.0 { uniform(rng, -self.shear, self.shear) } else { 0.0 };

        // A = rotation · shear · scale, of columns (x, y).
        let ((sin, cos), slant) = (turn.sin_cos(), shear.to_radians().tan());
        let a =
            [[cos * wide, (cos * slant - sin) * tall], [sin * wide, (sin * slant + cos) * tall]];
        let determinant = wide * tall;
        let inverse = [
            [a[1][1] / determinant, -a[0][1] / determinant],
            [-a[1][0] / determinant, a[0][0] / determinant],
        ];
        let middle = [(width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0];
        let from = [middle[0] + right, middle[1] + down];
        Affine([0, 1].map(|axis| {
            let [x, y] = inverse[axis];
            [x as f32, y as f32, (middle[axis] - (x * from[0] + y * from[1])) as f32]
        }))
    }
}

/// [`Warp::rotate`] alone.
///
/// # Panics
/// **Panics** if `degrees` is negative or not finite.
///
/// # Example
/// ```
/// use fanin_datasets::augment::rotate;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let turned = train.batches(64).augment_parallel(rotate(15.0)).next().unwrap();
/// assert_ne!(turned, train.batches(64).next().unwrap());
/// ```
#[doc(alias = "RandomRotation")]
#[track_caller]
pub fn rotate(
    degrees: f64,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    Warp::new().rotate(degrees).build()
}

/// [`Warp::scale`] alone.
///
/// # Panics
/// **Panics** if not `0 < least ≤ most < ∞`.
///
/// # Example
/// ```
/// use fanin_datasets::augment::scale;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let scaled = train.batches(64).augment_parallel(scale(0.9, 1.1)).next().unwrap();
/// assert_ne!(scaled, train.batches(64).next().unwrap());
/// ```
#[track_caller]
pub fn scale(
    least: f64,
    most: f64,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    Warp::new().scale(least, most).build()
}

/// [`Warp::shear`] alone.
///
/// # Panics
/// **Panics** if `degrees` is negative or not below 90.
///
/// # Example
/// ```
/// use fanin_datasets::augment::shear;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let slanted = train.batches(64).augment_parallel(shear(10.0)).next().unwrap();
/// assert_ne!(slanted, train.batches(64).next().unwrap());
/// ```
#[track_caller]
pub fn shear(
    degrees: f64,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    Warp::new().shear(degrees).build()
}

/// [`Warp::elastic`] alone.
///
/// # Panics
/// **Panics** if `sigma` is not above 0 and at most 1,000, or if `alpha` is negative or not finite.
///
/// # Example
/// ```
/// use fanin_datasets::augment::elastic;
///
/// let (train, _) = fanin_datasets::mnist_bundled();
/// let bent = train.batches(64).augment_parallel(elastic(4.0, 34.0)).next().unwrap();
/// assert_ne!(bent, train.batches(64).next().unwrap());
/// ```
///
/// # Reference
/// Simard, Steinkraus and Platt 2003.
#[doc(alias = "ElasticTransform")]
#[track_caller]
pub fn elastic(
    sigma: f64,
    alpha: f64,
) -> impl Fn(&mut [f32], &[usize], &mut dyn RngCore) + Clone + Send + Sync + 'static {
    Warp::new().elastic(sigma, alpha).build()
}

#[track_caller]
fn at_least_0(op: &str, what: &str, value: f64) -> f64 {
    if !(value >= 0.0 && value.is_finite()) {
        panic!("{op}: {what} {value}; give a finite number of at least 0");
    }
    value
}

#[track_caller]
fn factors(op: &str, least: f64, most: f64) -> [f64; 2] {
    if !(least > 0.0 && least <= most && most.is_finite()) {
        panic!(
            "{op}: {least} to {most}; give factors above 0, the smaller one first, such as 0.9, 1.1"
        );
    }
    [least, most]
}
