//! Elementary functions of every element. They have no layers.

use super::functions::functions;

functions! {
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
        10000 ps;
        value x => T::from_f64(x.to_f64().sin());
        derivative x, _y => T::from_f64(x.to_f64().cos());
    }

    /// `cos x`, x in radians. Computed in `f64`.
    fn cos as Cos {
        10000 ps;
        value x => T::from_f64(x.to_f64().cos());
        derivative x, _y => T::from_f64(-x.to_f64().sin());
    }

    /// `x^p` for any number p. NaN if x is negative and p is not an integer. Computed in `f64`.
    ///
    /// The derivative is `p · x^(p − 1)`, and 0 everywhere if p is 0.
    #[doc(alias = "pow")]
    fn powf(exponent: f64) as Powf {
        20000 ps;
        value x => T::from_f64(x.to_f64().powf(exponent.to_f64()));
        derivative x, _y => if exponent == T::ZERO {
            T::ZERO
        } else {
            exponent * T::from_f64(x.to_f64().powf(exponent.to_f64() - 1.0))
        };
    }

    /// `x^n` for an integer n. Computed in `f64`.
    ///
    /// The derivative is `n · x^(n − 1)`, and 0 everywhere if n is 0.
    #[doc(alias = "pow")]
    fn powi(exponent: i32) as Powi {
        5000 ps;
        value x => T::from_f64(x.to_f64().powi(exponent));
        derivative x, _y => if exponent == 0 {
            T::ZERO
        } else {
            T::from_f64(f64::from(exponent) * x.to_f64().powi(exponent - 1))
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
