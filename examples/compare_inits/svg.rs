//! Building blocks of the charts: scales and pieces of SVG.

use std::fmt::Write;

use crate::stats::number;

/// Maps numbers to positions from 0 to 1.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    log: bool,
    /// Whether a logarithmic scale has ticks at 2 and 5 as well.
    close: bool,
}

impl Scale {
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        Self { low, high: if high > low { high } else { low + 1.0 }, log: false, close: false }
    }

    /// Whole powers of ten around the positive values.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|&x| x > 0.0 && x.is_finite()).map(f64::log10);
        let (low, high) = positive.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x.floor()), high.max(x.ceil()))
        });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        Self { low, high: high.max(low + 1.0), log: true, close: false }
    }

    /// A logarithmic scale that ends where the positive values end.
    pub(crate) fn log_close(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|&x| x > 0.0 && x.is_finite()).map(f64::log10);
        let (low, high) = positive
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
        Self { low, high, log: true, close: true }
    }

    /// The position of a value. Values beyond an end, and 0 on a logarithmic scale, are at that
    /// end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.max(1e-300).log10() } else { value };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Round numbers on the scale, at most about `most` of them, with their labels.
    pub(crate) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let span = self.high - self.low;
        if self.close {
            let (from, to) = (self.low.floor() as i32, self.high.ceil() as i32);
            let all = (from..=to).flat_map(|e| [1.0, 2.0, 5.0].map(|m| (m, e)));
            let inside: Vec<(f64, i32)> = all
                .filter(|&(m, e): &(f64, i32)| {
                    let at = m.log10() + f64::from(e);
                    (self.low - 1e-9..=self.high + 1e-9).contains(&at)
                })
                .collect();
            // Powers of ten alone where all would be too many.
            let tens = inside.len() > most + 1;
            let kept = inside.into_iter().filter(|(m, _)| !tens || *m == 1.0);
            return kept
                .map(|(m, e)| {
                    let value = m * 10f64.powi(e);
                    (value, number(value, (-e).max(0) as usize))
                })
                .collect();
        }
        if self.log {
            let step = (span / most as f64).ceil().max(1.0);
            let count = (span / step).floor() as usize;
            let exponents = (0..=count).map(|i| self.low + step * i as f64);
            return exponents.map(|e| (10f64.powf(e), power_of_ten(e as i32))).collect();
        }
        let raw = span / most as f64;
        let ten = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * ten).into_iter().find(|&s| s >= raw);
        let step = step.unwrap_or(10.0 * ten);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let (from, to) =
            ((self.low / step - 1e-9).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        (from..=to).map(|i| i as f64 * step).map(|x| (x, number(x, digits))).collect()
    }
}

fn power_of_ten(exponent: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    match exponent {
        -2..=2 => number(10f64.powi(exponent), (-exponent).max(0) as usize),
        _ => {
            let digits = exponent.abs().to_string();
            let raised = digits.bytes().map(|digit| RAISED[usize::from(digit - b'0')]);
            format!("10{}{}", if exponent < 0 { "⁻" } else { "" }, raised.collect::<String>())
        }
    }
}

/// A small chart with axes. It has its own units and scales with its column.
pub(crate) struct Panel {
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    size: (f64, f64),
    body: String,
}

/// The size of a panel in a row of many.
pub(crate) const SMALL: (f64, f64) = (220.0, 140.0);

