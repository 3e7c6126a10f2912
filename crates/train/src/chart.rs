//! Line charts as one self-contained SVG.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::Result;
use crate::history;
use crate::text::number;

/// Lines over a common axis, as an SVG file that browsers show in light and dark.
///
/// The vertical axis is logarithmic if all values are positive and the largest is more than 50 times the
/// smallest. A point that is not finite is left out.
///
/// # Example
/// ```
/// use fanin_train::LineChart;
///
/// let depths = [2.0, 10.0, 50.0];
/// let chart = LineChart::new("accuracy by depth", "layers")
///     .line("default", depths.map(|n| (n, 1.0 / n)))
///     .line("Kaiming", depths.map(|n| (n, 0.9)));
/// assert!(chart.to_svg().contains("Kaiming"));
/// ```
#[derive(Clone, Debug)]
pub struct LineChart(Chart);

impl LineChart {
    /// A chart without lines.
    pub fn new(title: impl Into<String>, x_label: impl Into<String>) -> Self {
        let (title, x_label) = (title.into(), x_label.into());
        let (x, y) = (Axis::Linear, Axis::Linear);
        Self(Chart { title, x_label, x, y, lines: vec![], marks: vec![] })
    }

    /// Adds a line through points, given as pairs of x and y.
    #[must_use]
    pub fn line(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().collect();
        self.0.lines.push(Line { name: name.into(), points });
        let values = self.0.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        self.0.y = Axis::for_values(values);
        self
    }

    /// The picture.
    pub fn to_svg(&self) -> String {
        svg(&self.0.title, std::slice::from_ref(&self.0))
    }

    /// Writes the picture to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        history::write(path.as_ref(), &self.to_svg())
    }
}

/// One chart of a picture. Charts stand one below the other.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    /// Vertical lines: position and text.
    pub(crate) marks: Vec<(f64, String)>,
}

/// Points that a line joins.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Whether an axis is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Linear,
    Log,
}

