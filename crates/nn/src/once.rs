//! [`once!`]: generic code that is compiled for `f32` in this crate, and not again in every crate
//! that uses it.
//!
//! A crate that calls a generic function compiles that function for its own element type. For an
//! operation this means every kernel loop, three times (portable, AVX2, AVX-512). Nearly all users
//! want `f32`. So a function in `once!` asks first whether its element type is `f32`, and if so calls
//! a function that is not generic, which is compiled here. The compiler drops the branch not taken
//! before it generates code. `f64` is still compiled by the user's crate, and only if it is used.
//!
//! What an operation does in its backward pass is compiled where the operation is boxed, so it comes
//! along.
//!
//! Losses and optimizers that few programs use are not in it: they are compiled by the programs that use
//! them, which takes a fraction of a second, and not by all others.
//!
//! # Methods
//! Put the `impl` block into the macro. A method may take `self`, `&self`, `&mut self` or no
//! receiver. All lifetimes must be named, those of `&self` apart. A type may be `Self`. A reference to
//! something with a lifetime needs a bound, as in `where 't: 'a`:
//! ```text
//! once! {
//!     impl<'t, T: Scalar> Var<'t, T> {
//!         /// The rows with these indices.
//!         #[track_caller]
//!         pub fn rows<'a>(self, indices: &'a [usize]) -> Self { … }
//!     }
//! }
//! ```
//!
//! # Functions
//! The element type comes last. A method of a type without an element type, or of a trait, calls such
//! a function:
//! ```text
//! once! {
//!     fn step<'a, 'g, T: Scalar>(rule: &'a mut Sgd, grads: Gradients<'g, T>) -> usize { … }
//! }
//! ```
//!
//! # Limits
//! An argument is a name, without `mut` and without a pattern. A type may not be `impl Trait`: convert
//! the argument in a method outside of the macro, and call one inside. `#[track_caller]` works as
//! always, in both branches. A result that borrows from `&self` has the lifetime `'this`.
//!
//! rustfmt leaves the inside alone. To format it, turn `once! {` into `mod once {` for a moment.

