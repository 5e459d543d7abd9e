"""PyTorch's functions for binary cross-entropy, and torchvision's focal loss, with the options of the family."""

import math
import warnings
from numbers import Real

import torch
from torch import Tensor

from logloss.core import parameters
from logloss.core.errors import ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Words
from logloss.core.reduction import check_reduction
from logloss.torch import arguments, loss
from logloss.torch.arguments import TORCH, TORCHVISION, Arguments, ClassWeight
from logloss.torch.eager import is_eager
from logloss.torch.family import Options, member, weighed


def binary_cross_entropy_with_logits(
    input: Tensor,  # noqa: A002 -- PyTorch's name
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: ClassWeight | None = None,
    *,
    neg_weight: ClassWeight | None = None,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    mask: Tensor | None = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    validate: bool | None = None,
) -> Tensor:
    """Binary cross-entropy of logits: `torch.nn.functional.binary_cross_entropy_with_logits` and the whole family.

    Parameters
    ----------
    input : tensor, shape s
        Logits, of any floating type; the result has their type.
    target : tensor, shape s
        Labels in [0, 1]; integers and booleans are taken as they are.
    weight : tensor that broadcasts to s, optional
        What each element is multiplied by. It may be negative, as PyTorch's may.
    size_average, reduce : bool, optional
        PyTorch's old names for ``reduction``, which they override.
    reduction : "mean", "weighted_mean", "sum" or "none"
        The mean divides by the number of elements that count, the weighted mean by the sum of their weights. The mean
        of nothing is 0, with gradient 0.
    pos_weight, neg_weight : tensor that broadcasts to s, float, or one float a class, optional
        What the positive and the negative side are multiplied by; one axis lies along ``class_axis``.
    label_smoothing : float in [0, 1]
        0.1 turns the labels 0 and 1 into 0.05 and 0.95.
    gamma, gamma_neg : float
        How strongly easy positives and easy negatives are played down; ``gamma_neg`` is ``gamma`` unless given.
    margin : float in [0, 1)
        Negatives whose probability is at most the margin cost nothing.
    mask : boolean tensor that broadcasts to s, optional
        True where an element counts; what it hides may be anything, NaN included.
    ignore_index : float, optional
        The label that does not count, such as 255 or NaN.
    class_axis : int
        The axis along which class weights of one axis lie.
    validate : bool, optional
        Whether values are looked at. Unless it is said they are where nothing waits for it: eagerly, in main memory.

    Raises
    ------
    ShapeError
        Shapes do not fit; a ValueError.
    DtypeError, LabelError, LogitError, WeightError
        A type or a value does not fit; a RuntimeError too.

    Notes
    -----
    See `logloss.BinaryCrossEntropy` for the loss itself.

    Examples
    --------
    >>> import torch
    >>> z = torch.tensor([2.0, -1.0, 0.5])
    >>> binary_cross_entropy_with_logits(z, torch.tensor([1, 0, 255], dtype=torch.uint8), ignore_index=255)
    tensor(0.2201)
    """
    family = member(Options(True, label_smoothing, gamma, gamma_neg, margin))
    reduction = reduction_of(size_average, reduce, reduction)
    return of_member(
        input, target, weight, pos_weight, neg_weight, mask, family, reduction, ignore_index, class_axis, validate
    )


def binary_cross_entropy(
    input: Tensor,  # noqa: A002 -- PyTorch's name
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    *,
    pos_weight: ClassWeight | None = None,
    neg_weight: ClassWeight | None = None,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    mask: Tensor | None = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    validate: bool | None = None,
) -> Tensor:
    """Binary cross-entropy of probabilities: `torch.nn.functional.binary_cross_entropy` and the whole family.

    No logarithm is taken for less than -100, and no slope for more than 1e12, as in PyTorch. It works under autocast.
    Arguments are those of `binary_cross_entropy_with_logits`, with probabilities for ``input``.

    Raises
    ------
    ShapeError
        Shapes do not fit; a ValueError.
    DtypeError, LabelError, ProbabilityError, WeightError
        A type or a value does not fit; a RuntimeError too.

    Examples
    --------
    >>> import torch
    >>> binary_cross_entropy(torch.tensor([0.9, 0.0]), torch.tensor([1.0, 1.0]), reduction="none")
    tensor([  0.1054, 100.0000])
    """
    family = member(Options(False, label_smoothing, gamma, gamma_neg, margin))
    reduction = reduction_of(size_average, reduce, reduction)
    return of_member(
        input, target, weight, pos_weight, neg_weight, mask, family, reduction, ignore_index, class_axis, validate
    )


