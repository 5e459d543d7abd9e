"""The loss itself: the family, its formula, its inputs and its sums. Imports NumPy and nothing else."""
