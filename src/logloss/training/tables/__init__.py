"""Tables in files, and the columns of them that are to be predicted."""

from logloss.training.tables.files import Table, read_table, refuse_infinite
from logloss.training.tables.targets import Targets, read_targets
from logloss.training.tables.writing import is_text, write_table

__all__ = ["Table", "Targets", "is_text", "read_table", "read_targets", "refuse_infinite", "write_table"]
