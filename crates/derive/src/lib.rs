//! `#[derive(Parameters)]`: a struct shows the parameters of all its fields.
//!
//! The documentation is that of the trait `Parameters` in fanin-nn, which re-exports the derive.

mod expand;
mod options;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input, parse_quote};

/// Implements `Parameters` and `Describe`, for code that depends on `fanin_nn`.
#[proc_macro_derive(Parameters, attributes(parameters))]
pub fn parameters(input: TokenStream) -> TokenStream {
    derive(input, &parse_quote!(::fanin_nn))
}

/// The same, for code that depends on the facade `fanin`, which re-exports it as `Parameters`.
#[proc_macro_derive(FacadeParameters, attributes(parameters))]
pub fn facade_parameters(input: TokenStream) -> TokenStream {
    derive(input, &parse_quote!(::fanin::nn))
}

fn derive(input: TokenStream, krate: &syn::Path) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::parameters(&input, krate).unwrap_or_else(syn::Error::into_compile_error).into()
}
