"""Images of labels, in bytes: 255 marks what nobody labelled, and one class is rare."""

import torch
from torch import nn

from logloss.torch import BCEWithLogitsLoss

torch.manual_seed(0)
images = torch.randn(8, 1, 32, 32)
smooth = nn.functional.avg_pool2d(images, 5, 1, 2)
labels = torch.cat([smooth > 0, smooth > 0.35], dim=1).to(torch.uint8)  # (8, 2, 32, 32): a class a channel
hidden = torch.rand(8, 1, 32, 32).expand_as(labels) < 0.2
labels = labels.masked_fill(hidden, 255)

loss = BCEWithLogitsLoss(
    pos_weight=(1.0, 10.0),
    class_axis=1,  # channels, where torch.nn.BCEWithLogitsLoss would want a pos_weight of shape (2, 1, 1)
    ignore_index=255,
    gamma=1.0,  # focus on what is still wrong
)
model = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 2, 5, padding=2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(100):
    optimizer.zero_grad()
    loss(model(images), labels).backward()
    optimizer.step()
with torch.no_grad():
    right = ((model(images) > 0) == (labels == 1))[~hidden].float().mean()
print(f"{right:.1%} of the labelled pixels are right")
