//! The command line of an example: a table of options, its `--help`, and its error messages.
#![allow(dead_code, reason = "no example uses all of it")]

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::exit;

use fanin::nn::Terminal;
use lexopt::Arg;

/// A program and its options.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// A sentence about the program.
    pub(crate) about: &'static str,
    /// The argument without a name, if the program takes one.
    pub(crate) positional: Option<Opt>,
    pub(crate) options: &'static [Opt],
    /// The end of `--help`.
    pub(crate) after: String,
}

/// An option, such as `--epochs <N>`.
#[derive(Clone, Copy)]
pub(crate) struct Opt {
    /// The name without dashes.
    pub(crate) name: &'static str,
    /// The placeholder of the value in messages; empty if the option has no value.
    pub(crate) value: &'static str,
    /// Whether the option takes several values.
    pub(crate) several: bool,
    /// The description. Its lines are filled anew, but for those that begin with a dash.
    pub(crate) help: &'static str,
}

impl Opt {
    /// An option with a value.
    pub(crate) const fn value(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value, several: false, help }
    }

    /// An option with one value or more.
    pub(crate) const fn values(
        name: &'static str,
        value: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, value, several: true, help }
    }

    /// An option without a value.
    pub(crate) const fn flag(name: &'static str, help: &'static str) -> Self {
        Self { name, value: "", several: false, help }
    }

    fn usage(&self) -> String {
        let dots = if self.several { "..." } else { "" };
        match self.value {
            "" => format!("--{}", self.name),
            value => format!("--{} <{value}>{dots}", self.name),
        }
    }
}

/// The options on the command line.
pub(crate) struct Given {
    program: Program,
    positional: Option<OsString>,
    options: Vec<(Opt, Vec<OsString>)>,
}

impl Program {
    /// Reads the command line. Prints help or an error and ends the process where necessary.
    pub(crate) fn read(self) -> Given {
        let mut given = Given { program: self, positional: None, options: vec![] };
        if let Err(error) = given.fill() {
            given.fail(&error);
        }
        given
    }

    fn find(&self, name: &str) -> Result<Opt, String> {
        let named = self.options.iter().find(|option| option.name == name);
        named.copied().ok_or_else(|| {
            let near = |option: &&Opt| strsim::jaro(name, option.name) > 0.7;
            let tips: Vec<_> =
                self.options.iter().filter(near).map(|near| format!("'--{}'", near.name)).collect();
            let tip = match &*tips.join(", ") {
                "" => String::new(),
                near => format!("\n\n  tip: there is {near}"),
            };
            format!("unexpected argument '--{name}' found{tip}")
        })
    }

    /// The help, in lines that fit the terminal.
    fn help(&self, terminal: &Terminal) -> String {
        let columns = terminal.columns().min(100);
        // ASCII names of other characters are longer than these.
        let filled = |text: &str, indent: &str| filled(&terminal.spell(text), indent, columns);
        let mut help = format!("{}\n\n{}\n\n", filled(self.about, ""), self.usage());
        if let Some(positional) = &self.positional {
            let text = filled(positional.help, "          ");
            help += &format!("Arguments:\n  [{}]\n{text}\n\n", positional.value);
        }
        help += "Options:\n";
        for option in self.options.iter().chain(&[Opt::flag("help", "Prints this")]) {
            let text = filled(option.help, "          ");
            let short = if option.name == "help" { "-h, " } else { "    " };
            help += &format!("  {short}{}\n{text}\n\n", option.usage());
        }
        for line in self.after.lines() {
            let indent = if line.starts_with(' ') { "  " } else { "" };
            help += &filled(line, indent);
            help.push('\n');
        }
        help.trim_end().to_owned()
    }

    fn usage(&self) -> String {
        let positional = self.positional.map(|one| format!(" [{}]", one.value));
        format!("Usage: {} [OPTIONS]{}", self.name, positional.unwrap_or_default())
    }
}

impl Given {
    fn fill(&mut self) -> Result<(), String> {
        let mut line = lexopt::Parser::from_env();
        loop {
            let argument = match line.next().map_err(|error| error.to_string())? {
                None => return Ok(()),
                Some(Arg::Short('h') | Arg::Long("help")) => {
                    println!("{}", self.program.help(&Terminal::stdout()));
                    exit(0)
                }
                Some(Arg::Long(name)) => self.program.find(name)?,
                Some(Arg::Value(value))
                    if self.program.positional.is_some() && self.positional.is_none() =>
                {
                    self.positional = Some(value);
                    continue;
                }
                Some(other) => return Err(other.unexpected().to_string()),
            };
            if self.options.iter().any(|(earlier, _)| earlier.name == argument.name) {
                return Err(format!("'{}' cannot be used multiple times", argument.usage()));
            }
            let values = match argument {
                Opt { value: "", .. } => Ok(vec![]),
                Opt { several: true, .. } => line.values().map(|values| values.collect()),
                _ => line.value().map(|value| vec![value]),
            };
            let missing = || format!("a value is required for '{}'", argument.usage());
            let values = values.map_err(|_| missing())?;
            // `--save --quick` is a mistake: no file has this name.
            if values.iter().any(|value| value.to_string_lossy().starts_with("--")) {
                return Err(missing());
            }
            self.options.push((argument, values));
        }
    }

