//! [`NonFinite`]: the first NaN or infinity of a step.

use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use crate::parameters::Parameters;
use crate::tape::{Graph, Tape, Var};

/// Where a NaN or an infinity first appears in a step.
///
/// The step is recorded as by a [`Probe`](super::Probe): as in training, but without random numbers. The
/// values are looked at in the order in which they are computed, and then the gradients, from the loss
/// down.
///
/// # Example
/// ```
/// use fanin_nn::diagnose::{NonFinite, Role};
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(2, 3)).add(Relu).add(Linear::new(3, 1));
/// let x = Tensor::from([[0.5, 1.0], [f32::NAN, 0.0]]);
/// let found = NonFinite::find(&model, |t| model.forward(t.input(&x)).mean()).unwrap();
/// assert_eq!((found.role, found.index), (Role::Input, vec![1, 0]));
/// ```
#[doc(alias = "detect_anomaly")]
#[derive(Clone, Debug, PartialEq)]
pub struct NonFinite {
    /// What it is.
    pub role: Role,
    /// The index of the first element that is not finite.
    pub index: Vec<usize>,
    /// That element: NaN or an infinity.
    pub value: f64,
}

/// What a [`NonFinite`] value is in its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// An input, a target or a buffer.
    Input,
    /// The parameter with this path.
    Parameter(String),
    /// The output of an operation.
    Output {
        /// The operation, such as `Linear`.
        operation: String,
        /// The path of its parameter, or of the one that was used last before it.
        near: Option<String>,
    },
    /// The gradient of the output of an operation.
    OutputGradient {
        /// The operation, such as `Linear`.
        operation: String,
        /// The path of its parameter, or of the one that was used last before it.
        near: Option<String>,
    },
    /// The gradient of the parameter with this path.
    Gradient(String),
}

impl NonFinite {
    /// Records what `f` computes, and differentiates it. `None` if all values and gradients are finite.
    pub fn find<T: Scalar>(
        model: &dyn Parameters<T>,
        f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>,
    ) -> Option<Self> {
        let mut tape = Tape::default();
        tape.begin_probing();
        let root = f(&tape).node();
        search(tape.graph(), model, root)
    }
}

once! {
    fn search<'a, T: Scalar>(
        graph: &'a mut Graph<T>,
        model: &'a dyn Parameters<T>,
        root: u32,
    ) -> Option<NonFinite> {
        let paths = paths(graph, model);
        for node in 0..=root {
            let Some((index, value)) = first(graph.value(node)) else { continue };
            let role = match &paths[node as usize] {
                Some(path) => Role::Parameter(path.clone()),
                None if graph.inputs(node).is_empty() => Role::Input,
                None => {
                    let (operation, near) = operation(graph, &paths, node);
                    Role::Output { operation, near }
                }
            };
            return Some(NonFinite { role, index, value });
        }
        // Names come before the backward pass, which releases the values of parameters.
        let names: Vec<_> = (0..=root).map(|node| operation(graph, &paths, node)).collect();
        graph.backward(root);
        for node in (0..=root).rev() {
            let Some((index, value)) = graph.grad(node).and_then(first) else { continue };
            let is_input = graph.inputs(node).is_empty();
            let role = match &paths[node as usize] {
                Some(path) => Role::Gradient(path.clone()),
                // Of no interest: nothing is trained by it, and nothing follows from it.
                None if is_input => continue,
                None => {
                    let (operation, near) = names[node as usize].clone();
                    Role::OutputGradient { operation, near }
                }
            };
            return Some(NonFinite { role, index, value });
        }
        None
    }
}

/// The path of the parameter at each node.
fn paths<T: Scalar>(graph: &Graph<T>, model: &dyn Parameters<T>) -> Vec<Option<String>> {
    let mut paths = vec![None; graph.len() as usize];
    let known = model.named_params();
    for (id, node) in graph.params() {
        let path = known.iter().find(|(_, param)| param.id() == id).map(|(path, _)| path.clone());
        paths[node as usize] = Some(path.unwrap_or_else(|| "of no field of the model".into()));
    }
    paths
}

/// The name of the operation at a node, and the parameter that it uses or that was used before it.
fn operation<T: Scalar>(
    graph: &Graph<T>,
    paths: &[Option<String>],
    node: u32,
) -> (String, Option<String>) {
    let name = graph.op(node).map_or("an operation".into(), |op| format!("{op:?}"));
    let name = name.split(" {").next().unwrap_or_default().to_owned();
    let own = graph.inputs(node).iter().find_map(|&input| paths[input as usize].clone());
    let near = own.or_else(|| paths[..node as usize].iter().rev().flatten().next().cloned());
    (name, near)
}

/// The first element that is not finite, and its index.
fn first<T: Scalar>(tensor: &Tensor<T>) -> Option<(Vec<usize>, f64)> {
    let at = tensor.as_slice().iter().position(|x| !x.is_finite())?;
    let mut rest = at;
    let mut index: Vec<usize> = tensor
        .shape()
        .iter()
        .rev()
        .map(|&len| {
            let i = rest % len;
            rest /= len;
            i
        })
        .collect();
    index.reverse();
    Some((index, tensor.as_slice()[at].to_f64()))
}

/// `the output of Linear (0.weight) is NaN at [3, 0]`
impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let near = |near: &Option<String>| match near {
            Some(path) => format!(" (at {path})"),
            None => String::new(),
        };
        match &self.role {
            Role::Input => f.write_str("an input or a target of the batch")?,
            Role::Parameter(path) => write!(f, "the parameter {path}")?,
            Role::Output { operation, near: at } => {
                write!(f, "the output of {operation}{}", near(at))?;
            }
            Role::OutputGradient { operation, near: at } => {
                write!(f, "the gradient at the output of {operation}{}", near(at))?;
            }
            Role::Gradient(path) => write!(f, "the gradient of {path}")?,
        }
        write!(f, " is {} at {:?}", self.value, self.index)
    }
}
