"""A small network on the demo table, in PyTorch."""

import torch
from torch import nn

from logloss.torch import BCEWithLogitsLoss

import flights

torch.manual_seed(0)
learn, later = flights.read()
x, y = torch.from_numpy(learn.x), torch.from_numpy(learn.y)
model = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
loss = BCEWithLogitsLoss(label_smoothing=0.01)  # was: torch.nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(3):
    for batch in torch.randperm(len(x)).split(256):
        optimizer.zero_grad()
        loss(model(x[batch]), y[batch]).backward()
        optimizer.step()
with torch.no_grad():
    probabilities = torch.sigmoid(model(torch.from_numpy(later.x)))
flights.tell("PyTorch", learn, later, probabilities.numpy())
