"""BinaryCrossEntropy: the parameters of the family, and its famous members."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import chain
from typing import Any, Self

import numpy as np

from logloss.core import inputs, kernel, parameters, spelling
from logloss.core.errors import LabelError, ParameterError, ShapeError, SpellingError, nearest
from logloss.core.formula import GRADIENT, HESSIAN, LOSS, Ends, Focus
from logloss.core.inputs import Array
from logloss.core.parameters import Weight
from logloss.core.work import Constants, are_moderate, clip_bounds


@dataclass(frozen=True, kw_only=True, repr=False)
class BinaryCrossEntropy:
    """Binary cross-entropy: plain, weighted, smoothed, focal and asymmetric, in nats.

    For a label ``y`` in [0, 1], a probability ``p`` and a weight ``w`` an element costs::

        ỹ = y (1 - label_smoothing) + label_smoothing / 2
        q = max(p - margin, 0)
        w · [ pos_weight · ỹ · (1 - p)^gamma · (-log p)  +  neg_weight · (1 - ỹ) · q^gamma_neg · (-log(1 - q)) ]

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logits (any real number, infinities included) or probabilities.
    pos_weight, neg_weight : float or sequence of float
        What the positive and the negative side are multiplied by; a sequence gives one weight a class.
    label_smoothing : float in [0, 1]
        0.1 turns the labels 0 and 1 into 0.05 and 0.95, as Keras does.
    gamma, gamma_neg : float in [0, 1e6]
        How strongly easy positives and easy negatives are played down; ``gamma_neg`` is ``gamma`` unless given.
    margin : float in [0, 1)
        Negatives whose probability is at most the margin cost nothing.
    epsilon : float in [0, 0.5)
        Probabilities are clipped to [epsilon, 1 - epsilon] before the logarithm; 0 is exact. Ignored for logits.

    Raises
    ------
    ParameterError
        A parameter is out of its range; the message names it.

    Notes
    -----
    Lin et al. (2017), "Focal loss for dense object detection"; Ridnik et al. (2021), "Asymmetric loss for multi-label
    classification". The loss is linear in the label, so a soft label gives the expected loss.

    Examples
    --------
    >>> bce = BinaryCrossEntropy()
    >>> bce([1, 0, 1, 0], [0.8, 0.2, 0.7, 0.3])
    0.2899092476264711
    >>> BinaryCrossEntropy.focal(gamma=3)
    focal(gamma=3.0, alpha=0.25)
    """

    from_logits: bool = False
    pos_weight: Weight = 1.0
    neg_weight: Weight = 1.0
    label_smoothing: float = 0.0
    gamma: float = 0.0
    gamma_neg: float | None = None
    margin: float = 0.0
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        if not isinstance(self.from_logits, bool | np.bool_):
            raise ParameterError(f"from_logits={self.from_logits!r} is not True or False.")
        made: dict[str, Any] = {"from_logits": bool(self.from_logits)}
        for name in ("pos_weight", "neg_weight"):
            made[name] = parameters.weight(name, getattr(self, name))
        for name in ("label_smoothing", "gamma", "margin", "epsilon"):
            made[name] = parameters.number(name, getattr(self, name))
        if self.gamma_neg is not None:
            gamma_neg = parameters.number("gamma_neg", self.gamma_neg)
            made["gamma_neg"] = None if gamma_neg == made["gamma"] else gamma_neg  # equal losses are equal objects
        for name, value in made.items():
            object.__setattr__(self, name, value)

    # The famous members

    @classmethod
    def focal(cls, gamma: float = 2.0, alpha: float | None = 0.25, **others: Any) -> Self:
        """The focal loss of Lin et al. (2017): ``pos_weight=alpha, neg_weight=1 - alpha``; alpha=None weighs neither.

        Examples
        --------
        >>> round(BinaryCrossEntropy.focal(from_logits=True)([1.0, 0.0], [2.0, -3.0]), 6)
        0.000266
        """
        parameters.check_options("focal", others, _OPTIONS["focal"])
        if alpha is not None:
            alpha = parameters.number("alpha", alpha)
            if given := [name for name in ("pos_weight", "neg_weight") if name in others]:
                raise ParameterError(
                    f"alpha sets the class weights and {given[0]} was given too. Say alpha=None to weigh by {given[0]}."
                )
            others = others | {"pos_weight": alpha, "neg_weight": 1 - alpha}
        return cls._named("focal", {"gamma": gamma} | others)

    @classmethod
    def asymmetric(cls, gamma_pos: float = 1.0, gamma_neg: float = 4.0, margin: float = 0.05, **others: Any) -> Self:
        """The asymmetric loss of Ridnik et al. (2021), which spares and plays down easy negatives.

        Examples
        --------
        >>> BinaryCrossEntropy.asymmetric()
        asymmetric(gamma_pos=1.0, gamma_neg=4.0, margin=0.05)
        """
        parameters.check_options("asymmetric", others, _OPTIONS["asymmetric"])
        if "gamma" in others:
            raise ParameterError("asymmetric calls gamma by the name gamma_pos. Write gamma_pos=... and gamma_neg=...")
        return cls._named("asymmetric", {"gamma": gamma_pos, "gamma_neg": gamma_neg, "margin": margin} | others)

    @classmethod
    def balanced(cls, y_true: Any, **others: Any) -> Self:
        """Weights under which both classes weigh the same: n / (2 n_pos) and n / (2 n_neg), a column a class.

        Raises
        ------
        LabelError
            A class never occurs, so nothing can balance it.

        Examples
        --------
        >>> BinaryCrossEntropy.balanced([1, 0, 0, 0])
        weighted(pos_weight=2.0, neg_weight=0.6666666666666666)
        """
        if given := [name for name in ("pos_weight", "neg_weight") if name in others]:
            raise ParameterError(f"balanced finds the class weights and {given[0]} was given too. Leave it out.")
        labels = inputs.labels(y_true)
        if labels.ndim not in (1, 2):
            raise ShapeError(f"y_true has shape {labels.shape}; expected (n,), or (n, k) for k labels.")
        n, positive = len(labels), labels.sum(axis=0, dtype=np.float64)
        if (lonely := (positive == 0) | (positive == n)).any():
            where = f"column {int(np.argmax(lonely))} of y_true" if labels.ndim == 2 else "y_true"
            raise LabelError(f"Weights that balance the classes need labels of both classes; {where} holds only one.")
        pos_weight, neg_weight = n / (2 * positive), n / (2 * (n - positive))
        return cls._named("weighted", {"pos_weight": pos_weight.tolist(), "neg_weight": neg_weight.tolist()} | others)

    @classmethod
    def parse(cls, text: str, y_true: Any = None) -> Self:
        """Read the spelling that the command line uses, and that the object prints as.

        Parameters
        ----------
        text : str
            ``bce``, ``weighted`` (balanced), ``weighted(pos_weight=3)``, ``smoothed`` (0.1), ``focal``,
            ``asymmetric(gamma_neg=2)``, each with any parameter of the family.
        y_true : array, optional
            The labels that ``weighted`` without weights balances.

        Raises
        ------
        SpellingError
            The name or an option is unknown; the message names the nearest.

        Examples
        --------
        >>> BinaryCrossEntropy.parse("smoothed(label_smoothing=0.05)")
        smoothed(label_smoothing=0.05)
        """
        name, options = spelling.read(text)
        if name == "bce":
            return cls._named(name, options)
        if name == "smoothed":
            return cls._named(name, {"label_smoothing": 0.1} | options)
        if name == "weighted":
            parameters.check_options(name, options, _PARAMETERS)
            if "pos_weight" in options or "neg_weight" in options:
                return cls._named(name, options)
            if y_true is None:
                raise SpellingError(
                    f'"{text}" balances the classes of given labels, and none were given. '
                    "Write weighted(pos_weight=3), or use BinaryCrossEntropy.balanced(y_true)."
                )
            return cls.balanced(y_true, **options)
        makers: dict[str, Callable[..., Self]] = {"focal": cls.focal, "asymmetric": cls.asymmetric}
        if name not in makers:
            names = ("bce", "weighted", "smoothed", *makers)
            raise SpellingError(f'"{name}" is not a loss; known are {", ".join(names)}.{nearest(name, names)}')
        parameters.check_options(name, options, _OPTIONS[name])
        return makers[name](**options)

    @classmethod
    def _named(cls, name: str, options: dict[str, Any]) -> Self:
        parameters.check_options(name, options, _PARAMETERS)
        return cls(**options)

    # Printing and keeping

    def __repr__(self) -> str:
        differs = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return spelling.write(*spelling.name(self.get_config(), differs))

    def get_config(self) -> dict[str, Any]:
        """The parameters as plain JSON values; `from_config` gives an equal object back.

        Examples
        --------
        >>> BinaryCrossEntropy.from_config(BinaryCrossEntropy.focal().get_config()) == BinaryCrossEntropy.focal()
        True
        """
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The object that `get_config` described.

        Examples
        --------
        >>> BinaryCrossEntropy.from_config({"gamma": 2.0})
        focal(gamma=2.0, alpha=None)
        """
        if not isinstance(config, Mapping):
            raise ParameterError(f"config={config!r} is not a mapping of parameters, such as get_config() gives.")
        return cls._named("config", dict(config))

    def __getstate__(self) -> dict[str, Any]:
        return asdict(self)  # the parameters alone: what was worked out from them is for this version's kernel

    @cached_property
    def constants(self) -> Constants:
        """What the compiled kernel needs of the parameters: numbers in the order of native/family.hpp."""
        weights = (self.pos_weight, self.neg_weight)
        by_class = [weight for weight in weights if isinstance(weight, tuple)]
        single = [weight if isinstance(weight, float) else 1.0 for weight in weights]
        low, high, *bounds = self.ends(np.float64)
        narrow_low, narrow_high, *_ = self.ends(np.float32)
        clip = (low, high, narrow_low, narrow_high, *bounds)
        return Constants(
            numbers=(float(self.from_logits), *clip, self.label_smoothing, *single, *self.focus),
            needs_width=not are_moderate((self.label_smoothing, *single, *chain.from_iterable(by_class))),
        )

    @property
    def focus(self) -> Focus:
        """The shape of the loss, as the formula takes it."""
        return Focus(self.gamma, self.gamma if self.gamma_neg is None else self.gamma_neg, self.margin)

    def ends(self, work: type[np.floating[Any]]) -> Ends:
        """How probabilities near 0 and 1 are taken, in the type that is worked in.

        Examples
        --------
        >>> BinaryCrossEntropy(epsilon=0).ends(np.float32)[:2]
        (0.0, 1.0)
        """
        return Ends(*clip_bounds(self.epsilon, work))

    # The number, and its gradient

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        reduction: str = "mean",
        class_axis: int = -1,
    ) -> Any:
        """The loss as a float, or as an array for ``reduction="none"``.

        Parameters
        ----------
        y_true : array, shape s
            Labels in [0, 1]; integers and booleans are taken as they are.
        y_pred : array, shape s
            Probabilities of the positive class, or logits with ``from_logits=True``. Their type decides the result's.
        sample_weight, mask : array, shape s or (s[0],)
            What each element is multiplied by, and whether it counts (True) or may hold anything (False).
        reduction : "mean", "weighted_mean", "sum" or "none"
            The mean divides by the number of elements that count, weight 0 included; the weighted mean by the sum of
            ``sample_weight`` over them.
        class_axis : int
            The axis along which per-class weights lie.

        Raises
        ------
        ShapeError, DtypeError, LabelError, ProbabilityError, LogitError, WeightError

        Examples
        --------
        >>> BinaryCrossEntropy(pos_weight=(1.0, 3.0))([[1, 0], [0, 1]], [[0.9, 0.2], [0.3, 0.5]])
        0.6911551381476511
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        if reduction == "none":
            return kernel.elements(self, data, {LOSS: None})[0]
        return kernel.reduced(self, data, reduction, {})

    def value_and_gradient(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        reduction: str = "mean",
        class_axis: int = -1,
        gradient_out: Array | None = None,
    ) -> tuple[Any, Array]:
        """The reduced loss and its gradient with respect to ``y_pred``, in one pass. Arguments as in a call.

        Examples
        --------
        >>> value, gradient = BinaryCrossEntropy(from_logits=True).value_and_gradient([1.0, 0.0], [0.0, 0.0])
        >>> value, gradient
        (0.6931471805599453, array([-0.25,  0.25]))
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        if reduction == "none":
            loss, gradient = kernel.elements(self, data, {LOSS: None, GRADIENT: gradient_out})
            return loss, gradient
        gradient = inputs.check_out(gradient_out, GRADIENT, data)
        value = kernel.reduced(self, data, reduction, {GRADIENT: gradient})
        return value, gradient if gradient_out is not None else gradient[()]

    # Per element. Results have y_pred's shape and type; a buffer given as *_out is filled and returned, and holds
    # nothing certain after an error.

    def loss(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        class_axis: int = -1,
        loss_out: Array | None = None,
    ) -> Array:
        """The loss of each element, 0 where masked. Arguments as in a call.

        Examples
        --------
        >>> BinaryCrossEntropy(epsilon=0).loss([1, 0], [0.5, 1.0])
        array([0.69314718,        inf])
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        return kernel.elements(self, data, {LOSS: loss_out})[0]

    def gradient(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        class_axis: int = -1,
        gradient_out: Array | None = None,
    ) -> Array:
        """The derivative of each element's loss in ``y_pred`` as given: a logit or a probability.

        Outside the clip of a probability it is the gradient at the clip, not 0: a saturated mistake can still be learnt
        from.

        Examples
        --------
        >>> BinaryCrossEntropy(from_logits=True).gradient([1.0, 1.0], [0.0, -50.0])
        array([-0.5, -1. ])
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        return kernel.elements(self, data, {GRADIENT: gradient_out})[0]

    def hessian(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        class_axis: int = -1,
        hessian_out: Array | None = None,
    ) -> Array:
        """The true second derivative of each element's loss in ``y_pred``; of a focused loss it can be negative.

        Examples
        --------
        >>> BinaryCrossEntropy(from_logits=True).hessian([1.0], [0.0])
        array([0.25])
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        return kernel.elements(self, data, {HESSIAN: hessian_out})[0]

    def loss_gradient(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        class_axis: int = -1,
        loss_out: Array | None = None,
        gradient_out: Array | None = None,
    ) -> tuple[Array, Array]:
        """`loss` and `gradient` in one pass.

        Examples
        --------
        >>> loss, gradient = BinaryCrossEntropy(from_logits=True).loss_gradient([1, 0], [0.0, -3.0])
        >>> loss, gradient
        (array([0.69314718, 0.04858735]), array([-0.5       ,  0.04742587]))
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        loss, gradient = kernel.elements(self, data, {LOSS: loss_out, GRADIENT: gradient_out})
        return loss, gradient

    def gradient_hessian(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
        class_axis: int = -1,
        gradient_out: Array | None = None,
        hessian_out: Array | None = None,
    ) -> tuple[Array, Array]:
        """`gradient` and `hessian` in one pass, as Newton's method and boosting need them.

        Examples
        --------
        >>> gradient, hessian = BinaryCrossEntropy(from_logits=True).gradient_hessian([1, 0], [0.0, -3.0])
        >>> gradient, hessian
        (array([-0.5       ,  0.04742587]), array([0.25      , 0.04517666]))
        """
        data = inputs.read(y_true, y_pred, sample_weight, mask, class_axis)
        gradient, hessian = kernel.elements(self, data, {GRADIENT: gradient_out, HESSIAN: hessian_out})
        return gradient, hessian


_PARAMETERS = tuple(f.name for f in fields(BinaryCrossEntropy))
_OPTIONS = {
    "focal": ("gamma", "alpha", *(name for name in _PARAMETERS if name != "gamma")),
    "asymmetric": ("gamma_pos", *_PARAMETERS),
}
