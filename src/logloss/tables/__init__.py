"""Tables in files, whoever reads them: what a file holds, how its text is written, and how names stand in sentences."""
