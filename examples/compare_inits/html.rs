//! The page: one file that needs no network and no script.

use crate::charts;
use crate::notebook::PRINTED;
use crate::results::{LAST_LOSS, Results, TEST, VALIDATION};
use crate::schemes::Family;
use crate::stats::number;
use crate::svg::{escape, layer_mark};
use crate::table::{COLUMNS, with_range};
use crate::words;

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let setup = &results.setup;
    let title = format!("{} ways to begin", results.contenders.len());
    let [kept, aside, test] = setup.images.map(|n| number(n as f64, 0));
    let lead = format!(
        "One network, 784-256-128-10 with ReLU and dropout, trained on {} from {} initializations, {} each. \
         Which is better, and which difference is only chance?",
        setup.data,
        results.contenders.len(),
        runs(setup.seeds)
    );
    let method = format!(
        "<p>Each seed splits the images anew into {kept} to train on and {aside} to validate; {test} more are \
         for the test. Under one seed all schemes see the same split, the same order and the same dropout, \
         so that they can be compared run by run. Adam with a learning rate of 0.001, batches of 100, \
         {} epochs, dropout of 0.2 after both hidden layers, pixels between 0 and 1, biases of zero but \
         for the PyTorch default and RAI. Intervals are 95 % intervals of the mean by Student’s t, one by one. In formulas, n is the \
         number of inputs of a unit, m the number of units.</p><p>Made by <code>{}</code>; the same command \
         gives the same numbers.</p>",
        setup.epochs,
        escape(&setup.command)
    );
    let body = [
        section("In short", &items(&words::in_short(results))),
        section("Accuracy", &accuracy(results)),
        section("The first steps", &first_steps(results)),
        section("Weights", &weights(results)),
        section("Signals and gradients", &signals(results)),
        section("All numbers", &numbers(results)),
        section("Beside the notebook", &notebook(results)),
        section("How it was done", &method),
    ]
    .concat();
    let css = include_str!("page.css");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: weight initialization compared</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Writes `once` or `10 times`, which needs no table of number words.
fn runs(seeds: usize) -> String {
    if seeds == 1 { "once".into() } else { format!("{seeds} times") }
}

fn section(heading: &str, body: &str) -> String {
    format!("<section>\n<h2>{heading}</h2>\n{body}</section>\n")
}

fn items(items: &[String]) -> String {
    let items = items.iter().map(|item| format!("<li>{}</li>\n", escape(item)));
    format!("<ul>\n{}</ul>\n", items.collect::<String>())
}

/// A chart with its title and explanation.
fn figure(title: &str, text: &str, picture: &str) -> String {
    let (title, text) = (escape(title), escape(text));
    format!("<figure>\n<figcaption><b>{title}</b> {text}</figcaption>\n{picture}\n</figure>\n")
}

