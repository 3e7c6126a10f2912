//! A layer of saturating units that divide the input space among them.

use ndarray::ArrayViewMutD;
use rand::RngCore;
use serde::{Deserialize, Serialize};

use crate::initializer::{or_panic, require, weight_or_bias};
use crate::random::draw;
use crate::scheme::{fields, words};
use crate::{Initializer, ParamKind, ParamSpec};

/// Whose rule [`NguyenWidrow`] follows, and for which activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NguyenWidrowForm {
    /// The paper's: biases are drawn.
    #[default]
    Paper,
    /// MATLAB's `initnw` for `tansig`, which is tanh: twice the weights, biases evenly spaced.
    Tansig,
    /// MATLAB's `initnw` for `logsig`, which is the sigmoid: four times the weights, biases evenly
    /// spaced.
    Logsig,
}

words!(NguyenWidrowForm { Paper: "paper", Tansig: "tansig" "tanh", Logsig: "logsig" "sigmoid" });

impl NguyenWidrowForm {
    /// Half of the range of sums within which the activation is not saturated.
    fn active(self) -> f64 {
        match self {
            NguyenWidrowForm::Paper => 1.0,
            NguyenWidrowForm::Tansig => 2.0,
            NguyenWidrowForm::Logsig => 4.0,
        }
    }
}

/// Weights of random direction, and of the length at which H units cover the input space once.
///
/// For inputs in `±bound`, with n = `fan_in` and H = `fan_out`, every unit's weights are a vector
/// of length `s = 0.7·H^(1/n)/bound`, its elements drawn from U(−1, 1) before it is scaled; the
/// biases are U(±0.7·H^(1/n)). The same initializer serves both: it looks at the
/// [kind](ParamSpec::kind) of the parameter. Each tanh unit is then nearly linear on a slice of the
/// input space that is about `2/s` wide, and the slices cover the whole range. A weight has mean 0
/// and variance `s²/n`; the default bound is 1.
///
/// MATLAB's `initnw` differs from the paper: [`form`](Self::form) chooses.
///
/// | form | length of a unit's weights | bias of unit i |
/// |---|---|---|
/// | [`Paper`](NguyenWidrowForm::Paper) | `s` | U(±0.7·H^(1/n)) |
/// | [`Tansig`](NguyenWidrowForm::Tansig), [`Logsig`](NguyenWidrowForm::Logsig) | `a·s` | `±a·0.7·H^(1/n)·(2i/(H − 1) − 1)`, and 0 for a single unit |
///
/// `a` is half of the activation's active range: 2 for tansig, 4 for logsig. MATLAB gives the bias
/// the sign of the unit's first weight, so that the slices are evenly spaced. Here that weight and
/// the sign are both positive for even i, negative for odd i, because weight and bias are drawn
/// apart. The slices are the same; a unit of odd symmetry is only negated.
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
/// initial values of the adaptive weights", IJCNN. The forms are those of `initnw` in MATLAB's
/// Neural Network Toolbox (revision 1.8), which takes the active ranges from `tansig` and `logsig`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct NguyenWidrow {
    bound: f64,
    #[serde(default)]
    form: NguyenWidrowForm,
}

impl NguyenWidrow {
    /// For inputs from `−bound` to `bound`.
    ///
    /// # Panics
    /// When `bound` is not from 1e-20 to 1e20.
    #[track_caller]
    pub fn new(bound: f64) -> Self {
        or_panic(NguyenWidrow { bound, form: NguyenWidrowForm::Paper }.checked())
    }

    /// The same range of inputs by another rule.
    ///
    /// # Example
    /// ```
    /// use fanin_init::{Initializer, NguyenWidrow, NguyenWidrowForm, ParamSpec, TorchRng};
    ///
    /// let initializer = NguyenWidrow::new(1.0).form(NguyenWidrowForm::Tansig);
    /// let b = initializer.draw(&ParamSpec::bias(1, 3), &[3], &mut TorchRng::seed(0));
    /// assert_eq!(b.as_slice().unwrap(), [-4.2, 0.0, 4.2]); // 2 · 0.7 · 3
    /// ```
    #[must_use]
    pub fn form(self, form: NguyenWidrowForm) -> Self {
        NguyenWidrow { form, ..self }
    }

