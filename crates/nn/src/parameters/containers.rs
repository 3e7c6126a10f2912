//! Parameters in options, vectors, arrays and boxes.

use std::marker::PhantomData;

use fanin_tensor::Scalar;

use super::{ParamPath, Parameters, Visitor, VisitorMut};
use crate::buffer::Buffer;
use crate::param::Param;

impl<T: Scalar> Parameters<T> for Param<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        visitor.param(path, self);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        visitor.param(path, self);
    }
}

impl<T: Scalar> Parameters<T> for Buffer<T> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        visitor.buffer(path, self);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        visitor.buffer(path, self);
    }
}

impl<T: Scalar> Parameters<T> for () {}
impl<T: Scalar, M: ?Sized> Parameters<T> for PhantomData<M> {}

impl<T: Scalar, P: Parameters<T>> Parameters<T> for Option<P> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        self.iter().for_each(|p| p.visit(path, visitor));
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        self.iter_mut().for_each(|p| p.visit_mut(path, visitor));
    }
}

/// Each under its index.
impl<T: Scalar, P: Parameters<T>> Parameters<T> for [P] {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        self.iter().enumerate().for_each(|(i, p)| p.visit(&path.index(i), visitor));
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        self.iter_mut().enumerate().for_each(|(i, p)| p.visit_mut(&path.index(i), visitor));
    }
}

impl<T: Scalar, P: Parameters<T>> Parameters<T> for Vec<P> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        (**self).visit(path, visitor);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        (**self).visit_mut(path, visitor);
    }
}

impl<T: Scalar, P: Parameters<T>, const N: usize> Parameters<T> for [P; N] {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        self[..].visit(path, visitor);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        self[..].visit_mut(path, visitor);
    }
}

impl<T: Scalar, P: Parameters<T> + ?Sized> Parameters<T> for Box<P> {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m, T>) {
        (**self).visit(path, visitor);
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m, T>) {
        (**self).visit_mut(path, visitor);
    }
    fn architecture(&self) -> Option<String> {
        (**self).architecture()
    }
}
