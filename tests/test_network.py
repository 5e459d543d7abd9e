"""The network and its training: gradients, batches, the best epoch, and the same bits each time."""

import copy
import subprocess
import sys
from itertools import chain

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit
from torch import nn

from logloss import BinaryCrossEntropy
from logloss.core.errors import LabelError, LogLossError, ParameterError, RunError, TableError, WeightError
from logloss.training import fitting, loop, split
from logloss.training.fitting import Options, Sample
from logloss.training.networks import MLP, embedding_width
from logloss.training.optimizer import AdamW

PLAIN = BinaryCrossEntropy(from_logits=True)

FAMILY = {
    "bce": PLAIN,
    "weighted": BinaryCrossEntropy(pos_weight=5.0, neg_weight=0.5, from_logits=True),
    "one weight a label": BinaryCrossEntropy(pos_weight=(2.0, 3.0), from_logits=True),
    "smoothed": BinaryCrossEntropy(label_smoothing=0.1, from_logits=True),
    "focal": BinaryCrossEntropy.focal(from_logits=True),
    "focal(gamma=1.5)": BinaryCrossEntropy.focal(gamma=1.5, alpha=None, from_logits=True),
    "asymmetric": BinaryCrossEntropy.asymmetric(from_logits=True),
}


def settings(**others):
    chosen = {"epochs": 3, "batch_size": 32, "learning_rate": 0.01, "weight_decay": 0.5, "patience": 10, "seed": 0}
    return loop.Settings(**chosen | others)


def rows(n=100, labels=1, seed=0, weight=False):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 3)).astype(np.float32)
    y = rng.random((n, labels)) < expit(2 * numbers[:, :1] - numbers[:, 1:2] * np.arange(labels))
    return loop.Rows(
        torch.from_numpy(numbers),
        torch.from_numpy(rng.integers(0, 5, (n, 2))),
        torch.from_numpy(y.astype(np.float32)),
        torch.from_numpy(rng.exponential(size=n).astype(np.float32)) if weight else None,
    )


def network(labels=1, dropout=0.0, seed=0, hidden=(8, 4)):
    return MLP(3, [5, 5], hidden, [0.3] * labels, dropout, seed)


def run(state, train, validation=None, bce=PLAIN, after=lambda _: None, **others):
    loop.run(state, bce, train, validation, settings(**others), torch.zeros(train.labels.shape[1]), after)
    return state


def sample(n=300, seed=0, labels=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "town": rng.choice([f"town {i}" for i in range(40)], n),
            "colour": rng.choice(["red", "green"], n),
        }
    )
    logits = 2 * frame["x"].to_numpy() + (frame["colour"] == "red").to_numpy() - 1
    return Sample(frame, (rng.random((n, labels)) < expit(logits)[:, None]).astype(float), None)


def fit(train, validation=None, **options):
    options = Options(**{"epochs": 4, "hidden": (8,)} | options)
    return fitting.fit(options, fitting.learn_recipe(train.frame, options.model), train, validation)


