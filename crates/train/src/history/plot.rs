//! A history as a picture.

use super::text::metrics;
use super::{Epoch, History};
use crate::chart::{self, Axis, Chart, Line};

pub(super) fn svg(history: &History) -> String {
    let curve = |name: &str, value: &dyn Fn(&Epoch) -> Option<f64>| {
        let point = |epoch: &Epoch| Some((epoch.number as f64, value(epoch)?));
        Line { name: name.into(), points: history.epochs.iter().filter_map(point).collect() }
    };
    let best = history.best_epoch.filter(|best| *best < history.epochs.len());
    let marks =
        || best.map(|best| (best as f64, format!("epoch {best} kept"))).into_iter().collect();
    let chart = |title: &str, lines: Vec<Line>, may_be_log: bool| {
        let values = lines.iter().flat_map(|line| line.points.iter().map(|(_, y)| *y));
        let y = if may_be_log { Axis::for_values(values) } else { Axis::Linear };
        let lines = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
        let (title, x_label) = (title.into(), "epoch".into());
        Chart { title, x_label, x: Axis::Linear, y, lines, marks: marks() }
    };
    let mut charts = vec![chart(
        "loss",
        vec![
            curve("training", &|epoch| Some(epoch.loss)),
            curve("validation", &|epoch| epoch.valid_loss),
        ],
        true,
    )];
    for name in metrics(history) {
        let line = curve(name, &|epoch| epoch.metrics.get(name).copied());
        charts.push(chart(name, vec![line], true));
    }
    let rates = || history.epochs.iter().map(|epoch| epoch.rate);
    if rates().any(|rate| Some(rate) != rates().next()) {
        charts.push(chart("learning rate", vec![curve("rate", &|epoch| Some(epoch.rate))], true));
    }
    chart::svg("losses and metrics by epoch", &charts)
}
