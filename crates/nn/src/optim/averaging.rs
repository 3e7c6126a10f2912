//! [`Ema`] and [`Swa`]: running averages of a model's weights.

use std::collections::HashMap;

use fanin_tensor::map::update;
use fanin_tensor::{Scalar, Tensor, show_shape, subnormal};
use serde::{Deserialize, Serialize};

use super::rule::mean;
use super::{StateError, require};
use crate::buffer::Buffer;
use crate::param::Param;
use crate::parameters::{ParamPath, Parameters, Visitor, VisitorMut};

/// The exponential moving average of weights, as PyTorch's `AveragedModel` with `get_ema_avg_fn` has it:
///
/// ```text
/// a ← p                              in the first update
/// a ← decay · a + (1 − decay) · p    in the others
/// ```
///
/// Call [`update`](Averaging::update) after each step of the optimizer, [`swap`](Averaging::swap) before
/// and after a validation, and [`apply_to`](Averaging::apply_to) at the end.
///
/// # Example
/// ```
/// use fanin_nn::optim::{Ema, Optimizer, Sgd};
/// use fanin_nn::{Linear, Module, Tape, Tensor};
///
/// let (mut model, x) = (Linear::new(3, 1), Tensor::ones([4, 3]));
/// let (mut sgd, mut tape, mut ema) = (Sgd::new(0.1), Tape::new(), Ema::new(0.9));
/// for _ in 0..100 {
///     let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
///     sgd.step(&mut model, grads);
///     ema.update(&model);
/// }
/// let trained = model.clone();
/// ema.swap(&mut model); // the model has the averages ...
/// assert!(model.predict(&x).as_slice()[0].abs() < 1e-2);
/// ema.swap(&mut model); // ... and its own weights again
/// assert_eq!(model.weight(), trained.weight());
/// ```
///
/// # Reference
/// Polyak and Juditsky 1992; Tarvainen and Valpola 2017, eq. 2.
#[doc(alias("AveragedModel", "get_ema_avg_fn", "ExponentialMovingAverage"))]
pub type Ema<T = f32> = Averaging<false, T>;

/// The mean of weights over updates, as PyTorch's `AveragedModel` has it: stochastic weight averaging.
///
/// ```text
/// a ← a + (p − a) / n                in update n, from 1
/// ```
///
/// Call [`update`](Averaging::update) once an epoch, from the epoch on at which training has settled, with
/// a constant or cyclic learning rate.
///
/// # Example
/// ```
/// use fanin_nn::optim::Swa;
/// use fanin_nn::{Linear, Parameters, Tensor};
///
/// let (mut model, mut swa) = (Linear::new(3, 1), Swa::new());
/// for value in [1.0, 2.0, 6.0] {
///     *model.param_mut("bias").value_mut() = Tensor::full(1, value);
///     swa.update(&model);
/// }
/// swa.apply_to(&mut model);
/// assert_eq!(model.param("bias").value().as_slice(), [3.0]);
/// ```
///
/// # Reference
/// Izmailov et al. 2018, algorithm 1.
#[doc(alias("AveragedModel", "SWALR"))]
pub type Swa<T = f32> = Averaging<true, T>;

/// A running average of a model's weights: [`Ema`], or [`Swa`] if all updates count equally.
///
/// Buffers are copied, unless [`average_buffers`](Self::average_buffers) says otherwise. Averages belong
/// to the paths of the model. A steady update allocates nothing.
#[derive(Clone, Debug)]
pub struct Averaging<const EQUAL: bool, T: Scalar = f32> {
    decay: f64,
    average_buffers: bool,
    updates: u64,
    params: Vec<Entry<T>>,
    buffers: Vec<Entry<T>>,
}

/// The average of a parameter or a buffer.
#[derive(Clone, Debug)]
struct Entry<T: Scalar> {
    path: String,
    /// The identity of the parameter or buffer that was seen last.
    id: u64,
    value: Tensor<T>,
}

/// What an [`Averaging`] remembers, by the paths of parameters and buffers. With serde it goes into any
/// file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct AverageState<T: Scalar = f32> {
    /// How many updates there were.
    pub updates: u64,
    /// The averages of the parameters.
    pub params: Vec<(String, Tensor<T>)>,
    /// The averages of the buffers, or their copies.
    pub buffers: Vec<(String, Tensor<T>)>,
}

