"""Ours beside each peer, in one run: see README.md."""
