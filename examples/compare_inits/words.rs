//! The findings as sentences. Each sentence is computed from the data of the run, so it claims only
//! what they support.

use crate::charts::layer_means;
use crate::notebook::PRINTED;
use crate::results::{EPOCH_LOSS, Measure, Results, TEST, VALIDATION};
use crate::stats::{Summary, number};

/// `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => "none".into(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn names(results: &Results, contenders: impl IntoIterator<Item = usize>) -> String {
    list(&contenders.into_iter().map(|i| results.name(i).to_owned()).collect::<Vec<_>>())
}

/// States which of two is ahead, if the interval decides it.
pub(crate) fn versus(results: &Results, a: usize, b: usize, of: Measure) -> String {
    let gap = results.difference(a, b, of);
    let [first, second] = if gap.mean < 0.0 { [b, a] } else { [a, b] }.map(|i| results.name(i));
    let (size, half) = (number(gap.mean.abs(), 2), number(gap.half, 2));
    if gap.half.is_nan() {
        format!("a single run, in which {first} is {size} points ahead of {second}, tells nothing")
    } else if gap.holds_zero() {
        format!(
            "the gap between {first} and {second}, {size} points, is smaller than its interval, ±{half}"
        )
    } else {
        format!("{first} is ahead of {second} by {size} ± {half} points")
    }
}

/// The findings, the most important one first.
pub(crate) fn in_short(results: &Results) -> Vec<String> {
    let ranked = results.ranked();
    let best = ranked[0];
    let mut found = vec![];

    let (tied, behind) = results.tied_and_behind();
    found.push(format!(
        "The best mean on the test images is that of {}, {} %. Of the {} others, {} cannot be told from \
         it, as the interval of the difference holds 0{}; {} are behind.",
        results.name(best),
        results.summary(best, TEST).text(2),
        ranked.len() - 1,
        tied.len(),
        if tied.is_empty() { String::new() } else { format!(" ({})", names(results, tied)) },
        behind.len(),
    ));

    let stuck: Vec<usize> = ranked.iter().copied().filter(|&i| results.is_at_chance(i)).collect();
    if !stuck.is_empty() {
        found.push(format!(
            "Nothing is learnt under any seed from {}: the test images are classified as by chance.",
            names(results, stuck)
        ));
    }
    found.extend(same_law_twice(results));
    found.extend(shapes(results));
    if let (Some(with), Some(without)) = (results.find("pytorch"), results.find("general_rule")) {
        found.push(format!(
            "Random biases or zero ones, under the same weights: {}.",
            versus(results, with, without, TEST)
        ));
    }
    found.extend(scale(results));
    found
}

/// The variation of one scheme over seeds, compared with the notebook's conclusions from single
/// runs.
fn same_law_twice(results: &Results) -> Option<String> {
    let rule = results.summary(results.find("general_rule")?, VALIDATION);
    if rule.sd.is_nan() {
        return None;
    }
    Some(format!(
        "One scheme, the general rule, moves from seed to seed by a standard deviation of {} points of \
         validation accuracy (from {} to {} %). Two single runs of it differ by {} points typically; the \
         notebook compares schemes by single runs.",
        number(rule.sd, 2),
        number(rule.min, 2),
        number(rule.max, 2),
        // The mean absolute difference of two normal numbers is 2σ/√π.
        number(rule.sd * 2.0 / std::f64::consts::PI.sqrt(), 2),
    ))
}

/// Uniform against normal distributions of the same variance.
fn shapes(results: &Results) -> Option<String> {
    let pairs = [
        ("lecun_uniform", "lecun_normal"),
        ("xavier_uniform", "xavier_normal"),
        ("kaiming_uniform", "kaiming_normal"),
    ];
    let pairs: Vec<(usize, usize)> =
        pairs.iter().filter_map(|(a, b)| Some((results.find(a)?, results.find(b)?))).collect();
    if pairs.is_empty() {
        return None;
    }
    let told = pairs.iter().filter(|&&(a, b)| !results.difference(a, b, TEST).holds_zero()).count();
    let each: Vec<String> = pairs.iter().map(|&(a, b)| versus(results, a, b, TEST)).collect();
    Some(format!(
        "Uniform or normal, with the same variance, makes a difference that exceeds its interval in {told} \
         of {} pairs: {}.",
        pairs.len(),
        each.join("; ")
    ))
}

