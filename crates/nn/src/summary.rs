//! [`Summary`]: a model as a table.

use std::fmt;

use fanin_tensor::Scalar;

use crate::parameters::Parameters;
use crate::terminal::{Colour, Terminal, of_formatter, width, wrapped};

/// A model as a table: a row for each layer with its output features, parameters and initializers.
/// Made by [`Sequential::summary`](crate::Sequential::summary).
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    rows: Vec<Row>,
}

/// A layer of a [`Summary`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The layer's name or index.
    pub name: String,
    /// How it describes itself.
    pub layer: String,
    /// The length of its output's last axis, if it is known.
    pub output: Option<usize>,
    /// How many numbers it has to learn.
    pub params: usize,
    /// How many of them are frozen.
    pub frozen: usize,
    /// The initializer of each parameter, none for one that was set by hand.
    pub initializers: Vec<Option<String>>,
}

impl Row {
    pub(crate) fn of<T: Scalar>(
        name: String,
        layer: String,
        output: Option<usize>,
        parameters: &(impl Parameters<T> + ?Sized),
    ) -> Self {
        let mut row = Self { name, layer, output, params: 0, frozen: 0, initializers: vec![] };
        parameters.visit_params(&mut |_, param| {
            row.params += param.value().len();
            row.frozen += if param.is_trainable() { 0 } else { param.value().len() };
            row.initializers.push(param.initializer().map(str::to_owned));
        });
        row
    }
}

impl Summary {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self { rows }
    }

    /// The layers.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many numbers there are to learn.
    pub fn num_params(&self) -> usize {
        self.rows.iter().map(|row| row.params).sum()
    }
}

impl Summary {
    /// Prints the table to the standard output, as wide as the terminal.
    pub fn print(&self) {
        Terminal::print(&self.render(&Terminal::stdout()));
    }

    /// The table for this terminal: where it would be too wide, cells are broken into lines. `Display` gives
    /// that of [`Terminal::plain`], of 100 columns, or of as many as the format says: `{summary:60}`.
    pub fn render(&self, terminal: &Terminal) -> String {
        let cell = |text: String| terminal.spell(&text);
        let rows = self.rows.iter().map(|row| {
            let initializers: Vec<_> =
                row.initializers.iter().map(|i| short(i.as_deref())).collect();
            let frozen =
                if row.frozen > 0 { format!(" ({} frozen)", row.frozen) } else { "".into() };
            [
                row.name.clone(),
                row.layer.clone(),
                row.output.map_or("–".into(), |n| n.to_string()),
                format!("{}{frozen}", row.params),
                initializers.join(", "),
            ]
            .map(cell)
        });
        let rows: Vec<[String; 5]> = rows.collect();
        let head = ["", "layer", "output", "parameters", "initializers"].map(String::from);
        let widths = widths(&head, &rows, terminal.columns());
        let mut text = String::new();
        for (at, row) in std::iter::once(&head).chain(&rows).enumerate() {
            for line in lines(row, &widths) {
                let line = if at == 0 { terminal.paint(Colour::Dim, &line) } else { line };
                text += &line;
                text.push('\n');
            }
        }
        text + &format!("{} parameters", self.num_params())
    }
}

/// The widths of the columns: as wide as their texts. If the row is then too wide, the initializers are made
/// narrower first, then the layers and the names.
fn widths(head: &[String; 5], rows: &[[String; 5]], columns: usize) -> [usize; 5] {
    const GAPS: usize = 8;
    let mut widths = [0, 1, 2, 3, 4].map(|column| {
        let cells = rows.iter().chain([head]).map(|row| width(&row[column]));
        cells.max().unwrap_or(0)
    });
    for (column, least) in [(4, 14), (1, 10), (0, 6), (3, 10), (4, 4), (1, 4), (0, 2)] {
        let over = (widths.iter().sum::<usize>() + GAPS).saturating_sub(columns);
        widths[column] -= over.min(widths[column].saturating_sub(least));
    }
    widths
}

/// A row of the table, in as many lines as its longest cell needs.
fn lines(row: &[String; 5], widths: &[usize; 5]) -> Vec<String> {
    let [name, layer, output, params, initializers] = widths;
    let cells: Vec<Vec<String>> =
        row.iter().zip(widths).map(|(cell, &width)| wrapped(cell, width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    let line = |at: usize| {
        let [a, b, c, d, e] =
            [0, 1, 2, 3, 4].map(|i: usize| cells[i].get(at).map_or("", |cell| cell));
        let line = format!("{a:name$}  {b:layer$}  {c:>output$}  {d:>params$}  {e:initializers$}");
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&of_formatter(f)))
    }
}

/// An initializer's name without its parameters.
fn short(initializer: Option<&str>) -> &str {
    let name = initializer.unwrap_or("by hand");
    name.split([' ', '(', '{']).next().filter(|_| initializer.is_some()).unwrap_or(name)
}
