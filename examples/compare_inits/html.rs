//! The page: one file that needs no network and no script.

use std::ops::Range;

use crate::charts;
use crate::choose;
use crate::deep;
use crate::notebook::PRINTED;
use crate::probe::Layer;
use crate::rank;
use crate::results::{LAST_LOSS, Results, TEST, VALIDATION};
use crate::schemes::Family;
use crate::stats::number;
use crate::svg::{escape, layer_mark};
use crate::table::{COLUMNS, with_range};
use crate::words;

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let setup = &results.setup;
    let title = escape(&rank::heading(results));
    let [kept, aside, test] = setup.images.map(|n| number(n as f64, 0));
    let how = format!(
        "<p class=\"note\">784-256-128-10, ReLU, dropout; each trained {}. Small dots are seeds, the large dot is \
         their mean, the bar its 95 % interval. Tied: the interval of the difference, seed by seed, holds 0.</p>",
        runs(setup.seeds)
    );
    let ranking = figure(
        "Which wins for this network, and by how much",
        "",
        &[rank::ranking(results), how, families(results)].concat(),
        &rank::table(results),
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
    let sections = [
        ("findings", "In short", "In short", items(&words::in_short(results))),
        ("depth", "Depth", "Depth: where initializations differ", deep::section()),
        ("choose", "What to choose", "What to choose for my net", choose::section(results)),
        ("default", "The default", "Against the default", against_default(results)),
        ("losses", "Loss curves", "Loss curves", loss_curves(results)),
        ("weights", "Weights", "Weights", weights(results)),
        ("signals", "Signals", "Signals and gradients", signals(results)),
        ("numbers", "All numbers", "All numbers", numbers(results)),
        ("notebook", "Notebook", "Beside the notebook", notebook(results)),
        ("method", "Method", "How it was done", method),
    ];
    let links: String = sections
        .iter()
        .filter(|(.., body)| !body.is_empty())
        .map(|(id, short, ..)| format!(r##"<a href="#{id}">{short}</a>"##))
        .collect();
    let body: String =
        sections.iter().map(|(id, _, heading, body)| section(id, heading, body)).collect();
    let (css, lead) = (include_str!("page.css"), escape(&rank::answer(results)));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: weight initialization compared</title>\n<style>\n{css}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#ranking\">Skip to the ranking</a>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n\
         <nav aria-label=\"On this page\" tabindex=\"0\">{links}</nav>\n</header>\n<main>\n\
         <section id=\"ranking\" tabindex=\"-1\" aria-label=\"Ranking\">\n{ranking}</section>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Writes `once` or `10 times`, which needs no table of number words.
fn runs(seeds: usize) -> String {
    if seeds == 1 { "once".into() } else { format!("{seeds} times") }
}

fn section(id: &str, heading: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{body}</section>\n")
}

fn items(items: &[String]) -> String {
    let items = items.iter().map(|item| format!("<li>{}</li>\n", escape(item)));
    format!("<ul>\n{}</ul>\n", items.collect::<String>())
}

/// A chart with its title and explanation, and the table of its numbers.
pub(crate) fn figure(title: &str, text: &str, picture: &str, table: &str) -> String {
    let (title, text) = (escape(title), escape(text));
    format!(
        "<figure>\n<figcaption><b>{title}</b> {text}</figcaption>\n{picture}\n\
         <details><summary>Table: {title}</summary>{table}</details>\n</figure>\n"
    )
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

/// What each of the best has over the PyTorch default; nothing if the default is not among them.
fn against_default(results: &Results) -> String {
    let (near, _) = results.near_and_far();
    let Some(base) = results.find("pytorch").filter(|base| near.contains(base)) else {
        return String::new();
    };
    let others: Vec<usize> = near.into_iter().filter(|&i| i != base).collect();
    if others.is_empty() {
        return String::new();
    }
    let rows: String = others
        .iter()
        .map(|&i| {
            let gap = results.difference(i, base, TEST);
            row(results, i, &[gap.text(2), number(gap.min, 2), number(gap.max, 2)])
        })
        .collect();
    let title = "What each has over the PyTorch default, seed by seed";
    figure(
        title,
        &words::differences(results, &others, base),
        &charts::differences(results, &others, base),
        &numbers_table(
            title,
            "scheme",
            &["difference ± 95 %", "lowest seed", "highest seed"],
            &rows,
        ),
    )
}

fn loss_curves(results: &Results) -> String {
    let steps = results.first_steps();
    let (sound, wild): (Vec<usize>, Vec<usize>) =
        (0..results.contenders.len()).partition(|&i| results.is_sound(i));
    let lines = "The line is the mean of the seeds, from the first number to the second; the band reaches \
                 from the lowest to the highest";
    let base = if results.find("pytorch").is_some() { "; dashed, the PyTorch default" } else { "" };
    let mut text = String::new();
    if !sound.is_empty() {
        let title = format!("Loss of all {} steps, schemes that begin sanely", results.steps());
        text += &figure(
            &title,
            &format!(
                "{lines}{base}. Both scales are logarithmic, and later points are means of more steps. {}",
                words::curves(results, &sound)
            ),
            &charts::curves(results, &sound),
            &loss_table(results, &sound, &title, results.steps()),
        );
        let title = format!("Loss of the first {steps} steps, schemes that begin sanely");
        text += &figure(
            &title,
            &format!("{lines}{base}. {}", words::first_losses(results, &sound)),
            &charts::losses(results, &sound, false),
            &loss_table(results, &sound, &title, steps),
        );
    }
    if !wild.is_empty() {
        let title = format!("Loss of the first {steps} steps, the others");
        text += &figure(
            &title,
            &format!(
                "Some loss of theirs is above 2·ln {}, or they learn nothing. {lines}. On a logarithmic \
                 scale. {}",
                results.setup.classes,
                words::first_losses(results, &wild)
            ),
            &charts::losses(results, &wild, true),
            &loss_table(results, &wild, &title, steps),
        );
    }
    text
}

/// The roles of tables and their parts, which browsers drop where CSS lays a table out as blocks.
pub(crate) fn with_roles(html: &str) -> String {
    let tags = [
        ("<table", "", "table"),
        ("<thead", "", "rowgroup"),
        ("<tbody", "", "rowgroup"),
        ("<tr", "", "row"),
        ("<th", r#" scope="col""#, "columnheader"),
        ("<th", r#" scope="row""#, "rowheader"),
        ("<th", " colspan", "rowheader"),
        ("<td", "", "cell"),
    ];
    tags.iter().fold(html.to_owned(), |html, (tag, attribute, role)| {
        let with_role = format!(r#"{tag} role="{role}"{attribute}"#);
        html.replace(&format!("{tag}{attribute}"), &with_role)
    })
}

/// Mean losses of the steps of a picture, in parts that grow.
fn loss_table(results: &Results, contenders: &[usize], title: &str, all: usize) -> String {
    let ends = [0, 1, 10, 30, 100, 300, 1000, 3000];
    let mut parts: Vec<Range<usize>> = ends
        .windows(2)
        .map(|end| end[0]..end[1].min(all))
        .filter(|part| !part.is_empty())
        .collect();
    if all > 3000 {
        parts.push(3000..all);
    }
    let heads: Vec<String> = parts
        .iter()
        .map(|part| match part.len() {
            1 => format!("step {}", part.end),
            _ => format!("steps {} to {}", part.start + 1, part.end),
        })
        .collect();
    let rows: String = contenders
        .iter()
        .map(|&i| {
            let cells: Vec<String> = parts
                .iter()
                .map(|part| number(results.mean_loss(i, part.clone()).mean, 3))
                .collect();
            row(results, i, &cells)
        })
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    numbers_table(&format!("{title}: mean losses"), "scheme", &heads, &rows)
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
            let rows: String =
                group.iter().map(|&i| row(results, i, &charts::weight_sizes(results, i))).collect();
            let heads = ["root mean square, before", "after", "largest, before", "after"];
            let table = numbers_table(title, "scheme", &heads, &rows);
            text += &figure(title, &format!("{what} {scale}"), &picture, &table);
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
            &layer_table(results, "How large signals are", |layer| layer.signal),
        ),
        figure(
            "How large the gradients of the weights are, layer by layer",
            &format!("{how} {}", words::gradients(results)),
            &[legend, charts::layers(results, |layer| layer.gradient)].concat(),
            &layer_table(results, "How large gradients are", |layer| layer.gradient),
        ),
        "<p>Units that are alike learn alike, and units that are 0 for all images learn nothing. Here, how \
         many of the first hidden layer’s units differ from one another, and what share of all hidden units \
         is 0 for each of the 500 images; means of all seeds.</p>"
            .into(),
        units(results),
    ]
    .concat()
}

fn layer_table(results: &Results, title: &str, of: fn(&Layer) -> f64) -> String {
    let heads: Vec<String> = ["before", "after"]
        .iter()
        .flat_map(|when| charts::LAYERS.map(|layer| format!("{layer}, {when}")))
        .collect();
    let rows: String = (0..results.contenders.len())
        .map(|i| {
            let means = [false, true].map(|after| charts::layer_means(results, i, after, of));
            let cells: Vec<String> = means.concat().iter().map(|x| significant(*x)).collect();
            row(results, i, &cells)
        })
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    numbers_table(&format!("{title}, layer by layer"), "scheme", &heads, &rows)
}

/// Three digits, in powers of ten where they are very small.
fn significant(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if size < 1e-3 => format!("{x:.1e}").replace('-', "−"),
        size if size < 1.0 => number(x, 3),
        size if size < 10.0 => number(x, 2),
        _ => number(x, 1),
    }
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
        "Units that are alike, and units that are 0",
        "scheme",
        &["distinct units, before", "after", "units at 0, %, before", "after"],
        &rows.collect::<String>(),
    )
}

pub(crate) fn row(results: &Results, contender: usize, cells: &[String]) -> String {
    let one = &results.contenders[contender];
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
    format!(
        r#"<tr class="{}"><th scope="row"><span class="swatch"></span>{}<small>{}</small></th>{cells}</tr>"#,
        charts::class(results, contender),
        escape(&one.name),
        escape(&one.formula)
    )
}

/// A table that scrolls inside itself, with a caption for screen readers and the heading of its first column.
pub(crate) fn numbers_table(caption: &str, first: &str, headings: &[&str], rows: &str) -> String {
    let head: String =
        headings.iter().map(|heading| format!(r#"<th scope="col">{heading}</th>"#)).collect();
    let caption = escape(caption);
    format!(
        r#"<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table class="numbers"><caption>{caption}</caption><thead><tr><th scope="col">{first}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

fn numbers(results: &Results) -> String {
    let rows = (0..results.contenders.len()).map(|i| {
        let cells = COLUMNS.map(|(_, of, digits)| results.summary(i, of).text(digits));
        row(results, i, &cells)
    });
    let heads = COLUMNS.map(|(heading, ..)| heading);
    numbers_table("All numbers, mean ± 95 %", "scheme", &heads, &rows.collect::<String>())
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
        numbers_table("Beside the notebook", "scheme", &headings, &rows.collect::<String>()),
        items(&words::notebook(results)),
    ]
    .concat()
}
