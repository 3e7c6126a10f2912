//! A layer of saturating units that divide the input space among them.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require, weight_or_bias};
use crate::random::draw;
use crate::scheme::fields;
use crate::{Initializer, ParamKind, ParamSpec};

/// Weights of random direction, and of the length at which H units cover the input space once.
///
/// For inputs in `±bound`, with n = `fan_in` and H = `fan_out`, every unit's weights are a vector
/// of length `s = 0.7·H^(1/n)/bound`, its elements drawn from U(−1, 1) before it is scaled; the
/// biases are U(±0.7·H^(1/n)). The same initializer serves both: it looks at the
/// [kind](ParamSpec::kind) of the parameter. Each tanh unit is then nearly linear on a slice of the
/// input space that is about `2/s` wide, and the slices cover the whole range. A weight has mean 0
/// and variance `s²/n`; the default bound is 1.
///
/// Inputs around another centre must be shifted first. Otherwise each bias would depend on its
/// unit's weights, but an initializer sees one parameter at a time.
///
/// # Shapes
/// W (H, n); b (H).
///
/// # Panics
/// `fill` panics when the weight is not a matrix of (`fan_out`, `fan_in`), or `fan_in` is 0.
///
/// # Example
/// ```
/// use fanin_init::{Initializer, NguyenWidrow, ParamSpec, TorchRng};
///
/// // A function of one number in ±3, by 20 units.
/// let initializer = NguyenWidrow::new(3.0);
/// let mut rng = TorchRng::seed(0);
/// let w = initializer.draw(&ParamSpec::weight(1, 20), &[20, 1], &mut rng);
/// assert!(w.iter().all(|w| (w.abs() - 0.7 * 20.0 / 3.0).abs() < 1e-5));
/// let b = initializer.draw(&ParamSpec::bias(1, 20), &[20], &mut rng);
/// assert!(b.iter().all(|b| b.abs() <= 0.7 * 20.0));
/// ```
///
/// # Reference
/// Nguyen & Widrow 1990, "Improving the learning speed of 2-layer neural networks by choosing
/// initial values of the adaptive weights", IJCNN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct NguyenWidrow {
    bound: f64,
}

impl NguyenWidrow {
    /// For inputs from `−bound` to `bound`.
    ///
    /// # Panics
    /// When `bound` is not from 1e-20 to 1e20.
    #[track_caller]
    pub fn new(bound: f64) -> Self {
        or_panic(NguyenWidrow { bound }.checked())
    }

    /// The greatest input.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    fn checked(self) -> Result<Self, String> {
        let NguyenWidrow { bound } = self;
        // Within these limits no weight overflows or underflows f32.
        if (1e-20..=1e20).contains(&bound) {
            Ok(self)
        } else {
            Err(format!(
                "NguyenWidrow: the bound {bound:?} of the inputs must be from 1e-20 to 1e20"
            ))
        }
    }
}

impl Default for NguyenWidrow {
    fn default() -> Self {
        NguyenWidrow { bound: 1.0 }
    }
}

fields!(NguyenWidrow { bound } checked);

impl Initializer for NguyenWidrow {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let reach = 0.7 * (param.fan_out as f64).powf(1.0 / param.fan_in as f64);
        draw::in_order(values, &mut |values| match param.kind {
            ParamKind::Bias => draw::uniform(rng, values, -reach, reach),
            _ => {
                let length = reach / self.bound;
                values.chunks_mut(param.fan_in).for_each(|unit| direction(rng, unit, length));
            }
        });
    }

    fn check(&self, param: &ParamSpec, shape: &[usize]) -> Result<(), String> {
        let ParamSpec { fan_in, fan_out, kind, name, .. } = param;
        weight_or_bias("NguyenWidrow", param)?;
        if *kind == ParamKind::Weight && *shape != [*fan_out, *fan_in] {
            return Err(format!(
                "NguyenWidrow: `{name}` of shape {shape:?} must be (fan_out, fan_in) = \
                 ({fan_out}, {fan_in})"
            ));
        }
        if *fan_in == 0 && !shape.contains(&0) {
            return Err(format!(
                "NguyenWidrow: fan_in of `{name}` is 0, and the initializer divides by it"
            ));
        }
        Ok(())
    }
}