    /// Whether an option is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| option.name == name)
    }

    /// The values of an option, each converted by `parse`.
    pub(crate) fn all<T, E: Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let Some((option, values)) = self.options.iter().find(|(option, _)| option.name == name)
        else {
            return vec![];
        };
        let read = |value: &OsString| {
            let text = value.to_string_lossy();
            parse(&text).unwrap_or_else(|error| {
                self.fail(&format!("invalid value '{text}' for '{}': {error}", option.usage()))
            })
        };
        values.iter().map(read).collect()
    }

    /// The value of an option, converted by `parse`.
    pub(crate) fn get<T, E: Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.all(name, parse).pop()
    }

    /// The value of an option that is a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        let (_, values) = self.options.iter().find(|(option, _)| option.name == name)?;
        values.first().map(PathBuf::from)
    }

    /// The argument without a name, which must be one of `values`.
    pub(crate) fn positional(&self, values: &[&'static str]) -> Option<&'static str> {
        let (given, positional) = (self.positional.as_ref()?, self.program.positional?);
        let text = given.to_string_lossy();
        Some(one_of(&text, values.iter().map(|&value| (value, value))).unwrap_or_else(|error| {
            self.fail(&format!("invalid value '{text}' for '[{}]': {error}", positional.value))
        }))
    }

    /// The argument without a name, as a path.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.positional.as_ref().map(PathBuf::from)
    }

    /// Fails if an option is given together with one of `others`.
    pub(crate) fn conflict(&self, name: &str, others: &[&str]) {
        if let Some(other) = others.iter().find(|other| self.has(name) && self.has(other)) {
            self.fail(&format!("'--{name}' cannot be used with '--{other}'"));
        }
    }

    /// Fails if one of these options is given beside `what`, which is no option.
    pub(crate) fn refuse(&self, what: &str, names: &[&str]) {
        if let Some(name) = names.iter().find(|name| self.has(name)) {
            self.fail(&format!("'--{name}' cannot be used with {what}"));
        }
    }

    /// Fails if an option is given without another one.
    pub(crate) fn requires(&self, name: &str, other: &str) {
        if self.has(name) && !self.has(other) {
            self.fail(&format!("'--{name}' needs '--{other}' as well"));
        }
    }

    fn fail(&self, error: &str) -> ! {
        let usage = self.program.usage();
        eprintln!("error: {error}\n\n{usage}\n\nFor more information, try '--help'.");
        exit(2)
    }
}

/// A text in lines of at most this many columns behind an indent. A line that begins with a dash stays one, and
/// what is aligned in a line that fits stays so.
fn filled(text: &str, indent: &str, columns: usize) -> String {
    let mut lines: Vec<String> = vec![];
    // A line of a list is indented already.
    let own = if text.starts_with(' ') { "" } else { indent };
    if !text.contains('\n') && own.len() + text.chars().count() <= columns {
        return format!("{own}{text}");
    }
    for (i, line) in text.lines().enumerate() {
        if i == 0 || line.starts_with("- ") {
            lines.push(indent.into());
        }
        for word in line.split_whitespace() {
            let last = lines.last_mut().expect("pushed");
            let starts = last.len() == indent.len();
            if !starts && last.chars().count() + 1 + word.chars().count() > columns {
                lines.push(format!("{indent}{word}"));
            } else {
                *last += if starts { "" } else { " " };
                *last += word;
            }
        }
    }
    lines.join("\n")
}

/// The value that a name stands for.
pub(crate) fn one_of<T>(
    text: &str,
    values: impl IntoIterator<Item = (&'static str, T)>,
) -> Result<T, String> {
    let mut names = vec![];
    for (name, value) in values {
        if name == text {
            return Ok(value);
        }
        names.push(name);
    }
    Err(format!("possible values: {}", names.join(", ")))
}

/// A whole number from 1 to `MAX`. The limit prevents a mistyped number from requesting more memory
/// than there is.
pub(crate) fn count<const MAX: usize>(text: &str) -> Result<usize, String> {
    let fits = text.parse().ok().filter(|n| (1..=MAX).contains(n));
    fits.ok_or_else(|| format!("give a whole number from 1 to {MAX}"))
}
