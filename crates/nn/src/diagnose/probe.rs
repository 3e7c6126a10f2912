//! [`Probe`]: inputs, outputs and gradients of each linear layer of a network.

use std::collections::{HashMap, HashSet};
use std::fmt;

use fanin_init::rand::Rng;
use fanin_init::rand_distr::StandardNormal;
use fanin_init::{ParamSpec, TorchRng};
use fanin_tensor::{Scalar, Tensor};

use crate::losses::Loss;
use crate::module::Module;
use crate::note::{LARGE, Note, Spread};
use crate::ops;
use crate::param::Param;
use crate::tape::{Curve, Graph, Tape, Var};

/// The inputs, outputs and gradients of each linear layer of a network for one batch.
///
/// A layer is every `x·Wᵀ + b` ([`Var::linear`]) whose W is a [`Param`] of the network, or is computed from
/// one by [`WeightNorm`](crate::layers::WeightNorm) or [`SpectralNorm`](crate::layers::SpectralNorm). The probe
/// reads the layers from the tape. It therefore works for any module: a
/// [`Sequential`](crate::Sequential), a user's struct, a residual network. Layers are listed in
/// order of use. A layer that is used twice is listed twice.
///
/// The network runs as in training, but draws no random numbers: batch normalization uses the
/// statistics of the batch, and dropout passes its input on. Gradients of frozen parameters are
/// computed too. The network and the thread's generator stay unchanged.
///
/// # Example
/// ```
/// use fanin_nn::diagnose::Probe;
/// use fanin_nn::layers::Relu;
/// use fanin_nn::{Linear, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(4, 8)).add(Relu).add(Linear::new(8, 2));
/// let probe = Probe::new(&model, &Tensor::ones([16, 4]));
/// let [hidden, output] = probe.layers() else { panic!("there are two linear layers") };
/// assert_eq!((hidden.weight_path.as_str(), hidden.pre_activation.shape()), ("0.weight", &[16, 8][..]));
/// assert_eq!(hidden.activation.as_ref().unwrap().name, "Relu");
/// assert_eq!(output.input, hidden.output().clone());
/// assert!(output.activation.is_none() && output.weight_grad.is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Probe<T: Scalar = f32> {
    layers: Vec<LayerProbe<T>>,
    output: Tensor<T>,
    loss: Option<T>,
    wiring: Wiring,
}

/// What is wrong with how a model and its loss are put together, whatever the weights are.
#[derive(Clone, Debug, Default)]
pub(super) struct Wiring {
    /// Trainable parameters that are used and not shown: names and shapes.
    pub(super) hidden: Vec<String>,
    /// How many parameters the model has, if all are frozen.
    pub(super) frozen: usize,
    /// Trainable parameters that what is differentiated does not depend on: their paths.
    pub(super) unused: Vec<String>,
    /// What operations noted.
    pub(super) notes: Vec<Note>,
}

/// One linear layer of a [`Probe`].
///
/// # Shapes
/// Weight `(out, in)`, bias `(out)`, input `(…, in)`; pre-activation, the activation's output and the
/// gradient of the pre-activation `(…, out)`.
#[derive(Clone, Debug)]
pub struct LayerProbe<T: Scalar = f32> {
    /// The path of the weight in the model, such as `0.weight`.
    pub weight_path: String,
    /// The path of the bias, if there is a bias and it is a parameter.
    pub bias_path: Option<String>,
    /// The weight's description by its layer.
    pub spec: ParamSpec,
    /// The weight W.
    pub weight: Tensor<T>,
    /// The bias b.
    pub bias: Option<Tensor<T>>,
    /// The input x.
    pub input: Tensor<T>,
    /// The pre-activation `z = x·Wᵀ + b`.
    pub pre_activation: Tensor<T>,
    /// z after the normalization that follows, such as [`LayerNorm`](crate::layers::LayerNorm), if
    /// there is one.
    pub normalized: Option<Tensor<T>>,
    /// The activation φ that follows directly or after a normalization. Absent if z is used
    /// elsewhere too.
    pub activation: Option<Activation<T>>,
    /// `∂L/∂z`. Absent if L is not requested or does not depend on z.
    pub pre_activation_grad: Option<Tensor<T>>,
    /// `∂L/∂W`, summed over all uses of W.
    pub weight_grad: Option<Tensor<T>>,
    /// The index in [`Probe::layers`] of the layer that reads the [`output`](Self::output), if it
    /// is the only reader.
    pub next: Option<usize>,
}

