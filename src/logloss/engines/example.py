"""Predictions to try things on: a model that is too sure of itself, and fails in one place."""

import numpy as np
import pyarrow as pa

ROWS = 20_000
COLUMNS = {"label": "late", "score": "probability", "by": ["airport"], "id": "flight"}


def example(seed: int = 0) -> pa.Table:
    """Simulated flights, the probability that each is late, and whether it was.

    The model squares the odds, so it is too sure; and of one airport it knows little.

    Examples
    --------
    >>> example().column_names
    ['flight', 'airport', 'probability', 'late']
    """
    rng = np.random.default_rng(seed)
    airport = rng.choice(["Newark", "Kennedy", "LaGuardia", "Teterboro"], ROWS, p=[0.37, 0.33, 0.27, 0.03])
    truth = rng.normal(-1.4, 0.8, ROWS)
    late = rng.random(ROWS) < 1 / (1 + np.exp(-truth))
    logit = np.where(airport == "Teterboro", rng.normal(-1.4, 1.5, ROWS), truth * 1.5 + 0.5)
    return pa.table(
        {
            "flight": [f"flight {i:05}" for i in range(ROWS)],
            "airport": airport,
            "probability": (1 / (1 + np.exp(-logit))).round(6),
            "late": late,
        }
    )
