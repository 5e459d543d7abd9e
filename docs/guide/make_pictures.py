"""Draw the pictures of the course: python docs/guide/make_pictures.py writes docs/guide/img/*.svg.

Each picture is drawn with the loss itself, and the training curves are those of docs/guide/training.md.
"""

from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from scipy.optimize import brentq

from logloss import BinaryCrossEntropy

FOLDER = Path(__file__).parent / "img"
WIDTH, HEIGHT = 560, 300

# Okabe and Ito (2008): told apart with any kind of colour vision.
BLACK, BLUE, ORANGE, GREEN, PURPLE, GREY = "#000000", "#0072B2", "#D55E00", "#009E73", "#AA4499", "#767676"
DASHES = {"solid": [1, 0], "long": [10, 4], "short": [4, 3], "dotted": [1, 3], "mixed": [10, 3, 2, 3]}


def lines(curves, x_title, y_title, *, x_domain=(0, 1), y_domain=(0, 5), x_format="", labels=()):
    """Curves of one colour and dash each, written on where ``labels`` says."""
    table = pd.concat(
        [pd.DataFrame({"x": x, "y": y, "curve": name}) for name, (x, y, _, _) in curves.items()], ignore_index=True
    )
    names = list(curves)
    colour = alt.Scale(domain=names, range=[curves[name][2] for name in names])
    dash = alt.Scale(domain=names, range=[DASHES[curves[name][3]] for name in names])
    base = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5, clip=True)
        .encode(
            x=alt.X("x:Q", title=x_title, scale=alt.Scale(domain=x_domain), axis=alt.Axis(format=x_format)),
            y=alt.Y("y:Q", title=y_title, scale=alt.Scale(domain=y_domain, nice=False)),
            color=alt.Color("curve:N", scale=colour, legend=None),
            strokeDash=alt.StrokeDash("curve:N", scale=dash, legend=None),
        )
    )
    layers = [base]
    for name, x, y, text, align in labels:
        words = alt.Chart(pd.DataFrame({"x": [x], "y": [y], "text": [text]}))
        layers.append(
            words.mark_text(align=align, fontSize=14, color=curves[name][2], fontWeight="bold").encode(
                x="x:Q", y="y:Q", text="text:N"
            )
        )
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def save(chart, name):
    """Write a picture on white, so that it reads on a dark page too."""
    chart = chart.configure(background="white", padding=10, font="sans-serif").configure_axis(
        labelFontSize=13, titleFontSize=14, titleFontWeight="normal", gridColor="#e6e6e6", tickCount=6
    )
    FOLDER.mkdir(exist_ok=True)
    chart.save(FOLDER / f"{name}.svg")


def the_loss():
    """The loss of one row against the probability that was said."""
    p = np.linspace(0.002, 0.998, 250)
    loss = BinaryCrossEntropy().loss
    return lines(
        {
            "y = 1": (p, loss(np.ones_like(p), p), BLUE, "solid"),
            "y = 0": (p, loss(np.zeros_like(p), p), ORANGE, "long"),
        },
        "probability that was said",
        "loss in nats",
        labels=[
            ("y = 1", 0.09, 3.4, "it happened (y = 1)", "left"),
            ("y = 0", 0.91, 3.4, "it did not (y = 0)", "right"),
        ],
    )


def honesty():
    """What saying q costs on average when the truth is 0.3."""
    q = np.linspace(0.01, 0.99, 250)
    loss = BinaryCrossEntropy().loss
    cost = 0.3 * loss(np.ones_like(q), q) + 0.7 * loss(np.zeros_like(q), q)
    floor = cost.min()
    return lines(
        {"cost": (q, cost, BLUE, "solid"), "floor": (np.array([0, 1]), np.array([floor, floor]), GREY, "short")},
        "what is said, when the truth is 0.3",
        "loss in nats, on average",
        y_domain=(0, 2),
        labels=[
            ("cost", 0.3, 0.76, "least at 0.3", "center"),
            ("floor", 0.98, 0.51, "entropy of 0.3: 0.611", "right"),
        ],
    )


