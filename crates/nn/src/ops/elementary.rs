//! Elementary functions of every element. They have no layers.

use super::functions::functions;

/// Passes the table to another macro.
macro_rules! elementary {
    ($callback:ident) => {
        $callback! {
            /// `e^x`.
            fn exp as Exp {
                300 ps;
                value x => x.vexp::<I>();
                derivative _x, y => y;
            }

            /// `ln x`.
            #[doc(alias = "log")]
            fn ln as Ln {
                300 ps;
                value x => x.vln::<I>();
                derivative x, _y => T::ONE / x;
            }

            /// `√x`.
            fn sqrt as Sqrt {
                300 ps;
                value x => x.sqrt();
                derivative _x, y => T::from_f64(0.5) / y;
            }

            /// `x²`.
            fn square as Square {
                40 ps;
                value x => x * x;
                derivative x, _y => x + x;
            }

            /// `|x|`; the derivative at 0 is 0.
            #[doc(alias = "absolute")]
            fn abs as Abs {
                40 ps;
                value x => x.abs();
                derivative x, _y => if x > T::ZERO {
                    T::ONE
                } else if x < T::ZERO {
                    -T::ONE
                } else {
                    T::ZERO
                };
            }

            /// `1 / x`.
            #[doc(alias = "reciprocal")]
            fn recip as Recip {
                100 ps;
                value x => T::ONE / x;
                derivative _x, y => -(y * y);
            }

            /// `1 / √x`.
            fn rsqrt as Rsqrt {
                300 ps;
                value x => T::ONE / x.sqrt();
                derivative _x, y => T::from_f64(-0.5) * (y * y * y);
            }

            /// `sin x`, x in radians. Computed in `f64`.
            fn sin as Sin {
                600 ps;
                value x => x.vsin_of::<I>(T::ONE);
                derivative x, _y => x.vcos_of::<I>(T::ONE);
                elsewhere _f, x unless x.is_near(T::ONE) => [x.sin_of(T::ONE), x.cos_of(T::ONE)];
            }

            /// `cos x`, x in radians. Computed in `f64`.
            fn cos as Cos {
                600 ps;
                value x => x.vcos_of::<I>(T::ONE);
                derivative x, _y => -x.vsin_of::<I>(T::ONE);
                elsewhere _f, x unless x.is_near(T::ONE) => [x.cos_of(T::ONE), -x.sin_of(T::ONE)];
            }

            /// `x^p` for any number p. NaN if x is negative and p is not an integer. Computed in `f64`.
            ///
            /// The derivative is `p · x^(p − 1)`, and 0 everywhere if p is 0.
            #[doc(alias = "pow")]
            fn powf(exponent: f64) as Powf {
                20000 ps;
                value x => T::from_f64(x.to_f64().powf(exponent.to_f64()));
                derivative x, _y => T::from_f64(power_derivative(x.to_f64(), exponent.to_f64()));
            }

            /// `x^n` for an integer n. Computed in `f64`.
            ///
            /// The derivative is `n · x^(n − 1)`, and 0 everywhere if n is 0.
            #[doc(alias = "pow")]
            fn powi(exponent: i32) as Powi {
                5000 ps;
                value x => T::from_f64(power(x.to_f64(), exponent));
                derivative x, _y => if exponent == 0 {
                    T::ZERO
                } else if exponent.unsigned_abs() <= 4 {
                    T::from_f64(f64::from(exponent) * power(x.to_f64(), exponent - 1))
                } else {
                    T::from_f64(power_derivative(x.to_f64(), f64::from(exponent)))
                };
            }

            /// `x` within `min` and `max`, else the nearer bound. `max` if `min` is above `max`. NaN stays
            /// NaN.
            ///
            /// The derivative is 1 between the bounds, 0 at a bound and 0 outside, as in PyTorch.
            #[doc(alias = "clip")]
            fn clamp(min: f64, max: f64) as Clamp {
                40 ps;
                value x => {
                    let x = if x < min { min } else { x };
                    if x > max { max } else { x }
                };
                derivative x, _y => if min < x && x < max { T::ONE } else { T::ZERO };
            }
        }
    };
}
elementary!(functions);

/// `x^n`. Repeated multiplication adds up rounding errors, so large exponents take std's function.
fn power(x: f64, n: i32) -> f64 {
    let small = x.powi(n.clamp(-4, 4).abs());
    match n {
        0..=4 => small,
        -4..=-1 if small.is_normal() => 1.0 / small,
        _ => x.powf(f64::from(n)),
    }
}

/// `p · x^(p − 1)`, and 0 if p is 0.
fn power_derivative(x: f64, p: f64) -> f64 {
    if p == 0.0 {
        return 0.0;
    }
    // p − 1 may be rounded, and ln x would multiply this error. So take x^p / x where neither is extreme.
    let (y, quotient) = (x.powf(p), x.powf(p) / x);
    if quotient.is_normal() && y.is_normal() {
        return p * quotient;
    }
    let slope = x.powf(p - 1.0);
    if slope.is_normal() || slope.is_nan() {
        return p * slope;
    }
    // The product with p may be a better number than the power itself.
    let root = x.abs().powf(0.5 * (p - 1.0));
    (p * root * root).abs().copysign(p * slope)
}

#[cfg(test)]
pub(super) mod precise {
    use crate::ops::precise::check;
    elementary!(check);
}
