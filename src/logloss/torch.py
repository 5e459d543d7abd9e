"""The loss as a PyTorch module."""

from typing import Any

from logloss.core import formula
from logloss.core.errors import DtypeError, MissingPackageError, ParameterError, ShapeError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import per_class
from logloss.core.parameters import Weight
from logloss.core.reduction import check_reduction

try:
    import torch
    from torch import Tensor, nn
    from torch.autograd.function import once_differentiable
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingPackageError(
        "logloss.torch needs the package torch. Install it with: pip install 'logloss[torch]'"
    ) from error

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
    DtypeError
        When called: ``y_pred`` is not floating, or ``mask`` not boolean.
    ParameterError
        When called: ``y_true`` or ``sample_weight`` requires a gradient, which the loss does not give.

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
    if not isinstance(bce, BinaryCrossEntropy):
        raise ParameterError(
            f'bce={bce!r} is not a BinaryCrossEntropy. Make one, as by BinaryCrossEntropy.parse("focal(gamma=3)").'
        )
    return BinaryCrossEntropyLoss(bce, reduction, class_axis)


class BinaryCrossEntropyLoss(nn.Module):
    """The loss as a module; `as_module` makes it."""

    def __init__(self, bce: BinaryCrossEntropy, reduction: str, class_axis: int) -> None:
        super().__init__()
        check_reduction(reduction)
        self.bce, self.reduction, self.class_axis = bce, reduction, class_axis

    def extra_repr(self) -> str:
        axis = "" if self.class_axis == -1 else f", class_axis={self.class_axis}"
        return f"{self.bce!r}, reduction={self.reduction!r}{axis}"

    def forward(
        self, y_pred: Tensor, y_true: Tensor, sample_weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if y_pred.shape != y_true.shape:
            longer = "y_pred" if y_pred.ndim > y_true.ndim else "y_true"
            raise ShapeError(
                f"y_pred has shape {tuple(y_pred.shape)} and y_true has shape {tuple(y_true.shape)}. "
                f"Give both the same shape, as with {longer}.squeeze(-1)."
            )
        if not y_pred.is_floating_point():
            raise DtypeError(f"y_pred has dtype {y_pred.dtype}; expected a floating type. Use y_pred.float().")
        if mask is not None and mask.dtype != torch.bool:
            raise DtypeError(
                f"mask has dtype {mask.dtype}; expected booleans, True where an element counts. Use mask.bool()."
            )
        for name, given in (("y_true", y_true), ("sample_weight", sample_weight)):
            if given is not None and given.requires_grad and torch.is_grad_enabled():
                raise ParameterError(f"{name} requires a gradient, and the loss gives none in it. Use {name}.detach().")
        weight = None if sample_weight is None else _per_element(sample_weight, y_pred, "sample_weight")
        shown = None if mask is None else _per_element(mask, y_pred, "mask")
        elements: Any = _Elements.apply
        losses: Tensor = elements(y_pred, y_true, weight, shown, self.bce, self.class_axis)
        return self._reduced(losses, weight, shown).to(y_pred.dtype)

    def _reduced(self, losses: Tensor, weight: Tensor | None, shown: Tensor | None) -> Tensor:
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        if self.reduction == "mean" or weight is None:
            if shown is None:
                return losses.sum() / max(losses.numel(), 1)
            return losses.sum() / shown.expand_as(losses).sum().clamp(min=1)
        weight = weight.to(losses.dtype)
        total = (weight if shown is None else torch.where(shown, weight, 0.0)).expand_as(losses).sum()
        return losses.sum() / torch.where(total > 0, total, 1.0)


class _Elements(torch.autograd.Function):
    """Loss of each element, in the type that it is worked out in; its gradient is made in the same pass and kept."""

    @staticmethod
    def forward(
        ctx: Any, y_pred: Tensor, y_true: Tensor, weight: Tensor | None, shown: Tensor | None, bce: Any, class_axis: int
    ) -> Tensor:
        work = torch.float64 if y_pred.dtype == torch.float64 else torch.float32
        z, y = y_pred.to(work), y_true.to(work)
        weight = None if weight is None else weight.to(work)
        want = (formula.LOSS, formula.GRADIENT) if ctx.needs_input_grad[0] else (formula.LOSS,)
        class_weights = (
            _per_class(bce.pos_weight, z, class_axis, "pos_weight"),
            _per_class(bce.neg_weight, z, class_axis, "neg_weight"),
        )
        ends = bce.ends(torch.empty(0, dtype=work).numpy().dtype.type)
        made = formula.of_family(torch, bce, y, z, weight, shown, class_weights, ends, want)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(made[1])
            ctx.dtype = y_pred.dtype
        loss: Tensor = made[0]
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, incoming: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        # Whatever is 0 stays 0 beside an infinite incoming gradient.
        made = torch.where(gradient == 0, 0.0, gradient * incoming)
        return made.to(ctx.dtype), None, None, None, None, None


def _per_class(weight: Weight, z: Tensor, class_axis: int, name: str) -> float | Tensor:
    along = per_class(weight, tuple(z.shape), class_axis, name)
    return along if isinstance(along, float) else torch.as_tensor(along, dtype=z.dtype, device=z.device)


def _per_element(values: Tensor, y_pred: Tensor, name: str) -> Tensor:
    if values.shape == y_pred.shape:
        return values
    if y_pred.ndim > 1 and values.shape == y_pred.shape[:1]:
        return values.reshape(-1, *[1] * (y_pred.ndim - 1))
    raise ShapeError(
        f"{name} has shape {tuple(values.shape)}; expected y_pred's, {tuple(y_pred.shape)}, or one entry a row."
    )
