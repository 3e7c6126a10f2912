//! [`Pixels`]: how a byte becomes a number.

use fanin_tensor::simd::{Isa, Kernel, dispatch};

/// How a pixel of 0 to 255 becomes an input of a network.
///
/// ```text
/// pixel / 255                       the default: torch's ToTensor
/// (pixel / 255 − mean) / std        normalized: ToTensor, then Normalize(mean, std)
/// ```
/// Each operation rounds to `f32`, so that the results are torch's, bit for bit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pixels {
    normal: Option<(f32, f32)>,
}

impl Pixels {
    /// `(pixel / 255 − mean) / std`.
    ///
    /// # Panics
    /// **Panics** if `mean` is not finite, or `std` not finite and positive.
    #[track_caller]
    pub fn normalized(mean: f32, std: f32) -> Self {
        if !(mean.is_finite() && std.is_finite() && std > 0.0) {
            bad_normal(mean, std);
        }
        Self { normal: Some((mean, std)) }
    }

    /// Converts one pixel.
    ///
    /// ```
    /// use fanin_datasets::Pixels;
    /// assert_eq!(Pixels::default().value(51), 51.0 / 255.0);
    /// assert_eq!(Pixels::normalized(0.5, 0.5).value(255), 1.0);
    /// ```
    #[inline(always)]
    pub fn value(self, pixel: u8) -> f32 {
        let unit = f32::from(pixel) / 255.0;
        match self.normal {
            None => unit,
            Some((mean, std)) => (unit - mean) / std,
        }
    }

    /// Normalizes values that [`Pixels::default`] has converted.
    pub(crate) fn normalize(self, values: &mut [f32]) {
        if let Some((mean, std)) = self.normal {
            dispatch(Normalize { mean, std, values });
        }
    }

    /// Converts rows of pixels into the rows of `values`, each `size` long.
    pub(crate) fn convert<'a>(
        self,
        rows: impl IntoIterator<Item = &'a [u8]>,
        size: usize,
        values: &mut [f32],
    ) {
        dispatch(Convert { how: self, rows: rows.into_iter(), size, values });
    }
}

struct Convert<'v, R> {
    how: Pixels,
    rows: R,
    size: usize,
    values: &'v mut [f32],
}

impl<'a, R: Iterator<Item = &'a [u8]>> Kernel for Convert<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for (row, values) in self.rows.zip(self.values.chunks_exact_mut(self.size)) {
            for (value, &pixel) in values.iter_mut().zip(row) {
                *value = self.how.value(pixel);
            }
        }
    }
}

struct Normalize<'v> {
    mean: f32,
    std: f32,
    values: &'v mut [f32],
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for value in self.values {
            *value = (*value - self.mean) / self.std;
        }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_normal(mean: f32, std: f32) -> ! {
    panic!(
        "normalize: mean {mean}, std {std}; the mean must be finite, and std finite and positive"
    )
}
