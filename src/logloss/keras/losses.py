"""Keras' two losses and that of any member of the family, as objects that models are compiled with and saved with."""

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras.saving import register_keras_serializable

from logloss.core import parameters
from logloss.core.errors import ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.keras.call import Call, Tensor, check_reduction, refuse_tf_keras
from logloss.keras.functions import class_weights

_OPTIONS = ("pos_weight", "neg_weight", "label_smoothing", "gamma", "gamma_neg", "margin", "from_logits")


class _Loss(keras.losses.Loss):  # type: ignore[misc]
    """A loss whose elements are weighted and masked before an axis is averaged."""

    def __init__(self, of: Call, reduction: Any, name: str | None, dtype: Any) -> None:
        refuse_tf_keras(dtype=dtype)
        super().__init__(name=name, reduction=check_reduction(reduction), dtype=dtype)
        self._of, self._given_dtype = of, dtype
        self.axis = of.axis

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, **unknown: Any) -> Tensor:
        parameters.refuse_keywords(type(self).__name__, unknown, ("sample_weight",))
        if type(self).call is not _Loss.call:  # what a subclass makes of rows is for Keras to weigh and to reduce
            return super().__call__(y_true, y_pred, sample_weight)
        with keras.name_scope(self.name):
            return self._of(y_true, y_pred, sample_weight, reduction=self.reduction, dtype=self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The mean over the axis, without weights and mask."""
        return self._of(y_true, y_pred, dtype=self.dtype)

    def get_config(self) -> dict[str, Any]:
        """All that the loss was made with, as plain JSON values."""
        of, dtype = self._of.get_config(), getattr(self._given_dtype, "name", self._given_dtype)
        made = {"name": self.name, "reduction": self.reduction, "dtype": dtype}
        return made | {option: of[option] for option in ("axis", "class_axis", "ignore_index", "validate")}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._of.bce!r}, reduction={self.reduction!r})"


@register_keras_serializable(package="logloss")
class BinaryCrossentropy(_Loss):
    """Binary cross-entropy as `keras.losses.BinaryCrossentropy`, with the options of the family.

    Parameters
    ----------
    from_logits, label_smoothing, axis
        As for `binary_crossentropy`.
    reduction : str or None
        "sum_over_batch_size" and "mean" divide by the number of elements that count, "mean_with_sample_weight" and
        "weighted_mean" by the sum of their weights; "sum" adds up the means over the axis, and "none" gives them.
        "auto" and the reductions of Keras 2 are understood.
    name, dtype
        As in Keras.
    pos_weight, neg_weight, gamma, gamma_neg, margin, ignore_index, class_axis, validate
        As for `binary_crossentropy`.

    Raises
    ------
    ParameterError
        An option is out of its range, or nobody knows the reduction.
    ShapeError, DtypeError
        When called: shapes differ. ``sample_weight`` and masks have the shape of y_pred or that of its first axes.
    LabelError, LogitError, ProbabilityError, WeightError
        When called: a value is out of range.

    Notes
    -----
    Weights multiply elements before the axis is averaged, so they may differ from label to label, and they may be
    negative. What a mask of Keras hides may hold anything, and means are over the rest. The mean of nothing is 0, with
    gradient 0. Under `tf.distribute` a mean is over the batches of all replicas, in training and in what is reported.
    The rows of a subclass with a ``call`` of its own are weighed and reduced by Keras, as those of any loss.

    A model that was saved with this loss loads once `logloss.keras` is imported, which tells Keras its name.

    Examples
    --------
    >>> loss = BinaryCrossentropy(pos_weight=[1.0, 3.0], ignore_index=float("nan"))
    >>> print(f"{loss([[1.0, 0.0], [float('nan'), 1.0]], [[0.9, 0.2], [0.3, 0.5]]):.4f}")
    0.8026
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = 1.0,
        neg_weight: Any = 1.0,
        gamma: float = 0.0,
        gamma_neg: float | None = None,
        margin: float = 0.0,
        ignore_index: Any = None,
        class_axis: int = -1,
        validate: bool | None = None,
    ) -> None:
        bce = BinaryCrossEntropy(
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            pos_weight=pos_weight,
            neg_weight=neg_weight,
            gamma=gamma,
            gamma_neg=gamma_neg,
            margin=margin,
        )
        super().__init__(Call(bce, axis, class_axis, ignore_index, validate), reduction, name, dtype)
        self.from_logits, self.label_smoothing, self.gamma = bce.from_logits, bce.label_smoothing, bce.gamma

    def get_config(self) -> dict[str, Any]:
        """All that the loss was made with, as plain JSON values."""
        config = self._of.bce.get_config()
        return super().get_config() | {option: config[option] for option in _OPTIONS}


