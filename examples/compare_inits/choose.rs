//! What to choose for a network, with the numbers of the page that speak for it.

use crate::deep::{Kind, kinds};
use crate::html::with_roles;
use crate::results::Results;
use crate::stats::number;
use crate::svg::escape;

/// A kind of network and what to take for it.
struct Choice {
    net: &'static str,
    take: &'static str,
    /// What to write: nothing if it is the default, a dash if there is nothing to take.
    code: &'static str,
    evidence: String,
}

/// The recommendations.
pub(crate) fn section(results: &Results) -> String {
    let rows: String = choices(results)
        .into_iter()
        .map(|choice| {
            let code = match choice.code {
                "–" => String::new(),
                "" => "<br>the default: nothing to write".into(),
                code => format!("<br><code>{}</code>", escape(code)),
            };
            format!(
                r#"<tr><th scope="row">{}</th><td data-head="take"><b>{}</b>{code}</td><td data-head="because">{}</td></tr>"#,
                choice.net,
                escape(choice.take),
                escape(&choice.evidence)
            )
        })
        .collect();
    with_roles(&format!(
        r#"<p>Find your network in the first column. The last column has the numbers: test accuracies of the depth sweep above, unless it says otherwise.</p><table class="choose"><caption class="sr">What to choose, by kind of network</caption><thead><tr><th scope="col">your network</th><th scope="col">take</th><th scope="col">because</th></tr></thead><tbody>{rows}</tbody></table><p>With layers <code>x + f(x)</code> depth costs less: <code>cargo run --release --example residual</code>. The whole story is in the guide “initialization” of the documentation.</p>"#
    ))
}

fn choices(results: &Results) -> [Choice; 7] {
    let kinds = kinds();
    let [relu, tanh, batch, layer] = &kinds[..] else { panic!("four kinds of networks") };
    let (tied, _) = results.tied_and_behind();
    let first = if results.setup.seeds > 1 {
        format!(
            " In the ranking {} of {} share first place.",
            tied.len() + 1,
            results.contenders.len()
        )
    } else {
        String::new()
    };
    [
        Choice {
            net: "ReLU, 2 or 3 layers",
            take: "PyTorch’s default, or Kaiming",
            code: "",
            evidence: format!(
                "{}.{first}",
                compare(relu, 3, &["PyTorch's default", "Kaiming", "orthogonal"])
            ),
        },
        Choice {
            net: "ReLU, 4 to 10 layers",
            take: "Kaiming or orthogonal",
            code: "Linear::builder(n, m).weight(KaimingNormal::default())",
            evidence: compare(relu, 10, &["Kaiming", "orthogonal", "Xavier", "PyTorch's default"])
                + ".",
        },
        Choice {
            net: "ReLU, deeper, without normalization",
            take: "orthogonal with gain √2",
            code: "Orthogonal::default().gain(Nonlinearity::Relu)",
            evidence: compare(relu, 40, &["orthogonal", "Kaiming", "PyTorch's default"]) + ".",
        },
        Choice {
            net: "tanh",
            take: "Xavier, Kaiming or orthogonal; from 20 layers on orthogonal",
            code: "XavierNormal::default(), Orthogonal::default()",
            evidence: compare(tanh, 40, &["orthogonal", "Xavier", "Kaiming", "PyTorch's default"])
                + ".",
        },
        Choice {
            net: "ReLU behind layer normalization",
            take: "PyTorch’s default up to 10 layers; deeper, orthogonal",
            code: "Orthogonal::default().gain(Nonlinearity::Relu)",
            evidence: format!(
                "{}; {}.",
                compare(layer, 10, &["PyTorch's default", "orthogonal", "Kaiming"]),
                compare(layer, 30, &["orthogonal", "Kaiming", "PyTorch's default"])
            ),
        },
        Choice {
            net: "ReLU behind batch normalization",
            take: "PyTorch’s default up to 10 layers; deeper, shortcuts x + f(x)",
            code: "Residual::new(block)",
            evidence: format!(
                "{}; {}.",
                compare(batch, 10, &["PyTorch's default", "Xavier", "Kaiming"]),
                compare(batch, 20, &["PyTorch's default", "Kaiming"])
            ),
        },
        Choice {
            net: "any",
            take: "never one constant for all weights, nor one size for all layers",
            code: "–",
            evidence: format!(
                "All zeros stay at {} % at any depth; uniform ±0.5 falls from {} % with 2 layers to {} % with 10 (ReLU).",
                number(relu.at("all zeros", 2), 0),
                number(relu.at("uniform ±0.5", 2), 0),
                number(relu.at("uniform ±0.5", 10), 0)
            ),
        },
    ]
}

/// `40 layers: orthogonal 70 %, Kaiming 20 %`
fn compare(kind: &Kind, depth: usize, initializations: &[&str]) -> String {
    let each: Vec<String> = initializations
        .iter()
        .map(|name| format!("{} {} %", name.replace('\'', "’"), number(kind.at(name, depth), 0)))
        .collect();
    format!("{depth} layers: {}", each.join(", "))
}

/// Checks that the numbers speak for the recommendations.
pub(crate) fn check() {
    let kinds = kinds();
    let [relu, tanh, batch, layer] = &kinds[..] else { panic!("four kinds of networks") };
    for (kind, depth, take, points) in [
        (relu, 3, "PyTorch's default", 4.0),
        (relu, 3, "Kaiming", 1.0),
        (relu, 10, "Kaiming", 3.0),
        (relu, 40, "orthogonal", 0.0),
        (tanh, 10, "Xavier", 3.0),
        (tanh, 40, "orthogonal", 0.0),
        (layer, 10, "PyTorch's default", 1.0),
        (layer, 30, "orthogonal", 0.0),
        (batch, 10, "PyTorch's default", 0.0),
    ] {
        let (best, got) = (kind.at(kind.best(depth), depth), kind.at(take, depth));
        assert!(got >= best - points, "{take}, {depth} layers: {got} % beside {best} %");
    }
    let deep = batch.at(batch.best(30), 30);
    assert!(deep < 50.0, "batch normalization alone has {deep} % with 30 layers");
}
