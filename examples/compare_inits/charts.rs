//! The figures of the page.

use crate::probe::{Layer, Snapshot};
use crate::results::{Results, TEST};
use crate::stats::{Summary, number};
use crate::svg::{Mark, Panel, SMALL, Scale, escape, strip, strip_axis};

/// The names of the layers.
pub(crate) const LAYERS: [&str; 3] = ["hidden 1", "hidden 2", "output"];

/// A row of a table whose cells contain charts.
struct Row<'a> {
    contender: usize,
    cells: Vec<Vec<Mark>>,
    /// The text of the charts for screen readers.
    spoken: Vec<String>,
    value: &'a str,
}

/// A table with one row for each contender and one strip chart in each cell. It has headings for
/// the strips and for the number at the end.
fn strips(
    results: &Results,
    scale: &Scale,
    zero: bool,
    heads: &[&str],
    rows: &[Row<'_>],
) -> String {
    let axis = strip_axis(scale);
    let head: String = heads
        .iter()
        .map(|head| {
            format!(
                r#"<th scope="col" role="columnheader" class="plot"><span>{head}</span>{axis}</th>"#
            )
        })
        .collect();
    let body = rows.iter().map(|row| {
        let one = &results.contenders[row.contender];
        let cells = row.cells.iter().zip(&row.spoken).zip(heads).map(|((marks, spoken), head)| {
            let title = format!("{}, {head}", one.name);
            let picture = strip(scale, zero, marks, (&title, spoken));
            let head = if heads.len() > 1 { format!(r#"<i class="small">{head}</i>"#) } else { String::new() };
            format!(r#"<td role="cell" class="plot">{head}{picture}</td>"#)
        });
        let value = match row.value {
            "" => String::new(),
            value => format!(r#"<td role="cell" class="value">{value}</td>"#),
        };
        format!(
            r#"<tr role="row" class="{}"><th scope="row" role="rowheader">{}<small>{}</small></th>{}{value}</tr>"#,
            class(results, row.contender),
            escape(&one.name),
            escape(&one.formula),
            cells.collect::<String>(),
        )
    });
    let last = if rows.iter().any(|row| !row.value.is_empty()) {
        r#"<th scope="col" role="columnheader" class="value">mean ± 95 %</th>"#
    } else {
        ""
    };
    format!(
        r#"<table class="strips" role="table"><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">scheme</th>{head}{last}</tr></thead><tbody role="rowgroup">{}</tbody></table>"#,
        body.collect::<String>()
    )
}

/// The class of a contender's colour.
pub(crate) fn class(results: &Results, contender: usize) -> String {
    format!("f{}", results.contenders[contender].family as usize)
}

/// The difference between each contender and one of them, seed by seed.
pub(crate) fn differences(results: &Results, contenders: &[usize], base: usize) -> String {
    let differences: Vec<(Summary, String, Vec<f64>)> = contenders
        .iter()
        .map(|&i| {
            let summary = results.difference(i, base, TEST);
            let pairs = results.values(i, TEST).into_iter().zip(results.values(base, TEST));
            (summary, summary.text(2), pairs.map(|(a, b)| a - b).collect())
        })
        .collect();
    let all = || {
        differences.iter().flat_map(|(s, _, values)| {
            values.iter().copied().chain([s.mean - s.half, s.mean + s.half, 0.0])
        })
    };
    let scale = Scale::linear(all().fold(0.0, f64::min), all().fold(0.0, f64::max));
    let rows: Vec<Row<'_>> = contenders
        .iter()
        .zip(&differences)
        .map(|(&contender, (summary, text, values))| {
            dots(*summary, values.clone(), contender, text)
        })
        .collect();
    strips(results, &scale, true, &["percentage points"], &rows)
}

fn dots(summary: Summary, values: Vec<f64>, contender: usize, value: &str) -> Row<'_> {
    let spoken = format!("from {} to {}", number(summary.min, 2), number(summary.max, 2));
    let seeds = values.into_iter().map(Mark::Seed);
    let marks = seeds.chain([Mark::Mean(summary.mean, summary.half)]).collect();
    Row { contender, cells: vec![marks], spoken: vec![spoken], value }
}

/// The loss of the whole training of these contenders, each in its own panel, on logarithmic scales.
pub(crate) fn curves(results: &Results, contenders: &[usize]) -> String {
    let bins = results.bins();
    let all: Vec<(usize, Vec<Summary>)> = contenders
        .iter()
        .map(|&i| (i, bins.iter().map(|bin| results.mean_loss(i, bin.clone())).collect()))
        .collect();
    let x = |i: usize| ((bins[i].start + 1) as f64 * bins[i].end as f64).sqrt();
    let scale = Scale::log_close([1.0, bins.last().map_or(2, |bin| bin.end) as f64]);
    let y = Scale::log_close(all.iter().flat_map(|(_, curve)| curve).flat_map(|s| [s.min, s.max]));
    let base = results.find("pytorch").and_then(|base| all.iter().find(|(i, _)| *i == base));
    let panels = all.iter().map(|(contender, curve)| {
        let mut panel = Panel::new(scale, y, true, SMALL);
        let at = |curve: &[Summary], of: fn(&Summary) -> f64| {
            curve.iter().enumerate().map(|(i, s)| (x(i), of(s))).collect::<Vec<_>>()
        };
        panel.area("band", at(curve, |s| s.min), at(curve, |s| s.max).into_iter());
        if let Some((_, base)) = base {
            panel.line("base", at(base, |s| s.mean));
        }
        panel.line("line", at(curve, |s| s.mean));
        let [first, last] = [0, curve.len() - 1].map(|i| number(curve[i].mean, 2));
        let note = format!("{first} → {last}");
        panel_of(results, *contender, panel, &note, "mean loss of the first and of the last steps")
    });
    format!(r#"<div class="panels">{}</div>"#, panels.collect::<String>())
}

/// The loss of the first steps of these contenders. Each has its own panel; all share one scale.
pub(crate) fn losses(results: &Results, contenders: &[usize], log: bool) -> String {
    let steps = results.first_steps();
    let all: Vec<(usize, Vec<Summary>)> = contenders
        .iter()
        .map(|&i| (i, (0..steps).map(|step| results.loss(i, step)).collect()))
        .collect();
    let values = || all.iter().flat_map(|(_, curve)| curve).flat_map(|s| [s.min, s.max]);
    let y =
        if log { Scale::log(values()) } else { Scale::linear(0.0, values().fold(0.0, f64::max)) };
    let x = Scale::linear(0.0, steps as f64);
    let base = results.find("pytorch").filter(|_| !log);
    let base: Option<Vec<f64>> =
        base.map(|i| (0..steps).map(|step| results.loss(i, step).mean).collect());
    let panels = all.iter().map(|(contender, curve)| {
        let mut panel = Panel::new(x, y, true, SMALL);
        let at = |of: fn(&Summary) -> f64| {
            curve.iter().enumerate().map(move |(i, s)| ((i + 1) as f64, of(s)))
        };
        panel.area("band", at(|s| s.min), at(|s| s.max));
        if let Some(base) = &base {
            panel.line("base", base.iter().enumerate().map(|(i, &y)| ((i + 1) as f64, y)));
        }
        panel.line("line", at(|s| s.mean));
        let (first, last) = (curve[0].mean, curve[steps - 1].mean);
        let [first, last] = [first, last].map(|loss| number(loss, 2));
        let note = format!("{first} → {last}");
        panel_of(
            results,
            *contender,
            panel,
            &note,
            "mean loss of the first and the last step shown",
        )
    });
    format!(r#"<div class="panels">{}</div>"#, panels.collect::<String>())
}

/// The weights of the second layer of these contenders before and after training, on one common
/// scale or on one scale each.
pub(crate) fn weights(results: &Results, contenders: &[usize], common: bool) -> String {
    let of = |i: usize| {
        let run = &results.runs[i][0];
        [&run.before, &run.after].map(weights_of)
    };
    let reach = |i: usize| of(i).into_iter().flatten().fold(0f32, |most, w| most.max(w.abs()));
    // A few weights move far during training. The scale ends where it covers nearly all weights.
    let wide =
        |i: usize| quantile(of(i)[1], 0.999).max(quantile(of(i)[0], 1.0)).min(reach(i)).max(0.01);
    let mut ends: Vec<f32> = contenders.iter().map(|&i| wide(i)).collect();
    ends.sort_by(f32::total_cmp);
    // Without this limit, one scheme with outliers would compress the histograms of the others.
    let shared = 1.5 * ends[ends.len() / 2];
    let panels = contenders.iter().map(|&contender| {
        let end = f64::from(if common { shared } else { wide(contender) });
        let shares = of(contender).map(|weights| histogram(weights, end));
        let most = shares.iter().flatten().copied().fold(0.0, f64::max);
        let mut panel =
            Panel::new(Scale::linear(-end, end), Scale::linear(0.0, most), false, SMALL);
        let width = 2.0 * end / BINS as f64;
        let steps = |shares: &[f64]| -> Vec<(f64, f64)> {
            let bins = shares.iter().enumerate();
            bins.flat_map(|(i, &y)| [(i, y), (i + 1, y)])
                .map(|(i, y)| (i as f64 * width - end, y))
                .collect()
        };
        let [before, after] = shares.map(|shares| steps(&shares));
        panel.area("band", [(-end, 0.0), (end, 0.0)], before.into_iter());
        panel.line("after", after);
        let [before, after, ..] = weight_sizes(results, contender);
        panel_of(
            results,
            contender,
            panel,
            &format!("{before} → {after}"),
            "root mean square before and after training",
        )
    });
    format!(r#"<div class="panels">{}</div>"#, panels.collect::<String>())
}

/// The root mean square of the weights of the second layer before and after training, and the largest size.
pub(crate) fn weight_sizes(results: &Results, contender: usize) -> [String; 4] {
    let run = &results.runs[contender][0];
    let both = [&run.before, &run.after].map(weights_of);
    let [before, after] =
        both.map(|all| Summary::of(all.iter().map(|&w| f64::from(w).powi(2))).mean.sqrt());
    let [most_before, most_after] = both.map(|all| f64::from(quantile(all, 1.0)));
    [before, after, most_before, most_after].map(|size| number(size, 3))
}

const BINS: usize = 41;

fn weights_of(snapshot: &Snapshot) -> &[f32] {
    snapshot.weights.as_deref().expect("kept of the first seed")
}

/// The size below which this share of the weights lies.
fn quantile(weights: &[f32], share: f64) -> f32 {
    let mut sizes: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    sizes[((sizes.len() - 1) as f64 * share) as usize]
}

/// The share of weights in each bin. Weights beyond the ends are left out.
fn histogram(weights: &[f32], end: f64) -> [f64; BINS] {
    let mut shares = [0.0; BINS];
    for &w in weights {
        let position = (f64::from(w) + end) / (2.0 * end);
        if (0.0..=1.0).contains(&position) {
            shares[((position * BINS as f64) as usize).min(BINS - 1)] += 1.0 / weights.len() as f64;
        }
    }
    shares
}

fn panel_of(results: &Results, contender: usize, panel: Panel, note: &str, what: &str) -> String {
    let one = &results.contenders[contender];
    let picture = panel.finish(&one.name, &format!("{what}: {note}"));
    let [name, formula] = [&one.name, &one.formula].map(|text| escape(text));
    format!(
        r#"<div class="panel {}"><p><b>{name}</b><span class="note">{note}</span></p><small>{formula}</small>{picture}</div>"#,
        class(results, contender)
    )
}

/// A number of each layer before and after training, as a mean over all seeds.
pub(crate) fn layers(results: &Results, of: fn(&Layer) -> f64) -> String {
    let rows: Vec<Row<'_>> = (0..results.contenders.len())
        .map(|contender| {
            let values = [false, true].map(|after| layer_means(results, contender, after, of));
            let spoken = values.iter().map(|values| {
                let each = values.iter().zip(LAYERS).map(|(x, layer)| format!("{layer} {x:.1e}"));
                each.collect::<Vec<_>>().join(", ")
            });
            let spoken = spoken.collect();
            let cells = values.into_iter().map(|values| {
                values.into_iter().enumerate().map(|(i, x)| Mark::Layer(i, x)).collect()
            });
            Row { contender, cells: cells.collect(), spoken, value: "" }
        })
        .collect();
    let all = rows.iter().flat_map(|row| row.cells.iter().flatten()).map(|mark| match mark {
        Mark::Layer(_, x) => *x,
        _ => f64::NAN,
    });
    let scale = Scale::log(all);
    strips(results, &scale, false, &["before training", "after training"], &rows)
}

/// The mean over the seeds of a number of each layer.
pub(crate) fn layer_means(
    results: &Results,
    contender: usize,
    after: bool,
    of: fn(&Layer) -> f64,
) -> Vec<f64> {
    let runs = &results.runs[contender];
    let snapshots = runs.iter().map(|run| if after { &run.after } else { &run.before });
    let each: Vec<Vec<f64>> =
        snapshots.map(|snapshot| snapshot.layers.iter().map(of).collect()).collect();
    (0..each[0].len())
        .map(|i| each.iter().map(|layers| layers[i]).sum::<f64>() / each.len() as f64)
        .collect()
}
