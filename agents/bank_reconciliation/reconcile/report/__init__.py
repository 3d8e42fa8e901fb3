"""Where every line ended: the tally after a run, and how it is shown."""
