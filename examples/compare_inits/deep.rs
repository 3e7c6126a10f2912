//! Networks of 2 to 50 layers, from the numbers of the example `depth`, and what to choose.

use crate::html::{figure, numbers_table};
use crate::stats::number;
use crate::svg::{Panel, Scale, escape, layer_mark};

/// What `cargo run --release --example depth -- --csv docs/depth.csv` wrote.
const CSV: &str = include_str!("../../docs/depth.csv");

/// The accuracy of networks of one kind, such as those with tanh.
pub(crate) struct Kind {
    name: &'static str,
    depths: Vec<usize>,
    /// By initialization: its name, and by depth the mean and half of its 95 % interval.
    rows: Vec<(&'static str, Vec<[f64; 2]>)>,
}

impl Kind {
    /// The mean accuracy in per cent.
    ///
    /// # Panics
    /// If the file has no such initialization or depth.
    pub(crate) fn at(&self, initialization: &str, depth: usize) -> f64 {
        let (_, row) = self.rows.iter().find(|(name, _)| *name == initialization).expect("a row");
        row[self.depths.iter().position(|&d| d == depth).expect("a depth")][0]
    }

    /// The initialization with the best mean at a depth.
    pub(crate) fn best(&self, depth: usize) -> &'static str {
        let by = |a: &&str, b: &&str| self.at(a, depth).total_cmp(&self.at(b, depth));
        self.rows.iter().map(|(name, _)| *name).max_by(|a, b| by(a, b)).expect("a row")
    }

    /// The largest depth at which this initialization is right more often than half of the time.
    fn reaches(&self, initialization: &str) -> usize {
        let learns = |&&depth: &&usize| self.at(initialization, depth) > 50.0;
        self.depths.iter().filter(learns).copied().max().unwrap_or(0)
    }
}

/// The kinds of networks, in the order of the file.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = vec![];
    for line in CSV.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [name, initialization, depth, mean, half] = cells[..] else {
            panic!("docs/depth.csv: {line}")
        };
        let (depth, values) =
            (depth.parse().expect("a depth"), [mean, half].map(|x| x.parse().expect("a number")));
        if kinds.last().is_none_or(|kind| kind.name != name) {
            kinds.push(Kind { name, depths: vec![], rows: vec![] });
        }
        let kind = kinds.last_mut().expect("just pushed");
        if kind.rows.last().is_none_or(|(known, _)| *known != initialization) {
            kind.rows.push((initialization, vec![]));
        }
        if kind.rows.len() == 1 {
            kind.depths.push(depth);
        }
        kind.rows.last_mut().expect("just pushed").1.push(values);
    }
    kinds
}

/// Colours and marks of the initializations.
fn class(at: usize) -> String {
    format!("d{at}")
}

/// The depth sweep.
pub(crate) fn section() -> String {
    let kinds = kinds();
    let names: Vec<&str> = kinds[0].rows.iter().map(|(name, _)| *name).collect();
    let legend = names.iter().enumerate().map(|(at, name)| {
        format!(
            r#"<li class="{}"><svg viewBox="-7 -7 14 14" aria-hidden="true">{}</svg>{}</li>"#,
            class(at),
            layer_mark(at),
            escape(name)
        )
    });
    let legend =
        format!(r#"<ul class="legend" aria-label="marks">{}</ul>"#, legend.collect::<String>());
    let panels: String = kinds.iter().map(panel).collect();
    let tables: String = kinds.iter().map(table).collect();
    let text = "The mean test accuracy of five seeds, in per cent, by the number of layers. Width 64, three epochs of \
                4,000 digits, momentum and clipped gradients. Chance is 10 %.";
    let by = "<p>These networks are smaller than the one above, so that depth can be tried. Made by <code>cargo run \
              --release --example depth -- --csv docs/depth.csv</code>.</p>";
    format!(
        "<p>{}</p>\n{}{by}",
        escape(&words(&kinds)),
        figure(
            "Test accuracy by depth",
            text,
            &format!(r#"{legend}<div class="panels wide">{panels}</div>"#),
            &tables
        )
    )
}

fn panel(kind: &Kind) -> String {
    let (last, first) = (kind.depths[kind.depths.len() - 1], kind.depths[0]);
    let x = Scale::log_close([first as f64, last as f64]);
    let mut panel = Panel::new(x, Scale::linear(0.0, 100.0), true, (340.0, 210.0));
    for (at, (_, row)) in kind.rows.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            kind.depths.iter().zip(row).map(|(&d, &[mean, _])| (d as f64, mean)).collect();
        panel.group(&class(at), |panel| {
            panel.line("line", points.iter().copied());
            panel.marks(at, points.iter().copied());
        });
    }
    let each: Vec<String> = kind
        .rows
        .iter()
        .map(|(name, row)| {
            let [from, to] = [row[0][0], row[row.len() - 1][0]].map(|mean| number(mean, 0));
            format!("{name} from {from} to {to}")
        })
        .collect();
    let text = format!(
        "Accuracy in per cent from {first} to {last} layers: {}. The table has all numbers.",
        each.join(", ")
    );
    let picture =
        panel.finish(&format!("Test accuracy by depth, networks with {}", kind.name), &text);
    format!(r#"<div class="panel"><p><b>{}</b></p>{picture}</div>"#, escape(kind.name))
}

fn table(kind: &Kind) -> String {
    let rows: String = kind
        .rows
        .iter()
        .map(|(name, row)| {
            let cells: String = row
                .iter()
                .map(|[mean, half]| format!("<td>{} ± {}</td>", number(*mean, 1), number(*half, 1)))
                .collect();
            format!(r#"<tr><th scope="row">{}</th>{cells}</tr>"#, escape(name))
        })
        .collect();
    let heads: Vec<String> = kind.depths.iter().map(|depth| format!("{depth} layers")).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    numbers_table(
        &format!("Test accuracy by depth, networks with {}, mean ± 95 %", kind.name),
        "initialization",
        &heads,
        &rows,
    )
}

/// What the depth sweep shows.
fn words(kinds: &[Kind]) -> String {
    let [relu, tanh, batch, layer] = kinds else { panic!("four kinds of networks") };
    format!(
        "The network above has three layers, so nearly every random initialization works. Depth decides. With \
         ReLU, PyTorch’s default has more than half of the digits right up to {} layers, Xavier up to {}, \
         {}. With tanh, Xavier and orthogonal weights have the \
         right size: with 50 layers they have {} and {} %, the default {} %. Behind batch normalization the \
         default is best from 3 layers on: with 10 layers {} % beside Kaiming’s {} %. None learns with 30 layers, because \
         gradients grow from layer to layer. Behind layer normalization the size matters less; from 15 layers on \
         orthogonal weights are best: with 30 layers they have {} %, Kaiming {} %, the default {} %.",
        relu.reaches("PyTorch's default"),
        relu.reaches("Xavier"),
        match (relu.reaches("Kaiming"), relu.reaches("orthogonal")) {
            (one, other) if one == other =>
                format!("Kaiming and orthogonal weights both up to {one}"),
            (one, other) => format!("Kaiming up to {one}, orthogonal weights up to {other}"),
        },
        number(tanh.at("Xavier", 50), 0),
        number(tanh.at("orthogonal", 50), 0),
        number(tanh.at("PyTorch's default", 50), 0),
        number(batch.at("PyTorch's default", 10), 0),
        number(batch.at("Kaiming", 10), 0),
        number(layer.at("orthogonal", 30), 0),
        number(layer.at("Kaiming", 30), 0),
        number(layer.at("PyTorch's default", 30), 0),
    )
}