impl<T: Scalar> Ema<T> {
    /// With this decay: 0.999 looks back over some 1,000 updates.
    ///
    /// # Panics
    /// **Panics** unless the decay is in \[0, 1).
    #[must_use]
    #[track_caller]
    pub fn new(decay: f64) -> Self {
        require("Ema", "decay", decay, 0.0, 1.0);
        Self::with_decay(decay)
    }
}

impl<T: Scalar> Swa<T> {
    /// An average of no updates yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_decay(0.0)
    }
}

impl<T: Scalar> Default for Swa<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const EQUAL: bool, T: Scalar> Averaging<EQUAL, T> {
    const NAME: &'static str = if EQUAL { "Swa" } else { "Ema" };

    fn with_decay(decay: f64) -> Self {
        Self { decay, average_buffers: false, updates: 0, params: vec![], buffers: vec![] }
    }

    /// Averages buffers such as running means too, in place of copying them.
    #[doc(alias = "use_buffers")]
    #[must_use]
    pub fn average_buffers(mut self) -> Self {
        self.average_buffers = true;
        self
    }

    /// How many updates there were.
    #[doc(alias = "n_averaged")]
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Takes the model's weights into the average. The first update copies them.
    ///
    /// # Panics
    /// **Panics** if the model has other paths or shapes than in the updates before.
    #[doc(alias = "update_parameters")]
    #[track_caller]
    pub fn update(&mut self, model: &dyn Parameters<T>) {
        let number = self.updates + 1;
        let old = match (number, EQUAL) {
            (1, _) => 0.0,
            (_, true) => (number - 1) as f64 / number as f64,
            (_, false) => self.decay,
        };
        let fresh = match (number, EQUAL) {
            (1, _) => 1.0,
            (_, true) => 1.0 / number as f64,
            (_, false) => 1.0 - self.decay,
        };
        let of_buffers = if self.average_buffers { [old, fresh] } else { [0.0, 1.0] };
        let entries = [&mut self.params, &mut self.buffers];
        average(Self::NAME, entries, [[old, fresh], of_buffers], model);
        self.updates = number;
    }

    /// Puts the averages in place of the model's weights and buffers.
    ///
    /// # Panics
    /// **Panics** if there was no update, or the model has other paths or shapes than in the updates.
    #[track_caller]
    pub fn apply_to(&self, model: &mut dyn Parameters<T>) {
        assert!(self.updates > 0, "apply_to: {} has seen no weights; update it first", Self::NAME);
        let (mut params, mut buffers) = (self.params.clone(), self.buffers.clone());
        exchange("apply_to", [&mut params, &mut buffers], model);
    }

    /// Exchanges the averages and the model's weights and buffers: once before a validation, and once
    /// more after it.
    ///
    /// # Panics
    /// **Panics** if there was no update, or the model has other paths or shapes than in the updates.
    #[track_caller]
    pub fn swap(&mut self, model: &mut dyn Parameters<T>) {
        assert!(self.updates > 0, "swap: {} has seen no weights; update it first", Self::NAME);
        exchange("swap", [&mut self.params, &mut self.buffers], model);
    }

    /// What it remembers, for a file.
    pub fn state(&self) -> AverageState<T> {
        let values = |entries: &[Entry<T>]| {
            entries.iter().map(|entry| (entry.path.clone(), entry.value.clone())).collect()
        };
        let (params, buffers) = (values(&self.params), values(&self.buffers));
        AverageState { updates: self.updates, params, buffers }
    }

    /// Goes on from a state, to the bit.
    ///
    /// # Errors
    /// If the state does not fit the model. Nothing has changed then.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::optim::{AverageState, Ema};
    /// use fanin_nn::Linear;
    ///
    /// let (model, mut ema) = (Linear::new(3, 1), Ema::new(0.9));
    /// ema.update(&model);
    /// let saved = serde_json::to_string(&ema.state())?;
    ///
    /// let state: AverageState = serde_json::from_str(&saved)?;
    /// let mut resumed = Ema::new(0.9);
    /// resumed.load_state(&model, state)?;
    /// assert_eq!(resumed.updates(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_state(
        &mut self,
        model: &dyn Parameters<T>,
        state: AverageState<T>,
    ) -> Result<(), StateError> {
        let (params, buffers) = entries_of(Self::NAME, &state, model)?;
        (self.updates, self.params, self.buffers) = (state.updates, params, buffers);
        Ok(())
    }
}

