# Regression and classification of CSV tables, in PyTorch with scikit-learn.
import copy
import sys

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score, r2_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def network(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 64),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, outputs),
    )


def train(model, loss, fit, valid):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)
    best, best_state, waited = float("inf"), None, 0
    for _ in range(500):
        model.train()
        for x, y in DataLoader(fit, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            x, y = valid.tensors
            value = loss(model(x), y).item()
        waited += 1
        if value < best:
            best, best_state, waited = value, copy.deepcopy(model.state_dict()), 0
        if waited == 20:
            break
    model.load_state_dict(best_state)


def run(name, kind, pos_weight=1.0):
    torch.manual_seed(seed)
    data = np.loadtxt(f"data/{name}.csv", delimiter=",", skiprows=1)
    x, y = data[:, :-1], data[:, -1]
    n = int(0.8 * len(y))
    fit = int(0.75 * n)
    x = torch.tensor(StandardScaler().fit(x[:n]).transform(x), dtype=torch.float32)
    if kind == "regression":
        loss = nn.MSELoss()
        scaler = StandardScaler().fit(y[:n, None])
        target = torch.tensor(scaler.transform(y[:, None]), dtype=torch.float32)
    elif kind == "binary":
        loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(pos_weight))
        target = torch.tensor(y[:, None], dtype=torch.float32)
    else:
        loss = nn.CrossEntropyLoss()
        target = torch.tensor(y, dtype=torch.int64)
    model = network(x.shape[1], 3 if kind == "classes" else 1)
    train(
        model, loss, TensorDataset(x[:fit], target[:fit]), TensorDataset(x[fit:n], target[fit:n])
    )
    with torch.no_grad():
        out = model(x[n:]).numpy()
    y = y[n:]
    if kind == "regression":
        print(name, "R2", r2_score(y, scaler.inverse_transform(out)))
    elif kind == "binary":
        name = f"{name}*{pos_weight:.0f}"
        print(name, "accuracy", accuracy_score(y, out > 0))
        print(name, "F1", f1_score(y, out > 0))
        print(name, "AUC", roc_auc_score(y, out))
    else:
        print(name, "accuracy", accuracy_score(y, out.argmax(1)))


seed = int(sys.argv[1])
torch.set_num_threads(1)
run("diabetes", "regression")
run("houses", "regression")
run("breast_cancer", "binary")
run("wine", "classes")
run("fraud", "binary")
run("fraud", "binary", 10.0)
