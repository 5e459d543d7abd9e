"""The loss as functions of JAX: two under the names of optax, and any member of the family."""

from collections.abc import Callable
from typing import Any

from logloss.core import parameters
from logloss.core.errors import MissingPackageError, ParameterError
from logloss.core.family import BinaryCrossEntropy

try:
    import jax
except ModuleNotFoundError as error:
    if error.name != "jax":
        raise
    raise MissingPackageError(
        "logloss.jax needs the package jax. Install it with: pip install 'logloss[jax]'"
    ) from error

from logloss.jax.call import OPTAX, OURS, Call, numbers, one_mask, take_arrays

__all__ = ["as_function", "sigmoid_binary_cross_entropy", "sigmoid_focal_loss"]


def sigmoid_binary_cross_entropy(
    logits: Any,
    labels: Any,
    *,
    pos_weight: Any = 1.0,
    neg_weight: Any = 1.0,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    weights: Any = None,
    mask: Any = None,
    where: Any = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    reduction: str = "none",
    validate: bool | None = False,
) -> jax.Array:
    """Binary cross-entropy of each element, as optax' function of that name, with the whole family as options.

    Parameters
    ----------
    logits : array, shape s
        Any real numbers, infinities included, of a floating type, which is the result's.
    labels : array, shape s
        In [0, 1]; integers and booleans are taken as they are.
    pos_weight, neg_weight : float, sequence of float, or array that broadcasts to s
        What the positive and the negative side are multiplied by; k entries give one weight a class. Arrays of several
        axes, and traced ones, take a second pass, and have derivatives.
    label_smoothing, gamma, gamma_neg, margin
        As for a `BinaryCrossEntropy`: numbers that are known while tracing.
    weights : array that broadcasts to s, or of shape (s[0],), optional
        What each element is multiplied by. A vector that may lie along the first axis and along the last is refused.
    mask, where : array of bool, as weights, optional
        Two names for one thing: True where an element counts. What it hides may hold anything.
    ignore_index : number, optional
        Elements with this label do not count; NaN is such a label too.
    class_axis : int
        The axis along which weights lie that were given one a class.
    reduction : "none", "mean", "weighted_mean" or "sum"
        As for `as_function`.
    validate : bool
        As for `as_function`.

    Raises
    ------
    ShapeError
        Shapes differ; nothing broadcasts silently.
    DtypeError
        ``logits`` are not floating, or a mask is not boolean.
    ParameterError
        An option is out of its range, or traced.

    Notes
    -----
    The numbers are optax' for logits of moderate size. Far out optax loses digits, and at infinity it gives NaN.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> logits, labels = jnp.array([2.0, -1.0, jnp.nan]), jnp.array([1, 0, 255])
    >>> [f"{loss:.4f}" for loss in sigmoid_binary_cross_entropy(logits, labels, ignore_index=255)]
    ['0.1269', '0.3133', '0.0000']
    >>> print(f'{sigmoid_binary_cross_entropy(logits, labels, ignore_index=255, reduction="mean"):.4f}')
    0.2201
    """
    options: dict[str, Any] = {"pos_weight": pos_weight, "neg_weight": neg_weight, "label_smoothing": label_smoothing}
    options |= {"gamma": gamma, "gamma_neg": gamma_neg, "margin": margin}
    arrays = take_arrays(options, validate)
    loss = Call(
        BinaryCrossEntropy(from_logits=True, **numbers(options)),
        reduction,
        class_axis,
        validate,
        OPTAX,
        broadcasts=True,
    )
    others = {"class_weights": arrays} | numbers({"ignore_index": ignore_index})
    return loss(logits, labels, weights, one_mask(mask, where), **others)


