//! [`Summary`]: a model as a table.

use std::fmt;

use fanin_tensor::Scalar;

use crate::parameters::Parameters;

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

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<[String; 5]> = self
            .rows
            .iter()
            .map(|row| {
                let initializers: Vec<_> =
                    row.initializers.iter().map(|i| short(i.as_deref())).collect();
                let output = row.output.map_or("–".into(), |n| n.to_string());
                let frozen =
                    if row.frozen > 0 { format!(" ({} frozen)", row.frozen) } else { "".into() };
                let params = format!("{}{frozen}", row.params);
                [row.name.clone(), row.layer.clone(), output, params, initializers.join(", ")]
            })
            .collect();
        let head = ["", "layer", "output", "parameters", "initializers"].map(String::from);
        let width = |column: usize| {
            let cells = cells.iter().chain([&head]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let [name, layer, output, params] = [0, 1, 2, 3].map(width);
        for [a, b, c, d, e] in std::iter::once(&head).chain(&cells) {
            let line = format!("{a:name$}  {b:layer$}  {c:>output$}  {d:>params$}  {e}");
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(f, "{} parameters", self.num_params())
    }
}

/// An initializer's name without its parameters.
fn short(initializer: Option<&str>) -> &str {
    let name = initializer.unwrap_or("by hand");
    name.split([' ', '(', '{']).next().filter(|_| initializer.is_some()).unwrap_or(name)
}
