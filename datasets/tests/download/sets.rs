//! MNIST and Fashion-MNIST: where they are kept, and whom they ask. No public mirror is reached: the
//! proxy is one of this test, which refuses every tunnel.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use fanin_datasets::{fashion_mnist_download, mnist_download, mnist_from};
use flate2::read::MultiGzDecoder;

use crate::common::{NAMES, TempDir, write_small_mnist};
use crate::proxies::VARIABLES;
use crate::server::{Serve, Server};
use crate::{Download, download, sha256};

/// Not a test of its own: `get` runs it in a process with another environment.
#[test]
#[ignore = "run by other tests"]
fn child() {
    let Ok(set) = env::var("TEST_SET") else { return };
    let found = match (&*set, env::var("TEST_MIRROR")) {
        ("mnist", Ok(mirror)) => Download::new().mirror(mirror).mnist(),
        ("fashion", Ok(mirror)) => Download::new().mirror(mirror).fashion_mnist(),
        ("mnist", Err(_)) => mnist_download(),
        _ => fashion_mnist_download(),
    };
    match found {
        Ok((train, test)) => println!("<<{} | {}>>", train.provenance(), test.provenance()),
        Err(error) => println!("<<error: {error}>>"),
    }
}

/// What a download says.
fn get(set: &str, proxy: &Server, variables: &[(&str, &Path)]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "sets::child", "--nocapture"]);
    let places = ["FANIN_DATA", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"];
    for name in VARIABLES.into_iter().chain(places) {
        command.env_remove(name);
    }
    command.env("ALL_PROXY", proxy.proxy()).env("NO_PROXY", "127.0.0.1").env("TEST_SET", set);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let answer = printed.split_once("<<").and_then(|(_, rest)| rest.split_once(">>"));
    answer.unwrap_or_else(|| panic!("no answer in {printed}")).0.to_owned()
}

/// A proxy that refuses.
fn refusing() -> Server {
    Server::with_tunnel(Serve::Close, &[], 403)
}

/// Where the user's cache is, below the directory that CACHE names.
#[cfg(target_os = "macos")]
const CACHE: (&str, &str) = ("HOME", "Library/Caches/fanin");
#[cfg(windows)]
const CACHE: (&str, &str) = ("LOCALAPPDATA", "fanin");
#[cfg(not(any(target_os = "macos", windows)))]
const CACHE: (&str, &str) = ("XDG_CACHE_HOME", "fanin");

#[test]
fn sets_that_are_there_open_no_connection() {
    let proxy = refusing();
    let (data, cache) = (TempDir::new(), TempDir::new());
    write_small_mnist(&data, "");
    write_small_mnist(&data, "fashion-mnist/");
    write_small_mnist(&cache, &format!("{}/mnist/", CACHE.1));
    write_small_mnist(&cache, &format!("{}/fashion-mnist/", CACHE.1));
    let found = |name: &str, place: &Path| {
        let place = place.display();
        format!("{name} in {place} (3 training images) | {name} in {place} (2 test images)")
    };
    let (in_data, in_cache) = (("FANIN_DATA", data.path()), (CACHE.0, cache.path()));
    let cached = |folder: &str| cache.path().join(CACHE.1).join(folder);
    let get = |set, variables: &[_]| get(set, &proxy, variables);
    assert_eq!(get("mnist", &[in_data, in_cache]), found("MNIST", data.path()));
    assert_eq!(get("mnist", &[in_cache]), found("MNIST", &cached("mnist")));
    let place = data.path().join("fashion-mnist");
    assert_eq!(get("fashion", &[in_data, in_cache]), found("Fashion-MNIST", &place));
    let place = cached("fashion-mnist");
    assert_eq!(get("fashion", &[in_cache]), found("Fashion-MNIST", &place));
    // A set in the cache will do, if FANIN_DATA has another one only.
    fs::remove_dir_all(data.path().join("fashion-mnist")).unwrap();
    assert_eq!(get("fashion", &[in_data, in_cache]), found("Fashion-MNIST", &place));
    assert_eq!(proxy.tunnels(), [] as [&str; 0]);
}

#[test]
fn what_is_missing_is_asked_of_each_mirror() {
    let (proxy, cache) = (refusing(), TempDir::new());
    write_small_mnist(&cache, &format!("{}/mnist/", CACHE.1));
    let place = cache.path().join(CACHE.1).join("mnist");
    fs::remove_file(place.join(format!("{}.gz", NAMES[3]))).unwrap();
    let answer = get("mnist", &proxy, &[(CACHE.0, cache.path())]);
    assert!(
        answer.starts_with("error: t10k-labels-idx1-ubyte.gz could not be downloaded: https://"),
        "{answer}"
    );
    let next = format!("or put the file into {} by hand", place.display());
    assert!(answer.ends_with(&next), "{answer}");
    assert_eq!(answer.matches("was refused by the proxy").count(), 3, "{answer}");
    let hosts = [
        "ossci-datasets.s3.amazonaws.com:443",
        "storage.googleapis.com:443",
        "raw.githubusercontent.com:443",
    ];
    assert_eq!(proxy.tunnels(), hosts);
    assert!(!place.join(format!("{}.gz", NAMES[3])).exists());
}