def focus():
    """The focal loss of a positive for several gammas."""
    p = np.linspace(0.002, 0.998, 250)
    styles = {0: (BLACK, "solid"), 1: (BLUE, "long"), 2: (ORANGE, "short"), 5: (GREEN, "mixed")}
    curves = {
        f"gamma {gamma}": (p, BinaryCrossEntropy(gamma=gamma).loss(np.ones_like(p), p), *style)
        for gamma, style in styles.items()
    }
    return lines(
        curves,
        "probability that was said, when it happened (y = 1)",
        "loss in nats",
        y_domain=(0, 2.5),
        labels=[
            ("gamma 0", 0.64, 0.60, "gamma 0: plain", "left"),
            ("gamma 1", 0.43, 0.62, "1", "left"),
            ("gamma 2", 0.37, 0.26, "2", "right"),
            ("gamma 5", 0.18, 0.50, "5", "right"),
        ],
    )


def cheapest(loss, rate):
    """The probability that costs least on average where something happens at this rate."""

    def slope(p):
        return rate * loss.gradient([1.0], [p])[0] + (1 - rate) * loss.gradient([0.0], [p])[0]

    return brentq(slope, 1e-9, 1 - 1e-9)


def shift():
    """What each loss rewards saying, against the truth."""
    truth = np.linspace(0.002, 0.998, 200)
    styles = {
        "bce": (BLACK, "solid"),
        "weighted(pos_weight=9)": (BLUE, "long"),
        "smoothed(label_smoothing=0.1)": (PURPLE, "dotted"),
        "focal(alpha=None)": (ORANGE, "short"),
        "asymmetric": (GREEN, "mixed"),
    }
    curves = {
        name: (truth, np.array([cheapest(BinaryCrossEntropy.parse(name), rate) for rate in truth]), *style)
        for name, style in styles.items()
    }
    return lines(
        curves,
        "how probable it is",
        "what it pays to say",
        y_domain=(0, 1),
        labels=[
            ("bce", 0.37, 0.31, "plain", "left"),
            ("weighted(pos_weight=9)", 0.22, 0.80, "pos_weight 9", "right"),
            ("smoothed(label_smoothing=0.1)", 0.06, 0.03, "smoothed 0.1", "left"),
            ("focal(alpha=None)", 0.80, 0.55, "focal, gamma 2", "left"),
            ("asymmetric", 0.29, 0.65, "asymmetric", "left"),
        ],
    ).properties(height=380)


def overfitting():
    """The training of docs/guide/training.md."""
    bce = BinaryCrossEntropy(from_logits=True)
    rng = np.random.default_rng(1)
    truth = np.zeros(40)
    truth[:3] = 1.5, -1.0, 1.0

    def draw(n):
        X = rng.normal(size=(n, 40))
        return np.column_stack([np.ones(n), X]), rng.uniform(size=n) < 1 / (1 + np.exp(1.0 - X @ truth))

    X, y = draw(60)
    X_new, y_new = draw(2000)
    beta, training, validation = np.zeros(41), [], []
    for _ in range(100):
        _, slope = bce.value_and_gradient(y, X @ beta)
        beta -= 0.3 * (X.T @ slope)
        training.append(bce(y, X @ beta))
        validation.append(bce(y_new, X_new @ beta))
    base_rate_loss = bce(y_new, np.full(2000, np.log(y.mean() / (1 - y.mean()))))
    epoch = np.arange(1, 101)
    best = int(np.argmin(validation))
    curves = {
        "training": (epoch, training, BLUE, "solid"),
        "validation": (epoch, validation, ORANGE, "long"),
        "base rate": (np.array([1, 100]), np.full(2, base_rate_loss), GREY, "short"),
    }
    chart = lines(
        curves,
        "epoch",
        "loss in nats",
        x_domain=(0, 100),
        y_domain=(0, 1),
        x_format="d",
        labels=[
            ("training", 98, 0.26, "training", "right"),
            ("validation", 74, 0.90, "validation", "right"),
            ("base rate", 98, 0.61, "always saying the base rate", "right"),
            ("validation", best + 1, 0.53, f"best: epoch {best + 1}", "left"),
        ],
    )
    point = alt.Chart(pd.DataFrame({"x": [best + 1], "y": [validation[best]]}))
    return chart + point.mark_point(size=110, filled=True, opacity=1, color=ORANGE).encode(x="x:Q", y="y:Q")


if __name__ == "__main__":
    for name, draw_it in {
        "loss": the_loss,
        "honest": honesty,
        "focal": focus,
        "shift": shift,
        "overfitting": overfitting,
    }.items():
        save(draw_it(), name)
