"""Everything people read in Slack, as pure functions: a value in, blocks out."""
