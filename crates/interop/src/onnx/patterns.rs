//! Activations and normalizations that several operations make.

use fanin_nn::layers::LayerSpec;

use super::build::Piece;
use super::net::{Net, Step};
use super::proto::Node;

/// A layer, and the value that it reads.
type Found = Option<(Piece, String)>;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

fn first(node: &Node) -> Option<&str> {
    node.input.first().map(|input| &**input)
}

impl<'g> Net<'g> {
    /// The operands of a product that are no numbers, and the product of the numbers.
    pub(super) fn operands(&mut self, node: &Node) -> Step<(f64, Vec<String>)> {
        let (mut factor, mut values) = (1.0, vec![]);
        for input in &node.input {
            match self.constant(input)? {
                Some(constant) if constant.values.len() == 1 => factor *= constant.values[0],
                _ => values.push(input.clone()),
            }
        }
        Ok((factor, values))
    }

    /// A product that is an activation.
    pub(super) fn product(&mut self, node: &Node) -> Step<Option<(Vec<Piece>, String)>> {
        if let Some((constant, x)) = self.with_constant(node)?
            && constant.values.len() > 1
        {
            return Ok(Some((vec![Piece::Scale(constant)], x)));
        }
        let (factor, mut values) = self.operands(node)?;
        let mut forms = vec![(factor, values.clone())];
        // A number may multiply the whole product, or one of its factors.
        if let [inner] = &values[..]
            && let Some(inner) = self.made_by(inner, "Mul")
        {
            let (more, inner) = self.operands(inner)?;
            forms.push((factor * more, inner));
        } else if values.len() == 2 {
            let mut factor = factor;
            for value in &mut values {
                if let Some(inner) = self.made_by(value, "Mul")
                    && let (more, [only]) = (self.operands(inner)?.0, &self.operands(inner)?.1[..])
                {
                    factor *= more;
                    *value = only.clone();
                }
            }
            forms.push((factor, values));
        }
        for (factor, values) in forms {
            let [a, b] = &values[..] else { continue };
            for (x, f) in [(a, b), (b, a)] {
                if let Some((piece, from)) = self.gated(factor, x, f)? {
                    return Ok(Some((vec![piece], from)));
                }
            }
        }
        Ok(None)
    }

    /// The activation `factor · x · f`, if it is one.
    fn gated(&mut self, factor: f64, x: &str, f: &str) -> Step<Option<(Piece, String)>> {
        let layer = |layer| Ok(Some((Piece::Layer(layer), x.to_owned())));
        if close(factor, 1.0) {
            if let Some(root) = self.made_by(f, "Reciprocal").and_then(first)
                && let Some(epsilon) = self.root_mean_square(root, x)?
            {
                return Ok(Some((Piece::RmsNorm { epsilon }, x.to_owned())));
            }
            let sigmoid = self.made_by(f, "Sigmoid").and_then(first);
            if sigmoid == Some(x) {
                return layer(LayerSpec::Silu);
            }
            let tanh = self.made_by(f, "Tanh").and_then(first);
            let softplus = tanh.and_then(|t| self.made_by(t, "Softplus")).and_then(first);
            if softplus == Some(x) {
                return layer(LayerSpec::Mish);
            }
            // The two halves of one value.
            if let (Some(gate), Some(split)) = (sigmoid, self.made_by(x, "Split"))
                && let [low, high] = &split.output[..]
                && (&**low, &**high) == (x, gate)
                && let Some(source) = first(split)
            {
                return Ok(Some((Piece::Glu, source.to_owned())));
            }
        }
        if !close(factor, 0.5) {
            return Ok(None);
        }
        let Some(sum) = self.made_by(f, "Add") else { return Ok(None) };
        let Some((one, inner)) = self.with_constant(sum)? else { return Ok(None) };
        if one.number() != Some(1.0) {
            return Ok(None);
        }
        let root = 0.5f64.sqrt();
        if let Some(erf) = self.made_by(&inner, "Erf").and_then(first)
            && let Some(scaled) = self.producer(erf)
            && let Some((number, of)) = self.with_constant(scaled)?
            && of == x
            && let Some(number) = number.number()
            && ((scaled.op_type == "Mul" && close(number, root))
                || (scaled.op_type == "Div" && close(number, 1.0 / root)))
        {
            return layer(LayerSpec::Gelu);
        }
        // √(2/π) · (x + 0.044715 · x³)
        if let Some(tanh) = self.made_by(&inner, "Tanh").and_then(first)
            && let Some(scaled) = self.made_by(tanh, "Mul")
            && let (root, [sum]) = (self.operands(scaled)?.0, &self.operands(scaled)?.1[..])
            && close(root, (2.0 / std::f64::consts::PI).sqrt())
            && let Some(sum) = self.made_by(sum, "Add")
            && let [a, b] = &sum.input[..]
            && let Some(cubic) = [(a, b), (b, a)].into_iter().find(|(a, _)| *a == x)
            && let Some(cubic) = self.made_by(cubic.1, "Mul")
            && let (factor, [cube]) = (self.operands(cubic)?.0, &self.operands(cubic)?.1[..])
            && close(factor, 0.044715)
            && self.is_cube(cube, x)?
        {
            return layer(LayerSpec::GeluTanh);
        }
        Ok(None)
    }

