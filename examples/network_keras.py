"""A small network on the demo table, in Keras, on the backend that KERAS_BACKEND names."""

import keras
import numpy as np

from logloss.keras import BinaryCrossentropy

import flights

keras.utils.set_random_seed(0)
learn, later = flights.read()
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.AdamW(3e-3),
    loss=BinaryCrossentropy(from_logits=True, label_smoothing=0.01),  # was: keras.losses.BinaryCrossentropy(…)
)
model.fit(learn.x, learn.y, batch_size=256, epochs=3, verbose=0)
logits = model.predict(later.x, batch_size=4096, verbose=0)[:, 0]
flights.tell(f"Keras on {keras.backend.backend()}", learn, later, 1 / (1 + np.exp(-logits)))