@register_keras_serializable(package="logloss")
class BinaryFocalCrossentropy(BinaryCrossentropy):
    """The focal loss as `keras.losses.BinaryFocalCrossentropy`, with the options of the family.

    Parameters
    ----------
    apply_class_balancing, alpha, gamma
        As for `binary_focal_crossentropy`.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As for `BinaryCrossentropy`.
    pos_weight, neg_weight, gamma_neg, margin, ignore_index, class_axis, validate
        As for `BinaryCrossentropy`.

    Raises
    ------
    ParameterError
        An option is out of its range, or class weights were given beside balancing.

    Notes
    -----
    Lin et al. (2017), "Focal loss for dense object detection". Logits are taken as they are; Keras clips their
    probabilities, so that mistakes beyond 16 pull no more.

    Examples
    --------
    >>> loss = BinaryFocalCrossentropy(apply_class_balancing=True, gamma=2.0, from_logits=True)
    >>> print(f"{loss([0.0, 1.0], [-18.6, 0.51]):.6f}")
    0.008276
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = 1.0,
        neg_weight: Any = 1.0,
        gamma_neg: float | None = None,
        margin: float = 0.0,
        ignore_index: Any = None,
        class_axis: int = -1,
        validate: bool | None = None,
    ) -> None:
        super().__init__(
            from_logits,
            label_smoothing,
            axis,
            reduction,
            name,
            dtype,
            **class_weights(apply_class_balancing, alpha, pos_weight, neg_weight),
            gamma=gamma,
            gamma_neg=gamma_neg,
            margin=margin,
            ignore_index=ignore_index,
            class_axis=class_axis,
            validate=validate,
        )
        self.apply_class_balancing, self.alpha = bool(apply_class_balancing), parameters.number("alpha", alpha)

    def get_config(self) -> dict[str, Any]:
        """All that the loss was made with, as plain JSON values."""
        config = super().get_config()
        if self.apply_class_balancing:
            del config["pos_weight"], config["neg_weight"]
        return config | {"apply_class_balancing": self.apply_class_balancing, "alpha": self.alpha}


@register_keras_serializable(package="logloss")
class BinaryCrossEntropyLoss(_Loss):
    """The loss of any member of the family; `as_loss` makes it."""

    def __init__(
        self,
        bce: Any,
        reduction: Any = "sum_over_batch_size",
        axis: Any = -1,
        class_axis: int = -1,
        ignore_index: Any = None,
        name: str | None = None,
        dtype: Any = None,
        *,
        validate: bool | None = None,
    ) -> None:
        if isinstance(bce, Mapping):  # from a config
            bce = BinaryCrossEntropy.from_config(bce)
        if not isinstance(bce, BinaryCrossEntropy):
            raise ParameterError(
                f'bce={bce!r} is not a BinaryCrossEntropy. Make one, as by BinaryCrossEntropy.parse("focal(gamma=3)").'
            )
        of = Call(bce, axis, class_axis, ignore_index, validate, as_in_keras=False)
        super().__init__(of, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """All that the loss was made with, as plain JSON values."""
        return super().get_config() | {"bce": self._of.bce.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The loss that `get_config` described."""
        return cls(**config)


def as_loss(
    bce: BinaryCrossEntropy,
    *,
    reduction: Any = "sum_over_batch_size",
    axis: Any = -1,
    class_axis: int = -1,
    ignore_index: float | None = None,
    name: str | None = None,
    dtype: Any = None,
    validate: bool | None = None,
) -> BinaryCrossEntropyLoss:
    """A loss to compile a Keras model with, of any member of the family.

    Parameters
    ----------
    bce : BinaryCrossEntropy
        The member of the family; its ``from_logits`` and ``epsilon`` are honoured.
    reduction, axis, class_axis, ignore_index, name, dtype, validate
        As for `BinaryCrossentropy`.

    Raises
    ------
    ParameterError
        ``bce`` is none, or an option is out of its range.

    Examples
    --------
    >>> as_loss(BinaryCrossEntropy.asymmetric(from_logits=True), reduction="sum")
    BinaryCrossEntropyLoss(asymmetric(gamma_pos=1.0, gamma_neg=4.0, margin=0.05, from_logits=True), reduction='sum')
    """
    return BinaryCrossEntropyLoss(bce, reduction, axis, class_axis, ignore_index, name, dtype, validate=validate)