    fn is_cube(&mut self, cube: &str, x: &str) -> Step<bool> {
        if let Some(power) = self.made_by(cube, "Pow") {
            let [base, exponent] = &power.input[..] else { return Ok(false) };
            let exponent = self.constant(exponent)?.and_then(|c| c.number());
            return Ok(base == x && exponent == Some(3.0));
        }
        let square = |name: &str| {
            let node = self.made_by(name, "Mul");
            node.is_some_and(|node| node.input.len() == 2 && node.input.iter().all(|i| i == x))
        };
        let product = self.made_by(cube, "Mul").map(|node| &node.input[..]);
        Ok(match product {
            Some([a, b]) => (a == x && square(b)) || (b == x && square(a)),
            _ => false,
        })
    }

    /// The operation that makes a value of a number and another value, as `x > 0.5`.
    fn compared(&mut self, name: &str, op: &str) -> Step<Option<(f64, String)>> {
        let node = match self.made_by(name, "Cast").and_then(first) {
            Some(inner) => self.made_by(inner, op),
            None => self.made_by(name, op),
        };
        let Some(node) = node else { return Ok(None) };
        let [x, number] = &node.input[..] else { return Ok(None) };
        let number = self.constant(number)?.and_then(|number| number.number());
        Ok(number.map(|number| (short(number), x.clone())))
    }

    /// A value that is chosen by a condition.
    pub(super) fn choice(&mut self, node: &Node) -> Step<Found> {
        let [condition, a, b] = &node.input[..] else { return Ok(None) };
        let layer = |layer, x: &str| Ok(Some((Piece::Layer(layer), x.to_owned())));
        let (low, high) = (self.constant(a)?, self.constant(b)?);
        let number = |c: &Option<super::net::Constant>| c.as_ref().and_then(|c| c.number());
        if let Some((threshold, x)) = self.compared(condition, "LessOrEqual")? {
            let Some(value) = number(&low).map(short) else { return Ok(None) };
            if x == *b {
                return layer(LayerSpec::Threshold(threshold, value), b);
            }
            if self.made_by(&x, "Abs").and_then(first) == Some(b) && value == 0.0 {
                return layer(LayerSpec::Hardshrink(threshold), b);
            }
        }
        if let Some((threshold, x)) = self.compared(condition, "Greater")? {
            // ln(1 + e^x)
            if self.made_by(b, "Softplus").and_then(first) == Some(a) && x == *a {
                return layer(LayerSpec::SoftplusWith(1.0, threshold), a);
            }
            // ln(1 + e^βx) / β
            if let Some(scaled) = self.made_by(&x, "Mul")
                && let (beta, [only]) = (self.operands(scaled)?.0, &self.operands(scaled)?.1[..])
                && only == a
                && let Some(quotient) = self.made_by(b, "Div")
                && let Some((divisor, softplus)) = self.with_constant(quotient)?
                && divisor.number() == Some(beta)
                && self.made_by(&softplus, "Softplus").and_then(first) == Some(&x)
            {
                return layer(LayerSpec::SoftplusWith(short(beta), threshold), a);
            }
            // x − λ sign(x)
            if let Some(x) = self.made_by(&x, "Abs").and_then(first)
                && let Some(sub) = self.made_by(a, "Sub")
                && let [from, step] = &sub.input[..]
                && from == x
                && let Some(step) = self.made_by(step, "Mul")
                && let (lambda, [sign]) = (self.operands(step)?.0, &self.operands(step)?.1[..])
                && self.made_by(sign, "Sign").and_then(first) == Some(x)
                && close(lambda, threshold)
            {
                return layer(LayerSpec::Softshrink(threshold), x);
            }
        }
        if let Some(or) = self.made_by(condition, "Or")
            && let [above, below] = &or.input[..]
            && let Some((lambda, x)) = self.compared(above, "Greater")?
            && let Some((negative, y)) = self.compared(below, "Less")?
            && x == *a
            && y == *a
            && negative == -lambda
            && number(&high) == Some(0.0)
        {
            return layer(LayerSpec::Hardshrink(lambda), a);
        }
        Ok(None)
    }

