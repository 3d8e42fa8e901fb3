"""The events of the sample months, and the files they are told in."""
