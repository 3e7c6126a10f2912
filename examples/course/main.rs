//! A course in fifteen lessons. Each file here but this one is a lesson and a complete program:
//! copied to the `src/main.rs` of a package that depends on fanin, it runs as it is.
//!
//! ```text
//! cargo run --release --example course                # lists the lessons
//! cargo run --release --example course -- zeros       # runs one, by its name or number
//! cargo run --release --example course -- --quick     # runs all of them
//! cargo run --release --features interop --example course -- --index docs/course.md
//! ```
//! Every lesson asserts what its text says. `--quick` also checks that docs/course.md has the texts of
//! all lessons, as `--index` writes it.

mod index;
#[path = "../common/options.rs"]
mod options;

#[path = "01_tensors.rs"]
mod lesson_01;
#[path = "02_gradient.rs"]
mod lesson_02;
#[path = "03_xor.rs"]
mod lesson_03;
#[path = "04_initialization.rs"]
mod lesson_04;
#[path = "05_zeros.rs"]
mod lesson_05;
#[path = "06_mnist.rs"]
mod lesson_06;
#[path = "07_initializer.rs"]
mod lesson_07;
#[path = "08_layer.rs"]
mod lesson_08;
#[path = "09_operation.rs"]
mod lesson_09;
#[path = "10_loss.rs"]
mod lesson_10;
#[path = "11_trainer.rs"]
mod lesson_11;
#[path = "12_table.rs"]
mod lesson_12;
#[path = "13_doctor.rs"]
mod lesson_13;
#[path = "14_saving.rs"]
mod lesson_14;
#[cfg(feature = "interop")]
#[path = "15_pytorch.rs"]
mod lesson_15;

use std::time::Instant;

use options::{Opt, Program};

/// A file with a text about one thing and a program that shows it.
struct Lesson {
    /// Its name: two digits, a name, `.rs`.
    file: &'static str,
    source: &'static str,
    /// `None` if the program is compiled without the feature that the lesson needs.
    main: Option<fn() -> fanin::Result<()>>,
}

macro_rules! lesson {
    ($file:literal, $main:expr) => {
        Lesson { file: $file, source: include_str!($file), main: $main }
    };
}

const LESSONS: [Lesson; 15] = [
    lesson!("01_tensors.rs", Some(lesson_01::main)),
    lesson!("02_gradient.rs", Some(lesson_02::main)),
    lesson!("03_xor.rs", Some(lesson_03::main)),
    lesson!("04_initialization.rs", Some(lesson_04::main)),
    lesson!("05_zeros.rs", Some(lesson_05::main)),
    lesson!("06_mnist.rs", Some(lesson_06::main)),
    lesson!("07_initializer.rs", Some(lesson_07::main)),
    lesson!("08_layer.rs", Some(lesson_08::main)),
    lesson!("09_operation.rs", Some(lesson_09::main)),
    lesson!("10_loss.rs", Some(lesson_10::main)),
    lesson!("11_trainer.rs", Some(lesson_11::main)),
    lesson!("12_table.rs", Some(lesson_12::main)),
    lesson!("13_doctor.rs", Some(lesson_13::main)),
    lesson!("14_saving.rs", Some(lesson_14::main)),
    #[cfg(feature = "interop")]
    lesson!("15_pytorch.rs", Some(lesson_15::main)),
    #[cfg(not(feature = "interop"))]
    lesson!("15_pytorch.rs", None),
];

impl Lesson {
    fn number(&self) -> &'static str {
        self.file[..2].trim_start_matches('0')
    }

    fn name(&self) -> &'static str {
        self.file[3..].trim_end_matches(".rs")
    }

    fn title(&self) -> &'static str {
        self.source.lines().next().and_then(|line| line.strip_prefix("//! # ")).expect("a title")
    }

    /// The text below the title, without the `//!` before each line.
    fn text(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        let lines = lines.skip(1).map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n").trim().into()
    }

    fn command(&self) -> String {
        let features = if self.name() == "pytorch" { "--features interop " } else { "" };
        format!("cargo run --release {features}--example course -- {}", self.name())
    }

    /// What a lesson prints before its own output.
    fn head(&self) -> String {
        format!("Lesson {}: {}\n\n{}\n\n", self.number(), self.title(), self.text())
    }

    fn run(&self) -> fanin::Result<()> {
        match self.main {
            Some(main) => main(),
            None => {
                println!("NOT RUN: it needs the feature interop. Run it by\n{}", self.command());
                Ok(())
            }
        }
    }
}

const OPTIONS: &[Opt] = &[
    Opt::flag("quick", "Runs all lessons, and checks that docs/course.md has their texts"),
    Opt::value(
        "index",
        "FILE",
        "Writes the texts and the output of all lessons to a Markdown file",
    ),
];

fn main() -> fanin::Result<()> {
    let given = Program {
        name: "course",
        about: "A course in fifteen lessons. Without arguments it lists them.",
        positional: Some(Opt::value("LESSON", "LESSON", "The name or the number of a lesson")),
        options: OPTIONS,
        after: String::new(),
    }
    .read();
    given.conflict("quick", &["index"]);

    let names: Vec<_> =
        LESSONS.iter().map(Lesson::name).chain(LESSONS.iter().map(Lesson::number)).collect();
    if let Some(wanted) = given.positional(&names) {
        given.refuse("a lesson", &["quick", "index"]);
        let lesson = LESSONS.iter().find(|one| [one.name(), one.number()].contains(&wanted));
        let lesson = lesson.expect("it is one of the names");
        print!("{}", lesson.head());
        lesson.run()
    } else if given.has("quick") {
        quick()
    } else if let Some(file) = given.path("index") {
        index::write(&file)
    } else {
        println!("The lessons. Run one by `cargo run --release --example course -- NAME`:\n");
        for lesson in &LESSONS {
            println!("{:>4}  {:16}{}", lesson.number(), lesson.name(), lesson.title());
        }
        Ok(())
    }
}

fn quick() -> fanin::Result<()> {
    for lesson in &LESSONS {
        println!("== Lesson {}: {}", lesson.number(), lesson.title());
        let start = Instant::now();
        lesson.run()?;
        println!("   {:.2} s\n", start.elapsed().as_secs_f64());
    }
    index::check()?;
    let run = LESSONS.iter().filter(|lesson| lesson.main.is_some()).count();
    println!("{run} of {} lessons were run; docs/course.md has their texts", LESSONS.len());
    Ok(())
}
