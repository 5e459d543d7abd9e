"""What probabilities are worth: facts, in frozen dataclasses."""
