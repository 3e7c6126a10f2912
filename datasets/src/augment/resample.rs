//! [`resample`]: an image, read at other places by bilinear interpolation.

use fanin_tensor::scratch;
use fanin_tensor::simd::{Isa, Kernel, dispatch};

/// Where the pixel at `(x, y)` of the result comes from: `(a x + b y + c, d x + e y + f)`.
///
/// `x` counts columns, `y` rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine(pub(super) [[f32; 3]; 2]);

/// Displacements of the places where the map is taken: rows down, columns to the right, and the length
/// of a row in them.
pub(super) type Field<'a> = Option<([&'a [f32]; 2], usize)>;

/// Replaces each plane of an image by itself, read at the places that the map gives.
///
/// ```text
/// y(r, c) = Σ x(i, j) · max(0, 1 − |v − i|) · max(0, 1 − |u − j|),   (u, v) = map(c + right(r, c), r + down(r, c))
/// ```
/// Outside of the image are zeros.
pub(super) fn resample(image: &mut [f32], size: [usize; 2], map: Affine, field: Field<'_>) {
    let [height, width] = size;
    // A border of zeros: one pixel above and left, two below and right.
    let stride = width + 3;
    scratch::with((height + 3) * stride, |padded: &mut [f32]| {
        padded.fill(0.0);
        for plane in image.chunks_exact_mut(height * width) {
            let rows = padded[stride..].chunks_exact_mut(stride).zip(plane.chunks_exact(width));
            for (to, from) in rows {
                to[1..=width].copy_from_slice(from);
            }
            dispatch(Read { plane, size, padded, map, field });
        }
    });
}

struct Read<'a> {
    plane: &'a mut [f32],
    size: [usize; 2],
    padded: &'a [f32],
    map: Affine,
    field: Field<'a>,
}

impl Kernel for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { plane, size: [height, width], padded, map: Affine([u, v]), field } = self;
        let bounds = [(width + 1) as f32, (height + 1) as f32];
        for (r, row) in plane.chunks_exact_mut(width).enumerate() {
            let displaced = field.map(|([down, right], stride)| {
                let places = r * stride..r * stride + width;
                (&down[places.clone()], &right[places])
            });
            for (c, to) in row.iter_mut().enumerate() {
                let (down, right) =
                    displaced.map_or((0.0, 0.0), |(down, right)| (down[c], right[c]));
                let (x, y) = (c as f32 + right, r as f32 + down);
                let place = [u[0] * x + u[1] * y + u[2], v[0] * x + v[1] * y + v[2]];
                *to = read(padded, width + 3, place, bounds);
            }
        }
    }
}

/// The value at the column and the row `x` and `y` of the image inside the border.
#[inline(always)]
fn read(padded: &[f32], stride: usize, [x, y]: [f32; 2], [right, bottom]: [f32; 2]) -> f32 {
    // Everything outside is 0, so a place far away may be moved to the border.
    let (x, y) = ((x + 1.0).clamp(0.0, right), (y + 1.0).clamp(0.0, bottom));
    let (column, row) = (x as u32, y as u32);
    let (across, along) = (x - column as f32, y - row as f32);
    let at = row as usize * stride + column as usize;
    let (above, below) = (&padded[at..at + 2], &padded[at + stride..at + stride + 2]);
    let above = above[0] + across * (above[1] - above[0]);
    let below = below[0] + across * (below[1] - below[0]);
    above + along * (below - above)
}