    /// The greatest input.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    fn checked(self) -> Result<Self, String> {
        let NguyenWidrow { bound, .. } = self;
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
        NguyenWidrow { bound: 1.0, form: NguyenWidrowForm::Paper }
    }
}

fields!(NguyenWidrow { bound, form } checked);

impl Initializer for NguyenWidrow {
    fn fill(&self, param: &ParamSpec, rng: &mut dyn RngCore, values: ArrayViewMutD<'_, f32>) {
        require(self, param, values.shape());
        if values.is_empty() {
            return;
        }
        let active = self.form.active();
        let reach = active * 0.7 * (param.fan_out as f64).powf(1.0 / param.fan_in as f64);
        let is_drawn = self.form == NguyenWidrowForm::Paper;
        draw::in_order(values, &mut |values| match param.kind {
            ParamKind::Bias if is_drawn => draw::uniform(rng, values, -reach, reach),
            ParamKind::Bias => evenly_spaced(values, reach),
            _ => {
                let length = reach / self.bound;
                for (i, unit) in values.chunks_mut(param.fan_in).enumerate() {
                    direction(rng, unit, length);
                    if !is_drawn && (unit[0] < 0.0) != is_negative(i) {
                        unit.iter_mut().for_each(|w| *w = -*w);
                    }
                }
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

/// Whether the first weight of unit i is negative, and its bias comes with the opposite sign.
fn is_negative(i: usize) -> bool {
    i % 2 == 1
}

/// Biases from −reach to reach, with the signs of the units.
fn evenly_spaced(values: &mut [f32], reach: f64) {
    let last = values.len() as f64 - 1.0;
    for (i, value) in values.iter_mut().enumerate() {
        let at = if last > 0.0 { 2.0 * i as f64 / last - 1.0 } else { 0.0 };
        let sign = if is_negative(i) { -1.0 } else { 1.0 };
        *value = (sign * reach * at) as f32 + 0.0; // no −0
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
    fn matlab_spaces_the_slices_evenly() {
        // initnw of 6 tansig units on one input in ±3: unit i is 0 at the i-th of 6 even points.
        for (form, active) in [(NguyenWidrowForm::Tansig, 2.0), (NguyenWidrowForm::Logsig, 4.0)] {
            let initializer = NguyenWidrow::new(3.0).form(form);
            let mut rng = TorchRng::seed(3);
            let w = initializer.draw(&ParamSpec::weight(1, 6), &[6, 1], &mut rng);
            let b = initializer.draw(&ParamSpec::bias(1, 6), &[6], &mut rng);
            for i in 0..6 {
                let (w, b) = (w[[i, 0]], b[i]);
                assert!((w.abs() / (active * 0.7 * 6.0 / 3.0) - 1.0).abs() < 1e-6, "{w}");
                let centre = 3.0 * (1.0 - 2.0 * i as f32 / 5.0);
                assert!((-b / w - centre).abs() < 1e-5, "unit {i}: {}, not {centre}", -b / w);
            }
            // Of several inputs too: the sign of the bias is that of the first weight.
            let w = initializer.draw(&ParamSpec::weight(4, 7), &[7, 4], &mut rng);
            let b = initializer.draw(&ParamSpec::bias(4, 7), &[7], &mut rng);
            let reach = active * 0.7 * 7f32.powf(0.25);
            for i in 0..7 {
                let at = reach * (2.0 * i as f32 / 6.0 - 1.0) * w[[i, 0]].signum();
                assert!((b[i] - at).abs() < 1e-5, "unit {i}: {}, not {at}", b[i]);
            }
            let one = initializer.draw(&ParamSpec::bias(4, 1), &[1], &mut rng);
            assert_eq!(one[0].to_bits(), 0, "a single unit has bias 0");
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
