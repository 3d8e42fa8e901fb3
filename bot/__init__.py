"""The doors: Slack, HTTP and the command line; and the wiring of one process."""