#[test]
fn files_go_where_the_set_is_looked_for() {
    let (proxy, data) = (refusing(), TempDir::new());
    // Neither an empty directory nor another data set is in the way of a subdirectory.
    let answer = get("mnist", &proxy, &[("FANIN_DATA", data.path())]);
    let place = data.path().join("mnist");
    assert!(answer.ends_with(&format!("into {} by hand", place.display())), "{answer}");
    // Debian has a package of it.
    if !Path::new("/usr/share/datasets/fashion-mnist").exists() {
        let answer = get("fashion", &proxy, &[("FANIN_DATA", data.path())]);
        let place = data.path().join("fashion-mnist");
        assert!(answer.ends_with(&format!("into {} by hand", place.display())), "{answer}");
        let last = "fashion-mnist.s3-website.eu-central-1.amazonaws.com:80".to_owned();
        assert!(proxy.tunnels().contains(&last));
    }

    // The directory itself, if it has a part of MNIST.
    let part = TempDir::new();
    write_small_mnist(&part, "");
    fs::remove_file(part.path().join(format!("{}.gz", NAMES[0]))).unwrap();
    let answer = get("mnist", &proxy, &[("FANIN_DATA", part.path())]);
    assert!(answer.ends_with(&format!("into {} by hand", part.path().display())), "{answer}");

    let answer = get("mnist", &proxy, &[]);
    assert!(
        answer.starts_with(
            "error: there is no directory to keep MNIST in, because neither FANIN_DATA"
        ),
        "{answer}"
    );
}

#[test]
fn a_mirror_with_another_file_is_no_mirror() {
    let (proxy, cache) = (refusing(), TempDir::new());
    let mirror = Server::new(Serve::Right, b"a page that says to log in");
    let url = mirror.url();
    let variables = [(CACHE.0, cache.path()), ("TEST_MIRROR", Path::new(&url))];
    let answer = get("mnist", &proxy, &variables);
    let says = format!(
        "error: train-images-idx3-ubyte.gz could not be downloaded: {}/train-images-idx3-ubyte.gz has \
         another file: 26 bytes instead of 9,912,422 bytes; https://ossci-datasets",
        mirror.url()
    );
    assert!(answer.starts_with(&says), "{answer}");
    let place = cache.path().join(CACHE.1).join("mnist");
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
}

/// A file of the full MNIST as it was first published: packed by gzip at its usual level, with a header
/// that has the name and the time. `None` if this machine's gzip packs differently.
fn original(directory: &Path, name: &str, seconds: u32, sum: &str) -> Option<Vec<u8>> {
    let scratch = TempDir::new();
    let mut bytes = vec![];
    match File::open(directory.join(format!("{name}.gz"))) {
        Ok(packed) => MultiGzDecoder::new(packed).read_to_end(&mut bytes),
        Err(_) => File::open(directory.join(name)).unwrap().read_to_end(&mut bytes),
    }
    .unwrap();
    let unpacked = scratch.write("unpacked", &bytes);
    let packed = Command::new("gzip").arg("-6nc").arg(unpacked).output().ok()?.stdout;
    let mut file = vec![0x1f, 0x8b, 8, 8];
    file.extend(seconds.to_le_bytes());
    file.extend([0, 3]);
    file.extend(name.replace("-idx", ".idx").bytes().chain([0]));
    file.extend(packed.get(10..)?);
    (sha256(&file) == sum).then_some(file)
}

#[test]
fn the_full_mnist_is_downloaded_checked_and_read() {
    let Some(directory) = env::var_os("FANIN_DATA").map(PathBuf::from) else { return };
    let originals = [
        (NAMES[0], 0x3290_827a, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (NAMES[1], 0x3290_8286, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (NAMES[2], 0x34cc_a6ad, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (NAMES[3], 0x34cc_a6c4, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ];
    let mut files = vec![];
    for (name, seconds, sum) in originals {
        let Some(file) = original(&directory, name, seconds, sum) else {
            println!("skipped: this gzip does not pack as that of 1996 did");
            return;
        };
        files.push((format!("{name}.gz"), file));
    }
    let (server, cache) = (Server::new(Serve::Folder(files), &[]), TempDir::new());
    let mut download = download().directory(cache.path()).mirror(server.url());
    let (train, test) = download.mnist().unwrap();
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    assert_eq!(server.requests().len(), 4);
    let (other, _) = mnist_from(&directory).unwrap();
    assert!(train.labels() == other.labels() && train.image(59_999) == other.image(59_999));
    drop(server);
    // Offline.
    let (train, _) = download.mnist().unwrap();
    assert_eq!(train.provenance().path(), Some(cache.path()));
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 4);
}
