"""The same training as a scikit-learn estimator."""

from collections.abc import Iterable
from numbers import Real
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import issparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from logloss.core.errors import LabelError, ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.tables.wording import counted
from logloss.training import fitting, split
from logloss.training.fitting import Options, Sample
from logloss.training.frames import as_frame, is_table
from logloss.training.history import History
from logloss.training.model import Model
from logloss.training.tables import refuse_infinite

Array = npt.NDArray[Any]


class BinaryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network or a linear model trained with any member of the binary cross-entropy family.

    Parameters
    ----------
    model : "mlp" or "linear"
        A small network with early stopping, or the linear model of least loss: for the plain loss, logistic regression
        by maximum likelihood without a penalty.
    loss : BinaryCrossEntropy or str
        The loss, or its spelling: ``"focal(gamma=3)"``. ``from_logits`` and ``epsilon`` are ignored.
    hidden : tuple of int
        Units of the network's hidden layers.
    epochs, batch_size : int, optional
        Chosen by the number of rows if not given.
    learning_rate : float, optional
        The highest rate of the schedule; 0.002 if not given.
    validation : float, optional
        The share of rows that decides when the network stops; 0.2 for ``"mlp"`` and none for ``"linear"`` if not given.
    prior_correction : bool
        Undo what class weights do to probabilities, where this can be done exactly.
    random_state : int, RandomState or None
        Seeds the split, the initial weights and the order of the rows.

    Attributes
    ----------
    classes_ : array, shape (2,)
        The negative and the positive class; 0 and 1 for several labels.
    n_features_in_ : int
    coef_, intercept_ : arrays, shapes (k, d) and (k,)
        Of a linear model, for the features named in ``feature_names_out_``.
    history_ : History
        The epochs.

    Notes
    -----
    ``X`` may be a table of pandas, polars or pyarrow or a dict of columns, with numbers, categories, dates and gaps, or
    an array of numbers. ``y`` has two classes and shape (n,), or is 0 and 1 of shape (n, k) for k labels at once; then
    probabilities have shape (n, k).

    Examples
    --------
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> classifier = BinaryClassifier(model="linear").fit(X, [0, 0, 1, 0, 1, 1])
    >>> classifier.predict_proba([[2.5]]).round(3)
    array([[0.5, 0.5]])
    """

    def __init__(
        self,
        model: str = "mlp",
        loss: BinaryCrossEntropy | str = "bce",
        *,
        hidden: tuple[int, ...] = (64, 32),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        validation: float | None = None,
        prior_correction: bool = True,
        random_state: Any = 0,
    ) -> None:
        self.model = model
        self.loss = loss
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation = validation
        self.prior_correction = prior_correction
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Parameters
        ----------
        X : data frame, dict of columns or array, shape (n, d)
            The features; gaps are allowed.
        y : array, shape (n,) or (n, k)
            The labels.
        sample_weight : array, shape (n,), optional
            Weights of the rows; a row of weight 0 is left out.

        Raises
        ------
        LogLossError
            The data or a parameter cannot be used; the sentence says why.
        """
        frame = self._frame(X, reset=True)
        refuse_infinite(frame, frame.columns)
        sample = Sample(frame, self._labels(y, len(frame)), None)
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, frame, dtype=np.float64, ensure_non_negative=True)
            sample = sample._replace(weight=weight).scaled("train").rows(np.flatnonzero(weight))  # weight 0: no row
        options = self._options(sample.base_rates)
        share = self.validation if self.validation is not None else (0.2 if options.model == "mlp" else 0.0)
        if not isinstance(share, Real) or not 0 <= float(share) < 1:
            raise ParameterError(f"validation={share!r} is not usable; expected a share of the rows, or 0 for none.")
        validation = None
        if share:
            first, last = split.at_random(sample.labels, float(share), options.seed)
            sample, validation = sample.rows(first), sample.rows(last)
        recipe = fitting.learn_recipe(sample.frame, options.model, leave_out_ids=is_table(X))
        fitted = fitting.fit(options, recipe, sample, validation)
        self.model_: Model = fitted.model
        self.history_: History = fitted.history
        self.feature_names_out_ = np.array(fitted.model.recipe.names, dtype=object)
        if options.model == "linear":
            self.coef_ = fitted.model.coefficients
            self.intercept_ = None if fitted.model.intercept is None else fitted.model.intercept + fitted.model.shift
            self.n_iter_ = len(fitted.history.epochs)
        return self

    def decision_function(self, X: Any) -> Array:
        """Logits, shape (n,), or (n, k) for several labels."""
        check_is_fitted(self)
        logits = self.model_.logits(self._frame(X, reset=False))
        return logits if self._is_multilabel else logits[:, 0]

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of both classes, shape (n, 2), or of the positive class of each label, shape (n, k)."""
        logits = self.decision_function(X)
        positive: Array = expit(logits)
        return positive if self._is_multilabel else np.column_stack([expit(-logits), positive])

    def predict(self, X: Any) -> Array:
        """The likelier class of each row, shape (n,) or (n, k)."""
        chosen = (self.decision_function(X) > 0).astype(np.int64)
        return chosen if self._is_multilabel else self.classes_[chosen]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        if is_table(X):
            frame = as_frame(X)
            validate_data(self, frame, reset=reset, skip_check_array=True)
            if len(frame) == 0:
                raise ValueError("X has 0 sample(s), and a minimum of 1 is required.")
            return frame
        array = validate_data(self, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan")
        return pd.DataFrame(array)

    def _labels(self, y: Any, n: int) -> npt.NDArray[np.float64]:
        if y is None:
            raise ValueError("This estimator requires y to be passed, but the target y is None.")
        y = np.asarray(y.toarray() if issparse(y) else y)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if len(y) != n:
            entries = counted(len(y), "entry", "entries")
            raise LabelError(f"y has {entries} and X has {counted(n, 'row')}; expected one label a row.")
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        self._is_multilabel = y.ndim == 2 and y.shape[1] > 1
        if self._is_multilabel:
            if kind != "multilabel-indicator":
                raise LabelError(f"y of shape {y.shape} is of type {kind}; for several labels each column is 0 or 1.")
            self.classes_ = np.array([0, 1])
            return np.asarray(y, np.float64)
        y = column_or_1d(y, warn=True)
        self.classes_, code = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise LabelError(
                f"Only binary classification is supported. The type of the target is {kind}, "
                f"with {len(self.classes_)} classes; the loss for more than two is categorical cross-entropy."
            )
        if len(self.classes_) < 2:
            raise LabelError("y holds one class only, and a classifier can't be trained with one class.")
        return np.asarray(code, np.float64)[:, None]

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            if self.random_state < 0:
                raise ParameterError(f"random_state={self.random_state} is below 0; expected 0 or more, or None.")
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _options(self, base_rates: Array) -> Options:
        return Options(
            model=self.model,  # type: ignore[arg-type]
            loss=fitting.parse_loss(self.loss, base_rates),
            hidden=tuple(self.hidden) if isinstance(self.hidden, Iterable) else self.hidden,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            prior_correction=self.prior_correction,
            seed=self._seed(),
        )
