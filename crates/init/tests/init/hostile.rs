//! Whatever a text or a map says, reading it and drawing from it takes little work.

use std::time::{Duration, Instant};

use fanin_init::ndarray::ArrayD;
use fanin_init::rand::RngCore;
use fanin_init::*;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};

/// A generator that gives up after this many words.
struct Limited {
    rng: TorchRng,
    words: usize,
}

impl Limited {
    fn spend(&mut self, words: usize) {
        self.words = self.words.checked_sub(words).expect("too many words are drawn");
    }
}

impl RngCore for Limited {
    fn next_u32(&mut self) -> u32 {
        self.spend(1);
        self.rng.next_u32()
    }
    fn next_u64(&mut self) -> u64 {
        self.spend(2);
        self.rng.next_u64()
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.spend(bytes.len() / 4);
        self.rng.fill_bytes(bytes);
    }
}

const PARAMETERS: [&str; 29] = [
    "value",
    "low",
    "high",
    "mean",
    "std",
    "lower",
    "upper",
    "gain",
    "mode",
    "a",
    "nonlinearity",
    "scale",
    "distribution",
    "groups",
    "shift",
    "form",
    "sparsity",
    "inputs",
    "bound",
    "frequencies",
    "p",
    "tau",
    "loosening",
    "pair",
    "omega0",
    "branches",
    "layers",
    "sigma_w",
    "activation",
];

const VALUES: [&str; 34] = [
    "0",
    "-0.0",
    "1",
    "-1",
    "0.5",
    "1e-45",
    "1e-38",
    "1e-30",
    "1e-10",
    "1e10",
    "1e30",
    "3e38",
    "1e300",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "4294967296",
    "18446744073709551615",
    "sqrt(1e300)",
    "sin(64)",
    "sin(150)",
    "sin(5000)",
    "sin(1e5)",
    "sin(1e12)",
    "sin(1e-300)",
    "elu(1e300)",
    "elu(1e-300)",
    "elu(-1e20)",
    "leaky_relu(1e30)",
    "mish",
    "gelu",
    "[1e308, 1e308]",
    "first",
];

/// What stands beside the hostile value, so that the initializer is complete.
const BESIDE: [&str; 6] = [
    "",
    ", sigma_b=2",
    ", sigma_b=1e-8",
    ", std=1e-20",
    ", branches=3, layers=2",
    ", sparsity=0.5, std=1e37",
];

#[test]
fn reading_takes_little_time_and_drawing_few_words() {
    let shapes = [vec![20, 30], vec![6, 4, 3], vec![7], vec![1, 1], vec![0, 3]];
    let (mut read, mut drawn, mut slowest) = (0, 0, (Duration::ZERO, String::new()));
    let names = Scheme::names().chain(Scheme::aliases().map(|(name, _)| name));
    for name in names {
        for parameter in PARAMETERS {
            let message =
                format!("{name}({parameter}=0.5)").parse::<Scheme>().map_err(|e| e.to_string());
            if message.is_err_and(|message| message.contains("has no parameter")) {
                continue;
            }
            for value in VALUES {
                for beside in BESIDE {
                    let text = format!("{name}({parameter}={value}{beside})");
                    let start = Instant::now();
                    let scheme = text.parse::<Scheme>();
                    let time = start.elapsed();
                    if time > slowest.0 {
                        slowest = (time, text.clone());
                    }
                    let Ok(scheme) = scheme else { continue };
                    read += 1;
                    for shape in &shapes {
                        let spec = if shape.len() > 1 {
                            ParamSpec::for_weight_shape(shape)
                        } else {
                            ParamSpec::bias(5, shape[0])
                        };
                        if scheme.check(&spec, shape).is_err() {
                            continue;
                        }
                        let mut rng = Limited { rng: TorchRng::seed(1), words: 400_000 };
                        let mut values: ArrayD<f32> = ArrayD::zeros(shape.clone());
                        scheme.fill(&spec, &mut rng, values.view_mut());
                        assert!(values.iter().all(|x| x.is_finite()), "{text} gives {values}");
                        drawn += 1;
                    }
                }
            }
        }
    }
    assert!(read > 800 && drawn > 3000, "{read} read, {drawn} drawn");
    // Some 50 ms; generous, for a machine that does other things too.
    assert!(slowest.0 < Duration::from_secs(3), "{slowest:?}");
}

#[test]
fn a_description_of_many_layers_solves_an_edge_once() {
    let start = Instant::now();
    for _ in 0..2000 {
        let scheme: Scheme = "edge_of_chaos(activation=silu, sigma_b=1)".parse().unwrap();
        assert_eq!(scheme.name(), "edge_of_chaos");
    }
    // One solution takes some 30 ms, 2000 would take a minute.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn long_texts_are_read_in_proportion_to_their_length() {
    let many = |item: &str, n: usize| vec![item; n].join(",");
    let start = Instant::now();
    for n in [1000, 100_000] {
        for text in [
            format!("log_prior([{}])", many("1", n)),
            format!("log_prior([{}])", many("[1]", n)),
            format!("normal({})", many("1", n)),
            format!("normal({})", many("std=1", n)),
            format!("normal({})", many("x=1", n)),
            format!("normal(std={})", "(".repeat(n)),
            format!("{}(1)", "normal_".repeat(n)),
            format!("normal({}=1)", "std_".repeat(n)),
            format!("xavier_normal(gain={})", "relu_".repeat(n)),
            format!("kaiming_normal(mode={})", "é".repeat(n)),
            format!("constant({})", "9".repeat(n)),
            format!("constant(1e{})", "9".repeat(n)),
            " ".repeat(n),
        ] {
            let _ = text.parse::<Scheme>();
            let _ = serde_json::from_str::<Scheme>(&format!("{text:?}"));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// A list in a list in a list …: a format that bounds no depth.
#[derive(Clone, Copy)]
struct Nested(usize);

impl<'de> Deserializer<'de> for Nested {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0 == 0 {
            return visitor.visit_u64(1);
        }
        visitor.visit_seq(SeqDeserializer::new([Nested(self.0 - 1)].into_iter()))
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_> for Nested {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// The name of the initializer, or its one parameter.
#[derive(Clone, Copy)]
enum Entry {
    Name,
    Lists(usize),
}

impl<'de> Deserializer<'de> for Entry {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Entry::Name => visitor.visit_str("log_prior"),
            Entry::Lists(depth) => Nested(depth).deserialize_any(visitor),
        }
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_> for Entry {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

#[test]
fn lists_in_lists_do_not_end_the_stack() {
    let read = |depth| {
        let map = [("initializer", Entry::Name), ("frequencies", Entry::Lists(depth))];
        Scheme::deserialize(MapDeserializer::<_, Error>::new(map.into_iter()))
    };
    assert_eq!(read(1).unwrap(), LogPrior::new([1.0]).into());
    for depth in [9, 1000, 10_000_000] {
        let error = read(depth).unwrap_err().to_string();
        assert!(error.contains("lists are nested too deep"), "{error}");
    }
    // A depth that is read and refused for what it holds.
    assert!(read(3).unwrap_err().to_string().contains("frequencies takes a number"));
}
