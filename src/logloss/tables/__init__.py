"""Files and tables, whoever reads or writes them: what a file holds, how text is written, how names are spoken of."""
