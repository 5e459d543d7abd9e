"""PyTorch's modules for binary cross-entropy with the options of the family, and any member of it as a module."""

from typing import Any

from torch import Tensor, nn

from logloss.core import parameters
from logloss.core.errors import ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.reduction import check_reduction
from logloss.torch import arguments, loss
from logloss.torch.arguments import OURS, Arguments, ClassWeight
from logloss.torch.family import Options, member
from logloss.torch.functional import of_member, reduction_of


class _DropIn(nn.Module):
    """What the two modules have in common: options beside PyTorch's, and the call."""

    weight: Tensor | None
    pos_weight: Tensor | None
    neg_weight: Tensor | None
    reduction: str

    def _set(
        self,
        options: Options,
        class_weights: dict[str, ClassWeight | None],
        ignore_index: float | None,
        class_axis: int,
        validate: bool | None,
    ) -> None:
        self.numbers: dict[str, Any] = {}
        for name, weight in class_weights.items():
            tensor = weight if isinstance(weight, Tensor) else None
            self.register_buffer(name, tensor)
            self.numbers[name] = None if weight is tensor else parameters.weight(name, weight)
        self.family, self.options = member(options), options
        self.ignore_index = parameters.ignore_index(ignore_index)
        self.class_axis, self.validate = parameters.axis("class_axis", class_axis), validate
        parameters.check_validate(validate)

    def forward(self, input: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:  # noqa: A002
        """The loss of logits or probabilities, of labels of the same shape, where ``mask`` is True."""
        buffers, numbers = self._buffers, self.numbers  # an attribute that is a buffer takes long to find
        pos_weight, neg_weight = buffers["pos_weight"], buffers["neg_weight"]
        return of_member(
            input,
            target,
            buffers["weight"],
            numbers["pos_weight"] if pos_weight is None else pos_weight,
            numbers["neg_weight"] if neg_weight is None else neg_weight,
            mask,
            self.family,
            self.reduction,
            self.ignore_index,
            self.class_axis,
            self.validate,
        )

    def extra_repr(self) -> str:
        """What differs from the defaults."""
        plain = Options(self.options.from_logits)
        numbers = {name: value for name, value in self.numbers.items() if self._buffers[name] is None}
        shown = {name: value for name, value in numbers.items() if value is not None}
        shown |= {name: value for name, value in self.options._asdict().items() if value != getattr(plain, name)}
        defaults = {"reduction": "mean", "ignore_index": None, "class_axis": -1, "validate": None}
        shown |= {name: getattr(self, name) for name, value in defaults.items() if getattr(self, name) != value}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


class BCEWithLogitsLoss(_DropIn, nn.BCEWithLogitsLoss):
    """`torch.nn.BCEWithLogitsLoss` with every option of the family.

    The first five arguments are PyTorch's; the others are those of `binary_cross_entropy_with_logits`. Weights that
    are tensors are buffers: they are in ``state_dict`` and move with ``to``. A call takes ``mask`` by name.

    Examples
    --------
    >>> import torch
    >>> loss = BCEWithLogitsLoss(pos_weight=torch.tensor([3.0]), label_smoothing=0.1)
    >>> loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 0.0]))
    tensor(2.0249)
    >>> loss
    BCEWithLogitsLoss(label_smoothing=0.1)
    """

    def __init__(
        self,
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
        ignore_index: float | None = None,
        class_axis: int = -1,
        validate: bool | None = None,
    ) -> None:
        if weight is not None:
            arguments.check_tensor(weight, "weight")
        super().__init__(weight, None, None, reduction_of(size_average, reduce, reduction))
        options = Options(True, label_smoothing, gamma, gamma_neg, margin)
        class_weights = {"pos_weight": pos_weight, "neg_weight": neg_weight}
        self._set(options, class_weights, ignore_index, class_axis, validate)


class BCELoss(_DropIn, nn.BCELoss):
    """`torch.nn.BCELoss` with every option of the family; it works under autocast.

    The first four arguments are PyTorch's; the others are those of `binary_cross_entropy`. Weights that are tensors
    are buffers: they are in ``state_dict`` and move with ``to``. A call takes ``mask`` by name.

    Examples
    --------
    >>> import torch
    >>> BCELoss(gamma=2.0)(torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0]))
    tensor(0.0050)
    """

    def __init__(
        self,
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
        ignore_index: float | None = None,
        class_axis: int = -1,
        validate: bool | None = None,
    ) -> None:
        if weight is not None:
            arguments.check_tensor(weight, "weight")
        super().__init__(weight, None, None, reduction_of(size_average, reduce, reduction))
        options = Options(False, label_smoothing, gamma, gamma_neg, margin)
        class_weights = {"pos_weight": pos_weight, "neg_weight": neg_weight}
        self._set(options, class_weights, ignore_index, class_axis, validate)


def as_module(
    bce: BinaryCrossEntropy, *, reduction: str = "mean", class_axis: int = -1, validate: bool | None = None
) -> nn.Module:
    """A module that is called as ``module(y_pred, y_true, sample_weight=None, mask=None)``, in PyTorch's order.

    Parameters
    ----------
    bce : BinaryCrossEntropy
        The member of the family; its ``from_logits`` and ``epsilon`` are honoured.
    reduction : "mean", "weighted_mean", "sum" or "none"
        As for a `BinaryCrossEntropy`. The mean of nothing, as of a batch that is masked whole, is 0 with gradient 0.
    class_axis : int
        The axis along which per-class weights lie.
    validate : bool, optional
        Whether values are looked at. Unless it is said they are where nothing waits for it: eagerly, in main memory.

    Raises
    ------
    ShapeError
        When called: shapes do not fit; a ValueError.
    DtypeError, LabelError, LogitError, ProbabilityError, WeightError
        When called: a type or a value does not fit; a RuntimeError too.

    Examples
    --------
    >>> import torch
    >>> loss = as_module(BinaryCrossEntropy(from_logits=True))
    >>> z = torch.tensor([0.0, -50.0], requires_grad=True)
    >>> loss(z, torch.tensor([1.0, 1.0])).backward()
    >>> z.grad
    tensor([-0.2500, -0.5000])
    """
    if not isinstance(bce, BinaryCrossEntropy):
        raise ParameterError(
            f'bce={bce!r} is not a BinaryCrossEntropy. Make one, as by BinaryCrossEntropy.parse("focal(gamma=3)").'
        )
    return BinaryCrossEntropyLoss(bce, reduction, class_axis, validate)


class BinaryCrossEntropyLoss(nn.Module):
    """The loss as a module; `as_module` makes it."""

    def __init__(self, bce: BinaryCrossEntropy, reduction: str, class_axis: int, validate: bool | None) -> None:
        super().__init__()
        check_reduction(reduction)
        parameters.check_validate(validate)
        self.bce, self.reduction, self.validate = bce, reduction, validate
        self.class_axis = parameters.axis("class_axis", class_axis)

    def extra_repr(self) -> str:
        """The member of the family and the reduction."""
        axis = "" if self.class_axis == -1 else f", class_axis={self.class_axis}"
        return f"{self.bce!r}, reduction={self.reduction!r}{axis}"

    def forward(
        self, y_pred: Tensor, y_true: Tensor, sample_weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """The reduced loss of predictions and labels of the same shape."""
        arguments.check_pair(y_pred, y_true, OURS)
        if sample_weight is not None:
            sample_weight = arguments.by_element_or_row(sample_weight, y_pred, "sample_weight")
        if mask is not None:
            arguments.check_mask(mask)
            mask = arguments.by_element_or_row(mask, y_pred, "mask")
        class_weights = [
            None
            if isinstance(weight, float)
            else arguments.along_class_axis(
                arguments.class_weights(weight, y_pred, name), y_pred, self.class_axis, name
            )
            for name, weight in (("pos_weight", self.bce.pos_weight), ("neg_weight", self.bce.neg_weight))
        ]
        return loss.reduced(
            Arguments(y_pred, y_true, sample_weight, mask, *class_weights),
            self.bce,
            self.reduction,
            words=OURS,
            validate=self.validate,
        )
