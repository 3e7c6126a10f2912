//! The top of the page: which initialization wins, and by how much.

use crate::charts::class;
use crate::html::{numbers_table, with_roles};
use crate::results::{Results, TEST};
use crate::stats::number;
use crate::svg::{Mark, Scale, escape, strip, strip_axis};

/// The page's heading: how many share the first place.
pub(crate) fn heading(results: &Results) -> String {
    let all = results.contenders.len();
    let (tied, _) = results.tied_and_behind();
    match tied.len() {
        _ if results.setup.seeds == 1 => format!("{all} initializations, one run of each"),
        0 => format!("{} wins, of {all} initializations", results.name(results.ranked()[0])),
        others => format!("No single winner: {} of {all} initializations are level", others + 1),
    }
}

/// The answer in two sentences.
pub(crate) fn answer(results: &Results) -> String {
    let setup = &results.setup;
    let best = results.ranked()[0];
    let (tied, behind) = results.tied_and_behind();
    let gaps = behind.iter().map(|&i| results.difference(best, i, TEST).mean);
    let mut text = format!(
        "On {} {} has the highest test accuracy, {} %.",
        setup.data,
        results.name(best),
        results.summary(best, TEST).text(2)
    );
    if setup.seeds == 1 {
        return text + " A single run of each decides nothing: take more seeds.";
    }
    if !tied.is_empty() {
        let others =
            if tied.len() == 1 { "One other".into() } else { format!("{} others", tied.len()) };
        text += &format!(" {others} cannot be told from it.");
    }
    let gaps = gaps.map(|gap| number(gap, 1)).collect::<Vec<_>>();
    text += &match &gaps[..] {
        [] => String::new(),
        [one] => format!(" One is behind, by {one} points."),
        [least, .., most] if least == most => {
            format!(" {} are behind, each by {least} points.", gaps.len())
        }
        [least, .., most] => format!(" {} are behind, by {least} to {most} points.", gaps.len()),
    };
    text
}

/// The ranking: a table with a chart in it, on a scale that shows the gaps near the top, and below it what
/// is far behind.
pub(crate) fn ranking(results: &Results) -> String {
    let (near, far) = results.near_and_far();
    let scale = scale(results, &near);
    let best = near[0];
    let (tied, _) = results.tied_and_behind();
    let row = |place: usize, i: usize, plot: String| {
        let one = &results.contenders[i];
        let gap = results.difference(best, i, TEST);
        let (state, gap) = match () {
            () if i == best => ("best", String::from("<b>best</b>")),
            () if tied.contains(&i) => ("tied", format!("{} <b>tied</b>", gap.text(2))),
            () => ("behind", format!("{} <b>behind</b>", gap.text(2))),
        };
        format!(
            r#"<tr class="{} {state}"><td class="place">{place}</td><th scope="row">{} <small>{}</small></th><td class="plot">{plot}</td><td class="value">{}</td><td class="gap">{gap}</td></tr>"#,
            class(results, i),
            escape(&one.name),
            escape(&one.formula),
            results.summary(i, TEST).text(2),
        )
    };
    let picture = |i: usize| {
        let summary = results.summary(i, TEST);
        let seeds = results.values(i, TEST).into_iter().map(Mark::Seed);
        let marks: Vec<Mark> = seeds.chain([Mark::Mean(summary.mean, summary.half)]).collect();
        let text = format!(
            "mean {} per cent; the seeds go from {} to {}",
            summary.text(2),
            number(summary.min, 2),
            number(summary.max, 2)
        );
        strip(&scale, false, &marks, (&format!("Test accuracy of {}", results.name(i)), &text))
    };
    let chance = number(100.0 / results.setup.classes as f64, 0);
    let apart = |i: usize| {
        let summary = results.summary(i, TEST);
        if results.is_at_chance(i) {
            format!("<i>learns nothing: chance is {chance} %</i>")
        } else {
            let [min, max] = [summary.min, summary.max].map(|x| number(x, 1));
            format!("<i>seeds from {min} to {max} %</i>")
        }
    };
    let shown: String =
        near.iter().enumerate().map(|(at, &i)| row(at + 1, i, picture(i))).collect();
    let rest: String =
        far.iter().enumerate().map(|(at, &i)| row(near.len() + at + 1, i, apart(i))).collect();
    let rest = match &*rest {
        "" => String::new(),
        rows => format!(
            r#"<tbody class="apart"><tr><th colspan="5" scope="rowgroup">More than 3 points behind, apart from the scale</th></tr>{rows}</tbody>"#
        ),
    };
    with_roles(&format!(
        r#"<table class="rank" aria-label="Test accuracy of each initialization, the best first"><thead><tr><th scope="col" class="place">place</th><th scope="col">initialization</th><th scope="col" class="plot">{}</th><th scope="col" class="value">test %, mean ± 95 %</th><th scope="col" class="gap">behind the best</th></tr></thead><tbody>{shown}</tbody>{rest}</table>"#,
        strip_axis(&scale)
    ))
}

/// From the lowest to the highest seed, and as far as the intervals go, unless they are those of very few
/// seeds.
fn scale(results: &Results, near: &[usize]) -> Scale {
    let seeds = || near.iter().flat_map(|&i| results.values(i, TEST));
    let (low, high) = (seeds().fold(f64::INFINITY, f64::min), seeds().fold(0.0, f64::max));
    let margin = (high - low) / 2.0;
    let ends = near.iter().flat_map(|&i| {
        let summary = results.summary(i, TEST);
        [summary.mean - summary.half, summary.mean + summary.half]
    });
    let (mut from, mut to) = (low, high);
    for end in ends.filter(|end| end.is_finite()) {
        from = from.min(end.max(low - margin));
        to = to.max(end.min(high + margin));
    }
    Scale::linear(from, to)
}

/// The numbers behind the picture.
pub(crate) fn table(results: &Results) -> String {
    let ranked = results.ranked();
    let rows: String = ranked
        .iter()
        .map(|&i| {
            let summary = results.summary(i, TEST);
            let [sd, min, max] = [summary.sd, summary.min, summary.max].map(|x| number(x, 2));
            let gap = results.difference(ranked[0], i, TEST).text(2);
            let gap = if i == ranked[0] { "–".into() } else { gap };
            crate::html::row(results, i, &[summary.text(2), sd, min, max, gap])
        })
        .collect();
    numbers_table(
        "Test accuracy of each initialization in per cent",
        "initialization",
        &[
            "mean ± 95 %",
            "standard deviation",
            "lowest seed",
            "highest seed",
            "behind the best ± 95 %",
        ],
        &rows,
    )
}