/// See the [module](self).
macro_rules! once {
    // Functions.
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<$($life:lifetime,)* $T:ident: Scalar>
        ($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)?
        $(where $($long:lifetime: $short:lifetime),+ $(,)?)? $body:block
    )+) => {$(
        once!(@function
            [$(#[$meta])*] [$vis] $name [$($life)*] $T ($($arg: $ty),*) [$($out)?]
            [$(where $($long: $short),+)?] $body);
    )+};
    (@function $meta:tt $vis:tt $name:ident $life:tt $T:ident $args:tt [] $where:tt $body:block) => {
        once!(@function $meta $vis $name $life $T $args [()] $where $body);
    };
    (@function
        [$($meta:tt)*] [$vis:vis] $name:ident [$($life:lifetime)*] $T:ident
        ($($arg:ident: $ty:ty),*) [$out:ty] [$($where:tt)*] $body:block
    ) => {
        $($meta)*
        #[allow(clippy::extra_unused_lifetimes, clippy::needless_lifetimes)]
        $vis fn $name<$($life,)* $T: $crate::Scalar>($($arg: $ty),*) -> $out $($where)* {
            #[inline]
            #[track_caller]
            fn generic<$($life,)* $T: $crate::Scalar>($($arg: $ty),*) -> $out $($where)* $body

            once!(@families [$($life)*] [$($where)*] $T, ($($ty,)*), $out);

            #[track_caller]
            fn for_f32<$($life),*>(
                ($($arg,)*): <Args<$($life),*> as $crate::tensor::Family>::Of<f32>,
            ) -> <Out<$($life),*> as $crate::tensor::Family>::Of<f32> $($where)* {
                generic::<f32>($($arg),*)
            }

            if $T::IS_F32 {
                $T::from_f32::<Out<$($life),*>>(for_f32($T::into_f32::<Args<$($life),*>>(($($arg,)*))))
            } else {
                generic::<$T>($($arg),*)
            }
        }
    };

    // Methods.
    (
        impl<$($outer:lifetime,)* $T:ident: Scalar> $Self:ty { $($methods:tt)* }
    ) => {
        impl<$($outer,)* $T: $crate::Scalar> $Self {
            once!(@methods [$($outer)*] $T [$Self] $($methods)*);
        }
    };
    (@methods $outer:tt $T:ident $Self:tt $(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$($life:lifetime),*>)? ($($args:tt)*) $(-> $out:ty)?
        $(where $($long:lifetime: $short:lifetime),+ $(,)?)? $body:block
    )*) => {$(
        once!(@receiver $outer $T $Self
            [$(#[$meta])*] [$vis] $name [$($($life)*)?] ($($args)*) [$($out)?]
            [$(where $($long: $short),+)?] $body);
    )*};
    (@receiver $outer:tt $T:ident $Self:tt $meta:tt $vis:tt $name:ident $life:tt $args:tt
        [] $where:tt $body:block) => {
        once!(@receiver $outer $T $Self $meta $vis $name $life $args [()] $where $body);
    };
    (@receiver $outer:tt $T:ident $Self:tt $meta:tt $vis:tt $name:ident $life:tt
        ($this:ident $(, $arg:ident: $ty:ty)* $(,)?) $out:tt $where:tt $body:block) => {
        once!(@method $outer $T $Self $meta $vis $name $life
            ($this $(, $arg: $ty)*) ($this $(, $arg)*) (this: Self $(, $arg: $ty)*) $out $where $body);
    };
    (@receiver $outer:tt $T:ident $Self:tt $meta:tt $vis:tt $name:ident [$($life:lifetime)*]
        (&$this:ident $(, $arg:ident: $ty:ty)* $(,)?) $out:tt $where:tt $body:block) => {
        once!(@method $outer $T $Self $meta $vis $name ['this $($life)*]
            (&'this $this $(, $arg: $ty)*) ($this $(, $arg)*)
            (this: &'this Self $(, $arg: $ty)*) $out $where $body);
    };
    (@receiver $outer:tt $T:ident $Self:tt $meta:tt $vis:tt $name:ident [$($life:lifetime)*]
        (&mut $this:ident $(, $arg:ident: $ty:ty)* $(,)?) $out:tt $where:tt $body:block) => {
        once!(@method $outer $T $Self $meta $vis $name ['this $($life)*]
            (&'this mut $this $(, $arg: $ty)*) ($this $(, $arg)*)
            (this: &'this mut Self $(, $arg: $ty)*) $out $where $body);
    };
    (@receiver $outer:tt $T:ident $Self:tt $meta:tt $vis:tt $name:ident $life:tt
        ($($arg:ident: $ty:ty),* $(,)?) $out:tt $where:tt $body:block) => {
        once!(@method $outer $T $Self $meta $vis $name $life
            ($($arg: $ty),*) ($($arg),*) ($($arg: $ty),*) $out $where $body);
    };
    (@method
        [$($outer:lifetime)*] $T:ident [$Self:ty] [$($meta:tt)*] [$vis:vis] $name:ident
        [$($life:lifetime)*] ($($params:tt)*) ($($value:tt),*) ($($arg:ident: $ty:ty),*)
        [$out:ty] [$($where:tt)*] $body:block
    ) => {
        $($meta)*
        #[allow(clippy::extra_unused_lifetimes, clippy::needless_lifetimes)]
        $vis fn $name<$($life),*>($($params)*) -> $out $($where)* {
            // A trait, because only a method's body may say `self`.
            trait Generic<$($outer,)* $($life,)* $T: $crate::Scalar>: Sized $($where)* {
                type Args;
                type Out;
                #[track_caller]
                fn generic($($params)*) -> $out;
            }
            impl<$($outer,)* $($life,)* $T: $crate::Scalar> Generic<$($outer,)* $($life,)* $T> for $Self
            $($where)*
            {
                type Args = ($($ty,)*);
                type Out = $out;
                #[inline]
                #[track_caller]
                fn generic($($params)*) -> $out $body
            }

            once!(@families [$($outer)* $($life)*] [$($where)*] $T,
                <$Self as Generic<$($outer,)* $($life,)* $T>>::Args,
                <$Self as Generic<$($outer,)* $($life,)* $T>>::Out);

            #[track_caller]
            fn for_f32<$($outer,)* $($life),*>(
                ($($arg,)*): <Args<$($outer,)* $($life),*> as $crate::tensor::Family>::Of<f32>,
            ) -> <Out<$($outer,)* $($life),*> as $crate::tensor::Family>::Of<f32> $($where)* {
                Generic::<$($outer,)* $($life,)* f32>::generic($($arg),*)
            }

            if $T::IS_F32 {
                let args = $T::into_f32::<Args<$($outer,)* $($life),*>>(($($value,)*));
                $T::from_f32::<Out<$($outer,)* $($life),*>>(for_f32(args))
            } else {
                <Self as Generic<$($outer,)* $($life,)* $T>>::generic($($value),*)
            }
        }
    };

    // The arguments and the result, as types that differ in the element type alone.
    (@families [$($life:lifetime)*] [$($where:tt)*] $T:ident, $args:ty, $out:ty) => {
        struct Args<$($life),*>(std::marker::PhantomData<($(&$life (),)*)>);
        impl<$($life),*> $crate::tensor::Family for Args<$($life),*> $($where)* {
            type Of<$T: $crate::Scalar> = $args;
        }
        struct Out<$($life),*>(std::marker::PhantomData<($(&$life (),)*)>);
        impl<$($life),*> $crate::tensor::Family for Out<$($life),*> $($where)* {
            type Of<$T: $crate::Scalar> = $out;
        }
    };
}

#[cfg(test)]
mod tests {
    use std::any::type_name;
    use std::panic::Location;

    use crate::Scalar;

    struct Holder<T>(Vec<T>);

    once! {
        impl<T: Scalar> Holder<T> {
            fn of<'a>(values: &'a [T]) -> Self {
                Self(values.to_vec())
            }
            fn push(&mut self, value: T) {
                self.0.push(value);
            }
            fn last(&self) -> Option<&'this T> {
                self.0.last()
            }
            #[track_caller]
            fn line(self) -> (u32, usize) {
                (Location::caller().line(), self.0.len())
            }
        }
    }

    once! {
        /// Of the element type's name and the sum.
        #[track_caller]
        fn sum<'a, T: Scalar>(start: f64, values: &'a [T]) -> (&'static str, f64, u32) {
            let sum = values.iter().fold(start, |sum, value| sum + value.to_f64());
            (type_name::<T>(), sum, Location::caller().line())
        }

        fn double<'a, T: Scalar>(values: &'a mut [T]) {
            values.iter_mut().for_each(|value| *value += *value);
        }
    }

    fn check<T: Scalar>(name: &str) {
        let mut holder = Holder::of(&[T::ONE]);
        holder.push(T::ONE + T::ONE);
        assert_eq!(holder.last().map(|last| last.to_f64()), Some(2.0));
        double(&mut holder.0);
        assert_eq!(sum(0.5, &holder.0), (name, 6.5, line!()));
        assert_eq!(holder.line(), (line!(), 2));
    }

    #[test]
    fn both_element_types_compute_and_know_the_callers_line() {
        check::<f32>("f32");
        check::<f64>("f64");
    }
}
