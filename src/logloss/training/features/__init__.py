"""From a table to the features of a model: learnt once, kept as JSON, made the same way ever after."""

from logloss.training.features.columns import Category, Date, LeftOut, Number
from logloss.training.features.giveaway import Giveaway, giveaways
from logloss.training.features.recipe import Features, Recipe

__all__ = ["Category", "Date", "Features", "Giveaway", "LeftOut", "Number", "Recipe", "giveaways"]
