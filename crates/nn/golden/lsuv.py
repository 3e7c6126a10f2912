"""Writes lsuv.txt: what the authors' PyTorch program does with a network of given weights.

    git clone https://github.com/ducha-aiki/LSUV-pytorch
    python3 crates/nn/golden/lsuv.py LSUV-pytorch/LSUV.py > crates/nn/golden/lsuv.txt

Written with torch 2.15.0, numpy 2.4.6 and that repository's commit
60e9fee5f15e0d4edd1f4d9f0587c7149c1974ed.
The network is 6-7-7-3 with ReLU and the values of `wave`, so no random numbers are used. A line has the case,
the parameter and its values after `LSUVinit` without the orthonormal step: the centred form.
"""

import importlib.util
import sys

import torch


def wave(shape, seed, size):
    n = torch.Size(shape).numel()
    values = [((i * 7919 + seed * 613) % 1009 / 1009 - 0.5) * size for i in range(n)]
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


spec = importlib.util.spec_from_file_location("lsuv", sys.argv[1])
lsuv = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lsuv)


class Net(torch.nn.Sequential):
    """Mends two counters of the program, which calls `apply` with its functions. It begins after layer 0, so
    the first layer is never scaled; and the counter that finds the layer to correct is not set back between
    two corrections of one layer, so the second one goes to the first layer of the network."""

    def apply(self, fn):
        if fn is lsuv.count_conv_fc_layers:
            lsuv.gg["done_counter"] = -1
        if fn is lsuv.apply_weights_correction:
            lsuv.gg["counter_to_apply_correction"] = 0
        return super().apply(fn)


for case, biases in [("zero_biases", 0.0), ("biases", 1.0)]:
    net = Net(
        torch.nn.Linear(6, 7),
        torch.nn.ReLU(),
        torch.nn.Linear(7, 7),
        torch.nn.ReLU(),
        torch.nn.Linear(7, 3),
    )
    for seed, p in enumerate(net.parameters()):
        p.data = wave(p.shape, seed, 1.0 if p.dim() == 2 else biases)
    lsuv.LSUVinit(net, wave((20, 6), 9, 4.0) + 0.5, do_orthonorm=False, verbose=False, std_tol=0.01)
    for path, p in net.named_parameters():
        print(case, path, *(f"{x:.9g}" for x in p.data.flatten().tolist()))
