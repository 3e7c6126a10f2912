//! What a debug build looks at in the first step of an optimizer.

use fanin_init::ParamKind;
use fanin_tensor::{Scalar, reduce};

use crate::note::Note;
use crate::param::Param;
use crate::parameters::Parameters;

/// A weight before the first step.
pub(super) struct Weight {
    id: u64,
    path: String,
    norm: f64,
    /// Its value, if all of its elements have the same.
    constant: Option<f64>,
}

/// Whether a parameter is a matrix of weights.
fn is_weight<T: Scalar>(param: &Param<T>) -> bool {
    param.value().shape().len() > 1 && param.spec().kind == ParamKind::Weight
}

fn norm<T: Scalar>(param: &Param<T>) -> f64 {
    reduce::norm(param.value().as_slice()).to_f64()
}

/// The weights of a model.
pub(super) fn weights<T: Scalar>(model: &dyn Parameters<T>) -> Vec<Weight> {
    let mut weights = vec![];
    model.visit_params(&mut |path, param| {
        if is_weight(param) {
            let values = param.value().as_slice();
            let constant = values.iter().all(|w| *w == values[0]).then(|| values[0].to_f64());
            weights.push(Weight {
                id: param.id(),
                path: path.to_string(),
                norm: norm(param),
                constant,
            });
        }
    });
    weights
}

/// Notes that no weight of the model, frozen ones among them, tells units apart. One layer of zeros learns, and so does a branch that begins at 0.
pub(super) fn constant(before: &[Weight]) -> Option<Note> {
    let all = before.len() > 1 && before.iter().all(|weight| weight.constant.is_some());
    let first = before.first().filter(|_| all)?;
    Some(Note::ConstantWeights { path: first.path.clone(), value: first.constant? })
}

/// Notes a learning rate that makes a weight several times as large, and large for its layer.
pub(super) fn too_large<T: Scalar>(
    before: &[Weight],
    model: &dyn Parameters<T>,
    lr: f64,
) -> Option<Note> {
    /// A usual step changes weights by a thousandth.
    const FACTOR: f64 = 3.0;
    let (mut found, mut before) = (None, before.iter().peekable());
    model.visit_params(&mut |_, param| {
        let Some(weight) = before.next_if(|weight| weight.id == param.id()) else { return };
        // Small ones may grow much by chance.
        if param.value().len() < 16 {
            return;
        }
        let after = norm(param);
        let outputs = param.value().shape()[0].max(1) as f64;
        // √(rows) is the norm of weights that keep the size of a signal.
        if weight.norm > 0.0 && after > FACTOR * weight.norm && after > outputs.sqrt() {
            let (path, factor) = (weight.path.clone(), after / weight.norm);
            found.get_or_insert(Note::LargeStep { path, factor, lr });
        }
    });
    found
}
