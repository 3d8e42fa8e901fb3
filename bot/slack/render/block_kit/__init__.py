"""Slack's own vocabulary: blocks and their limits, markup, dates, and the ids of what can be clicked."""