def sigmoid_focal_loss(
    logits: Any,
    labels: Any,
    alpha: Any = None,
    gamma: float = 2.0,
    *,
    pos_weight: Any = None,
    neg_weight: Any = None,
    label_smoothing: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    weights: Any = None,
    mask: Any = None,
    where: Any = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    reduction: str = "none",
    validate: bool | None = False,
) -> jax.Array:
    """Focal loss of each element, as optax' function of that name, with the whole family as options.

    Parameters
    ----------
    logits, labels : array, shape s
        As for `sigmoid_binary_cross_entropy`.
    alpha : float in [0, 1], or array of such that broadcasts to s, optional
        Multiplies the positive side, and ``1 - alpha`` the negative one: another way to give the two class weights.
    gamma : float
        How strongly easy elements are played down.
    pos_weight, neg_weight, label_smoothing, gamma_neg, margin
        As for `sigmoid_binary_cross_entropy`.
    weights, mask, where, ignore_index, class_axis, reduction, validate
        As for `sigmoid_binary_cross_entropy`.

    Raises
    ------
    ShapeError, DtypeError, ParameterError
        As `sigmoid_binary_cross_entropy`; and ParameterError if alpha and class weights are both given.

    Notes
    -----
    Lin et al. (2017), "Focal loss for dense object detection". The loss is linear in the label, so for soft labels it
    is the expected loss over hard ones, and there optax has another number.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> [f"{loss:.4f}" for loss in sigmoid_focal_loss(jnp.array([2.0, -1.0]), jnp.array([1, 0]), alpha=0.25)]
    ['0.0005', '0.0170']
    """
    options: dict[str, Any] = {"pos_weight": pos_weight, "neg_weight": neg_weight, "label_smoothing": label_smoothing}
    options |= {"gamma": gamma, "gamma_neg": gamma_neg, "margin": margin, "alpha": alpha}
    arrays = take_arrays(options, validate)
    bce = BinaryCrossEntropy.focal(from_logits=True, **{"alpha": None} | numbers(options))
    loss = Call(bce, reduction, class_axis, validate, OPTAX, broadcasts=True)
    others = {"class_weights": arrays} | numbers({"ignore_index": ignore_index})
    return loss(logits, labels, weights, one_mask(mask, where), **others)


def as_function(
    bce: BinaryCrossEntropy, *, reduction: str = "none", class_axis: int = -1, validate: bool | None = False
) -> Callable[..., jax.Array]:
    """A function that is called as ``loss(y_pred, y_true, *, sample_weight=None, mask=None, where=None)``.

    Predictions come first, as in optax. The function is pure, and can be traced and transformed.

    Parameters
    ----------
    bce : BinaryCrossEntropy
        The member of the family; its ``from_logits`` and ``epsilon`` are honoured.
    reduction : "none", "mean", "weighted_mean" or "sum"
        As for a `BinaryCrossEntropy`. The mean of nothing, as of a batch that is masked whole, is 0 with gradient 0.
    class_axis : int
        The axis along which per-class weights lie.
    validate : bool
        Whether to refuse values that are out of range. In traced code this takes `jax.experimental.checkify`: the
        function that is compiled has to be wrapped in ``checkify.checkify``, which returns the error beside the result.

    Raises
    ------
    ShapeError
        When called or traced: shapes differ. ``sample_weight`` and ``mask`` have y_pred's, or one entry a row.
    DtypeError
        When called or traced: ``y_pred`` is not floating, or ``mask`` not boolean.
    LabelError, LogitError, ProbabilityError, WeightError
        When called with ``validate``: a value is out of range.

    Notes
    -----
    Without ``validate`` no value is looked at: NaN gives NaN, and a label outside [0, 1] goes through the formula.
    Derivatives are the family's own, to any order, in predictions; in labels and weights the loss is linear. The
    derivative in a weight of 0 is the loss that it hides: where that may be NaN, use a mask.

    On processors the compiled kernel makes the loss and its gradient, where it was built for that. `jax.export` for
    processors refuses foreign functions that it does not know; with ``LOGLOSS_KERNEL=numpy`` there is none.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> loss = as_function(BinaryCrossEntropy(from_logits=True), reduction="mean")
    >>> value, gradient = jax.value_and_grad(loss)(jnp.array([0.0, -50.0]), jnp.array([1, 1]))
    >>> print(f"{value:.3f}", gradient)
    25.347 [-0.25 -0.5 ]
    """
    if not isinstance(bce, BinaryCrossEntropy):
        raise ParameterError(
            f'bce={bce!r} is not a BinaryCrossEntropy. Make one, as by BinaryCrossEntropy.parse("focal(gamma=3)").'
        )
    loss = Call(bce, reduction, class_axis, validate, OURS)

    def function(
        y_pred: Any, y_true: Any, *, sample_weight: Any = None, mask: Any = None, where: Any = None, **unknown: Any
    ) -> jax.Array:
        parameters.refuse_keywords("A loss of logloss.jax.as_function", unknown, ("sample_weight", "mask", "where"))
        return loss(y_pred, y_true, sample_weight, one_mask(mask, where))

    return function