/// The fan-in family with small, medium and large weights.
fn scale(results: &Results) -> Option<String> {
    let [small, middle, large] = [
        results.find("general_rule")?,
        results.find("lecun_uniform")?,
        results.find("kaiming_uniform")?,
    ];
    let loss = |i| format!("{} {}", results.name(i), results.summary(i, EPOCH_LOSS).text(4));
    Some(format!(
        "Variance 1/(3n), 1/n and 2/n, all uniform: the mean loss of the last epoch is {}. On the test \
         images {}.",
        list(&[small, middle, large].map(loss)),
        versus(results, large, small, TEST)
    ))
}

/// The text of the chart of differences.
pub(crate) fn differences(results: &Results, contenders: &[usize], base: usize) -> String {
    let side = |sign: f64| {
        let told = contenders.iter().copied().filter(|&i| {
            let gap = results.difference(i, base, TEST);
            !gap.holds_zero() && gap.mean * sign > 0.0
        });
        told.collect::<Vec<_>>()
    };
    let (better, worse) = (side(1.0), side(-1.0));
    let rest = contenders.len() - better.len() - worse.len();
    format!(
        "Better than {} by more than the interval: {}. Worse: {}. The other {rest} cannot be told from it. \
         Of so many intervals, about {} would miss the truth by chance alone.",
        results.name(base),
        names(results, better),
        names(results, worse),
        number(contenders.len() as f64 * 0.05, 1)
    )
}

/// The text of the chart of the whole training: who is fast at first, and who has the least loss at last.
pub(crate) fn curves(results: &Results, contenders: &[usize]) -> String {
    let steps = results.steps().min(30);
    let early = |i: usize| results.mean_loss(i, 0..steps).mean;
    let late = |i: usize| results.summary(i, EPOCH_LOSS).mean;
    let ends = |of: &dyn Fn(usize) -> f64| {
        let by = |a: &&usize, b: &&usize| of(**a).total_cmp(&of(**b));
        let [low, high] = [contenders.iter().min_by(by), contenders.iter().max_by(by)]
            .map(|i| *i.expect("not empty"));
        format!(
            "lowest for {}, {}, and highest for {}, {}",
            results.name(low),
            number(of(low), 3),
            results.name(high),
            number(of(high), 3)
        )
    };
    format!(
        "The mean loss of the first {steps} steps is {}; that of the last epoch is {}.",
        ends(&early),
        ends(&late)
    )
}

/// The text of a chart of first losses.
pub(crate) fn first_losses(results: &Results, contenders: &[usize]) -> String {
    let last = results.first_steps() - 1;
    // The mean of ten steps, because the loss of one batch varies widely.
    let end = |i: usize| {
        let steps = last.saturating_sub(9)..=last;
        let count = steps.clone().count() as f64;
        steps.map(|step| results.loss(i, step).mean).sum::<f64>() / count
    };
    let by_end = |a: &&usize, b: &&usize| end(**a).total_cmp(&end(**b));
    let (Some(&low), Some(&high)) =
        (contenders.iter().min_by(by_end), contenders.iter().max_by(by_end))
    else {
        return String::new();
    };
    let top = |i: usize| (0..=last).map(|step| results.loss(i, step).max).fold(0.0, f64::max);
    let by_top = |a: &&usize, b: &&usize| top(**a).total_cmp(&top(**b));
    let peak = *contenders.iter().max_by(by_top).expect("not empty");
    let mut text = format!(
        "Lowest at the end, over the last ten steps shown: {}, {}; highest: {}, {}. The highest loss of any \
         seed is {}, of {}.",
        results.name(low),
        number(end(low), 2),
        results.name(high),
        number(end(high), 2),
        number(top(peak), 2),
        results.name(peak)
    );
    if let Some(zeros) = results.find("zeros").filter(|zeros| contenders.contains(zeros)) {
        let all =
            Summary::of(results.runs[zeros].iter().flat_map(|run| &run.losses).map(|&l| l.into()));
        text += &format!(
            " All zeros stay between {} and {} to the end of training, around ln {} = {}: only the last \
             biases get a gradient.",
            number(all.min, 3),
            number(all.max, 3),
            results.setup.classes,
            number((results.setup.classes as f64).ln(), 3)
        );
    }
    text
}