/// A vector of this length whose elements were uniform before it was scaled.
fn direction(rng: &mut dyn RngCore, unit: &mut [f32], length: f64) {
    loop {
        draw::uniform(rng, unit, -1.0, 1.0);
        let norm = unit.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        // A single input's weight is exactly 0 once in 2²⁴ draws.
        if norm > 0.0 {
            return unit.iter_mut().for_each(|x| *x = (f64::from(*x) * length / norm) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;

    #[test]
    fn every_unit_has_the_papers_length() {
        for (n, h, bound) in [(1, 20, 1.0), (2, 50, 0.5), (7, 4, 2.0), (300, 200, 1.0)] {
            let initializer = NguyenWidrow::new(bound);
            let spec = ParamSpec::weight(n, h);
            let w = initializer.draw(&spec, &[h, n], &mut TorchRng::seed(2));
            let want = 0.7 * (h as f32).powf(1.0 / n as f32) / bound as f32;
            for unit in w.outer_iter() {
                let length = unit.iter().map(|x| x * x).sum::<f32>().sqrt();
                assert!((length / want - 1.0).abs() < 1e-5, "{n} → {h}: {length}, not {want}");
            }
        }
    }

    #[test]
    fn a_direction_of_zero_is_drawn_again() {
        // The middle of the range, then something else.
        struct Words(Vec<u32>);
        impl RngCore for Words {
            fn next_u32(&mut self) -> u32 {
                self.0.pop().unwrap()
            }
            fn next_u64(&mut self) -> u64 {
                unreachable!("uniform numbers take bytes")
            }
            fn fill_bytes(&mut self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.next_u32().to_le_bytes());
            }
        }
        let mut unit = [0.0];
        direction(&mut Words(vec![7, 1 << 23]), &mut unit, 2.0);
        assert_eq!(unit, [-2.0]);
    }

    #[test]
    #[should_panic(expected = "`weight` of shape [3, 5] must be (fan_out, fan_in) = (5, 3)")]
    fn a_transposed_weight_is_refused() {
        NguyenWidrow::default().draw(&ParamSpec::weight(3, 5), &[3, 5], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "NguyenWidrow: `scale` is neither a weight nor a bias")]
    fn a_scale_is_refused() {
        NguyenWidrow::default().draw(&ParamSpec::scale(), &[1], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "NguyenWidrow: `weight` is neither a weight nor a bias")]
    fn an_embedding_is_refused() {
        let spec = ParamSpec::embedding(1);
        NguyenWidrow::default().draw(&spec, &[1, 1], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "NguyenWidrow: fan_in of `bias` is 0")]
    fn no_inputs_are_refused() {
        NguyenWidrow::default().draw(&ParamSpec::bias(0, 5), &[5], &mut TorchRng::seed(0));
    }

    #[test]
    #[should_panic(expected = "NguyenWidrow: the bound -1.0 of the inputs must be")]
    fn a_negative_bound_is_refused() {
        NguyenWidrow::new(-1.0);
    }

    #[test]
    fn serde_refuses_what_the_code_refuses() {
        let initializer = NguyenWidrow::new(2.5);
        let text = serde_json::to_string(&initializer).unwrap();
        assert_eq!(serde_json::from_str::<NguyenWidrow>(&text).unwrap(), initializer);
        let error = serde_json::from_str::<NguyenWidrow>(r#"{"bound":0}"#).unwrap_err();
        assert!(error.to_string().contains("the bound 0.0 of the inputs must be"), "{error}");
    }
}
