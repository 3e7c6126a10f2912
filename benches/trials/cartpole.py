# Double DQN balances a pole on a cart, in PyTorch.
import copy
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class CartPole:
    def reset(self):
        self.state = rng.uniform(-0.05, 0.05, 4).astype(np.float32)
        self.steps = 0
        return self.state

    def step(self, action):
        x, v, angle, w = map(float, self.state)
        force = 10.0 if action == 1 else -10.0
        sin, cos = math.sin(angle), math.cos(angle)
        push = (force + 0.05 * w * w * sin) / 1.1
        dw = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos * cos / 1.1))
        dv = push - 0.05 * dw * cos / 1.1
        new = [x + 0.02 * v, v + 0.02 * dv, angle + 0.02 * w, w + 0.02 * dw]
        self.state = np.array(new, np.float32)
        self.steps += 1
        fallen = abs(self.state[0]) > 2.4 or abs(self.state[2]) > math.radians(12)
        return self.state, fallen, self.steps >= 500


@torch.no_grad()
def greedy(state):
    return int(net(torch.from_numpy(state)[None]).argmax(1))


def mean_return():
    total = 0
    for _ in range(100):
        env = CartPole()
        state, over = env.reset(), False
        while not over:
            state, fallen, late = env.step(greedy(state))
            over = fallen or late
        total += env.steps
    return total / 100


seed, budget, size = int(sys.argv[1]), 200_000, 50_000
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
net = nn.Sequential(
    nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
)
target = copy.deepcopy(net)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
states, nexts = np.zeros((size, 4), np.float32), np.zeros((size, 4), np.float32)
actions, alive = np.zeros(size, np.int64), np.zeros(size, np.float32)
env = CartPole()
state = env.reset()
for step in range(1, budget + 1):
    explore = rng.random() < max(0.02, 1 - step / 10_000)
    action = int(rng.integers(2)) if explore else greedy(state)
    after, fallen, late = env.step(action)
    k = (step - 1) % size
    states[k], actions[k], nexts[k], alive[k] = state, action, after, not fallen
    state = env.reset() if fallen or late else after
    if step < 1000 or step % 2:
        continue
    for group in optimizer.param_groups:
        group["lr"] = 1e-3 * max(0.05, 1 - step / budget)
    i = rng.integers(0, min(step, size), 64)
    x, a, after, live = map(torch.from_numpy, (states[i], actions[i], nexts[i], alive[i]))
    with torch.no_grad():
        best = net(after).argmax(1, keepdim=True)
        y = 1 + 0.99 * live * target(after).gather(1, best)[:, 0]
    loss = F.huber_loss(net(x).gather(1, a[:, None])[:, 0], y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 10.0)
    optimizer.step()
    if step % 500 == 0:
        target.load_state_dict(net.state_dict())
    if step % 5000 == 0 and mean_return() >= 475:
        break
print("cartpole", "steps", step)