    /// The sum of `x − λ` above λ and `x + λ` below −λ.
    pub(super) fn shrunk(&mut self, above: &str, below: &str) -> Step<Found> {
        let mut part = |name: &str, op: &str, moves: &str| -> Step<Option<(f64, String)>> {
            let Some(node) = self.made_by(name, "Where") else { return Ok(None) };
            let [condition, moved, zero] = &node.input[..] else { return Ok(None) };
            let zero = self.constant(zero)?.and_then(|zero| zero.number()) == Some(0.0);
            let Some((bound, x)) = self.compared(condition, op)? else { return Ok(None) };
            let Some(moved) = self.made_by(moved, moves) else { return Ok(None) };
            let [from, by] = &moved.input[..] else { return Ok(None) };
            let by = self.constant(by)?.and_then(|by| by.number());
            let fits = zero && *from == x && by.is_some_and(|by| close(by, bound.abs()));
            Ok(fits.then_some((bound, x)))
        };
        let (above, below) = (part(above, "Greater", "Sub")?, part(below, "Less", "Add")?);
        Ok(match (above, below) {
            (Some((lambda, x)), Some((negative, y))) if x == y && negative == -lambda => {
                Some((Piece::Layer(LayerSpec::Softshrink(lambda)), x))
            }
            _ => None,
        })
    }

    /// `x / (1 + |x|)`, or x by its root mean square.
    pub(super) fn quotient(&mut self, node: &Node) -> Step<Found> {
        let [x, divisor] = &node.input[..] else { return Ok(None) };
        if let Some(sum) = self.made_by(divisor, "Add")
            && let Some((one, abs)) = self.with_constant(sum)?
            && one.number() == Some(1.0)
            && self.made_by(&abs, "Abs").and_then(first) == Some(x)
        {
            return Ok(Some((Piece::Layer(LayerSpec::Softsign), x.clone())));
        }
        Ok(self
            .root_mean_square(divisor, x)?
            .map(|epsilon| (Piece::RmsNorm { epsilon }, x.clone())))
    }

    /// The ε of `sqrt(mean(x²) + ε)`, if the value is that of x.
    fn root_mean_square(&mut self, root: &str, x: &str) -> Step<Option<f64>> {
        let sum = self.made_by(root, "Sqrt").and_then(first);
        let Some(sum) = sum.and_then(|sum| self.made_by(sum, "Add")) else { return Ok(None) };
        let Some((epsilon, mean)) = self.with_constant(sum)? else { return Ok(None) };
        let Some(epsilon) = epsilon.number() else { return Ok(None) };
        let Some(mean) = self.made_by(&mean, "ReduceMean") else { return Ok(None) };
        // Over the last axis: an attribute, or an input since opset 18.
        let axes = match mean.input.get(1) {
            Some(axes) => self.constant(axes)?.map(|axes| axes.values),
            None => {
                let axes = mean.attribute.iter().find(|a| a.name == "axes");
                axes.map(|axes| axes.ints.iter().map(|&axis| axis as f64).collect())
            }
        };
        if !matches!(axes.as_deref(), Some([axis]) if [-1.0, 1.0].contains(axis)) {
            return Ok(None);
        }
        let Some(square) = first(mean).and_then(|square| self.producer(square)) else {
            return Ok(None);
        };
        let [a, b] = &square.input[..] else { return Ok(None) };
        let is_square = match &*square.op_type {
            "Mul" => a == x && b == x,
            "Pow" => a == x && self.constant(b)?.and_then(|b| b.number()) == Some(2.0),
            _ => false,
        };
        Ok(is_square.then_some(epsilon))
    }
}

/// The shortest decimal of a number that was an `f32`.
fn short(number: f64) -> f64 {
    super::net::short(number as f32)
}
