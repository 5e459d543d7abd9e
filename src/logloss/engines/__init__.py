"""Where a tally is taken: arrays, tables, Spark, Dask; and `evaluate`, the front door."""
