//! The findings and tables as a Markdown document.

use crate::notebook::PRINTED;
use crate::results::{LAST_LOSS, Results, VALIDATION};
use crate::stats::number;
use crate::table::{COLUMNS, with_range};
use crate::words;

pub(crate) fn document(results: &Results) -> String {
    let setup = &results.setup;
    let [kept, aside, test] = setup.images.map(|n| number(n as f64, 0));
    let mut text = format!(
        "# Initializations compared\n\nMade by `{}`; the same command gives the same numbers.\n\n\
         Data: {}, {kept} images to train on, {aside} to validate, {test} to test. Network: 784-256-128-10, \
         ReLU, dropout 0.2 after both hidden layers, zero biases but for the PyTorch default and RAI. Adam, \
         learning rate 0.001, batches of 100, epochs: {}, seeds: {}. A seed has one split, one order and one \
         dropout for all schemes. ± is half of the 95 % interval of the mean by Student’s t.\n\n",
        setup.command, setup.data, setup.epochs, setup.seeds
    );
    words::in_short(results).iter().for_each(|item| text += &format!("- {item}\n"));

    let headings = COLUMNS.map(|(heading, ..)| heading);
    text += &line(&["scheme", "weights"].into_iter().chain(headings).collect::<Vec<_>>());
    text.insert(text.rfind("| scheme").expect("just written"), '\n');
    text += &rule(2 + COLUMNS.len());
    for (i, one) in results.contenders.iter().enumerate() {
        let cells = COLUMNS.map(|(_, of, digits)| results.summary(i, of).text(digits));
        let [a, b, c, d] = &cells;
        text += &line(&[&one.name, &one.formula, a, b, c, d]);
    }

    let printed: Vec<_> =
        PRINTED.iter().filter_map(|line| Some((line, results.find(line.key)?))).collect();
    if printed.is_empty() {
        return text;
    }
    text += "\n## Beside the notebook\n\nThe course notebook *weight-initialization* of \
             udacity/deep-learning-v2-pytorch trained this network once from each of these, on Fashion-MNIST; \
             ours: the mean, and the range of all seeds.\n\n";
    text += &line(&[
        "scheme",
        "validation %, notebook",
        "ours",
        "loss of the last batch, notebook",
        "ours",
    ]);
    text += &rule(5);
    for (of, i) in printed {
        text += &line(&[
            results.name(i),
            &format!("{:.3}", of.validation),
            &with_range(&results.summary(i, VALIDATION), 2),
            &format!("{:.3}", of.last_loss),
            &with_range(&results.summary(i, LAST_LOSS), 3),
        ]);
    }
    text += "\n";
    words::notebook(results).iter().for_each(|item| text += &format!("- {item}\n"));
    text
}

fn line(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn rule(columns: usize) -> String {
    format!("|{}\n", "---|".repeat(columns))
}