/// The activation after a linear layer.
#[derive(Clone)]
pub struct Activation<T: Scalar = f32> {
    /// The name of the operation, with its parameter if it has one: `Relu`, `LeakyRelu(0.01)`.
    pub name: String,
    /// `φ(z)`
    pub output: Tensor<T>,
    curve: Curve,
}

impl<T: Scalar> Activation<T> {
    /// `(φ(x), φ′(x))`
    pub fn at(&self, x: f64) -> (f64, f64) {
        (self.curve)(x)
    }
}

impl<T: Scalar> fmt::Debug for Activation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T: Scalar> LayerProbe<T> {
    /// The input of the next layer: `φ(z)`, or z if no activation follows. A normalization is
    /// included.
    pub fn output(&self) -> &Tensor<T> {
        self.activation.as_ref().map_or(self.activation_input(), |a| &a.output)
    }

    /// The input of an activation after the layer: z, or z after the normalization.
    pub fn activation_input(&self) -> &Tensor<T> {
        self.normalized.as_ref().unwrap_or(&self.pre_activation)
    }
}

/// The seed of the random directions in [`Probe::new`] and [`Probe::with_directions`].
const DIRECTION_SEED: u64 = 0xd0c;

impl<T: Scalar> Probe<T> {
    /// Runs the model on a batch and differentiates `L = mean_i ⟨y_i, r⟩`. The samples i run along
    /// the first axis of the output y.
    ///
    /// r is a standard normal vector with one number for each output, the same in every call. This
    /// loss needs no labels and favours no output.
    ///
    /// # Panics
    /// **Panics** if the model's `forward` panics or uses no linear layer of the model.
    #[track_caller]
    pub fn new(model: &(impl Module<T> + ?Sized), x: &Tensor<T>) -> Self {
        let mut tape = Tape::default();
        tape.begin_probing();
        let y = model.forward(tape.input(x));
        let loss = direction_loss(y);
        let (y, loss) = (y.node(), loss.node());
        Self::read(model, tape, y, Some(loss))
    }

    /// Runs the model on a batch and differentiates the [cross-entropy](crate::Var::cross_entropy)
    /// between its output and these labels.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does, and if the labels do not fit the output.
    #[track_caller]
    pub fn with_labels(model: &(impl Module<T> + ?Sized), x: &Tensor<T>, labels: &[usize]) -> Self {
        let mut tape = Tape::default();
        tape.begin_probing();
        let y = model.forward(tape.input(x));
        let (y, loss) = (y.node(), y.cross_entropy(labels).node());
        Self::read(model, tape, y, Some(loss))
    }

    /// Runs the model on a batch and differentiates a loss between its output and these targets.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does, and if the targets do not fit the output.
    #[track_caller]
    pub fn with_loss<Y: ?Sized>(
        model: &(impl Module<T> + ?Sized),
        x: &Tensor<T>,
        loss: &impl Loss<Y, T>,
        target: &Y,
    ) -> Self {
        let mut tape = Tape::default();
        tape.begin_probing();
        let y = model.forward(tape.input(x));
        let loss = loss.loss(y, target);
        assert!(
            loss.shape().is_empty(),
            "probe: the loss must be a single number, not {}; reduce it by its mean or sum",
            loss.shape()
        );
        let (y, loss) = (y.node(), loss.node());
        Self::read(model, tape, y, Some(loss))
    }

    /// Runs the model on a batch and differentiates `L = Σ_i ⟨y_i, r_i⟩`, with a standard normal direction
    /// `r_i` for each sample, the same in every call.
    ///
    /// The gradients of different samples are then independent, so that they do not cancel. What a layer's
    /// gradient is for sample i alone follows from row i: `∂L_i/∂W = (∂L/∂z_i)ᵀ·x_i`.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does.
    #[track_caller]
    pub fn with_directions(model: &(impl Module<T> + ?Sized), x: &Tensor<T>) -> Self {
        let mut tape = Tape::default();
        tape.begin_probing();
        let y = model.forward(tape.input(x));
        let shape = y.shape();
        let loss = (y * y.tape().input(&directions(&shape))).sum();
        let (y, loss) = (y.node(), loss.node());
        Self::read(model, tape, y, Some(loss))
    }