def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
    *,
    weight: Tensor | None = None,
    pos_weight: ClassWeight | None = None,
    neg_weight: ClassWeight | None = None,
    label_smoothing: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    mask: Tensor | None = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    validate: bool | None = None,
) -> Tensor:
    """The focal loss of logits: torchvision's `sigmoid_focal_loss` and the whole family.

    ``alpha`` weighs positives and ``1 - alpha`` negatives; a negative one weighs neither, or by ``pos_weight`` and
    ``neg_weight``. For soft labels, where torchvision mixes labels into the focus, this is the expected loss. Other
    arguments are those of `binary_cross_entropy_with_logits`.

    Notes
    -----
    Lin et al. (2017), "Focal loss for dense object detection".

    Examples
    --------
    >>> import torch
    >>> sigmoid_focal_loss(torch.tensor([2.0, -3.0]), torch.tensor([1.0, 0.0]), reduction="mean")
    tensor(0.0003)
    """
    family = member(Options(True, label_smoothing, gamma, gamma_neg, margin))
    check_reduction(reduction)
    if not isinstance(alpha, Real) or not alpha <= 1:  # a NaN is not either
        raise ParameterError(f"alpha={alpha!r} is not between 0 and 1, nor -1 to weigh neither side.")
    if alpha >= 0:
        given = {"pos_weight": pos_weight, "neg_weight": neg_weight}
        if names := [name for name, value in given.items() if value is not None]:
            raise ParameterError(
                f"alpha sets the class weights and {names[0]} was given too. Say alpha=-1 to weigh by {names[0]}."
            )
        pos_weight, neg_weight = alpha, 1 - alpha
    tensors = (inputs, targets, weight, pos_weight, neg_weight, mask)
    return of_member(*tensors, family, reduction, ignore_index, class_axis, validate, TORCHVISION)


def of_member(
    y_pred: Tensor,
    y_true: Tensor,
    weight: Tensor | None,
    pos_weight: ClassWeight | None,
    neg_weight: ClassWeight | None,
    mask: Tensor | None,
    family: BinaryCrossEntropy,
    reduction: str,
    ignore_index: float | None,
    class_axis: int,
    validate: bool | None,
    words: Words = TORCH,
) -> Tensor:
    """The loss of a drop-in name, whose options and reduction have been looked at; the member has no class weights."""
    arguments.check_pair(y_pred, y_true, words)
    if weight is not None:
        weight = arguments.expanded(weight, y_pred, words.sample_weight, words)
    if mask is not None:
        arguments.check_mask(mask)
        mask = arguments.expanded(mask, y_pred, "mask", words)
    if ignore_index is not None:
        mask = arguments.without_ignored(y_true, mask, parameters.ignore_index(ignore_index))
    pos = neg = 1.0
    pos_tensor = neg_tensor = None
    if pos_weight is not None:
        pos, pos_tensor = _class_weight(pos_weight, y_pred, class_axis, "pos_weight")
    if neg_weight is not None:
        neg, neg_tensor = _class_weight(neg_weight, y_pred, class_axis, "neg_weight")
    if pos != 1.0 or neg != 1.0:
        family = weighed(family, pos, neg)
    tensors = Arguments(y_pred, y_true, weight, mask, pos_tensor, neg_tensor)
    return loss.reduced(tensors, family, reduction, words, validate, is_weight_signed=True)


def _class_weight(weight: ClassWeight, y_pred: Tensor, class_axis: int, name: str) -> tuple[float, Tensor | None]:
    """One number for all classes, or a tensor that broadcasts against the predictions."""
    if isinstance(weight, float | int):
        if not torch.compiler.is_compiling():
            return float(weight), None
        # To a compiler a number that changes is a symbol, of which a tensor can be made and nothing asked.
        return 1.0, torch.full((), weight, dtype=arguments.work_type(y_pred), device=y_pred.device)
    if not isinstance(weight, Tensor):
        weight = arguments.class_weights(weight, y_pred, name)
    weight = arguments.along_class_axis(weight, y_pred, class_axis, name)
    if (
        weight.numel() == 1
        and weight.is_cpu
        and _is_constant(weight)
        and 0 <= (number := float(weight.item())) < math.inf
    ):
        return number, None
    return 1.0, weight


def _is_constant(weight: Tensor) -> bool:
    """Whether nobody wants a gradient in a class weight, so that its number says all."""
    return is_eager(weight) and not (weight.requires_grad and torch.is_grad_enabled())


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that PyTorch's old names ask for, where they are given."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        if not torch.compiler.is_compiling():  # which does not follow a warning
            warnings.warn(f'size_average and reduce are old names. Say reduction="{reduction}".', stacklevel=3)
    check_reduction(reduction)
    return reduction
