"""Bugs that were put in on purpose: each is a patch, and names the test that catches it."""
