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
}
