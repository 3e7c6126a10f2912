//! Where mnist() looks, and what it says when the files there are not right.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{NAMES, TempDir, gzip, idx_u8, small_mnist, write_small_mnist};
use fanin_datasets::{Dataset, Error, fashion_mnist, fashion_mnist_from, mnist, mnist_from};

fn tell(found: Result<(Dataset, Dataset), Error>) {
    match found {
        Ok((train, test)) => println!("<<{} | {}>>", train.provenance(), test.provenance()),
        Err(error) => println!("<<error: {error}>>"),
    }
}

/// Not a test of its own: `mnist_with` runs it in a process with another environment.
#[test]
#[ignore = "run by other tests"]
fn child_mnist() {
    tell(mnist());
}

/// As `child_mnist`, for `fashion_with`.
#[test]
#[ignore = "run by other tests"]
fn child_fashion() {
    tell(fashion_mnist());
}

/// What mnist() finds, or its error, under these environment variables and no others.
fn mnist_with(variables: &[(&str, &Path)]) -> String {
    run("find::child_mnist", variables)
}

/// The same for fashion_mnist().
fn fashion_with(variables: &[(&str, &Path)]) -> String {
    run("find::child_fashion", variables)
}

fn run(child: &str, variables: &[(&str, &Path)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", child, "--nocapture"]);
    for name in ["FANIN_DATA", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"] {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let found = output.split_once("<<").and_then(|(_, rest)| rest.split_once(">>"));
    found.unwrap_or_else(|| panic!("no answer in {output}")).0.to_owned()
}

const BUNDLED: &str = "bundled MNIST subset (4,000 + 1,000 images) | \
                       bundled MNIST subset (4,000 + 1,000 images)";

fn found_in(directory: &Path) -> String {
    let place = directory.display();
    format!("MNIST in {place} (3 training images) | MNIST in {place} (2 test images)")
}

/// Where the user's cache is, below the directory that CACHE names.
#[cfg(target_os = "macos")]
const CACHE: (&str, &str) = ("HOME", "Library/Caches/fanin/mnist");
#[cfg(windows)]
const CACHE: (&str, &str) = ("LOCALAPPDATA", "fanin/mnist");
#[cfg(not(any(target_os = "macos", windows)))]
const CACHE: (&str, &str) = ("XDG_CACHE_HOME", "fanin/mnist");

#[test]
fn the_bundled_digits_are_the_last_resort() {
    let empty = TempDir::new();
    assert_eq!(mnist_with(&[]), BUNDLED);
    assert_eq!(mnist_with(&[(CACHE.0, empty.path())]), BUNDLED);
    assert_eq!(mnist_with(&[("FANIN_DATA", Path::new(""))]), BUNDLED);
    fs::create_dir_all(empty.path().join(CACHE.1)).unwrap();
    assert_eq!(mnist_with(&[(CACHE.0, empty.path())]), BUNDLED);
}

#[test]
fn the_cache_comes_before_them() {
    let cache = TempDir::new();
    write_small_mnist(&cache, &format!("{}/", CACHE.1));
    let place = cache.path().join(CACHE.1);
    assert_eq!(mnist_with(&[(CACHE.0, cache.path())]), found_in(&place));

    // Half a set is a mistake, not a reason to go on.
    fs::remove_file(place.join("t10k-labels-idx1-ubyte.gz")).unwrap();
    let message = mnist_with(&[(CACHE.0, cache.path())]);
    assert_eq!(
        message,
        format!(
            "error: {} lacks t10k-labels-idx1-ubyte (with or without .gz); copy the others there \
             too, or delete the directory, which is looked at before others",
            place.display()
        )
    );
}

#[test]
#[cfg(not(any(target_os = "macos", windows)))]
fn without_xdg_the_cache_is_in_the_home_directory() {
    let home = TempDir::new();
    write_small_mnist(&home, ".cache/fanin/mnist/");
    let place = found_in(&home.path().join(".cache/fanin/mnist"));
    assert_eq!(mnist_with(&[("HOME", home.path())]), place);
    let relative = Path::new("relative/paths/are/ignored");
    assert_eq!(mnist_with(&[("HOME", home.path()), ("XDG_CACHE_HOME", relative)]), place);
}

#[test]
fn the_variable_comes_first_and_must_hold_the_files() {
    let (cache, data, empty) = (TempDir::new(), TempDir::new(), TempDir::new());
    write_small_mnist(&cache, &format!("{}/", CACHE.1));
    write_small_mnist(&data, "");
    let with = |data: &Path| mnist_with(&[(CACHE.0, cache.path()), ("FANIN_DATA", data)]);
    assert_eq!(with(data.path()), found_in(data.path()));

    let below = TempDir::new();
    write_small_mnist(&below, "mnist/");
    assert_eq!(with(below.path()), found_in(&below.path().join("mnist")));

    let next = |place: &Path| {
        let place = place.display();
        format!(
            "FANIN_DATA is set to {place}: set it to a directory with the four MNIST files, or \
             unset it"
        )
    };
    let place = empty.path();
    assert_eq!(
        with(place),
        format!(
            "error: {} lacks {} (with or without .gz); {}",
            place.display(),
            NAMES.join(", "),
            next(place)
        )
    );
    let none = empty.path().join("none");
    assert_eq!(with(&none), format!("error: {} is no directory; {}", none.display(), next(&none)));
    let file = empty.write("file", b"");
    assert_eq!(with(&file), format!("error: {} is no directory; {}", file.display(), next(&file)));
    // A relative path is shown in full.
    let here = std::env::current_dir().unwrap().join("no-such-directory");
    let start = format!("error: {} is no directory; FANIN_DATA is set to no-such-", here.display());
    assert!(with(Path::new("no-such-directory")).starts_with(&start));
}

/// Debian's package.
const SYSTEM: &str = "/usr/share/datasets/fashion-mnist";

/// What fashion_mnist() says when the places it was to look at have nothing.
fn no_fashion(looked: &[&Path]) -> String {
    if Path::new(SYSTEM).exists() {
        return format!(
            "Fashion-MNIST in {SYSTEM} (60,000 training images) | \
             Fashion-MNIST in {SYSTEM} (10,000 test images)"
        );
    }
    let looked: String = looked.iter().map(|place| format!("{}, ", place.display())).collect();
    format!(
        "error: Fashion-MNIST is in none of {looked}{SYSTEM}; install the package \
         dataset-fashion-mnist (Debian, Ubuntu), call fashion_mnist_download (feature download), or \
         put the four files into one of these directories"
    )
}

#[test]
fn fashion_is_looked_for_in_its_own_places() {
    let (cache, data) = (TempDir::new(), TempDir::new());
    let in_cache = cache.path().join(CACHE.1).with_file_name("fashion-mnist");
    let in_data = data.path().join("fashion-mnist");
    let below_cache = format!("{}/", CACHE.1.replace("fanin/mnist", "fanin/fashion-mnist"));
    let with = || fashion_with(&[(CACHE.0, cache.path()), ("FANIN_DATA", data.path())]);
    let found_in = |place: &Path| found_in(place).replace("MNIST in", "Fashion-MNIST in");

    assert_eq!(fashion_with(&[]), no_fashion(&[]));
    assert_eq!(with(), no_fashion(&[&in_data, &in_cache]));

    // MNIST's files have the same names, and are not taken for it.
    write_small_mnist(&data, "");
    write_small_mnist(&cache, &format!("{}/", CACHE.1));
    assert_eq!(with(), no_fashion(&[&in_data, &in_cache]));

    write_small_mnist(&cache, &below_cache);
    assert_eq!(with(), found_in(&in_cache));
    write_small_mnist(&data, "fashion-mnist/");
    assert_eq!(with(), found_in(&in_data));
    // Nor are its files taken for MNIST's.
    let mnist = mnist_with(&[("FANIN_DATA", data.path())]);
    assert!(mnist.starts_with(&format!("MNIST in {} (", data.path().display())), "{mnist}");

    let next = "set it to a directory with the four Fashion-MNIST files in its subdirectory \
                fashion-mnist, or unset it";
    fs::remove_file(in_data.join(format!("{}.gz", NAMES[1]))).unwrap();
    let (lacks, set) = (in_data.display(), data.path().display());
    let text = format!(
        "error: {lacks} lacks {} (with or without .gz); FANIN_DATA is set to {set}: {next}",
        NAMES[1]
    );
    assert_eq!(with(), text);
    let none = data.path().join("none");
    let text =
        format!("error: {0} is no directory; FANIN_DATA is set to {0}: {next}", none.display());
    assert_eq!(fashion_with(&[(CACHE.0, cache.path()), ("FANIN_DATA", &none)]), text);
}

#[test]
fn fashion_is_read_from_a_directory() {
    let directory = TempDir::new();
    let error = fashion_mnist_from(directory.path()).unwrap_err().to_string();
    assert!(error.ends_with("; copy the four Fashion-MNIST files there, gzip or plain"), "{error}");
    write_small_mnist(&directory, "");
    let (train, test) = fashion_mnist_from(directory.path()).unwrap();
    assert_eq!((train.len(), test.len(), train.classes()), (3, 2, 10));
    let text = format!("Fashion-MNIST in {} (3 training images)", directory.path().display());
    assert_eq!(train.provenance().to_string(), text);
}

#[test]
fn files_may_be_packed_or_plain_under_any_of_their_names() {
    for variant in 0..4 {
        let directory = TempDir::new();
        for (name, bytes) in NAMES.iter().zip(small_mnist()) {
            match variant {
                0 => directory.write(name, &bytes),
                1 => directory.write(name, &gzip(&bytes)),
                2 => directory.write(&format!("{name}.gz"), &bytes),
                _ => {
                    directory.write(&format!("{}.gz", name.replace("-idx", ".idx")), &gzip(&bytes))
                }
            };
        }
        let (train, test) = mnist_from(directory.path()).unwrap();
        assert_eq!((train.labels(), test.labels()), (&[5, 0, 9][..], &[1, 2][..]));
        assert_eq!(train.image(2), [7; 784]);
        assert_eq!(train.provenance().path(), Some(directory.path()));
        assert!(!train.provenance().is_bundled());
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_under_the_name_of_a_file_is_told_as_such() {
    let directory = TempDir::new();
    write_small_mnist(&directory, "");
    let pipe = directory.path().join(NAMES[2]);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Beside it is a file under another of the names.
    assert_eq!(mnist_from(directory.path()).unwrap().1.len(), 2);
    fs::remove_file(directory.path().join(format!("{}.gz", NAMES[2]))).unwrap();
    let error = mnist_from(directory.path()).unwrap_err();
    assert!(matches!(&error, Error::NotAFile { file, .. } if *file == pipe), "{error}");
    let set = mnist_with(&[("FANIN_DATA", directory.path())]);
    assert!(set.starts_with(&format!("error: {} is a device or a pipe", pipe.display())), "{set}");
    let set = mnist_with(&[("FANIN_DATA", &pipe)]);
    assert!(set.starts_with(&format!("error: {} is no directory; ", pipe.display())), "{set}");
}

/// The error when one of four good files holds something else.
fn spoiled(name: &str, bytes: &[u8]) -> (Error, String) {
    spoiled_by(&[(name, bytes)])
}

/// The error when some of four good files hold something else.
fn spoiled_by(files: &[(&str, &[u8])]) -> (Error, String) {
    let directory = TempDir::new();
    write_small_mnist(&directory, "");
    for (name, bytes) in files {
        directory.write(&format!("{name}.gz"), bytes);
    }
    let error = mnist_from(directory.path()).unwrap_err();
    // Without the directory, which is another one each time.
    let text = error.to_string().replace(&format!("{}", directory.path().join("").display()), "");
    (error, text)
}

#[test]
fn a_file_that_was_cut_says_how_much_is_there() {
    let whole = idx_u8(&[60_000, 28, 28], &vec![1; 1_204 * 784 + 100]);
    let labels = idx_u8(&[60_000], &[0; 60_000]);
    for bytes in [&whole, &gzip(&whole)] {
        let (error, text) = spoiled_by(&[(NAMES[0], bytes), (NAMES[1], &labels)]);
        assert!(matches!(error, Error::Truncated { .. }));
        assert_eq!(
            text,
            "train-images-idx3-ubyte.gz ends after 1,204 of 60,000 images: it was not copied \
             whole, or its header is wrong; delete it and fetch it again"
        );
    }
    let (_, text) = spoiled(NAMES[1], &idx_u8(&[3], &[1, 2]));
    assert!(text.starts_with("train-labels-idx1-ubyte.gz ends after 2 of 3 labels"), "{text}");
}

#[test]
fn a_damaged_file_says_so() {
    let mut packed = gzip(&small_mnist()[0]);
    let end = packed.len() - 8; // the checksum
    packed[end] ^= 1;
    let (error, text) = spoiled(NAMES[0], &packed);
    assert!(matches!(error, Error::Damaged { .. }));
    assert!(text.starts_with("train-images-idx3-ubyte.gz is damaged: "), "{text}");
    assert!(text.ends_with("; delete it and fetch it again"), "{text}");
}

#[test]
fn another_file_under_the_name_is_noticed() {
    let next = "it may be another file under this name; put the right one in its place";
    let [images, labels, ..] = small_mnist();
    let mut signed = images.clone();
    signed[2] = 9;
    for (name, bytes, holds) in [
        (NAMES[0], &labels, "u8 3, but u8 images n×… were expected"),
        (NAMES[0], &signed, "i8 3×28×28, but u8 images n×… were expected"),
        (NAMES[1], &images, "u8 3×28×28, but n u8 labels were expected"),
        (
            NAMES[0],
            &idx_u8(&[3, 27, 28], &[0; 3 * 27 * 28]),
            "images of 27×28, but images of 28×28 were expected",
        ),
        (
            NAMES[0],
            &idx_u8(&[3, 784], &[0; 3 * 784]),
            "images of 784, but images of 28×28 were expected",
        ),
    ] {
        let (error, text) = spoiled(name, bytes);
        assert!(matches!(error, Error::Unexpected { .. }), "{text}");
        assert_eq!(text, format!("{name}.gz holds {holds}: {next}"));
    }
    let (error, text) = spoiled(NAMES[2], b"<html>404</html>");
    assert!(matches!(error, Error::NotIdx { .. }));
    assert!(text.starts_with("t10k-images-idx3-ubyte.gz is no IDX file: "), "{text}");
}

#[test]
fn counts_and_labels_are_checked() {
    let (error, text) = spoiled(NAMES[1], &idx_u8(&[2], &[1, 2]));
    assert!(matches!(error, Error::CountsDiffer { images: 3, labels: 2, .. }));
    assert_eq!(
        text,
        "train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz: 3 images but 2 labels; each \
         image needs one label, so take both from the same place, and fetch them again if they are: \
         a header may be damaged"
    );
    let (error, text) = spoiled(NAMES[1], &idx_u8(&[81_633], &[0; 81_633]));
    assert!(matches!(error, Error::TooLarge { limit: 81_632, .. }), "64 MB of images: {text}");
    // The limit is not the caller's to raise.
    assert!(text.ends_with(
        "limit of 81,632 bytes; its header says 81633; no file of this data set is so large, so its \
         header is damaged: fetch it again"
    ), "{text}");
    let (_, text) = spoiled(NAMES[1], &idx_u8(&[3 << 24], &[0; 3]));
    assert!(text.contains("its header says 50331648, but 3 in the other byte order: "), "{text}");
    let (error, text) = spoiled(NAMES[3], &idx_u8(&[2], &[9, 10]));
    assert!(matches!(error, Error::BadLabel { index: 1, label: 10, classes: 10, .. }));
    assert_eq!(
        text,
        "t10k-labels-idx1-ubyte.gz: label 1 is 10, but 10 classes have labels below 10; correct \
         the labels, or the number of classes"
    );
    let directory = TempDir::new();
    write_small_mnist(&directory, "");
    directory.write(&format!("{}.gz", NAMES[2]), &idx_u8(&[0, 28, 28], &[]));
    directory.write(&format!("{}.gz", NAMES[3]), &idx_u8(&[0], &[]));
    let error = mnist_from(directory.path()).unwrap_err();
    assert!(error.to_string().contains("holds no images, but images of 28×28"), "{error}");
}

/// As many images as the full set has must be that set.
#[test]
fn another_set_does_not_pass_for_mnist() {
    let blank = |pixel| idx_u8(&[60_000, 28, 28], &vec![pixel; 60_000 * 784]);
    let labels = idx_u8(&[60_000], &[0; 60_000]);
    let next = "not those of MNIST; put the right file in its place, or read another data set of this \
                form with Dataset::from_idx";
    for pixel in [0, 7] {
        let (error, text) = spoiled_by(&[(NAMES[0], &blank(pixel)), (NAMES[1], &labels)]);
        assert!(matches!(error, Error::NotOfSet { set: "MNIST", .. }));
        let holds =
            format!("train-images-idx3-ubyte.gz holds images whose pixels are all {pixel}, ");
        assert_eq!(text, holds + next);
    }
    let mut noise = blank(0);
    noise[100] = 1;
    let (_, text) = spoiled_by(&[(NAMES[0], &noise), (NAMES[1], &labels)]);
    let sum = {
        let mut crc = flate2::Crc::new();
        crc.update(&noise[16..]);
        crc.sum()
    };
    let holds = format!("images whose checksum is {sum:08x} instead of f3639b56, {next}");
    assert_eq!(text, format!("train-images-idx3-ubyte.gz holds {holds}"));

    // A part of the set has no checksum. It must have a picture in it.
    let (_, text) = spoiled(NAMES[2], &idx_u8(&[2, 28, 28], &[0; 2 * 784]));
    assert!(
        text.contains("t10k-images-idx3-ubyte.gz holds images whose pixels are all 0"),
        "{text}"
    );
}

#[test]
fn any_pair_of_idx_files_makes_a_set() {
    let directory = TempDir::new();
    let images = directory.write("letters", &idx_u8(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]));
    let labels = directory.write("classes", &gzip(&idx_u8(&[2], &[25, 0])));
    let data = Dataset::from_idx(&images, &labels, 26).unwrap();
    assert_eq!((data.image(1), data.label(0), data.classes()), (&[4, 5, 6][..], 25, 26));
    assert_eq!(data.provenance().to_string(), format!("{} (2 images)", images.display()));
    assert_eq!(data.provenance().path(), Some(directory.path()));
    assert!(matches!(Dataset::from_idx(&images, &labels, 25), Err(Error::BadLabel { .. })));
}
