//! The option that the small examples share.

use std::env;
use std::process::exit;

/// Whether `--quick` is given: less work, the same checks.
pub(crate) fn quick() -> bool {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--quick"] => true,
        ["--help" | "-h"] => {
            println!("{USAGE}");
            exit(0)
        }
        _ => {
            eprintln!("cannot understand `{}`; {USAGE}", args.join(" "));
            exit(2)
        }
    }
}

const USAGE: &str = "the only option is --quick, which does less work and checks the same";
