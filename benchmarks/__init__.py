"""Ours beside each peer in one run: `python -m benchmarks`."""

import os

# Set before PyTorch is loaded: its idle threads would go on spinning for a while, on processors that the next contender
# needs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