    /// Runs the model on a batch without gradients, for initializers that look at the signal.
    ///
    /// # Panics
    /// **Panics** as [`new`](Self::new) does.
    #[track_caller]
    pub fn forward(model: &(impl Module<T> + ?Sized), x: &Tensor<T>) -> Self {
        let mut tape = Tape::default();
        tape.begin_probing();
        let y = model.forward(tape.input(x)).node();
        Self::read(model, tape, y, None)
    }

    /// The linear layers in order of use.
    pub fn layers(&self) -> &[LayerProbe<T>] {
        &self.layers
    }

    /// The model's output for the batch.
    pub fn output(&self) -> &Tensor<T> {
        &self.output
    }

    /// Parameters that the network uses but does not show to visitors: they are neither trained nor
    /// saved. Each is given by the name from its description and its shape.
    pub fn hidden_parameters(&self) -> &[String] {
        &self.wiring.hidden
    }

    /// What is wrong with how the model and its loss are put together.
    pub(super) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// The loss that was differentiated.
    pub fn loss(&self) -> Option<T> {
        self.loss
    }

    /// Reads the layers from the tape. Values come first, because the backward pass releases the
    /// values of parameters.
    #[track_caller]
    fn read(
        model: &(impl Module<T> + ?Sized),
        mut tape: Tape<T>,
        y: u32,
        loss: Option<u32>,
    ) -> Self {
        let graph = tape.graph();
        let params = parameters(model, graph);
        let followers = followers(graph, y);
        let (mut layers, mut nodes) = (vec![], vec![]);
        for node in 0..graph.len() {
            let [x, w, ref b @ ..] = *graph.inputs(node) else { continue };
            let (Some(&(ref path, weight)), true) =
                (params.get(&source(graph, w)), is_linear(graph, node))
            else {
                continue;
            };
            let bias = b.first();
            let follower_of = |node| followers.get(&node).and_then(|follower| *follower);
            let normalized = follower_of(node).filter(|&next| is_normalization(graph, next, node));
            let last = normalized.unwrap_or(node);
            let follower = follower_of(last);
            let activated = follower.filter(|&follower| activation(graph, follower).is_some());
            nodes.push((node, w, activated.unwrap_or(last)));
            layers.push(LayerProbe {
                weight_path: path.clone(),
                bias_path: bias.and_then(|b| params.get(b)).map(|(path, _)| path.clone()),
                spec: weight.spec().clone(),
                weight: graph.value(w).clone(),
                bias: bias.map(|&b| graph.value(b).clone()),
                input: graph.value(x).clone(),
                pre_activation: graph.value(node).clone(),
                normalized: normalized.map(|node| graph.value(node).clone()),
                activation: follower.and_then(|follower| activation(graph, follower)),
                pre_activation_grad: None,
                weight_grad: None,
                next: None,
            });
        }
        assert!(
            !layers.is_empty(),
            "probe: {} used no linear layer of its own; it must contain a Linear, or another module that \
             calls Var::linear with a weight among its Parameters",
            model.describe()
        );
        let by_node: HashMap<u32, usize> = (0..).zip(&nodes).map(|(i, node)| (node.0, i)).collect();
        for (layer, (_, _, last)) in layers.iter_mut().zip(&nodes) {
            let reader = followers.get(last).and_then(|follower| *follower);
            layer.next = reader.and_then(|reader| by_node.get(&reader).copied());
        }
        let wiring = wiring(model, graph, loss.unwrap_or(y), nodes.iter().map(|(node, ..)| *node));
        let (output, value) = (graph.value(y).clone(), loss.map(|loss| graph.value(loss).item()));
        if let Some(loss) = loss {
            graph.backward(loss);
            for (layer, (node, w, _)) in layers.iter_mut().zip(nodes) {
                layer.pre_activation_grad = graph.grad(node).cloned();
                layer.weight_grad = graph.grad(w).cloned();
            }
        }
        Self { layers, output, loss: value, wiring }
    }
}

