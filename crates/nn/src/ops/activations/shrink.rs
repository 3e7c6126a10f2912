//! `x − tanh x`, which cancels near 0: a polynomial there. golden/tails.py computes it.

use fanin_tensor::Scalar;
use fanin_tensor::simd::Isa;
use fanin_tensor::vmath::polynomial;

use super::c;

/// Where the difference keeps its digits.
const FAR: f64 = 1.5;

/// `x³ p(x²)` near 0.
#[inline(always)]
pub(super) fn tanhshrink<T: Scalar, I: Isa>(x: T) -> T {
    let square = x * x;
    let w = square - c(FAR * FAR / 2.0);
    let p = if T::IS_F32 {
        polynomial::<I, _, T>(w, TANHSHRINK_F32.map(c))
    } else {
        polynomial::<I, _, T>(w, TANHSHRINK_F64.map(c))
    };
    let near = x * (square * p);
    if x.abs() < c(FAR) { near } else { x - x.vtanh::<I>() }
}

const TANHSHRINK_F32: [f64; 11] = [
    0.23024970214677892,
    -0.0629839731615021,
    0.017491032855200525,
    -0.0048670623136994155,
    0.0013547493733641496,
    -0.0003776785574852026,
    0.00010513249330734005,
    -2.8242417726651394e-05,
    7.861710335375903e-06,
    -2.996582021470642e-06,
    8.341446114241576e-07,
];
const TANHSHRINK_F64: [f64; 22] = [
    0.23024970214677892,
    -0.06298396506169865,
    0.017491030600495585,
    -0.004867189682961827,
    0.0013547848285630172,
    -0.00037712208023276035,
    0.00010497758920731984,
    -2.9222118027494065e-05,
    8.134425671326323e-06,
    -2.264342262203761e-06,
    6.303117924337237e-07,
    -1.754569645125708e-07,
    4.884720800196142e-08,
    -1.3597370293125902e-08,
    3.7760798444302025e-09,
    -1.051129798435845e-09,
    3.0109061916883766e-10,
    -8.381319645682426e-11,
    1.833098906298015e-11,
    -5.102712239340557e-12,
    3.0837366064761937e-12,
    -8.58405428681785e-13,
];
