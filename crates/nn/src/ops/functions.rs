//! The macro that writes an operation for a function of one number.

/// Writes the op of each function, and the method of [`Var`](crate::Var) that applies it.
///
/// In the expressions, `T` is the element type and `I` the instruction set. In the condition of `valid` the
/// parameters are `f64`. Where `value` and `derivative` do not hold, `elsewhere f, x unless CONDITION` gives
/// both, with the parameters in `f`. An entry of
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
            $(valid $valid:expr => $why:literal;)?
            value $x:ident => $value:expr;
            derivative $dx:ident, $dy:ident => $derivative:expr;
            $(elsewhere $f:ident, $ex:ident unless $holds:expr => $elsewhere:expr;)?
            $(nonlinearity $nonlinearity:expr;)?
        }
    ) => {
        pub(in crate::ops) struct $name<T> {
            $(pub(in crate::ops) $param: functions!(@type $param_type),)*
            pub(in crate::ops) element: std::marker::PhantomData<T>,
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

            #[allow(unused_variables)]
            fn fault(self) -> Option<&'static str> {
                $(let $param = functions!(@f64 $param_type, self.$param);)*
                let fault = None;
                $(let fault = if $valid { fault } else { Some($why) };)?
                fault
            }

            #[inline(always)]
            fn value<I: fanin_tensor::simd::Isa>(self, $x: T) -> T {
                let Self { $($param,)* .. } = self;
                $value
            }
            #[inline(always)]
            fn derivative<I: fanin_tensor::simd::Isa>(self, $dx: T, $dy: T) -> T {
                let Self { $($param,)* .. } = self;
                let _ = ($dx, $dy $(, $param)*);
                $derivative
            }
            $(
                const EVERYWHERE: bool = false;
                #[inline(always)]
                fn holds(self, $ex: T) -> bool {
                    let $f = self;
                    $holds
                }
                fn elsewhere(self, $ex: T) -> [T; 2] {
                    let $f = self;
                    $elsewhere
                }
            )?
        }

        once! {
            impl<'t, T: Scalar> $crate::Var<'t, T> {
                $($doc)*
                $(
                    #[doc = ""]
                    #[doc = "# Panics"]
                    #[doc = concat!("**Panics** unless the parameters are possible: ", $why, ".")]
                )?
                #[must_use]
                #[track_caller]
                pub fn $method(self $(, $param: functions!(@type $param_type))*) -> Self {
                    let f = $name { $($param,)* element: std::marker::PhantomData };
                    if let Some(why) = $crate::ops::elementwise::Elementwise::<T>::fault(f) {
                        panic!("{}: {why}; it is {f:?}", stringify!($method));
                    }
                    self.elementwise(f)
                }
            }
        }
    };
    // A layer stores its parameter in f64, an operation in the element type.
    (@type f64) => { T };
    (@type $other:ident) => { $other };
    (@f64 f64, $number:expr) => { $number.to_f64() };
    (@f64 $other:ident, $number:expr) => { f64::from($number) };
}
pub(super) use functions;
