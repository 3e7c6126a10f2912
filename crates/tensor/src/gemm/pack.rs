//! Packing: copies panels of a matrix (some rows of some columns) so that each row is whole vectors.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::Mat;
use crate::Scalar;
use crate::lanes::Lanes;
use crate::simd::Isa;

/// A panel of `b` with rows of `width` elements. Returns its first element and its row stride.
///
/// The panel is read in place if it lies in this form and `copy` is false. Else it is packed into
/// `memory`.
#[inline(always)]
pub(super) fn vectors_of<I: Isa, T: Scalar>(
    b: &Mat<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    width: usize,
    copy: bool,
    memory: &mut [MaybeUninit<T>],
) -> (*const T, usize) {
    if b.col_stride == 1 && columns.len() == width && !copy {
        return (b.from(rows.start, columns.start).as_ptr(), b.row_stride);
    }
    let memory = &mut memory[..rows.len() * width];
    pack::<I, T>(b, rows, columns, width, memory);
    (memory.as_ptr().cast(), width)
}

/// Memory as [`pack`] takes it.
///
/// # Safety
/// Only values may be written to it.
pub(super) unsafe fn uninit<T: Scalar>(memory: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: both types have the same layout. The caller's promise.
    unsafe { &mut *(std::ptr::from_mut(memory) as *mut [MaybeUninit<T>]) }
}

/// Copies a panel of `b` to rows of `width` elements each, padded with zeros.
///
/// Initializes all of `to`, which has `rows.len() · width` elements.
#[inline(always)]
pub(super) fn pack<I: Isa, T: Scalar>(
    b: &Mat<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    width: usize,
    to: &mut [MaybeUninit<T>],
) {
    let count = columns.len();
    assert!(to.len() == rows.len() * width && count <= width);
    if b.col_stride == 1 && width.is_multiple_of(I::Lanes::<T>::COUNT) {
        let lanes = I::Lanes::<T>::COUNT;
        for (p, row) in rows.zip(to.chunks_exact_mut(width)) {
            let x = &b.from(p, columns.start)[..count];
            for (v, to) in row.chunks_exact_mut(lanes).enumerate() {
                let n = count.saturating_sub(v * lanes).min(lanes);
                // SAFETY: `to` is one vector, and x has n elements from there on.
                unsafe {
                    let x = x.as_ptr().wrapping_add(v * lanes);
                    I::Lanes::<T>::load_first(x, n).store(to.as_mut_ptr().cast());
                }
            }
        }
        return;
    }
    if count < width {
        to.fill(MaybeUninit::new(T::ZERO));
    }
    if b.col_stride == 1 {
        for (p, row) in rows.zip(to.chunks_exact_mut(width)) {
            let x = &b.from(p, columns.start)[..count];
            row.iter_mut().zip(x).for_each(|(to, &x)| _ = to.write(x));
        }
    } else {
        transpose::<I, T>(b, rows, columns, width, to);
    }
}

/// [`pack`] for a column-major matrix. Transposes squares in registers, and the edges one by one.
#[inline(always)]
fn transpose<I: Isa, T: Scalar>(
    b: &Mat<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    width: usize,
    to: &mut [MaybeUninit<T>],
) {
    let square = I::Lanes::<T>::SQUARE;
    let (depth, count) = (rows.len(), columns.len());
    assert!(b.row_stride == 1 && to.len() >= depth * width && count <= width);
    for l in (0..count).step_by(square) {
        for p in (0..depth).step_by(square) {
            if l + square <= count && p + square <= depth {
                let last = b.from(rows.start + p, columns.start + l + square - 1);
                assert!(last.len() >= square);
                let from = b.from(rows.start + p, columns.start + l).as_ptr();
                let to = to[p * width + l..].as_mut_ptr().cast();
                // SAFETY: the assertion above shows that the square's last column lies in B. `to` has
                // `depth` rows of `width`, so the square's last row lies in it.
                unsafe { I::Lanes::<T>::transpose(from, b.col_stride, to, width) };
                continue;
            }
            let (columns_end, terms_end) = (count.min(l + square), depth.min(p + square));
            let last = b.from(rows.start + terms_end - 1, columns.start + columns_end - 1);
            assert!(!last.is_empty());
            let from = b.from(rows.start, columns.start).as_ptr();
            for p in p..terms_end {
                for l in l..columns_end {
                    // SAFETY: the assertion above shows that the last element lies in B.
                    to[p * width + l].write(unsafe { *from.add(l * b.col_stride + p) });
                }
            }
        }
    }
}
