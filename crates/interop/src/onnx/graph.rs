//! [`Builder`]: nodes and constants, as an export adds them.

use fanin_tensor::Scalar;

use super::proto::{Attribute, Graph, Node, TensorOf, data_type};
use crate::element::to_bytes;

/// The graph so far. A value is known by its name.
pub(super) struct Builder {
    pub(super) graph: Graph,
    /// The element type of the network.
    elem_type: i32,
    double: bool,
    next: usize,
}

impl Builder {
    pub(super) fn new<T: Scalar>() -> Self {
        let elem_type = if T::IS_F32 { data_type::FLOAT } else { data_type::DOUBLE };
        Self { graph: Graph::default(), elem_type, double: !T::IS_F32, next: 0 }
    }

    pub(super) fn elem_type(&self) -> i32 {
        self.elem_type
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("value.{}", self.next)
    }

    /// The output of a new node.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        let output = self.fresh();
        self.graph.node.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            name: format!("{op}.{}", self.next),
            op_type: op.into(),
            attribute,
            domain: String::new(),
        });
        output
    }

    /// An operation without attributes.
    pub(super) fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.node(op, inputs, vec![])
    }

    /// Two halves of the last axis.
    pub(super) fn halves(&mut self, x: &str, half: usize) -> [String; 2] {
        let (a, b) = (self.fresh(), self.fresh());
        let sizes = self.ints(&[half as i64, half as i64]);
        self.graph.node.push(Node {
            input: vec![x.into(), sizes],
            output: vec![a.clone(), b.clone()],
            name: format!("Split.{}", self.next),
            op_type: "Split".into(),
            attribute: vec![Attribute::int("axis", -1)],
            domain: String::new(),
        });
        [a, b]
    }

    /// A constant of the network's element type, under this name.
    pub(super) fn named<T: Scalar>(&mut self, name: &str, shape: &[usize], values: &[T]) -> String {
        let raw_data = match (self.double, T::IS_F32) {
            (true, true) => to_bytes(&values.iter().map(|x| x.to_f64()).collect::<Vec<f64>>()),
            (false, false) => {
                to_bytes(&values.iter().map(|x| x.to_f64() as f32).collect::<Vec<f32>>())
            }
            _ => to_bytes(values),
        };
        self.graph.initializer.push(TensorOf {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: self.elem_type,
            name: name.into(),
            raw_data,
            ..TensorOf::default()
        });
        name.into()
    }

    /// A constant without a name of its own.
    pub(super) fn vector(&mut self, values: &[f64]) -> String {
        let name = self.fresh();
        self.named(&name, &[values.len()], values)
    }

    pub(super) fn number(&mut self, value: f64) -> String {
        let name = self.fresh();
        self.named(&name, &[], &[value])
    }

    /// A constant of 64-bit integers.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let name = self.fresh();
        self.graph.initializer.push(TensorOf {
            dims: vec![values.len() as i64],
            data_type: data_type::INT64,
            name: name.clone(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..TensorOf::default()
        });
        name
    }

    /// A constant in f64, whatever the network's type.
    pub(super) fn double(&mut self, value: f64) -> String {
        let name = self.fresh();
        self.graph.initializer.push(TensorOf {
            data_type: data_type::DOUBLE,
            name: name.clone(),
            raw_data: value.to_le_bytes().to_vec(),
            ..TensorOf::default()
        });
        name
    }

    /// x splits to this sample shape; the batch stays.
    pub(super) fn reshape(&mut self, x: &str, sample: &[usize]) -> String {
        let sizes = std::iter::once(0).chain(sample.iter().map(|&size| size as i64));
        let shape = self.ints(&sizes.collect::<Vec<_>>());
        self.op("Reshape", &[x, &shape])
    }
}
