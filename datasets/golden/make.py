"""Write torch.txt: torch's shuffled batch orders, and its conversion of pixels.

    python make.py        # needs torch and numpy; the output names their versions
"""

import zlib
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset


def crc(values, kind):
    return f"{zlib.crc32(np.asarray(values, dtype=kind).tobytes()):08x}"


def words(values):
    return " ".join(str(v) for v in values)


def main():
    lines = [
        f"# Written by make.py with torch {torch.__version__} and numpy {np.__version__}.",
        "",
        "# epoch: seed, images, batch size, epoch, batches, CRC-32 of the order as little-endian u32,",
        "# first 32 indices of the order. Epochs of one seed follow one another on one generator.",
    ]
    for n, batch in ((4000, 64), (10, 3), (1, 4)):
        for seed in (0, 42):
            torch.manual_seed(seed)
            loader = DataLoader(TensorDataset(torch.arange(n)), batch_size=batch, shuffle=True)
            for epoch in (1, 2):
                order = torch.cat([x for (x,) in loader]).tolist()
                assert sorted(order) == list(range(n))
                checksum = crc(order, "<u4")
                lines.append(f"epoch {seed} {n} {batch} {epoch} {len(loader)} {checksum} {words(order[:32])}")

    x = torch.arange(256, dtype=torch.uint8)
    unit = x.float() / 255
    normal = unit.clone().sub_(torch.tensor(0.1307)).div_(torch.tensor(0.3081))  # as torchvision does
    lines += ["", "# pixels: mean, std, and the bits of what 0 to 255 become as f32"]
    for name, values in (("0 1", unit), ("0.1307 0.3081", normal)):
        lines.append(f"pixels {name} " + " ".join(f"{b:08x}" for b in values.numpy().view(np.uint32)))
    Path(__file__).with_name("torch.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
