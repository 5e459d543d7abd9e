"""Labels of which some are missing: they are left out, of the denominator too."""

import torch
from torch import nn

from logloss.torch import BCEWithLogitsLoss

torch.manual_seed(0)
x = torch.randn(4000, 8)
whole = (x @ torch.randn(8, 5) > 0).float()
y = torch.where(torch.rand(4000, 5) < 0.6, torch.nan, whole)  # six labels of ten are missing

loss = BCEWithLogitsLoss(ignore_index=torch.nan)  # or a mask: loss(model(x), y, mask=~torch.isnan(y))
model = nn.Linear(8, 5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(200):
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
with torch.no_grad():
    right = ((model(x) > 0) == (whole == 1)).float().mean()
print(f"{right:.1%} of all labels are right, the missing ones included")