/// Averages and the weights of both kinds, old and fresh.
struct Update<'e, T: Scalar> {
    entries: [&'e mut Vec<Entry<T>>; 2],
    weights: [[T; 2]; 2],
    at: [usize; 2],
}

impl<T: Scalar> Update<'_, T> {
    fn take(&mut self, kind: usize, value: &Tensor<T>) {
        let entry = &mut self.entries[kind][self.at[kind]];
        self.at[kind] += 1;
        let ([old, fresh], tiny) = (self.weights[kind], subnormal::limit::<T>());
        let average = entry.value.as_mut_slice();
        if fresh == T::ONE {
            average.copy_from_slice(value.as_slice());
        } else {
            // A weight that has become 0 leaves an average that decays.
            update([average], [value.as_slice()], move |[a], [p]| {
                [mean(a, p, old, fresh).zero_below(tiny)]
            });
        }
    }
}

impl<'m, T: Scalar> Visitor<'m, T> for Update<'_, T> {
    fn param(&mut self, _: &ParamPath<'_>, param: &'m Param<T>) {
        self.take(0, param.value());
    }

    fn buffer(&mut self, _: &ParamPath<'_>, buffer: &'m Buffer<T>) {
        self.take(1, buffer.value());
    }
}

/// Whether the parameters and buffers are those of the entries, in their order.
struct Same<'e, T: Scalar> {
    entries: [&'e [Entry<T>]; 2],
    at: [usize; 2],
    same: bool,
}

impl<T: Scalar> Same<'_, T> {
    fn look(&mut self, kind: usize, id: u64, value: &Tensor<T>) {
        let entry = self.entries[kind].get(self.at[kind]);
        self.at[kind] += 1;
        self.same &= entry.is_some_and(|e| e.id == id && e.value.shape() == value.shape());
    }
}

impl<'m, T: Scalar> Visitor<'m, T> for Same<'_, T> {
    fn param(&mut self, _: &ParamPath<'_>, param: &'m Param<T>) {
        self.look(0, param.id(), param.value());
    }

    fn buffer(&mut self, _: &ParamPath<'_>, buffer: &'m Buffer<T>) {
        self.look(1, buffer.id(), buffer.value());
    }
}

/// Exchanges values. The order may be another one than that of `visit`, so it goes by path.
struct Exchange<'e, T: Scalar> {
    entries: [HashMap<&'e str, &'e mut Tensor<T>>; 2],
}

impl<T: Scalar> Exchange<'_, T> {
    fn swap(&mut self, kind: usize, path: &ParamPath<'_>, value: &mut Tensor<T>) {
        if let Some(entry) = self.entries[kind].get_mut(&*path.to_string()) {
            std::mem::swap(*entry, value);
        }
    }
}

impl<'m, T: Scalar> VisitorMut<'m, T> for Exchange<'_, T> {
    fn param(&mut self, path: &ParamPath<'_>, param: &'m mut Param<T>) {
        self.swap(0, path, param.value_mut());
    }

    fn buffer(&mut self, path: &ParamPath<'_>, buffer: &'m mut Buffer<T>) {
        self.swap(1, path, buffer.value_mut());
    }
}

/// The parameters and buffers of a model as entries.
fn listed<T: Scalar>(model: &dyn Parameters<T>) -> [Vec<Entry<T>>; 2] {
    let params = model.named_params().into_iter();
    let params =
        params.map(|(path, p)| Entry { path, id: p.id(), value: p.value().clone() }).collect();
    let buffers = model.named_buffers().into_iter();
    let buffers =
        buffers.map(|(path, b)| Entry { path, id: b.id(), value: b.value().clone() }).collect();
    [params, buffers]
}

