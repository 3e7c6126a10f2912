//! `#[parameters(…)]` on a type or a field.

use syn::{Attribute, Path, Token, Type, parse_quote};

/// What is written on the type.
pub(crate) struct TypeOptions {
    /// `#[parameters(f64)]`: the element type, where the generics do not say it.
    pub(crate) element: Option<Type>,
    /// `#[parameters(no_describe)]`: the type implements `Describe` by hand.
    pub(crate) no_describe: bool,
    /// `#[parameters(crate = path)]`: where the traits are.
    pub(crate) krate: Option<Path>,
}

impl TypeOptions {
    pub(crate) fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut options = Self { element: None, no_describe: false, krate: None };
        for attribute in attributes.iter().filter(|a| a.path().is_ident("parameters")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("no_describe") {
                    options.no_describe = true;
                } else if meta.path.is_ident("crate") {
                    meta.input.parse::<Token![=]>()?;
                    options.krate = Some(meta.input.parse()?);
                } else if meta.path.is_ident("f32") || meta.path.is_ident("f64") {
                    let path = &meta.path;
                    options.element = Some(parse_quote!(#path));
                } else {
                    return Err(meta.error(
                        "a type has the options `f32`, `f64`, `no_describe` and `crate = path`; \
                         `skip` stands on a field",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

/// Whether `#[parameters(skip)]` is written on the field.
pub(crate) fn is_skipped(attributes: &[Attribute]) -> syn::Result<bool> {
    let mut skip = false;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("parameters")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("skip") {
                return Err(meta.error("a field has the option `skip` alone"));
            }
            skip = true;
            Ok(())
        })?;
    }
    Ok(skip)
}
