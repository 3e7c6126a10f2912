//! An [`InitReport`] as text for a terminal.

use std::fmt;

use super::advice::short;
use super::layer_report::LayerReport;
use super::report::InitReport;
use crate::note::show;
use crate::terminal::{Colour, Table, Terminal, of_formatter, wrapped};

const LEGEND: &str = "σ(w): singular values; y = φ(z): activations; g = ∂L/∂z: gradients; ×: growth, of g in the \
                      backward pass; pred: growth that theory predicts; flat: saturated outputs or dead units.";

impl InitReport {
    /// Prints the table and the verdicts to the standard output, as wide as the terminal.
    pub fn print(&self) {
        Terminal::print(&self.render(&Terminal::stdout()));
    }

    /// The table and the verdicts for this terminal. A table that would be too wide is in several parts.
    /// `Display` gives that of [`Terminal::plain`], of 100 columns, or of as many as the format says:
    /// `{report:60}`.
    pub fn render(&self, terminal: &Terminal) -> String {
        let share = |share: Option<f64>| share.map(|share| format!("{:.0} %", 100.0 * share));
        let factor = |x: Option<f64>| x.map_or("-".into(), narrow);
        let mut table = Table::new();
        let mut column = |heading: &str, right, least, of: &dyn Fn(&LayerReport) -> String| {
            table.column(terminal, heading, right, least, self.layers.iter().map(of));
        };
        column("layer", false, 14, &|layer| last(short(&layer.path), 13));
        column("in→out", true, 9, &|layer| format!("{}→{}", layer.inputs, layer.outputs));
        column("φ", false, 10, &|layer| last(layer.activation.as_deref().unwrap_or("-"), 8));
        column("std w", true, 8, &|layer| show(layer.weight.std));
        column("σ(w)", true, 11, &|layer| {
            let range = |[low, high]: [f64; 2]| format!("{}–{}", narrow(low), narrow(high));
            layer.singular.map_or("-".into(), range)
        });
        column("rms y", true, 8, &|layer| show(layer.output.rms()));
        column("×", true, 6, &|layer| narrow(layer.growth));
        column("pred", true, 6, &|layer| narrow(layer.predicted_growth));
        column("rms g", true, 8, &|layer| show(layer.gradient.rms()));
        column("×", true, 6, &|layer| factor(layer.gradient_growth));
        column("pred", true, 6, &|layer| factor(layer.predicted_gradient_growth));
        column("flat", true, 7, &|layer| {
            share(layer.saturated.or(layer.dead)).unwrap_or("-".into())
        });
        let mut text = table.render(terminal);
        for line in wrapped(&terminal.spell(LEGEND), terminal.columns()) {
            text += &terminal.paint(Colour::Dim, &line);
            text.push('\n');
        }
        text.push('\n');
        if self.is_healthy() {
            return text + &terminal.paint(Colour::Green, "nothing is wrong") + "\n";
        }
        for verdict in &self.verdicts {
            text += &item(terminal, Colour::Red, "✗ ", &verdict.finding);
            text += &item(terminal, Colour::Cyan, "  → ", &verdict.advice);
        }
        text
    }
}

impl fmt::Display for InitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&of_formatter(f)))
    }
}

/// A text behind a mark. Lines after the first are indented.
fn item(terminal: &Terminal, colour: Colour, mark: &str, text: &str) -> String {
    let (mark, text) = (terminal.spell(mark), terminal.spell(text));
    let indent = mark.chars().count();
    let lines = wrapped(
        &text.split_whitespace().collect::<Vec<_>>().join(" "),
        terminal.columns() - indent,
    );
    let text = lines.join(&format!("\n{:indent$}", ""));
    format!("{}{text}\n", terminal.paint(colour, &mark))
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