/// The text of the chart of signals: the schemes that preserve the size best and worst.
pub(crate) fn signals(results: &Results) -> String {
    let step = |i: usize| {
        let means = layer_means(results, i, false, |layer| layer.signal);
        means[means.len() - 2] / means[0]
    };
    let known: Vec<usize> =
        (0..results.contenders.len()).filter(|&i| step(i).is_finite() && step(i) > 0.0).collect();
    let off = |i: usize| step(i).ln().abs();
    let by = |a: &&usize, b: &&usize| off(**a).total_cmp(&off(**b));
    let (Some(&best), Some(&worst)) = (known.iter().min_by(by), known.iter().max_by(by)) else {
        return String::new();
    };
    let base = results.find("pytorch").filter(|&base| base != best && base != worst);
    let base = base.map(|i| format!(", under {} by {}", results.name(i), number(step(i), 2)));
    format!(
        "Before training, the second hidden layer changes the size of the signal least under {}, by a \
         factor of {}, and most under {}, by {}{}.",
        results.name(best),
        number(step(best), 2),
        results.name(worst),
        number(step(worst), 2),
        base.unwrap_or_default()
    )
}

/// The text of the chart of gradients: which are exactly zero, and how much the others differ.
pub(crate) fn gradients(results: &Results) -> String {
    let all = |i: usize| layer_means(results, i, false, |layer| layer.gradient);
    let none = (0..results.contenders.len()).filter(|&i| all(i).iter().all(|&g| g == 0.0));
    let none: Vec<usize> = none.collect();
    let some =
        (0..results.contenders.len()).filter(|i| !none.contains(i) && all(*i).contains(&0.0));
    let some: Vec<usize> = some.collect();
    let spread = |i: usize| {
        let all = all(i);
        all.iter().copied().fold(0.0, f64::max) / all.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let known: Vec<usize> =
        (0..results.contenders.len()).filter(|&i| spread(i).is_finite()).collect();
    let by = |a: &&usize, b: &&usize| spread(**a).total_cmp(&spread(**b));
    let mut text = String::new();
    if !none.is_empty() {
        text += &format!("No weight gets any gradient from {}. ", names(results, none));
    }
    if !some.is_empty() {
        text += &format!("Some layers get none at first from {}. ", names(results, some));
    }
    if let (Some(&even), Some(&uneven)) = (known.iter().min_by(by), known.iter().max_by(by)) {
        text += &format!(
            "The largest of the three is {} times the smallest under {}, the most even, and {} times under \
             {}, the least.",
            number(spread(even), 1),
            results.name(even),
            number(spread(uneven), 1),
            results.name(uneven)
        );
    }
    text
}

/// The text of the comparison with the notebook.
pub(crate) fn notebook(results: &Results) -> Vec<String> {
    let shown: Vec<_> =
        PRINTED.iter().filter_map(|line| Some((line, results.find(line.key)?))).collect();
    if shown.is_empty() || results.setup.seeds < 2 {
        return vec![];
    }
    if !results.is_the_notebooks() {
        return vec!["This run had other images or epochs than the notebook: the numbers cannot be compared.".into()];
    }
    let outside = shown.iter().filter(|(line, i)| {
        let range = results.summary(*i, VALIDATION);
        line.validation < range.min || line.validation > range.max
    });
    let outside: Vec<String> = outside
        .map(|(line, i)| format!("{} ({})", results.name(*i), number(line.validation, 3)))
        .collect();
    let mut said = vec![format!(
        "{} of the notebook’s {} validation accuracies lie within the range of our {} runs{}.",
        shown.len() - outside.len(),
        shown.len(),
        results.setup.seeds,
        if outside.is_empty() { String::new() } else { format!("; outside: {}", list(&outside)) }
    )];
    if let (Some(normal), Some(rule)) = (results.find("lecun_normal"), results.find("general_rule"))
    {
        said.push(format!(
            "The notebook finds its normal and its uniform distribution alike, and says that in general a \
             normal one does better. Its two have different variances, 1/n and 1/(3n). Here, in validation \
             accuracy, {}.",
            versus(results, normal, rule, VALIDATION)
        ));
    }
    said
}