/// The legend of the colours, for the families in this run.
fn families(results: &Results) -> String {
    let present = |family: &&Family| results.contenders.iter().any(|one| one.family == **family);
    let entries = Family::ALL.iter().filter(present).map(|&family| {
        let (class, name) = (family as usize, family.name());
        format!(r#"<li class="f{class}"><span class="swatch"></span>{name}</li>"#)
    });
    format!(r#"<ul class="legend" aria-label="colours">{}</ul>"#, entries.collect::<String>())
}

fn accuracy(results: &Results) -> String {
    let ranked = results.ranked();
    let seeds = "Small dots are seeds, the large dot their mean, the bar its 95 % interval.";
    let mut text = figure(
        "Test accuracy, all schemes",
        &format!("{seeds} Chance is {} %.", number(100.0 / results.setup.classes as f64, 0)),
        &[families(results), charts::accuracies(results, &ranked, 0.0, 100.0)].concat(),
    );
    let best = results.summary(ranked[0], TEST);
    let near: Vec<usize> = ranked
        .iter()
        .copied()
        .filter(|&i| results.summary(i, TEST).mean > best.mean - 3.0)
        .collect();
    if near.len() > 1 && near.len() < ranked.len() {
        let ends = |i| {
            let summary = results.summary(i, TEST);
            [summary.mean - summary.half, summary.mean + summary.half]
        };
        let values = near.iter().flat_map(|&i| results.values(i, TEST).into_iter().chain(ends(i)));
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        text += &figure(
            "The same, the best of them close up",
            &format!(
                "Those within 3 points of the best; the scale goes from {} to {} %, so that small \
                 differences look large.",
                number(low, 1),
                number(high, 1)
            ),
            &charts::accuracies(results, &near, low, high),
        );
    }
    if let Some(base) = results.find("pytorch") {
        let others: Vec<usize> = near.iter().copied().filter(|&i| i != base).collect();
        if !others.is_empty() && near.contains(&base) {
            text += &figure(
                "What each has over the PyTorch default, seed by seed",
                &words::differences(results, &others, base),
                &charts::differences(results, &others, base),
            );
        }
    }
    text
}

fn first_steps(results: &Results) -> String {
    let steps = results.first_steps();
    let (sound, wild): (Vec<usize>, Vec<usize>) =
        (0..results.contenders.len()).partition(|&i| results.is_sound(i));
    let lines = "The line is the mean of the seeds, from the first number to the second; the band reaches \
                 from the lowest to the highest";
    let mut text = String::new();
    if !sound.is_empty() {
        let base =
            if results.find("pytorch").is_some() { "; dashed, the PyTorch default" } else { "" };
        text += &figure(
            &format!("Loss of the first {steps} steps, schemes that begin sanely"),
            &format!("{lines}{base}. {}", words::first_losses(results, &sound)),
            &charts::losses(results, &sound, false),
        );
    }
    if !wild.is_empty() {
        text += &figure(
            &format!("Loss of the first {steps} steps, the others"),
            &format!(
                "Some loss of theirs is above 2·ln {}, or they learn nothing. {lines}. On a logarithmic \
                 scale. {}",
                results.setup.classes,
                words::first_losses(results, &wild)
            ),
            &charts::losses(results, &wild, true),
        );
    }
    text
}

fn weights(results: &Results) -> String {
    let (sound, wild): (Vec<usize>, Vec<usize>) =
        (0..results.contenders.len()).partition(|&i| results.is_sound(i));
    let what = "The 32,768 weights from the first to the second hidden layer, of the first seed: filled \
                before training, the line after. The numbers are their root mean square before and after.";
    let mut text = String::new();
    for (title, group, common) in [
        ("Weights of the schemes that begin sanely", sound, true),
        ("Weights of the others", wild, false),
    ] {
        if !group.is_empty() {
            let scale = if common {
                "All on one scale, beyond which a few weights may lie."
            } else {
                "Each on its own scale."
            };
            let picture = charts::weights(results, &group, common);
            text += &figure(title, &format!("{what} {scale}"), &picture);
        }
    }
    text
}

fn signals(results: &Results) -> String {
    let marks = charts::LAYERS.iter().enumerate().map(|(i, layer)| {
        format!(
            r#"<li><svg viewBox="-7 -7 14 14" aria-hidden="true">{}</svg>{layer}</li>"#,
            layer_mark(i)
        )
    });
    let legend =
        format!(r#"<ul class="legend" aria-label="marks">{}</ul>"#, marks.collect::<String>());
    let how = "Root mean square, on a logarithmic scale with 0 at its left end, the mean of all seeds, on \
               500 images and without dropout.";
    [
        figure(
            "How large signals are, layer by layer",
            &format!("{how} Behind ReLU, and of the logits. {}", words::signals(results)),
            &[legend.clone(), charts::layers(results, |layer| layer.signal)].concat(),
        ),
        figure(
            "How large the gradients of the weights are, layer by layer",
            &format!("{how} {}", words::gradients(results)),
            &[legend, charts::layers(results, |layer| layer.gradient)].concat(),
        ),
        "<p>Units that are alike learn alike, and units that are 0 for all images learn nothing. Here, how \
         many of the first hidden layer’s units differ from one another, and what share of all hidden units \
         is 0 for each of the 500 images; means of all seeds.</p>"
            .into(),
        units(results),
    ]
    .concat()
}

fn units(results: &Results) -> String {
    let rows = (0..results.contenders.len()).map(|i| {
        let cells = [false, true].map(|after| {
            let distinct = charts::layer_means(results, i, after, |layer| layer.distinct as f64);
            let dead = charts::layer_means(results, i, after, |layer| layer.dead);
            let hidden = dead.len() - 1;
            let dead = 100.0 * dead[..hidden].iter().sum::<f64>() / hidden as f64;
            [number(distinct[0], 0), number(dead, 1)]
        });
        let [[distinct, dead], [distinct_after, dead_after]] = cells;
        row(results, i, &[distinct, distinct_after, dead, dead_after])
    });
    numbers_table(
        &["distinct units, before", "after", "units at 0, %, before", "after"],
        &rows.collect::<String>(),
    )
}

fn row(results: &Results, contender: usize, cells: &[String]) -> String {
    let one = &results.contenders[contender];
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
    format!(
        r#"<tr class="{}"><th scope="row"><span class="swatch"></span>{}<small>{}</small></th>{cells}</tr>"#,
        charts::class(results, contender),
        escape(&one.name),
        escape(&one.formula)
    )
}

fn numbers_table(headings: &[&str], rows: &str) -> String {
    let head: String =
        headings.iter().map(|heading| format!(r#"<th scope="col">{heading}</th>"#)).collect();
    format!(
        r#"<div class="scroll" tabindex="0" role="region" aria-label="table"><table class="numbers"><thead><tr><th scope="col">scheme</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

fn numbers(results: &Results) -> String {
    let rows = (0..results.contenders.len()).map(|i| {
        let cells = COLUMNS.map(|(_, of, digits)| results.summary(i, of).text(digits));
        row(results, i, &cells)
    });
    numbers_table(&COLUMNS.map(|(heading, ..)| heading), &rows.collect::<String>())
}

fn notebook(results: &Results) -> String {
    let lines = PRINTED.iter().filter_map(|line| Some((line, results.find(line.key)?)));
    let rows = lines.map(|(line, i)| {
        let cells = [
            format!("{:.3}", line.validation),
            with_range(&results.summary(i, VALIDATION), 2),
            format!("{:.3}", line.last_loss),
            with_range(&results.summary(i, LAST_LOSS), 3),
        ];
        row(results, i, &cells)
    });
    let headings = [
        "validation %, notebook",
        "ours, mean (all seeds)",
        "loss of the last batch, notebook",
        "ours, mean (all seeds)",
    ];
    let intro = "<p>The course notebook <i>weight-initialization</i> of udacity/deep-learning-v2-pytorch trains this \
                 network on Fashion-MNIST once from each of seven schemes, one of them twice, and prints \
                 the validation accuracy and the loss of the last batch.</p>";
    [
        intro.into(),
        numbers_table(&headings, &rows.collect::<String>()),
        items(&words::notebook(results)),
    ]
    .concat()
}
