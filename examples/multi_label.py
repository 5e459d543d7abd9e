"""Several labels a row, some of them rare: each has its own weight, and rare ones are learnt."""

import torch
from torch import nn

from logloss import BinaryCrossEntropy
from logloss.torch import BCEWithLogitsLoss

torch.manual_seed(0)
x = torch.randn(4000, 8)
rates = torch.tensor([0.5, 0.1, 0.02])  # of the three labels
scores = x @ torch.randn(8, 3)
y = (scores > torch.stack([s.quantile(1 - rate) for s, rate in zip(scores.T, rates, strict=True)])).to(torch.uint8)

weights = BinaryCrossEntropy.balanced(y.numpy())  # n / (2 n_pos) and n / (2 n_neg), a column a label
loss = BCEWithLogitsLoss(pos_weight=weights.pos_weight, neg_weight=weights.neg_weight)
model = nn.Linear(8, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(200):
    optimizer.zero_grad()
    loss(model(x), y).backward()  # labels are bytes, taken as they are
    optimizer.step()
with torch.no_grad():
    found = ((model(x) > 0) & (y == 1)).sum(0) / (y == 1).sum(0)
for label, (rate, share) in enumerate(zip(rates.tolist(), found.tolist(), strict=True)):
    print(f"label {label}, in {rate:.0%} of rows: {share:.0%} of them found")