/// Looks at how the model and its loss are put together. `linear` are the nodes of the linear layers.
fn wiring<T: Scalar>(
    model: &(impl Module<T> + ?Sized),
    graph: &Graph<T>,
    root: u32,
    linear: impl Iterator<Item = u32>,
) -> Wiring {
    let params = model.named_params();
    let shown: HashSet<u64> = params.iter().map(|(_, p)| p.id()).collect();
    let hidden = graph.probed().filter(|(id, _)| !shown.contains(id));
    let hidden = hidden.map(|(_, name)| name.to_owned()).collect();
    let trainable = || params.iter().filter(|(_, p)| p.is_trainable());
    let frozen = if trainable().count() == 0 { params.len() } else { 0 };

    // From the root to all that it depends on, and from the parameters to all that depends on them.
    let (mut reached, mut computed) = (HashSet::from([root]), HashSet::new());
    for node in (0..=root).rev() {
        if reached.contains(&node) {
            reached.extend(graph.inputs(node));
        }
    }
    computed.extend(graph.params().map(|(_, node)| node));
    for node in 0..graph.len() {
        if graph.inputs(node).iter().any(|input| computed.contains(input)) {
            computed.insert(node);
        }
    }
    let used: HashSet<u64> =
        graph.params().filter(|(_, node)| reached.contains(node)).map(|(id, _)| id).collect();
    let unused = trainable().filter(|(_, p)| !used.contains(&p.id()));
    let unused = unused.map(|(path, _)| path.clone()).collect();

    let mut notes = graph.notes().to_vec();
    let data = linear.map(|node| graph.inputs(node)[0]).filter(|x| !computed.contains(x));
    let spreads = data.map(|x| Spread::of(graph.value(x).as_slice()));
    notes.extend(spreads.filter(|x| x.rms() > LARGE).take(1).map(Note::UnscaledInput));
    Wiring { hidden, frozen, unused, notes }
}

/// The model's parameters on the tape, by node.
fn parameters<'m, T: Scalar>(
    model: &'m (impl Module<T> + ?Sized),
    graph: &Graph<T>,
) -> HashMap<u32, (String, &'m Param<T>)> {
    let by_id: HashMap<u64, _> =
        model.named_params().into_iter().map(|(path, p)| (p.id(), (path, p))).collect();
    graph.params().filter_map(|(id, node)| Some((node, by_id.get(&id)?.clone()))).collect()
}

/// For each node, the node that uses it, if it is the only one up to the output.
fn followers<T: Scalar>(graph: &Graph<T>, output: u32) -> HashMap<u32, Option<u32>> {
    let mut followers = HashMap::new();
    for node in 0..=output {
        for &input in graph.inputs(node) {
            followers.entry(input).and_modify(|f| *f = None).or_insert(Some(node));
        }
    }
    followers
}

fn is_linear<T: Scalar>(graph: &Graph<T>, node: u32) -> bool {
    let op: Option<&dyn std::any::Any> = graph.op(node).map(|op| op as _);
    op.is_some_and(|op| op.is::<ops::Linear>())
}

/// The node of the parameter that a weight is computed from: the weight itself, unless its layer computes
/// it.
fn source<T: Scalar>(graph: &Graph<T>, weight: u32) -> u32 {
    let computed = graph.op(weight).is_some_and(|op| op.reparametrizes());
    if computed { graph.inputs(weight)[0] } else { weight }
}

/// Whether a node normalizes `input`.
fn is_normalization<T: Scalar>(graph: &Graph<T>, node: u32, input: u32) -> bool {
    let normalizes = graph.op(node).is_some_and(|op| op.is_normalization());
    normalizes && graph.inputs(node).first() == Some(&input)
}

/// The activation at a node, if its operation is one.
fn activation<T: Scalar>(graph: &Graph<T>, node: u32) -> Option<Activation<T>> {
    let op = graph.op(node)?;
    let curve = op.activation()?;
    Some(Activation { name: format!("{op:?}"), output: graph.value(node).clone(), curve })
}

/// Standard normal numbers.
fn directions<T: Scalar>(shape: &[usize]) -> Tensor<T> {
    let mut rng = TorchRng::seed(DIRECTION_SEED);
    let numbers = (0..shape.iter().product()).map(|_| T::from_f64(rng.sample(StandardNormal)));
    Tensor::from_vec(shape, numbers.collect())
}

/// `mean_i ⟨y_i, r⟩`
fn direction_loss<T: Scalar>(y: Var<'_, T>) -> Var<'_, T> {
    let shape = y.shape();
    let per_sample = shape.get(1..).unwrap_or(&[]);
    let r = y.tape().input(&directions(per_sample));
    let samples = shape.first().copied().unwrap_or(1);
    (y * r).sum() / T::from_f64(samples as f64)
}
