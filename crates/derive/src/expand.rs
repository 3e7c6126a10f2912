//! Writes the implementations.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Error, Fields, GenericParam, Ident, Index, Path, Result, Type,
    TypeParamBound, parse_quote,
};

use crate::options::{TypeOptions, is_skipped};

/// `impl Parameters<T>`, and `impl Describe` unless the type has its own.
pub(crate) fn parameters(input: &DeriveInput, krate: &Path) -> Result<TokenStream> {
    let options = TypeOptions::read(&input.attrs)?;
    let krate = options.krate.as_ref().unwrap_or(krate);
    let parameters = quote!(#krate::parameters::Parameters);
    let element = match options.element {
        Some(element) => element,
        None => element_of(input)?,
    };
    let variants = variants(&input.data)?;

    // A type parameter in a shown field must itself show parameters, but for the element type.
    let mut generics = input.generics.clone();
    for name in input.generics.type_params().map(|param| &param.ident) {
        let is_element = *name == element.to_token_stream().to_string();
        if !is_element && variants.iter().flat_map(|v| &v.shown).any(|f| mentions(f.ty, name)) {
            generics
                .make_where_clause()
                .predicates
                .push(parse_quote!(#name: #parameters<#element>));
        }
    }
    let (impl_generics, where_clause) = (generics.split_for_impl().0, &generics.where_clause);
    let (_, type_generics, own_where) = input.generics.split_for_impl();
    let (name, own_generics) = (&input.ident, input.generics.split_for_impl().0);

    let visit = match_variants(&variants, &format_ident!("visit"), &parameters, &element);
    let visit_mut = match_variants(&variants, &format_ident!("visit_mut"), &parameters, &element);
    let describe = (!options.no_describe).then(|| {
        quote! {
            #[automatically_derived]
            impl #own_generics #krate::Describe for #name #type_generics #own_where {}
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #parameters<#element> for #name #type_generics #where_clause {
            fn visit<'parameters>(
                &'parameters self,
                path: &#krate::parameters::ParamPath<'_>,
                visitor: &mut dyn #krate::parameters::Visitor<'parameters, #element>,
            ) {
                let _ = (path, &visitor);
                #visit
            }
            fn visit_mut<'parameters>(
                &'parameters mut self,
                path: &#krate::parameters::ParamPath<'_>,
                visitor: &mut dyn #krate::parameters::VisitorMut<'parameters, #element>,
            ) {
                let _ = (path, &visitor);
                #visit_mut
            }
        }
        #describe
    })
}

/// The type parameter with the bound `Scalar`, or else `f32`.
fn element_of(input: &DeriveInput) -> Result<Type> {
    let mut elements = input.generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) if param.bounds.iter().any(is_scalar) => Some(&param.ident),
        _ => None,
    });
    let Some(element) = elements.next() else { return Ok(parse_quote!(f32)) };
    match elements.next() {
        None => Ok(parse_quote!(#element)),
        Some(second) => {
            Err(Error::new(second.span(), "Parameters: only one type parameter may be a Scalar"))
        }
    }
}

fn is_scalar(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Scalar")
        }
        _ => false,
    }
}

/// A struct, or one variant of an enum.
struct Variant<'i> {
    /// `Self` or `Self::Variant`.
    path: TokenStream,
    shown: Vec<Shown<'i>>,
}

/// A field that is not skipped.
struct Shown<'i> {
    /// How a pattern names it: by name or by index.
    member: TokenStream,
    /// What the pattern binds it to.
    binding: Ident,
    /// Its part of a parameter's path.
    name: String,
    ty: &'i Type,
}

fn variants(data: &Data) -> Result<Vec<Variant<'_>>> {
    match data {
        Data::Struct(data) => Ok(vec![variant(quote!(Self), &data.fields)?]),
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|v| {
                let name = &v.ident;
                variant(quote!(Self::#name), &v.fields)
            })
            .collect(),
        Data::Union(data) => {
            Err(Error::new(data.union_token.span(), "Parameters: a union cannot show its fields"))
        }
    }
}

fn variant(path: TokenStream, fields: &Fields) -> Result<Variant<'_>> {
    let mut shown = vec![];
    for (i, field) in fields.iter().enumerate() {
        if is_skipped(&field.attrs)? {
            continue;
        }
        let (member, name) = match &field.ident {
            Some(ident) => (ident.to_token_stream(), ident.to_string()),
            None => (Index::from(i).to_token_stream(), i.to_string()),
        };
        let name = name.trim_start_matches("r#").to_owned();
        shown.push(Shown { member, binding: format_ident!("field_{i}"), name, ty: &field.ty });
    }
    Ok(Variant { path, shown })
}

/// Shows the fields of whichever variant there is.
fn match_variants(
    variants: &[Variant<'_>],
    method: &Ident,
    parameters: &TokenStream,
    element: &Type,
) -> TokenStream {
    let arms = variants.iter().map(|Variant { path, shown }| {
        let bindings = shown.iter().map(|Shown { member, binding, .. }| quote!(#member: #binding));
        let calls = shown.iter().map(|Shown { binding, name, ty, .. }| {
            // At the field's type, which is where an error about it belongs.
            quote_spanned! { ty.span() =>
                <#ty as #parameters<#element>>::#method(#binding, &path.name(#name), visitor);
            }
        });
        quote!(#path { #(#bindings,)* .. } => { #(#calls)* })
    });
    if variants.is_empty() {
        return quote!(match *self {});
    }
    quote!(match self { #(#arms)* })
}

/// Whether a type names a type parameter, outside `PhantomData`.
fn mentions(ty: &Type, name: &Ident) -> bool {
    fn any(tokens: TokenStream, name: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == *name,
            TokenTree::Group(group) => any(group.stream(), name),
            _ => false,
        })
    }
    let tokens = ty.to_token_stream();
    let is_phantom = tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "PhantomData",
        _ => false,
    });
    !is_phantom && any(tokens, name)
}
