"""Tables in files, and the columns of them that are to be predicted."""

from logloss.training.tables.files import Table, read_table, refuse_infinite, write_table
from logloss.training.tables.targets import Targets, read_targets

__all__ = ["Table", "Targets", "read_table", "read_targets", "refuse_infinite", "write_table"]
