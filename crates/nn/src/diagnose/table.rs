//! An [`InitReport`] as text for a terminal.

use std::fmt;

use super::report::InitReport;
use super::verdict::short;
use crate::note::show;

/// A table of 100 columns, and the verdicts.
impl fmt::Display for InitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:13} {:>9} {:9}{:>8}{:>11}{:>8}{:>6}{:>6}{:>8}{:>6}{:>6}{:>7}",
            "layer",
            "in→out",
            "φ",
            "std w",
            "σ(w)",
            "rms y",
            "×",
            "pred",
            "rms g",
            "×",
            "pred",
            "flat"
        )?;
        for layer in &self.layers {
            let share = |share: Option<f64>| share.map(|share| format!("{:.0} %", 100.0 * share));
            let factor = |x: Option<f64>| x.map_or("-".into(), narrow);
            writeln!(
                f,
                "{:13} {:>9} {:9}{:>8}{:>11}{:>8}{:>6}{:>6}{:>8}{:>6}{:>6}{:>7}",
                last(short(&layer.path), 13),
                format!("{}→{}", layer.inputs, layer.outputs),
                last(layer.activation.as_deref().unwrap_or("-"), 8),
                show(layer.weight.std),
                layer.singular.map_or("-".into(), |[low, high]| {
                    format!("{}–{}", narrow(low), narrow(high))
                }),
                show(layer.output.rms()),
                narrow(layer.growth),
                narrow(layer.predicted_growth),
                show(layer.gradient.rms()),
                factor(layer.gradient_growth),
                factor(layer.predicted_gradient_growth),
                share(layer.saturated.or(layer.dead)).unwrap_or("-".into()),
            )?;
        }
        writeln!(
            f,
            "σ(w): singular values; y = φ(z): activations; g = ∂L/∂z: gradients; ×: growth, of g in the\n\
             backward pass; pred: growth that theory predicts; flat: saturated outputs or dead units.\n"
        )?;
        if self.is_healthy() {
            return writeln!(f, "nothing is wrong");
        }
        for verdict in &self.verdicts {
            wrap(f, "✗ ", &verdict.finding)?;
            wrap(f, "  → ", &verdict.advice)?;
        }
        Ok(())
    }
}

/// A number in at most five columns.
fn narrow(x: f64) -> String {
    match x.abs() {
        size if size < 0.005 && size > 0.0 => format!("{x:.0e}"),
        size if size < 10.0 => format!("{x:.2}"),
        size if size < 1000.0 => format!("{x:.0}"),
        _ => format!("{x:.0e}"),
    }
}

/// The last characters of a text that is too long for its column.
fn last(text: &str, columns: usize) -> String {
    match text.chars().count().checked_sub(columns) {
        None | Some(0) => text.into(),
        Some(over) => {
            text.chars().skip(over + 1).fold("…".into(), |text, c| text + &c.to_string())
        }
    }
}

/// Breaks a text into lines of at most 100 columns. Lines after the first are indented.
fn wrap(f: &mut fmt::Formatter<'_>, start: &str, text: &str) -> fmt::Result {
    let indent = start.chars().count();
    f.write_str(start)?;
    let mut column = indent;
    for (i, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if i > 0 && column + 1 + width > 100 {
            write!(f, "\n{:indent$}", "")?;
            column = indent;
        } else if i > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += width;
    }
    f.write_str("\n")
}

#[cfg(test)]
mod tests {
    use super::narrow;

    #[test]
    fn a_number_is_narrow() {
        for (x, text) in [
            (0.0, "0.00"),
            (0.0049, "5e-3"),
            (0.005, "0.01"),
            (-9.99, "-9.99"),
            (10.0, "10"),
            (-999.0, "-999"),
            (1000.0, "1e3"),
            (-1e9, "-1e9"),
        ] {
            assert_eq!(narrow(x), text, "{x}");
        }
    }
}
