"""Tables in files, and the columns of them that are to be predicted."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.training.tables.files import Table, read_table, refuse_infinite
    from logloss.training.tables.targets import Targets, read_targets
    from logloss.training.tables.writing import is_text, write_table

__all__ = ["Table", "Targets", "is_text", "read_table", "read_targets", "refuse_infinite", "write_table"]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    train={
        "Table": "logloss.training.tables.files",
        "read_table": "logloss.training.tables.files",
        "refuse_infinite": "logloss.training.tables.files",
        "Targets": "logloss.training.tables.targets",
        "read_targets": "logloss.training.tables.targets",
        "is_text": "logloss.training.tables.writing",
        "write_table": "logloss.training.tables.writing",
    },
)
