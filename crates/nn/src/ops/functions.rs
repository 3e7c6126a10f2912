//! The macro that writes an operation for a function of one number.

/// Writes the op of each function, and the method of [`Var`](crate::Var) that applies it.
///
/// In the expressions, `T` is the element type and `I` the instruction set. An entry of
/// [`activations!`](super::activations) with the body `{ rows }` has a hand-written operation.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident $(= $default:literal)?),+))? as $name:ident
        $body:tt
    )*) => {$(
        functions!(@function [$(#[$doc])*] $method [$($($param: $param_type),+)?] $name $body);
    )*};
    (@function $doc:tt $method:ident $params:tt $name:ident { rows }) => {};
    (@function
        [$($doc:tt)*] $method:ident [$($param:ident: $param_type:ident),*] $name:ident
        {
            $picos:literal ps;
            value $x:ident => $value:expr;
            derivative $dx:ident, $dy:ident => $derivative:expr;
            $(nonlinearity $nonlinearity:expr;)?
        }
    ) => {
        struct $name<T> {
            $($param: functions!(@type $param_type),)*
            element: std::marker::PhantomData<T>,
        }

        // Not derived: `derive` refuses a type that a macro produces.
        impl<T: fanin_tensor::Scalar> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T: fanin_tensor::Scalar> Copy for $name<T> {}

        /// The function's name, followed by its parameters if it has any.
        impl<T: fanin_tensor::Scalar> std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let name = f.write_str(stringify!($name));
                let parameters: &[&dyn std::fmt::Display] = &[$(&self.$param),*];
                match parameters {
                    [] => name,
                    [one] => write!(f, "({one})"),
                    more => {
                        let more: Vec<_> = more.iter().map(|one| one.to_string()).collect();
                        write!(f, "({})", more.join(", "))
                    }
                }
            }
        }

        impl<T: fanin_tensor::Scalar> $crate::ops::elementwise::Elementwise<T> for $name<T> {
            const PICOS: usize = $picos;

            #[inline(always)]
            fn value<I: fanin_tensor::simd::Isa>(self, $x: T) -> T {
                let Self { $($param,)* .. } = self;
                $value
            }
            #[inline(always)]
            fn derivative<I: fanin_tensor::simd::Isa>(self, $dx: T, $dy: T) -> T {
                let Self { $($param,)* .. } = self;
                let _ = ($dx, $dy);
                $derivative
            }
        }

        once! {
            impl<'t, T: Scalar> $crate::Var<'t, T> {
                $($doc)*
                #[must_use]
                pub fn $method(self $(, $param: functions!(@type $param_type))*) -> Self {
                    self.elementwise($name { $($param,)* element: std::marker::PhantomData })
                }
            }
        }
    };
    // A layer stores its parameter in f64, an operation in the element type.
    (@type f64) => { T };
    (@type $other:ident) => { $other };
}
pub(super) use functions;
