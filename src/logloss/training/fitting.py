"""From prepared rows to a trained model: the network or the linear model, with everything that is chosen by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from logloss.core.errors import LabelError, ParameterError, RunError, WeightError, nearest
from logloss.core.family import BinaryCrossEntropy
from logloss.tables.wording import counted
from logloss.training import linear, loop, priors
from logloss.training.features import Recipe
from logloss.training.history import Epoch, History
from logloss.training.model import Model
from logloss.training.networks import MLP

Array = npt.NDArray[np.float64]
ModelKind = Literal["mlp", "linear"]

_DROPOUT = 0.1
_WEIGHT_DECAY = 0.5
_LEARNING_RATE = 2e-3
# A network of this size has learnt what it can after some 4,000 steps, on small tables as on large ones.
_STEPS = 4000
_PLAIN = BinaryCrossEntropy()
_LOG_LOSS = BinaryCrossEntropy(from_logits=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be chosen. None is chosen by the size of the table."""

    model: ModelKind = "mlp"
    loss: BinaryCrossEntropy = _PLAIN
    hidden: tuple[int, ...] = (64, 32)
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    prior_correction: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        kinds = get_args(ModelKind)
        if self.model not in kinds:
            raise ParameterError(
                f'"{self.model}" is not a model; known are {", ".join(kinds)}.{nearest(str(self.model), kinds)}'
            )
        if not (isinstance(self.hidden, tuple) and all(_is_count(units) for units in self.hidden)):
            raise ParameterError(
                f"hidden={self.hidden!r} is not usable; expected whole numbers of units, such as (64, 32)."
            )
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if value is not None and not _is_count(value):
                raise ParameterError(f"{name}={value!r} is not usable; expected a whole number of at least 1.")
        rate = self.learning_rate
        if rate is not None and not (isinstance(rate, Real) and 0 < float(rate) < float("inf")):
            raise ParameterError(f"learning_rate={self.learning_rate!r} is not usable; expected a positive number.")
        if not isinstance(self.seed, int | np.integer) or not 0 <= self.seed < 2**63:
            raise ParameterError(f"seed={self.seed!r} is not usable; expected a whole number of at least 0.")

    def settings(self, n_rows: int) -> loop.Settings:
        """The network's settings for a table of so many training rows."""
        batch_size = self.batch_size or int(np.clip(2 ** round(np.log2(max(n_rows, 1) / 40)), 16, 256))
        epochs = self.epochs or int(np.clip(_STEPS * batch_size / max(n_rows, 1), 20, 150))
        return loop.Settings(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=self.learning_rate or _LEARNING_RATE,
            weight_decay=_WEIGHT_DECAY,
            patience=max(10, epochs // 4),
            seed=self.seed,
        )


def options_of(config: Mapping[str, Any]) -> Options:
    """The options that a run's configuration keeps.

    Raises
    ------
    RunError
        The configuration is damaged.
    """
    try:
        fields = dict(config["options"])
        fields |= {"hidden": tuple(fields["hidden"]), "loss": BinaryCrossEntropy.from_config(fields["loss"])}
        return Options(**fields)
    except (KeyError, TypeError, ParameterError) as error:
        raise RunError(f"The run's configuration is damaged: {error}") from error


def parse_loss(loss: BinaryCrossEntropy | str, base_rates: Array) -> BinaryCrossEntropy:
    """A loss, or the loss that is so spelled; the weighted shares of positives, shape (k,), are what is balanced."""
    if isinstance(loss, BinaryCrossEntropy):
        return loss
    if not isinstance(loss, str):
        raise ParameterError(f"loss={loss!r} is not a loss; expected a BinaryCrossEntropy, or its spelling.")
    return BinaryCrossEntropy.parse(loss, base_rates[None] if len(base_rates) > 1 else base_rates)


class Sample(NamedTuple):
    """Rows of a table: its feature columns, labels of shape (n, k), and weights of shape (n,)."""

    frame: pd.DataFrame
    labels: Array
    weight: Array | None

    @property
    def base_rates(self) -> Array:
        """The weighted share of positives of each label, shape (k,)."""
        return np.average(self.labels, axis=0, weights=self.weight)

    def scaled(self, use: str) -> "Sample":
        """The sample with weights of mean 1: only their ratios count, and no sum then leaves the range of its type."""
        if self.weight is None:
            return self
        if not (highest := self.weight.max()) > 0:
            raise WeightError(
                f"Every row to {use} on has weight 0. Mend the weights, or choose other rows to {use} on."
            )
        weight = self.weight / highest
        return self._replace(weight=weight * (len(weight) / weight.sum()))

    def rows(self, chosen: npt.NDArray[np.int64]) -> "Sample":
        """The sample of some of the rows."""
        weight = None if self.weight is None else self.weight[chosen]
        return Sample(self.frame.iloc[chosen].reset_index(drop=True), self.labels[chosen], weight)


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it got there."""

    model: Model
    history: History
    linear_fits: tuple[linear.LinearFit, ...] = ()  # one a label, of a linear model


def learn_recipe(frame: pd.DataFrame, model: str, *, leave_out_ids: bool = True) -> Recipe:
    """The recipe that the kind of model needs."""
    nn = model == "mlp"
    return Recipe.learn(frame, embed=nn, standardize=nn, drop_first=not nn, leave_out_ids=leave_out_ids)


def base_rate_loss(rates: Array, sample: Sample) -> float:
    """The mean log loss of always saying the rates, in nats."""
    exact = BinaryCrossEntropy(epsilon=0)
    said = np.broadcast_to(rates, sample.labels.shape)
    return float(exact(sample.labels, said, sample_weight=sample.weight, reduction="weighted_mean"))


def check_loss(bce: BinaryCrossEntropy, n_labels: int) -> BinaryCrossEntropy:
    """The loss as training takes it: on logits, with a class weight for every label."""
    for name in ("pos_weight", "neg_weight"):
        weight = getattr(bce, name)
        if 0 in (weight if isinstance(weight, tuple) else (weight,)):
            raise ParameterError(
                f"{name}={weight} makes mistakes on one class cost nothing, so the best would be always to say the "
                "other. Give it a weight above 0."
            )
        if isinstance(weight, tuple) and len(weight) != n_labels:
            entries = counted(len(weight), "entry", "entries")
            raise ParameterError(f"{name} has {entries} for {counted(n_labels, 'label')}; expected one a label.")
    return replace(bce, from_logits=True, epsilon=_PLAIN.epsilon)


def fit(
    options: Options,
    recipe: Recipe,
    train: Sample,
    validation: Sample | None,
    *,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    after_epoch: Callable[[loop.State], None] = lambda _: None,
    restore: Callable[[loop.State], None] = lambda _: None,
) -> Fitted:
    """Train a model.

    ``on_epoch`` hears of every epoch; ``after_epoch`` and ``restore`` keep and give back the state of a network between
    epochs.
    """
    bce = check_loss(options.loss, train.labels.shape[1])
    train, validation = train.scaled("train"), None if validation is None else validation.scaled("validate")
    rates = train.base_rates
    if (only := np.flatnonzero((rates <= 0) | (rates >= 1))).size:
        of = f" of label {only[0]}" if len(rates) > 1 else ""
        raise LabelError(
            f"The {len(train.frame):,} training rows hold only one class{of}, so there is nothing to learn. "
            "Give more rows of the other, or let fewer validate."
        )
    shift = priors.shift(bce, len(rates)) if options.prior_correction else np.zeros(len(rates))
    if options.model == "linear":
        return _fit_linear(bce, recipe, train, validation, shift, on_epoch)
    return _fit_network(options, bce, recipe, train, validation, shift, on_epoch, after_epoch, restore)


def _fit_network(
    options: Options,
    bce: BinaryCrossEntropy,
    recipe: Recipe,
    train: Sample,
    validation: Sample | None,
    shift: Array,
    on_epoch: Callable[[Epoch], None],
    after_epoch: Callable[[loop.State], None],
    restore: Callable[[loop.State], None],
) -> Fitted:
    settings = options.settings(len(train.frame))
    rates = train.base_rates
    # The network starts at the base rate as the weighted loss sees it, whether or not that is undone in the end.
    base_logits = np.log(rates / (1 - rates)) - priors.shift(bce, len(rates))
    network = build_network(recipe, options, base_logits.tolist())
    state = loop.start(network, settings)
    restore(state)

    def after(state: loop.State) -> None:
        after_epoch(state)
        on_epoch(state.epochs[-1])

    loop.run(
        state,
        bce,
        _rows(recipe, train),
        None if validation is None else _rows(recipe, validation),
        settings,
        torch.from_numpy(shift).float(),
        after,
    )
    return Fitted(Model(recipe, shift, network), History(tuple(state.epochs)))


def build_network(recipe: Recipe, options: Options, base_logits: list[float]) -> MLP:
    """The network that fits a recipe's features."""
    try:
        return MLP(len(recipe.names), recipe.n_levels, options.hidden, base_logits, _DROPOUT, options.seed)
    except (RuntimeError, MemoryError) as error:
        if "memory" not in str(error):
            raise
        raise ParameterError(
            f"hidden={options.hidden} makes a network that does not fit into this machine's memory. Say fewer units."
        ) from error


def _rows(recipe: Recipe, sample: Sample) -> loop.Rows:
    features = recipe.transform(sample.frame)
    return loop.Rows(
        torch.from_numpy(features.numbers),
        torch.from_numpy(features.codes),
        torch.from_numpy(sample.labels).float(),
        None if sample.weight is None else torch.from_numpy(sample.weight).float(),
    )


def _fit_linear(
    bce: BinaryCrossEntropy,
    recipe: Recipe,
    train: Sample,
    validation: Sample | None,
    shift: Array,
    on_epoch: Callable[[Epoch], None],
) -> Fitted:
    features = recipe.transform(train.frame).numbers
    validation_features = None if validation is None else recipe.transform(validation.frame).numbers
    design = linear.Design.of(features, train.weight)
    n_labels = train.labels.shape[1]
    coefficients, intercept = np.zeros((n_labels, features.shape[1])), np.zeros(n_labels)
    running: dict[int, Any] = {
        j: linear.newton(design, train.labels[:, j], train.weight, bce, j) for j in range(n_labels)
    }
    fits: dict[int, linear.LinearFit] = {}
    epochs: list[Epoch] = []
    # The labels advance side by side, so that an iteration has one loss.
    while running:
        for j, iterations in list(running.items()):
            try:
                coefficients[j], intercept[j] = next(iterations)
            except StopIteration as end:
                fits[j] = end.value
                del running[j]
        if running or not epochs:
            train_loss = _linear_loss(features, train, coefficients, intercept + shift)
            validation_loss = None
            if validation is not None and validation_features is not None:
                validation_loss = _linear_loss(validation_features, validation, coefficients, intercept + shift)
            epochs.append(Epoch(epoch=len(epochs) + 1, train_loss=train_loss, validation_loss=validation_loss))
            on_epoch(epochs[-1])
    model = Model(recipe, shift, coefficients=coefficients, intercept=intercept)
    return Fitted(model, History(tuple(epochs), stops_early=False), tuple(fits[j] for j in range(n_labels)))


def _linear_loss(features: Array, sample: Sample, coefficients: Array, intercept: Array) -> float:
    logits = features @ coefficients.T + intercept
    return float(_LOG_LOSS(sample.labels, logits, sample_weight=sample.weight, reduction="weighted_mean"))


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1