/// What differs between averages and a model, in words.
fn difference<T: Scalar>(
    averages: &[(&str, &Tensor<T>)],
    model: &[Entry<T>],
    what: &str,
) -> Option<String> {
    for (at, entry) in model.iter().enumerate() {
        let is = show_shape(entry.value.shape());
        let Some((path, average)) = averages.get(at) else {
            return Some(format!("the model has a {what} {} and the average has not", entry.path));
        };
        if *path != entry.path {
            return Some(format!("the model has a {what} {} and the average {path}", entry.path));
        }
        if average.shape() != entry.value.shape() {
            let was = show_shape(average.shape());
            return Some(format!("{path} is {is} in the model and {was} in the average"));
        }
    }
    let more = averages.get(model.len())?;
    Some(format!("the average has a {what} {} and the model has not", more.0))
}

fn pairs<T: Scalar>(entries: &[Entry<T>]) -> Vec<(&str, &Tensor<T>)> {
    entries.iter().map(|entry| (&*entry.path, &entry.value)).collect()
}

once! {
    #[track_caller]
    fn average<'a, T: Scalar>(
        name: &'static str,
        entries: [&'a mut Vec<Entry<T>>; 2],
        weights: [[f64; 2]; 2],
        model: &'a dyn Parameters<T>,
    ) {
        let [params, buffers] = entries;
        let mut same = Same { entries: [&*params, &*buffers], at: [0; 2], same: true };
        model.visit(&ParamPath::ROOT, &mut same);
        if !same.same || same.at != [params.len(), buffers.len()] {
            let [of_params, of_buffers] = listed(model);
            if weights[0][1] < 1.0 {
                let kinds = [(&*params, &of_params, "parameter"), (&*buffers, &of_buffers, "buffer")];
                for (averages, model, what) in kinds {
                    if let Some(why) = difference(&pairs(averages), model, what) {
                        panic!("update: {why}; an {name} serves one model");
                    }
                }
                // A clone, or a model built anew: the paths are the same.
                for (entries, of_model) in [(&mut *params, of_params), (&mut *buffers, of_buffers)] {
                    for (entry, of_model) in entries.iter_mut().zip(of_model) {
                        entry.id = of_model.id;
                    }
                }
            } else {
                (*params, *buffers) = (of_params, of_buffers);
            }
        }
        let weights = weights.map(|of_kind| of_kind.map(T::from_f64));
        let mut update = Update { entries: [params, buffers], weights, at: [0; 2] };
        model.visit(&ParamPath::ROOT, &mut update);
    }

    #[track_caller]
    fn exchange<'a, T: Scalar>(
        what: &'static str,
        entries: [&'a mut Vec<Entry<T>>; 2],
        model: &'a mut dyn Parameters<T>,
    ) {
        let of_model = listed(&*model);
        for (kind, name) in ["parameter", "buffer"].into_iter().enumerate() {
            if let Some(why) = difference(&pairs(entries[kind]), &of_model[kind], name) {
                panic!("{what}: {why}; an average serves one model");
            }
        }
        drop(of_model);
        let entries = entries.map(|entries| {
            entries.iter_mut().map(|entry| (&*entry.path, &mut entry.value)).collect()
        });
        model.visit_mut(&ParamPath::ROOT, &mut Exchange { entries });
    }

    #[allow(clippy::type_complexity)]
    fn entries_of<'a, T: Scalar>(
        name: &'static str,
        state: &'a AverageState<T>,
        model: &'a dyn Parameters<T>,
    ) -> Result<(Vec<Entry<T>>, Vec<Entry<T>>), StateError> {
        let [mut params, mut buffers] = listed(model);
        let refuse = |why: String| Err(StateError::new(name, why));
        if state.updates == 0 && state.params.is_empty() && state.buffers.is_empty() {
            return Ok((vec![], vec![]));
        }
        if state.updates == 0 {
            return refuse("it has averages of 0 updates".into());
        }
        let kinds = [
            (&state.params, &mut params, "parameter"),
            (&state.buffers, &mut buffers, "buffer"),
        ];
        for (averages, entries, what) in kinds {
            let named: Vec<_> = averages.iter().map(|(path, value)| (&**path, value)).collect();
            if let Some(why) = difference(&named, entries, what) {
                return refuse(why);
            }
            for (entry, (_, average)) in entries.iter_mut().zip(averages) {
                entry.value = average.clone();
            }
        }
        Ok((params, buffers))
    }
}
