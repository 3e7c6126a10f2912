//! The functions of [`Math`] over slices: through [`apply`], and in place through a [`Kernel`].

use fanin_tensor::map::{Function, apply};
use fanin_tensor::simd::{self, Isa, Kernel};
use fanin_tensor::vmath::Math;
use fanin_tensor::{Scalar, Write};

macro_rules! functions {
    ($($name:ident $in_place:ident $method:ident)*) => {$(
        #[track_caller]
        pub(crate) fn $name<T: Scalar>(x: &[T], y: &mut [T]) {
            #[derive(Clone, Copy)]
            struct Of;
            impl<T: Scalar> Function<T, 1> for Of {
                #[inline(always)]
                fn at<I: Isa>(&self, [x]: [T; 1]) -> T {
                    Math::$method::<I>(x)
                }
            }
            apply([x], Write::Set, y, Of);
        }

        pub(crate) fn $in_place<T: Scalar>(x: &mut [T]) {
            struct Run<'a, T>(&'a mut [T]);
            impl<T: Scalar> Kernel for Run<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<I: Isa>(self) {
                    for x in self.0 {
                        *x = x.$method::<I>();
                    }
                }
            }
            simd::dispatch(Run(x));
        }
    )*};
}
functions! {
    exp exp_in_place vexp
    expm1 expm1_in_place vexpm1
    ln ln_in_place vln
    ln_1p ln_1p_in_place vln_1p
    tanh tanh_in_place vtanh
    sigmoid sigmoid_in_place vsigmoid
    softplus softplus_in_place vsoftplus
    erf erf_in_place verf
}
