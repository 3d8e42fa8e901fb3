"""What several use cases do alike, one floor below them: each step works in its caller's transaction."""