impl Axis {
    /// Logarithmic if all values are positive and the largest is 50 times the smallest.
    pub(crate) fn for_values(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        if low > 0.0 && high > 50.0 * low { Self::Log } else { Self::Linear }
    }
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 580.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 212.0;

/// Blue, orange, green, purple, red, ochre, in an order that keeps neighbours apart for all kinds of sight.
const COLOURS: [(&str, &str); 6] = [
    ("#0969da", "#58a6ff"),
    ("#bc4c00", "#f0883e"),
    ("#1a7f37", "#3fb950"),
    ("#8250df", "#bc8cff"),
    ("#cf222e", "#ff7b72"),
    ("#9a6700", "#d29922"),
];

/// The charts as one picture whose colours suit light and dark pages.
pub(crate) fn svg(label: &str, charts: &[Chart]) -> String {
    let height = HEIGHT * charts.len().max(1) as f64;
    let [light, dark] = [0, 1].map(|which| {
        let colour = |(i, pair): (usize, &(&str, &str))| {
            format!("--c{i}: {}; ", if which == 0 { pair.0 } else { pair.1 })
        };
        COLOURS.iter().enumerate().map(colour).collect::<String>()
    });
    let mut lines = String::new();
    for i in 0..COLOURS.len() {
        push(
            &mut lines,
            format_args!(
                "polyline.c{i} {{ stroke: var(--c{i}) }} circle.c{i}, text.c{i} {{ fill: var(--c{i}) }}\n"
            ),
        );
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{}\">\n<style>\n\
         svg {{ color-scheme: light dark; font: 12px system-ui, sans-serif; --ink: #1f2328; --grid: #d0d7de; \
         {light}background: #ffffff }}\n\
         @media (prefers-color-scheme: dark) {{ svg {{ --ink: #e6edf3; --grid: #3d444d; {dark}background: \
         #0d1117 }} }}\n\
         text {{ fill: var(--ink) }} .title {{ font-weight: 600 }} line {{ stroke: var(--grid) }} line.mark {{ \
         stroke: var(--ink); stroke-dasharray: 2 3 }}\npolyline {{ fill: none; stroke-width: 2 }} \
         polyline.c1 {{ stroke-dasharray: 6 3 }}\n{lines}</style>\n",
        escape(label)
    );
    for (i, chart) in charts.iter().enumerate() {
        push(&mut svg, format_args!("<g transform=\"translate(0 {})\">\n", i as f64 * HEIGHT));
        chart.draw(&mut svg);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

/// Maps values to positions from 0 to 1.
struct Scale {
    axis: Axis,
    low: f64,
    high: f64,
}

impl Scale {
    /// `round` widens the scale to round numbers.
    fn of(axis: Axis, values: impl Iterator<Item = f64>, round: bool) -> Self {
        let fits = |x: &f64| x.is_finite() && (axis == Axis::Linear || *x > 0.0);
        let (mut low, mut high) = range(values.filter(fits));
        if axis == Axis::Log {
            (low, high) = (low.log10(), high.log10());
        }
        if high <= low {
            let half = if axis == Axis::Log { 0.5 } else { (0.1 * low.abs()).max(1e-6) };
            (low, high) = (low - half, high + half);
        }
        let mut scale = Self { axis, low, high };
        if round && axis == Axis::Linear {
            let step = scale.step(5);
            (scale.low, scale.high) = ((low / step).floor() * step, (high / step).ceil() * step);
        }
        scale
    }

    fn at(&self, value: f64) -> f64 {
        let value = if self.axis == Axis::Log { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }

    /// A round number that divides the scale into at most about `most` parts.
    fn step(&self, most: usize) -> f64 {
        let raw = (self.high - self.low) / most as f64;
        let ten = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * ten).into_iter().find(|&s| s >= raw * 0.999);
        step.unwrap_or(10.0 * ten)
    }

    /// Positions of round numbers, with their texts.
    fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        if self.axis == Axis::Log {
            return self.log_ticks(most);
        }
        let step = self.step(most);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let (from, to) = (self.low / step - 1e-9, self.high / step + 1e-9);
        let values = (from.ceil() as i64..=to.floor() as i64).map(|i| i as f64 * step);
        let text = |x: f64| {
            // Write −0 as 0.
            let x = if x == 0.0 { 0.0 } else { x };
            if digits > 5 || step >= 1e6 { format!("{x:.1e}") } else { format!("{x:.digits$}") }
        };
        values.map(|x| (self.at(x), text(x))).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<(f64, String)> {
        let factors: &[f64] = if self.high - self.low > 2.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = self.low.floor() as i32..=self.high.ceil() as i32;
        let every = (powers.clone().count() * factors.len()).div_ceil(2 * most).max(1);
        let all = powers.filter(|p| p.rem_euclid(every as i32) == 0);
        let values = all.flat_map(|p| factors.iter().map(move |f| (f * 10f64.powi(p), p)));
        let inside = values
            .map(|(x, p)| (self.at(x), x, p))
            .filter(|(at, ..)| (-1e-9..=1.0 + 1e-9).contains(at));
        let text = |x: f64, p: i32| {
            if (-3..=3).contains(&p) { format!("{x}") } else { format!("{x:e}") }
        };
        inside
            .map(|(at, x, p)| (at, text((x / 10f64.powi(p)).round() * 10f64.powi(p), p)))
            .collect()
    }
}

impl Chart {
    fn draw(&self, svg: &mut String) {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let xs = points().map(|(x, _)| x).chain(self.marks.iter().map(|(x, _)| *x));
        let x = Scale::of(self.x, xs, false);
        let y = Scale::of(self.y, points().map(|(_, y)| y), true);
        let px = |value| LEFT + (RIGHT - LEFT) * x.at(value);
        let py = |value| BOTTOM - (BOTTOM - TOP) * y.at(value);
        let fits = |&(a, b): &(f64, f64)| px(a).is_finite() && py(b).is_finite();

        let title = escape(&self.title);
        push(svg, format_args!("<text class=\"title\" x=\"{LEFT}\" y=\"16\">{title}</text>\n"));
        for (at, text) in y.ticks(5) {
            let y = BOTTOM - (BOTTOM - TOP) * at;
            push(
                svg,
                format_args!(
                    "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" \
                     y=\"{:.1}\" text-anchor=\"end\">{text}</text>\n",
                    LEFT - 6.0,
                    y + 4.0
                ),
            );
        }
        for (at, text) in x.ticks(8) {
            let x = LEFT + (RIGHT - LEFT) * at;
            push(
                svg,
                format_args!(
                    "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{BOTTOM}\" y2=\"{:.1}\"/><text x=\"{x:.1}\" \
                     y=\"{:.1}\" text-anchor=\"middle\">{text}</text>\n",
                    BOTTOM + 4.0,
                    BOTTOM + 18.0
                ),
            );
        }
        push(
            svg,
            format_args!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                0.5 * (LEFT + RIGHT),
                BOTTOM + 36.0,
                escape(&self.x_label)
            ),
        );
        for (value, text) in self.marks.iter().filter(|(value, _)| px(*value).is_finite()) {
            let (x, text) = (px(*value), escape(text));
            push(
                svg,
                format_args!(
                    "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/><text \
                     x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>\n",
                    TOP - 4.0
                ),
            );
        }
        for (i, line) in self.lines.iter().enumerate() {
            let (class, name) = (i % COLOURS.len(), escape(&line.name));
            let shown: Vec<_> = line.points.iter().filter(|point| fits(point)).collect();
            let place = |&&(x, y): &&(f64, f64)| format!("{:.1},{:.1}", px(x), py(y));
            let path: Vec<_> = shown.iter().map(place).collect();
            push(
                svg,
                format_args!("<polyline class=\"c{class}\" points=\"{}\"/>\n", path.join(" ")),
            );
            // A dot for each point, while the dots stay apart.
            if shown.len() <= 60 {
                for &&(x, y) in &shown {
                    push(
                        svg,
                        format_args!(
                            "<circle class=\"c{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"><title>{name} {} \
                             at {x}</title></circle>\n",
                            px(x),
                            py(y),
                            number(y)
                        ),
                    );
                }
            }
            // The title names a line that is alone.
            if self.lines.len() == 1 {
                continue;
            }
            let y = TOP + 8.0 + 18.0 * i as f64;
            push(
                svg,
                format_args!(
                    "<polyline class=\"c{class}\" points=\"{:.1},{y:.1} {:.1},{y:.1}\"/><text class=\"c{class}\" \
                     x=\"{:.1}\" y=\"{:.1}\">{name}</text>\n",
                    RIGHT + 8.0,
                    RIGHT + 28.0,
                    RIGHT + 33.0,
                    y + 4.0
                ),
            );
        }
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|x| x.is_finite());
    let (low, high) = finite.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a string takes all that is written to it");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = |axis, low, high| {
            let scale = Scale::of(axis, [low, high].into_iter(), true);
            let ticks = scale.ticks(5);
            assert!(ticks.iter().all(|(at, _)| (-1e-6..=1.0 + 1e-6).contains(at)), "{ticks:?}");
            ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(ticks(Axis::Linear, 0.13, 0.88), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(Axis::Linear, 1.0, 20.0), ["0", "5", "10", "15", "20"]);
        assert_eq!(ticks(Axis::Log, 0.02, 9.0), ["0.1", "1"]);
        assert_eq!(ticks(Axis::Log, 0.9, 6.0), ["1", "2", "5"]);
        assert_eq!(ticks(Axis::Log, 1e-7, 1.0)[..2], ["1e-7", "1e-6"]);
        assert!(ticks(Axis::Linear, 3.0, 3.0).len() >= 2);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let points = vec![(1.0, 0.5), (2.0, f64::NAN), (3.0, f64::INFINITY), (4.0, 0.25)];
        let chart = |y| Chart {
            title: "a < b".into(),
            x_label: "epoch".into(),
            x: Axis::Linear,
            y,
            lines: vec![Line { name: "loss".into(), points: points.clone() }],
            marks: vec![(2.0, "best".into())],
        };
        for axis in [Axis::Linear, Axis::Log] {
            let svg = svg("test", &[chart(axis)]);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert_eq!(svg.matches("<circle").count(), 2);
            assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
        }
    }

    #[test]
    fn larger_values_are_higher_and_all_are_inside() {
        let points = vec![(0.0, 0.0), (1.0, 0.5), (2.0, 1.0)];
        let chart = Chart {
            title: String::new(),
            x_label: String::new(),
            x: Axis::Linear,
            y: Axis::Linear,
            lines: vec![Line { name: "rises".into(), points }],
            marks: vec![],
        };
        let svg = svg("test", &[chart]);
        let all = |name: &str| -> Vec<f64> {
            let circles = svg.split("<circle").skip(1);
            let value = |circle: &str| {
                let (_, rest) = circle.split_once(&format!(" {name}=\"")).unwrap();
                rest.split_once('"').unwrap().0.parse().unwrap()
            };
            circles.map(value).collect()
        };
        let (x, y) = (all("cx"), all("cy"));
        assert_eq!((x.len(), y.len()), (3, 3));
        assert!(x.is_sorted_by(|a, b| a < b) && x[0] >= LEFT && x[2] <= RIGHT, "{x:?}");
        assert!(y.is_sorted_by(|a, b| a > b) && y[2] >= TOP && y[0] <= BOTTOM, "{y:?}");
    }
}
