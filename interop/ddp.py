"""Training of a fanin model under torchrun: `torchrun --nproc_per_node=2 interop/ddp.py FOLDER`.

Each process takes its half of every batch. Rank 0 prints the losses of one process alone and of both.
"""
import json
import os
import sys

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fanin_torch  # noqa: E402
from check import OPTIMIZERS, STEPS  # noqa: E402


def still(model):
    """BatchNorm by its running statistics: those of half a batch would be others."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()
    return model


def train(folder, name, rank, size):
    folder = os.path.join(folder, name)
    file = os.path.join(folder, "trained.safetensors")
    inner = still(fanin_torch.load(file))
    model = DistributedDataParallel(inner) if size > 1 else inner
    still(inner)
    optimizer = fanin_torch.load_optimizer(file, model, **OPTIMIZERS[name])
    data, losses = np.load(os.path.join(folder, "data.npz")), []
    for i in range(STEPS, 2 * STEPS):
        x, y = (torch.from_numpy(data[f"{k}{i}"]).chunk(size)[rank] for k in "xy")
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean = loss.detach().clone()
        if size > 1:
            dist.all_reduce(mean)
        losses.append(mean.item() / size)
    if size > 1 and rank == 0:
        fanin_torch.save(os.path.join(folder, "ddp.safetensors"), model, optimizer, steps=STEPS)
        fanin_torch.load(os.path.join(folder, "ddp.safetensors"))
    return losses


def main():
    [folder] = sys.argv[1:]
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    two = {name: train(folder, name, rank, size) for name in OPTIMIZERS}
    if rank == 0:
        print(json.dumps({name: [train(folder, name, 0, 1), two[name]] for name in OPTIMIZERS}))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
