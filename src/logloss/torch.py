"""The loss as a PyTorch module."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from logloss.core import formula
from logloss.core.errors import DtypeError, ShapeError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.kernel import clip_bounds
from logloss.core.parameters import Weight
from logloss.core.reduction import check_reduction

__all__ = ["as_module"]


def as_module(bce: BinaryCrossEntropy, *, reduction: str = "mean", class_axis: int = -1) -> nn.Module:
    """A module that is called as ``module(y_pred, y_true, sample_weight=None, mask=None)``, in PyTorch's order.

    Parameters
    ----------
    bce : BinaryCrossEntropy
        The member of the family; its ``from_logits`` and ``epsilon`` are honoured.
    reduction : "mean", "weighted_mean", "sum" or "none"
        As for a `BinaryCrossEntropy`. The mean of nothing, as of a batch that is masked whole, is 0 with gradient 0.
    class_axis : int
        The axis along which per-class weights lie.

    Raises
    ------
    ShapeError
        When called: ``y_pred`` and ``y_true`` differ in shape.

    Notes
    -----
    Values of labels and predictions are not looked at, which would cost a synchronisation: NaN gives NaN.

    Examples
    --------
    >>> loss = as_module(BinaryCrossEntropy(from_logits=True))
    >>> z = torch.tensor([0.0, -50.0], requires_grad=True)
    >>> loss(z, torch.tensor([1.0, 1.0])).backward()
    >>> z.grad
    tensor([-0.2500, -0.5000])
    """
    return BinaryCrossEntropyLoss(bce, reduction, class_axis)


class BinaryCrossEntropyLoss(nn.Module):
    """The loss as a module; `as_module` makes it."""

    def __init__(self, bce: BinaryCrossEntropy, reduction: str, class_axis: int) -> None:
        super().__init__()
        check_reduction(reduction)
        self.bce, self.reduction, self.class_axis = bce, reduction, class_axis

    def extra_repr(self) -> str:
        return f"{self.bce!r}, reduction={self.reduction!r}"

    def forward(
        self, y_pred: Tensor, y_true: Tensor, sample_weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if y_pred.shape != y_true.shape:
            raise ShapeError(
                f"y_pred has shape {tuple(y_pred.shape)} and y_true has shape {tuple(y_true.shape)}. "
                "Give both the same shape, as with y_pred.squeeze(-1)."
            )
        if not y_pred.is_floating_point():
            raise DtypeError(f"y_pred has dtype {y_pred.dtype}; expected a floating type.")
        weight = None if sample_weight is None else _per_element(sample_weight, y_pred, "sample_weight")
        shown = None if mask is None else _per_element(mask, y_pred, "mask")
        elements: Any = _Elements.apply
        losses: Tensor = elements(y_pred, y_true, weight, shown, self.bce, self.class_axis)
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        if self.reduction == "mean" and shown is None:
            return losses.sum() / max(losses.numel(), 1)
        one = weight if self.reduction == "weighted_mean" and weight is not None else losses.new_ones(())
        counted = (one if shown is None else one * shown).expand_as(losses).sum()
        return losses.sum() / torch.where(counted > 0, counted, 1)


class _Elements(torch.autograd.Function):
    """Loss of each element; its gradient is made in the same pass and kept."""

    @staticmethod
    def forward(
        ctx: Any, y_pred: Tensor, y_true: Tensor, weight: Tensor | None, shown: Tensor | None, bce: Any, class_axis: int
    ) -> Tensor:
        work = torch.float64 if y_pred.dtype == torch.float64 else torch.float32
        z, y = y_pred.to(work), y_true.to(work)
        weight = None if weight is None else weight.to(work)
        counted = shown
        if weight is not None:
            counted = weight != 0 if shown is None else shown & (weight != 0)
        if counted is not None:
            z, y = torch.where(counted, z, 0.5), torch.where(counted, y, 0.5)
            weight = torch.where(counted, 1.0 if weight is None else weight, 0.0)
        positive, negative = formula.coefficients(
            y,
            bce.label_smoothing,
            _per_class(bce.pos_weight, z, class_axis),
            _per_class(bce.neg_weight, z, class_axis),
            1.0 if weight is None else weight,
        )
        want = (formula.LOSS, formula.GRADIENT) if ctx.needs_input_grad[0] else (formula.LOSS,)
        if bce.from_logits:
            made = formula.from_logits(torch, z, positive, negative, bce.focus, want)
        else:
            low, high = clip_bounds(bce.epsilon, torch.empty(0, dtype=work).numpy().dtype.type)
            made = formula.from_probabilities(torch, z.clamp(low, high), positive, negative, bce.focus, want)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(made[1].to(y_pred.dtype))
        loss: Tensor = made[0].to(y_pred.dtype)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, incoming: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        # Whatever is 0 stays 0 beside an infinite incoming gradient.
        return torch.where(gradient == 0, 0.0, gradient * incoming), None, None, None, None, None


def _per_class(weight: Weight, z: Tensor, class_axis: int) -> Any:
    if isinstance(weight, float):
        return weight
    if z.shape[class_axis] != len(weight):
        raise ShapeError(
            f"There are {len(weight)} class weights and axis {class_axis} of y_pred has {z.shape[class_axis]}."
        )
    along = [1] * z.ndim
    along[class_axis] = len(weight)
    return torch.tensor(weight, dtype=z.dtype, device=z.device).reshape(along)


def _per_element(values: Tensor, y_pred: Tensor, name: str) -> Tensor:
    if values.shape == y_pred.shape:
        return values
    if y_pred.ndim > 1 and values.shape == y_pred.shape[:1]:
        return values.reshape(-1, *[1] * (y_pred.ndim - 1))
    raise ShapeError(
        f"{name} has shape {tuple(values.shape)}; expected y_pred's, {tuple(y_pred.shape)}, or one entry a row."
    )