# One step


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [40, 100])
def test_an_epoch_is_what_autograd_and_adamw_make_of_it(name, weighted, batch_size):
    labels = 2 if "label" in name else 1
    # In double precision, as AdamW makes steps of one size from gradients of any.
    train = loop.Rows(
        *(t if t is None or not t.is_floating_point() else t.double() for t in rows(labels=labels, weight=weighted))
    )
    bce = FAMILY[name]
    state = loop.start(network(labels).double(), settings())
    by_hand = copy.deepcopy(state.network)
    run(state, train, bce=bce, epochs=1, batch_size=batch_size)

    others = settings(batch_size=batch_size)
    groups = [
        {"params": [p for p in by_hand.parameters() if p.ndim > 1], "weight_decay": others.weight_decay},
        {"params": [p for p in by_hand.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=others.learning_rate)
    weight = torch.ones(100, dtype=torch.float64) if train.weight is None else train.weight / train.weight.mean()
    order = torch.randperm(100, generator=torch.Generator().manual_seed(loop._epoch_seed(0, 0)))
    for batch in order.split(batch_size):
        z, y = by_hand(train.numbers[batch], train.codes[batch]), train.labels[batch]
        if name == "bce":
            losses = nn.BCEWithLogitsLoss(reduction="none")(z, y)
        elif name in ("weighted", "one weight a label"):
            a, b = torch.tensor(bce.pos_weight), torch.tensor(bce.neg_weight)
            losses = b * nn.BCEWithLogitsLoss(reduction="none", pos_weight=a / b)(z, y)
        else:
            losses = by_definition(bce, y, z)
        optimizer.zero_grad()
        (losses * weight[batch, None]).sum(dim=1).mean().backward()
        optimizer.step()
    for ours, theirs in zip(state.network.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def test_a_step_is_the_step_of_torchs_adamw():
    ours = network(labels=2)
    theirs = copy.deepcopy(ours)
    optimizer = AdamW(ours, 0.5)
    groups = [
        {"params": [p for p in theirs.parameters() if p.ndim > 1], "weight_decay": 0.5},
        {"params": [p for p in theirs.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, fused=True)
    generator = torch.Generator().manual_seed(0)
    for rate in (0.1, 0.01, 0.02):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        for group in reference.param_groups:
            group["lr"] = rate
        optimizer.step(rate)
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_training_does_not_import_the_compiler_of_torch():
    code = """import sys
from logloss.training import BinaryClassifier
BinaryClassifier(epochs=1).fit([[0.0], [1.0], [2.0], [3.0]] * 5, [0, 1, 0, 1] * 5)
sys.exit("torch._dynamo" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def by_definition(bce, y, z):
    p = z.sigmoid()
    soft = y * (1 - bce.label_smoothing) + bce.label_smoothing / 2
    q = (p - bce.margin).clamp(min=0)
    gamma_neg = bce.gamma if bce.gamma_neg is None else bce.gamma_neg
    positive = bce.pos_weight * soft * (1 - p) ** bce.gamma * -p.log()
    return positive + bce.neg_weight * (1 - soft) * q**gamma_neg * -(1 - q).log()


def test_the_training_loss_is_the_plain_one_of_what_the_epoch_saw():
    train = rows(weight=True)
    seen = []

    class Spy(MLP):
        def forward(self, numbers, codes):
            logits = super().forward(numbers, codes)
            seen.append((numbers, logits.detach().clone()))
            return logits

    state = loop.start(Spy(3, [5, 5], (8,), [0.0], 0.0, 0), settings())
    run(state, train, bce=FAMILY["focal"], epochs=1)
    total = 0.0
    for numbers, logits in seen:
        places = [int((train.numbers == row).all(dim=1).nonzero()) for row in numbers]
        losses = nn.BCEWithLogitsLoss(reduction="none")(logits, train.labels[places])[:, 0]
        total += float((losses * train.weight[places]).sum())
    assert state.epochs[0].train_loss == pytest.approx(total / float(train.weight.sum()), rel=1e-5)


def test_every_row_is_seen_once_an_epoch_and_in_another_order():
    train = rows(n=50)
    orders = []

    class Spy(MLP):
        def forward(self, numbers, codes):
            orders.append(numbers[:, 0].tolist())
            return super().forward(numbers, codes)

    run(loop.start(Spy(3, [5, 5], (4,), [0.0], 0.0, 0), settings()), train, epochs=3, batch_size=16)
    epochs = [[*chain(*orders[i : i + 4])] for i in range(0, len(orders), 4)]
    assert len(epochs) == 3
    assert all(sorted(epoch) == sorted(train.numbers[:, 0].tolist()) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_batches_of_one_and_of_more_than_all(batch_size):
    state = run(loop.start(network(dropout=0.1), settings()), rows(n=30), rows(n=1, seed=1), batch_size=batch_size)
    assert len(state.epochs) == 3
    assert all(np.isfinite([epoch.train_loss, epoch.validation_loss]).all() for epoch in state.epochs)


def test_the_learning_rate_falls_along_a_cosine():
    state = run(loop.start(network(), settings()), rows(), epochs=5)
    rates = [epoch.learning_rate for epoch in state.epochs]
    assert rates[0] == pytest.approx(0.01)
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.002


# The best epoch


def test_loss_goes_down():
    train, validation = rows(n=1000), rows(n=500, seed=1)
    state = run(loop.start(network(), settings()), train, validation, epochs=15)
    assert state.epochs[-1].train_loss < state.epochs[0].train_loss - 0.05
    assert state.epochs[-1].validation_loss < state.epochs[0].validation_loss - 0.05


@pytest.mark.parametrize("labels", [1, 2])
def test_the_weights_in_the_end_are_the_best_epochs(labels):
    train, validation = rows(n=60, labels=labels), rows(n=60, labels=labels, seed=1)
    shift = torch.tensor([-0.7, 0.4][:labels])
    state = loop.start(network(labels, hidden=(64, 64)), settings())
    loop.run(
        state, PLAIN, train, validation, settings(epochs=40, patience=40, learning_rate=0.02), shift, lambda _: None
    )
    losses = [epoch.validation_loss for epoch in state.epochs]
    best = min(losses)
    assert losses.index(best) < 30
    assert losses[-1] > best + 0.01
    assert validation.log_loss(loop.predict(state.network, validation) + shift) == best
    assert not state.network.training


def test_training_stops_when_patience_is_over():
    train, validation = rows(n=60), rows(n=60, seed=1)
    stopped = run(
        loop.start(network(hidden=(64, 64)), settings()), train, validation, epochs=200, patience=5, learning_rate=0.02
    )
    losses = [epoch.validation_loss for epoch in stopped.epochs]
    assert len(losses) - 1 - losses.index(min(losses)) == 5


def test_without_validation_the_training_loss_decides():
    state = run(loop.start(network(dropout=0.1), settings()), rows(n=200), epochs=12)
    kept = []
    again = loop.start(network(dropout=0.1), settings())
    run(again, rows(n=200), epochs=12, after=lambda s: kept.append(copy.deepcopy(s.network.state_dict())))
    losses = [epoch.train_loss for epoch in state.epochs]
    assert all(epoch.validation_loss is None for epoch in state.epochs)
    for name, value in kept[losses.index(min(losses))].items():
        assert torch.equal(state.network.state_dict()[name], value)


def test_the_fitted_model_gives_the_best_epochs_loss():
    train, validation = sample(), sample(seed=1)
    for loss in (PLAIN, BinaryCrossEntropy(pos_weight=4.0), BinaryCrossEntropy.focal()):
        fitted = fit(train, validation, loss=loss, epochs=10)
        found = BinaryCrossEntropy(from_logits=True)(validation.labels, fitted.model.logits(validation.frame))
        assert found == pytest.approx(fitted.history.best.validation_loss, rel=1e-5)


# The same bits


def test_the_same_bits_for_any_number_of_threads():
    before = torch.get_num_threads()
    made = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            fitted = fit(sample(2000), sample(seed=1), hidden=(64, 32), epochs=2)
            assert torch.get_num_threads() == threads
            weights = torch.cat([p.flatten() for p in fitted.model.network.parameters()])
            losses = [(e.train_loss, e.validation_loss) for e in fitted.history.epochs]
            made.append((weights.tolist(), losses, fitted.model.logits(sample(seed=2).frame).tolist()))
    finally:
        torch.set_num_threads(before)
    assert made[0] == made[1] == made[2]


def test_nothing_of_the_callers_is_touched():
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    fitted = fit(sample(), sample(seed=1))
    fitted.model.logits(sample().frame)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    with pytest.raises(ParameterError):
        fit(sample(), learning_rate=1e20)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()


def test_what_the_caller_did_before_changes_nothing():
    first = fit(sample()).model.logits(sample().frame)
    torch.rand(7)
    np.testing.assert_array_equal(fit(sample()).model.logits(sample().frame), first)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        np.testing.assert_array_equal(fit(sample()).model.logits(sample().frame), first)


def test_other_devices_keep_their_random_state(monkeypatch):
    def refuse(*_):
        raise AssertionError("every device was seeded")

    monkeypatch.setattr(torch, "manual_seed", refuse)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", refuse)
    fit(sample())


@pytest.mark.parametrize("stop", [1, 3])
def test_a_kept_state_goes_on_to_the_same_bits(stop):
    train, validation = rows(n=200, weight=True), rows(n=50, seed=1)

    def begin():
        return loop.start(network(dropout=0.2), settings())

    whole = run(begin(), train, validation, epochs=6)
    kept = {}

    def keep(state):
        if len(state.epochs) == stop:
            kept.update({name: value.clone() for name, value in loop.tensors(state).items()})

    half = run(begin(), train, validation, epochs=6, after=keep)
    again = begin()
    loop.restore(again, kept, half.epochs[:stop])
    run(again, train, validation, epochs=6)
    for name, value in loop.tensors(whole).items():
        assert torch.equal(loop.tensors(again)[name], value), name
    assert [(e.train_loss, e.validation_loss) for e in again.epochs] == [
        (e.train_loss, e.validation_loss) for e in whole.epochs
    ]


def test_a_finished_state_needs_no_further_epoch():
    train = rows()
    state = run(loop.start(network(), settings()), train, epochs=2)
    kept = {name: value.clone() for name, value in loop.tensors(state).items()}
    again = loop.start(network(seed=5), settings())
    loop.restore(again, kept, list(state.epochs))
    run(again, train, epochs=2, after=lambda _: pytest.fail("there was another epoch"))
    torch.testing.assert_close(loop.predict(again.network, train), loop.predict(state.network, train), rtol=0, atol=0)


@pytest.mark.parametrize("lost", ["last.", "best.", "optimizer."])
def test_a_checkpoint_of_another_network_is_refused(lost):
    state = run(loop.start(network(), settings()), rows(), epochs=1)
    kept = loop.tensors(state)
    with pytest.raises(RunError, match="does not fit the network"):
        loop.restore(loop.start(network(hidden=(5,)), settings()), kept, state.epochs)
    partial = {name: value for name, value in kept.items() if not name.startswith(lost)}
    with pytest.raises(RunError, match="does not fit the network"):
        loop.restore(loop.start(network(), settings()), partial, state.epochs)


# The network


def test_it_starts_at_the_base_rate():
    for bce, corrected in (
        (PLAIN, True),
        (BinaryCrossEntropy(pos_weight=9.0), True),
        (BinaryCrossEntropy(pos_weight=9.0), False),
    ):
        train = sample(5000)
        fitted = fit(train, loss=bce, epochs=1, learning_rate=1e-9, prior_correction=corrected)
        odds = train.base_rates[0] / (1 - train.base_rates[0]) * (1 if corrected else bce.pos_weight)
        assert fitted.model.logits(train.frame).mean() == pytest.approx(np.log(odds), abs=0.15)


def test_nothing_is_dropped_in_prediction():
    train = rows(n=50)
    made = network(dropout=0.5).train()
    first = loop.predict(made, train)
    torch.testing.assert_close(loop.predict(made, train), first, rtol=0, atol=0)
    assert not torch.equal(made.train()(train.numbers, train.codes), first)
    torch.testing.assert_close(loop.predict(made, train, batch_size=7), first, rtol=1e-6, atol=1e-6)


def test_columns_of_many_levels_are_embedded():
    fitted = fit(sample(n=2000))
    recipe = fitted.model.recipe
    assert recipe.n_levels == (41,)
    assert fitted.model.network.embedding.weight.shape == (41, embedding_width([41]))
    with_town = fitted.model.logits(sample().frame)
    moved = fitted.model.logits(sample().frame.assign(town="town 3"))
    assert not np.allclose(with_town, moved)
    assert np.isfinite(fitted.model.logits(sample().frame.assign(town="nowhere"))).all()


def test_embedded_columns_do_not_share_levels():
    made = MLP(0, [3, 4, 2], (), [0.0], 0.0, 0)
    with torch.no_grad():
        made.embedding.weight.copy_(torch.arange(9.0)[:, None].expand(9, made.embedding.weight.shape[1]))
        made.layers[0].weight.fill_(1.0)
        made.layers[0].bias.zero_()
    width = made.embedding.weight.shape[1]
    codes = torch.tensor([[0, 0, 0], [2, 3, 1]])
    logits = made(torch.empty(2, 0), codes)
    assert logits[:, 0].tolist() == [width * (0 + 3 + 7), width * (2 + 6 + 8)]


def test_embedding_width_grows_slowly():
    assert embedding_width([]) == 0
    assert [embedding_width([n]) for n in (2, 100, 1000, 10**9)] == [4, 6, 11, 16]


@pytest.mark.parametrize(
    "columns", [["x"], ["town"], ["colour"], ["x", "z"], ["town", "colour"]], ids=lambda columns: "+".join(columns)
)
def test_any_kind_of_column_alone(columns):
    train = sample()
    train = train._replace(frame=train.frame[columns])
    fitted = fit(train, sample(seed=1)._replace(frame=sample(seed=1).frame[columns]))
    assert fitted.model.logits(train.frame).shape == (300, 1)
    assert len(fitted.history.epochs) == 4


def test_several_labels_share_a_network():
    train = sample(labels=3)
    fitted = fit(train, sample(seed=1, labels=3), loss=BinaryCrossEntropy(pos_weight=(1.0, 2.0, 3.0)))
    assert fitted.model.logits(train.frame).shape == (300, 3)
    np.testing.assert_allclose(fitted.model.shift, -np.log([1, 2, 3]))
    np.testing.assert_allclose(fitted.model.probabilities(train.frame), expit(fitted.model.logits(train.frame)))


def test_the_kept_weights_are_those_that_were_trained():
    fitted = fit(sample())
    frame = sample(seed=1).frame
    again = fitting.build_network(fitted.model.recipe, Options(hidden=(8,)), [0.0])
    again.load_state_dict(fitted.model.tensors())
    assert all(value.dtype == torch.float32 for value in fitted.model.tensors().values())
    model = type(fitted.model)(fitted.model.recipe, fitted.model.shift, again)
    np.testing.assert_array_equal(model.logits(frame), fitted.model.logits(frame))


# What goes wrong is named


@pytest.mark.parametrize("rate", [10.0, 1e10, 1e37])
@pytest.mark.parametrize("validation", [None, sample(seed=1)])
def test_divergence_is_named(rate, validation):
    with pytest.raises(ParameterError, match=r"diverged in epoch .* smaller learning rate"):
        fit(sample(), validation, learning_rate=rate, epochs=150)


def test_divergence_in_the_very_last_step_is_named():
    with pytest.raises(ParameterError, match="diverged in epoch 1"):
        fit(sample(), learning_rate=1e39, epochs=1, batch_size=300)


def test_one_class_in_the_training_rows():
    one = sample()._replace(labels=np.ones((300, 1)))
    with pytest.raises(LabelError, match="300 training rows hold only one class"):
        fit(one)
    with pytest.raises(LabelError, match="one class of label 1"):
        fit(sample(labels=2)._replace(labels=np.column_stack([sample().labels, np.zeros(300)])))


def test_one_class_in_the_validation_rows_is_no_matter():
    fitted = fit(sample(), sample(seed=1)._replace(labels=np.zeros((300, 1))))
    assert np.isfinite(fitted.history.best.validation_loss)


def test_rows_that_weigh_nothing():
    nothing = sample()._replace(weight=np.zeros(300))
    with pytest.raises(WeightError, match="Every row to train on has weight 0"):
        fit(nothing)
    with pytest.raises(WeightError, match="Every row to validate on has weight 0"):
        fit(sample(), nothing)


def test_the_settings_follow_the_size_of_the_table():
    chosen = {n: Options().settings(n) for n in (1, 10, 100, 1000, 10_000, 10**6)}
    sizes = [s.batch_size for s in chosen.values()]
    epochs = [s.epochs for s in chosen.values()]
    assert sizes == sorted(sizes)
    assert epochs == sorted(epochs, reverse=True)
    assert (sizes[0], sizes[-1], epochs[0], epochs[-1]) == (16, 256, 150, 20)
    assert all(10 <= s.patience <= s.epochs for s in chosen.values())


# The split


@pytest.mark.parametrize("n", [10, 101, 1000])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_split_has_every_row_once_and_keeps_the_share_of_positives(n, share):
    labels = (np.arange(n) % 4 == 0).astype(float)[:, None]
    seen = set()
    for seed in range(8):
        train, validation = split.at_random(labels, share, seed)
        assert sorted([*train, *validation]) == list(range(n))
        assert len(validation) == round(share * n)
        assert list(train) == sorted(train)
        if len(validation) >= 2:
            assert abs(labels[validation].sum() - share * labels.sum()) <= 1
        np.testing.assert_array_equal(split.at_random(labels, share, seed)[0], train)
        seen.add(tuple(train))
    assert len(seen) > 3


@pytest.mark.parametrize("positive", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(20))
def test_the_only_row_of_its_class_trains(positive, seed):
    labels = np.full((20, 2), 1 - positive)
    labels[seed, 0] = labels[19 - seed, 1] = positive
    train, validation = split.at_random(labels, 0.5, seed)
    assert {seed, 19 - seed} <= set(train)
    assert len(validation) == 10


def test_splits_that_leave_nothing_are_refused():
    labels = np.array([[0.0], [1.0]])
    assert [len(part) for part in split.at_random(labels, 0.5, 0)] == [1, 1]
    for share, error in ((0.1, TableError), (0.9, TableError), (0.0, ParameterError), (1.0, ParameterError)):
        with pytest.raises(error) as caught:
            split.at_random(labels, share, 0)
        assert isinstance(caught.value, LogLossError)
