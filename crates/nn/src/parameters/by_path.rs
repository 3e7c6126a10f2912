//! What the methods of [`Parameters`](super::Parameters) do with paths and values.
//!
//! A method of a trait is compiled for every type that has it. So these functions take the type's
//! `visit` as a function, and are compiled once.

use fanin_tensor::{Scalar, show_shape};

use super::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::buffer::Buffer;
use crate::initialize::Drawn;
use crate::param::Param;
use crate::pattern;

/// Shows a model to a visitor.
type Visit<'v, 'm, T> = dyn FnMut(&mut dyn Visitor<'m, T>) + 'v;
/// Shows a model to a visitor that may change it.
type VisitMut<'v, 'm, T> = dyn FnMut(&mut dyn VisitorMut<'m, T>) + 'v;
type OnParam<'f, 'm, T> = dyn FnMut(&ParamPath<'_>, &'m Param<T>) + 'f;
type OnParamMut<'f, 'm, T> = dyn FnMut(&ParamPath<'_>, &'m mut Param<T>) + 'f;

/// A function of parameters as a visitor.
struct OnParams<F>(F);

impl<'m, T: Scalar, F: FnMut(&ParamPath<'_>, &'m Param<T>)> Visitor<'m, T> for OnParams<F> {
    fn param(&mut self, path: &ParamPath<'_>, param: &'m Param<T>) {
        (self.0)(path, param);
    }
}

impl<'m, T: Scalar, F: FnMut(&ParamPath<'_>, &'m mut Param<T>)> VisitorMut<'m, T> for OnParams<F> {
    fn param(&mut self, path: &ParamPath<'_>, param: &'m mut Param<T>) {
        (self.0)(path, param);
    }
}

/// A function of buffers as a visitor.
struct OnBuffers<F>(F);

impl<'m, T: Scalar, F: FnMut(&ParamPath<'_>, &'m Buffer<T>)> Visitor<'m, T> for OnBuffers<F> {
    fn param(&mut self, _: &ParamPath<'_>, _: &'m Param<T>) {}
    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m Buffer<T>) {
        (self.0)(path, buffer);
    }
}

once! {
    pub(super) fn each<'v, 'm, T: Scalar>(
        f: &'v mut OnParam<'v, 'm, T>,
        visit: &'v mut Visit<'v, 'm, T>,
    ) where 'm: 'v {
        visit(&mut OnParams(f));
    }

    pub(super) fn each_mut<'v, 'm, T: Scalar>(
        f: &'v mut OnParamMut<'v, 'm, T>,
        visit: &'v mut VisitMut<'v, 'm, T>,
    ) where 'm: 'v {
        visit(&mut OnParams(f));
    }

    pub(super) fn params<'v, 'm, T: Scalar>(
        visit: &'v mut Visit<'v, 'm, T>,
    ) -> Vec<(String, &'m Param<T>)> where 'm: 'v {
        let mut params = vec![];
        visit(&mut OnParams(|path: &ParamPath<'_>, p| params.push((path.to_string(), p))));
        params
    }

    pub(super) fn params_mut<'v, 'm, T: Scalar>(
        visit: &'v mut VisitMut<'v, 'm, T>,
    ) -> Vec<(String, &'m mut Param<T>)> where 'm: 'v {
        let mut params = vec![];
        visit(&mut OnParams(|path: &ParamPath<'_>, p| params.push((path.to_string(), p))));
        params
    }

    pub(super) fn buffers<'v, 'm, T: Scalar>(
        visit: &'v mut Visit<'v, 'm, T>,
    ) -> Vec<(String, &'m Buffer<T>)> where 'm: 'v {
        let mut buffers = vec![];
        visit(&mut OnBuffers(|path: &ParamPath<'_>, b| buffers.push((path.to_string(), b))));
        buffers
    }

    pub(super) fn count<'v, T: Scalar>(params: &'v [(String, &'v Param<T>)]) -> usize {
        params.iter().map(|(_, p)| p.value().len()).sum()
    }

    #[track_caller]
    pub(super) fn find<'v, 'm, T: Scalar>(
        params: Vec<(String, &'m Param<T>)>,
        path: &'v str,
    ) -> &'m Param<T> where 'm: 'v {
        match params.iter().find(|(name, _)| name == path) {
            Some((_, param)) => param,
            None => no_such_param("param", path, params.into_iter().map(|(name, _)| name).collect()),
        }
    }

    #[track_caller]
    pub(super) fn find_mut<'v, 'm, T: Scalar>(
        params: Vec<(String, &'m mut Param<T>)>,
        path: &'v str,
    ) -> &'m mut Param<T> where 'm: 'v {
        let at = params.iter().position(|(name, _)| name == path);
        let mut params = params;
        match at {
            Some(at) => params.swap_remove(at).1,
            None => {
                no_such_param("param_mut", path, params.into_iter().map(|(name, _)| name).collect())
            }
        }
    }

    /// The parameters whose path matches.
    #[track_caller]
    pub(super) fn matching<'v, 'm, T: Scalar>(
        op: &'v str,
        params: Vec<(String, &'m mut Param<T>)>,
        pattern: &'v str,
    ) -> Vec<&'m mut Param<T>> where 'm: 'v {
        if !params.iter().any(|(name, _)| pattern::matches(pattern, name)) {
            no_such_param(op, pattern, params.into_iter().map(|(name, _)| name).collect());
        }
        let matching = params.into_iter().filter(|(name, _)| pattern::matches(pattern, name));
        matching.map(|(_, param)| param).collect()
    }

    /// Paths and shapes of all parameters, then of all buffers.
    pub(super) fn shapes<'v, 'm, T: Scalar>(
        visit: &'v mut Visit<'v, 'm, T>,
    ) -> Vec<(String, Vec<usize>)> where 'm: 'v {
        let mut all = Shapes { params: vec![], buffers: vec![] };
        visit(&mut all);
        all.params.append(&mut all.buffers);
        all.params
    }

    /// Refuses a model of other paths or shapes.
    #[track_caller]
    pub(super) fn require_same<'v, T: Scalar>(
        op: &'v str,
        own: Vec<(String, Vec<usize>)>,
        other: &'v dyn Parameters<T>,
    ) {
        let theirs = shapes(&mut |visitor| other.visit(&ParamPath::ROOT, visitor));
        if let Some(why) = difference(&own, &theirs) {
            panic!("{op}: {why}; both must be the same network");
        }
    }

    pub(super) fn soft_update<'v, 'm, T: Scalar>(
        other: &'v dyn Parameters<T>,
        tau: f64,
        visit: &'v mut VisitMut<'v, 'm, T>,
    ) where 'm: 'v {
        let (params, buffers) = (other.named_params(), other.named_buffers());
        let (params, buffers) = (params.iter(), buffers.iter());
        visit(&mut SoftUpdate { tau: T::from_f64(tau), params, buffers });
    }

    /// Gives parameters the values that a plan has drawn for them.
    pub(super) fn begin<'v, 'm, T: Scalar>(
        drawn: Vec<Option<Drawn<T>>>,
        visit: &'v mut VisitMut<'v, 'm, T>,
    ) where 'm: 'v {
        let mut drawn = drawn.into_iter();
        visit(&mut OnParams(|_: &ParamPath<'_>, param: &'m mut Param<T>| {
            if let Some(drawn) = drawn.next().flatten() {
                param.begin(drawn.values, drawn.awaits_activation, drawn.initializer);
            }
        }));
    }
}

struct Shapes {
    params: Vec<(String, Vec<usize>)>,
    buffers: Vec<(String, Vec<usize>)>,
}

impl<T: Scalar> Visitor<'_, T> for Shapes {
    fn param(&mut self, path: &ParamPath<'_>, param: &Param<T>) {
        self.params.push((path.to_string(), param.value().shape().to_vec()));
    }
    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &Buffer<T>) {
        self.buffers.push((path.to_string(), buffer.value().shape().to_vec()));
    }
}

/// The first difference between the paths and shapes of two models.
fn difference(a: &[(String, Vec<usize>)], b: &[(String, Vec<usize>)]) -> Option<String> {
    let show = |entry: Option<&(String, Vec<usize>)>| match entry {
        Some((path, shape)) => format!("{path} ({})", show_shape(shape)),
        None => "nothing".into(),
    };
    (0..a.len().max(b.len())).find(|&i| a.get(i) != b.get(i)).map(|i| {
        format!("this model has {} where the other has {}", show(a.get(i)), show(b.get(i)))
    })
}

/// Moves parameters towards those of another model of the same structure.
struct SoftUpdate<'o, T: Scalar> {
    tau: T,
    params: std::slice::Iter<'o, (String, &'o Param<T>)>,
    buffers: std::slice::Iter<'o, (String, &'o Buffer<T>)>,
}

impl<T: Scalar> VisitorMut<'_, T> for SoftUpdate<'_, T> {
    fn param(&mut self, _: &ParamPath<'_>, param: &mut Param<T>) {
        let Some((_, other)) = self.params.next() else { return };
        let tau = self.tau;
        if tau == T::ONE {
            *param.value_mut() = other.value().clone();
            return;
        }
        let p = param.value_mut().as_mut_slice().iter_mut();
        p.zip(other.value().as_slice()).for_each(|(p, &q)| *p += tau * (q - *p));
    }
    fn buffer(&mut self, _: &ParamPath<'_>, buffer: &mut Buffer<T>) {
        let Some((_, other)) = self.buffers.next() else { return };
        *buffer.value_mut() = other.value().clone();
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn no_such_param(op: &str, pattern: &str, names: Vec<String>) -> ! {
    panic!("{op}: no parameter matches `{pattern}`; {}", pattern::show_nearest(pattern, &names))
}
