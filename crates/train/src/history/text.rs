//! A history as CSV and as a table.

use std::collections::BTreeSet;
use std::fmt;

use super::{Epoch, History};
use crate::text::{duration, number};

/// The names of all metrics.
pub(super) fn metrics(history: &History) -> Vec<&str> {
    let names = history.epochs.iter().flat_map(|epoch| epoch.metrics.keys());
    names.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn csv(history: &History) -> String {
    let metrics = metrics(history);
    let quoted = |name: &&str| match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => (*name).to_owned(),
    };
    let mut head: Vec<_> =
        ["epoch", "steps", "samples", "loss", "validation_loss"].map(str::to_owned).into();
    head.extend(metrics.iter().map(quoted));
    head.extend(["rate", "seconds"].map(str::to_owned));
    let mut text = head.join(",") + "\n";
    let or_empty = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    for epoch in &history.epochs {
        let mut row = vec![
            epoch.number.to_string(),
            epoch.steps.to_string(),
            epoch.samples.to_string(),
            epoch.loss.to_string(),
            or_empty(epoch.valid_loss),
        ];
        row.extend(metrics.iter().map(|&name| or_empty(epoch.metrics.get(name).copied())));
        row.extend([epoch.rate.to_string(), epoch.seconds.to_string()]);
        text += &row.join(",");
        text.push('\n');
    }
    text
}

/// A row for each epoch, and why training ended.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics = metrics(self);
        let validated = self.epochs.iter().any(|epoch| epoch.valid_loss.is_some());
        let mut head = vec!["epoch".to_owned(), "loss".into()];
        head.extend(validated.then(|| "validation".into()));
        head.extend(metrics.iter().map(|&name| name.to_owned()));
        head.extend(["rate".into(), "time".into()]);
        let row = |epoch: &Epoch| {
            let shown = |x: Option<f64>| x.map_or("-".into(), number);
            let mut row = vec![epoch.number.to_string(), number(epoch.loss)];
            row.extend(validated.then(|| shown(epoch.valid_loss)));
            row.extend(metrics.iter().map(|&name| shown(epoch.metrics.get(name).copied())));
            row.extend([number(epoch.rate), duration(epoch.seconds)]);
            row
        };
        let rows: Vec<Vec<String>> =
            std::iter::once(head).chain(self.epochs.iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..rows[0].len()).filter_map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  "))?;
        }
        write!(f, "stopped {}", self.stopped)?;
        match self.best_epoch {
            Some(best) => writeln!(f, "; the weights are those of epoch {best}"),
            None => writeln!(f),
        }
    }
}
