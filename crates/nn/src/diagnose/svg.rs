//! An [`InitReport`] as a chart.

use std::fmt::Write as _;

use super::advice::short;
use super::layer_report::LayerReport;
use super::report::InitReport;
use crate::note::show;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// The edges of the plot area.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 592.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 304.0;

impl InitReport {
    /// The size of activations and gradients in each layer on a logarithmic scale, as one
    /// self-contained SVG. Its colours suit light and dark pages.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Linear, Tensor, diagnose::InitReport};
    /// let svg = InitReport::new(&Linear::new(4, 2), &Tensor::ones([8, 4])).to_svg();
    /// assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    /// ```
    pub fn to_svg(&self) -> String {
        let series: [Series<'_>; 3] = [
            ("activations", "a", &|l| l.output.rms()),
            ("spread of samples", "s", &|l| l.output_spread),
            ("gradients", "g", &|l| l.gradient.rms()),
        ];
        let sizes = series.iter().flat_map(|(_, _, size)| self.layers.iter().map(size));
        let scale = Scale::of(sizes, self.layers.len());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-label=\"activations and gradients by layer\">\n{STYLE}\n\
             <text x=\"{LEFT}\" y=\"22\">rms of activations and gradients by layer, before training\
             </text>\n"
        );
        scale.axes(&mut svg, &self.layers);
        for (name, class, size) in series {
            line(&mut svg, &scale, &self.layers, (name, class, size));
        }
        svg + "</svg>\n"
    }
}

/// Name, class in the style, and the function that gives the size at a layer.
type Series<'s> = (&'s str, &'s str, &'s dyn Fn(&LayerReport) -> f64);

const STYLE: &str = "<style>
svg { color-scheme: light dark; font: 12px system-ui, sans-serif; --ink: #1f2328; --grid: #d0d7de; --a: #0969da; --s: #1a7f37; --g: #bc4c00; background: #ffffff }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --grid: #3d444d; --a: #58a6ff; --s: #3fb950; --g: #f0883e; background: #0d1117 } }
text { fill: var(--ink) } .grid { stroke: var(--grid) } polyline { fill: none; stroke-width: 2 }
polyline.a { stroke: var(--a) } polyline.s { stroke: var(--s); stroke-dasharray: 5 3 } polyline.g { stroke: var(--g) }
circle.a, text.a { fill: var(--a) } circle.s, text.s { fill: var(--s) } circle.g, text.g { fill: var(--g) }
</style>";

/// Maps layers and sizes to coordinates.
struct Scale {
    layers: usize,
    /// The powers of ten at the bottom and at the top.
    low: f64,
    high: f64,
}

impl Scale {
    /// Ignores sizes that are not positive and finite, because they have no logarithm.
    fn of(sizes: impl Iterator<Item = f64>, layers: usize) -> Self {
        let logs = sizes.filter(|size| shown(*size)).map(f64::log10);
        let (low, high) =
            logs.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return Self { layers, low: -1.0, high: 1.0 };
        }
        let (low, high) = (low.floor(), high.ceil());
        Self { layers, low, high: high.max(low + 1.0) }
    }

    fn x(&self, layer: usize) -> f64 {
        let steps = self.layers.saturating_sub(1).max(1) as f64;
        LEFT + 8.0 + (RIGHT - LEFT - 16.0) * layer as f64 / steps
    }

    fn y(&self, size: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (size.log10() - self.low) / (self.high - self.low)
    }

    fn axes(&self, svg: &mut String, layers: &[LayerReport]) {
        let every = ((self.high - self.low) / 8.0).ceil();
        let mut power = self.low;
        while power <= self.high {
            let y = self.y(10f64.powf(power));
            push(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">1e{power}</text>\n",
                    LEFT - 6.0,
                    y + 4.0,
                ),
            );
            power += every;
        }
        let every = layers.len().div_ceil(10).max(1);
        for (i, layer) in layers.iter().enumerate().step_by(every) {
            push(
                svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
                    self.x(i),
                    BOTTOM + 18.0,
                    escape(short(&layer.path)),
                ),
            );
        }
        let middle = 0.5 * (LEFT + RIGHT);
        push(
            svg,
            format_args!(
                "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">layer</text>\n",
                BOTTOM + 40.0,
            ),
        );
    }
}

fn line(svg: &mut String, scale: &Scale, layers: &[LayerReport], (name, class, size): Series<'_>) {
    let shown: Vec<_> = layers.iter().enumerate().filter(|(_, l)| shown(size(l))).collect();
    let at = |(i, layer): &(usize, &LayerReport)| (scale.x(*i), scale.y(size(layer)));
    let points: Vec<String> = shown.iter().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    push(svg, format_args!("<polyline class=\"{class}\" points=\"{}\"/>\n", points.join(" ")));
    for point in &shown {
        let (x, y) = at(point);
        let path = escape(short(&point.1.path));
        push(
            svg,
            format_args!(
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{path}: {name} \
             {}</title></circle>\n",
                show(size(point.1)),
            ),
        );
    }
    // The legend lists the series in order.
    let row = ["a", "s", "g"].iter().position(|c| *c == class).unwrap_or(0);
    let (x, y) = (RIGHT + 8.0, TOP + 4.0 + 18.0 * row as f64);
    push(svg, format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{name}</text>\n"));
}

fn shown(size: f64) -> bool {
    size.is_finite() && size > 0.0
}

fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a string takes all that is written to it");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