impl Panel {
    /// The axes with grid lines. The vertical axis is left out if `y` needs no numbers.
    pub(crate) fn new(x: Scale, y: Scale, vertical: bool, size: (f64, f64)) -> Self {
        let mut panel = Self { x, y, size, body: String::new() };
        let [left, top, right, bottom] = panel.plot();
        for (value, text) in y.ticks(4).into_iter().filter(|_| vertical) {
            let (_, y) = panel.place(0.0, value);
            panel.push(format_args!(
                r#"<path class="grid" d="M{left} {y:.1}H{right}"/><text class="end" x="{:.0}" y="{:.1}">{text}</text>"#,
                left - 4.0,
                y + 3.5
            ));
        }
        for (value, text) in x.ticks(5) {
            let (x, _) = panel.place(value, 0.0);
            // The outermost labels stay inside the chart.
            let at = x.clamp(left, right - 8.0);
            panel.push(format_args!(
                r#"<path class="grid" d="M{x:.1} {top}V{bottom}"/><text class="mid" x="{at:.1}" y="{:.0}">{text}</text>"#,
                bottom + 14.0
            ));
        }
        panel.push(format_args!(r#"<path class="axis" d="M{left} {bottom}H{right}"/>"#));
        panel
    }

    /// The area inside the axes: left, top, right, bottom.
    fn plot(&self) -> [f64; 4] {
        [36.0, 6.0, self.size.0 - 6.0, self.size.1 - 22.0]
    }

    fn push(&mut self, piece: std::fmt::Arguments<'_>) {
        self.body.write_fmt(piece).expect("a String");
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let [left, top, right, bottom] = self.plot();
        (left + (right - left) * self.x.at(x), bottom - (bottom - top) * self.y.at(y))
    }

    fn points(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let placed = points.into_iter().map(|(x, y)| self.place(x, y));
        placed.map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join("L")
    }

    /// Draws a line through points with these classes.
    pub(crate) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let points = self.points(points);
        self.push(format_args!(r#"<path class="{class}" d="M{points}"/>"#));
    }

    /// Draws the area between two lines.
    pub(crate) fn area(
        &mut self,
        class: &str,
        low: impl IntoIterator<Item = (f64, f64)>,
        high: impl DoubleEndedIterator<Item = (f64, f64)>,
    ) {
        let (low, high) = (self.points(low), self.points(high.rev()));
        self.push(format_args!(r#"<path class="{class}" d="M{low}L{high}Z"/>"#));
    }

    /// Draws in a group with this class.
    pub(crate) fn group(&mut self, class: &str, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!(r#"<g class="{class}">"#));
        draw(self);
        self.push(format_args!("</g>"));
    }

    /// Draws a mark at each point.
    pub(crate) fn marks(&mut self, shape: usize, points: impl IntoIterator<Item = (f64, f64)>) {
        for (x, y) in points {
            let (x, y) = self.place(x, y);
            let mark = layer_mark(shape);
            self.push(format_args!(
                r#"<g transform="translate({x:.1} {y:.1}) scale(.6)">{mark}</g>"#
            ));
        }
    }

    /// The finished chart, with a name and a description for screen readers.
    pub(crate) fn finish(self, title: &str, text: &str) -> String {
        let ((width, height), body) = (self.size, self.body);
        let named = named(title, text);
        format!(r#"<svg viewBox="0 0 {width} {height}" role="img">{named}{body}</svg>"#)
    }
}

/// What a screen reader says of a picture: its name and its description.
fn named(title: &str, text: &str) -> String {
    format!("<title>{}</title><desc>{}</desc>", escape(title), escape(text))
}

/// A mark in a strip chart.
pub(crate) enum Mark {
    /// One seed.
    Seed(f64),
    /// A mean with half of its interval.
    Mean(f64, f64),
    /// One of the layers, the first one first.
    Layer(usize, f64),
}

/// A strip chart of one row, as wide as its cell. Positions are shares of the width; sizes are
/// fixed. A screen reader says its name and its description.
pub(crate) fn strip(
    scale: &Scale,
    zero: bool,
    marks: &[Mark],
    (title, text): (&str, &str),
) -> String {
    let mut body = named(title, text);
    let mut push = |piece: String| body.push_str(&piece);
    for (value, _) in scale.ticks(5) {
        let class = if zero && value == 0.0 { "zero" } else { "grid" };
        let x = percent(scale, value);
        push(format!(r#"<line class="{class}" x1="{x}" x2="{x}" y1="0" y2="100%"/>"#));
    }
    let layers: Vec<f64> = marks
        .iter()
        .filter_map(|mark| match mark {
            Mark::Layer(_, x) => Some(*x),
            _ => None,
        })
        .collect();
    if let (Some(first), Some(last)) =
        (layers.iter().copied().reduce(f64::min), layers.iter().copied().reduce(f64::max))
    {
        let (x1, x2) = (percent(scale, first), percent(scale, last));
        push(format!(r#"<line class="bar thin" x1="{x1}" x2="{x2}" y1="50%" y2="50%"/>"#));
    }
    for mark in marks {
        match *mark {
            Mark::Seed(x) => push(format!(
                r#"<circle class="seed" cx="{}" cy="80%" r="2.2"/>"#,
                percent(scale, x)
            )),
            Mark::Mean(x, half) => {
                if half.is_finite() {
                    let (x1, x2) = (percent(scale, x - half), percent(scale, x + half));
                    push(format!(r#"<line class="bar" x1="{x1}" x2="{x2}" y1="40%" y2="40%"/>"#));
                }
                push(format!(r#"<circle class="dot" cx="{}" cy="40%" r="5"/>"#, percent(scale, x)));
            }
            Mark::Layer(layer, x) => push(format!(
                r#"<svg class="over" x="{}" y="50%">{}</svg>"#,
                percent(scale, x),
                layer_mark(layer)
            )),
        }
    }
    format!(r#"<svg class="strip" width="100%" height="36" role="img">{body}</svg>"#)
}

/// A circle, a square, a triangle, a diamond, a cross, a triangle on its tip.
pub(crate) fn layer_mark(layer: usize) -> &'static str {
    match layer {
        0 => r#"<circle class="dot" r="5"/>"#,
        1 => r#"<rect class="dot" x="-4.5" y="-4.5" width="9" height="9"/>"#,
        2 => r#"<path class="dot" d="M0-6L5.5 4.5H-5.5Z"/>"#,
        3 => r#"<path class="dot" d="M0-6.5L6 0 0 6.5-6 0Z"/>"#,
        4 => r#"<path class="dot" d="M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"/>"#,
        _ => r#"<path class="dot" d="M0 6L-5.5-4.5H5.5Z"/>"#,
    }
}

/// The labels above a column of strip charts.
pub(crate) fn strip_axis(scale: &Scale) -> String {
    let labels = scale.ticks(5).into_iter().map(|(value, text)| {
        format!(r#"<text class="mid" x="{}" y="13">{text}</text>"#, percent(scale, value))
    });
    let labels: String = labels.collect();
    format!(r#"<svg class="strip" width="100%" height="18" aria-hidden="true">{labels}</svg>"#)
}

/// The position as a percentage. A margin keeps marks at the edges from being cut.
fn percent(scale: &Scale, value: f64) -> String {
    format!("{:.2}%", 4.0 + 92.0 * scale.at(value))
}

/// Escapes text for HTML and its attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
