//! Proxies: from the environment, or by name.

use std::env;
use std::process::Command;

use fanin_datasets::Error;
use fanin_datasets::download::Download;

use crate::common::TempDir;
use crate::server::{Serve, Server};
use crate::{assert_none, assert_whole, content, download, file};

/// Nobody resolves this name, so that it can be reached through a proxy only.
const ELSEWHERE: &str = "http://mirror.invalid/data";

/// The variables that a proxy may come from.
pub const VARIABLES: [&str; 8] = [
    "ALL_PROXY",
    "all_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
];

#[test]
fn a_named_proxy_is_used() {
    let (proxy, directory) = (Server::new(Serve::Right, &content()), TempDir::new());
    let url = proxy.proxy();
    download().proxy(&*url).file(&file(&[ELSEWHERE.into()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!(proxy.tunnels(), ["mirror.invalid:80"]);
}

#[test]
fn the_error_names_the_proxy() {
    let refusing = Server::with_tunnel(Serve::Right, &content(), 403);
    let directory = TempDir::new();
    let url = refusing.proxy();
    let mut through = download().proxy(&*url);
    let error = through.file(&file(&[ELSEWHERE.into()]), directory.path()).unwrap_err().to_string();
    let address = url.strip_prefix("http://").unwrap();
    assert!(
        error.contains("mirror.invalid/data/numbers.bin was refused by the proxy: "),
        "{error}"
    );
    assert!(
        error.contains(&format!("; check the connection and the proxy {address}, or")),
        "{error}"
    );
    assert_none(directory.path());

    let error = download().proxy("gopher://x").file(&file(&[]), directory.path()).unwrap_err();
    assert!(matches!(error, Error::Proxy { name: "Download::proxy" }), "{error}");
    // A password is nobody's business.
    let mut secret = download().proxy("http://me:secret@127.0.0.1:1");
    let error = secret.file(&file(&[ELSEWHERE.into()]), directory.path()).unwrap_err().to_string();
    assert!(!error.contains("secret") && error.contains("proxy 127.0.0.1:1"), "{error}");
}

/// Not a test of its own: `with` runs it in a process with another environment.
#[test]
#[ignore = "run by other tests"]
fn child() {
    let (Ok(url), Ok(directory)) = (env::var("TEST_URL"), env::var("TEST_DIRECTORY")) else {
        return;
    };
    match Download::new().file(&file(&[url]), directory) {
        Ok(path) => println!("<<{}>>", path.display()),
        Err(error) => println!("<<error: {error}>>"),
    }
}

/// What a download says under these variables.
fn with(variables: &[(&str, &str)], url: &str, directory: &TempDir) -> String {
    with_errors(variables, url, directory).0
}

/// The same, and what it prints on the standard error.
fn with_errors(variables: &[(&str, &str)], url: &str, directory: &TempDir) -> (String, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "proxies::child", "--nocapture"]);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.env("TEST_URL", url).env("TEST_DIRECTORY", directory.path());
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let answer = printed.split_once("<<").and_then(|(_, rest)| rest.split_once(">>"));
    let answer = answer.unwrap_or_else(|| panic!("no answer in {printed}")).0.to_owned();
    (answer, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_environment_names_proxies() {
    for name in &VARIABLES[..6] {
        let (proxy, directory) = (Server::new(Serve::Right, &content()), TempDir::new());
        let answer = with(&[(name, &proxy.proxy())], ELSEWHERE, &directory);
        assert!(answer.ends_with("numbers.bin"), "{name}: {answer}");
        assert_whole(directory.path());
        assert_eq!(proxy.tunnels(), ["mirror.invalid:80"], "{name}");
    }
}

#[test]
fn the_environment_names_hosts_without_a_proxy() {
    let (server, directory) = (Server::new(Serve::Right, &content()), TempDir::new());
    let dead = "http://127.0.0.1:1";
    let answer = with(&[("HTTP_PROXY", dead)], &server.url(), &directory);
    assert!(answer.contains("error: numbers.bin could not be downloaded"), "{answer}");
    assert_none(directory.path());
    let variables = [("HTTP_PROXY", dead), ("NO_PROXY", "localhost,127.0.0.1")];
    let answer = with(&variables, &server.url(), &directory);
    assert!(answer.ends_with("numbers.bin"), "{answer}");
    assert_whole(directory.path());
}

#[test]
fn a_variable_that_names_no_proxy_is_an_error() {
    let (server, directory) = (Server::new(Serve::Right, &content()), TempDir::new());
    let answer = with(&[("HTTPS_PROXY", "gopher://me:secret@x")], &server.url(), &directory);
    let says = "error: HTTPS_PROXY names no proxy; write http://HOST:PORT, \
                http://USER:PASSWORD@HOST:PORT or socks5://HOST:PORT";
    assert_eq!(answer, says);
    assert_eq!(server.requests(), []);
    // An empty one is none. Without a terminal, a line says what has come from where.
    let url = server.url();
    let (answer, errors) = with_errors(&[("HTTPS_PROXY", "")], &url, &directory);
    assert!(answer.ends_with("numbers.bin"), "{answer}");
    assert_eq!(errors, format!("numbers.bin: 200,000 bytes from {url}/numbers.bin\n"));
}
