"""What goes to Slack: the outbox's rows, carried as messages at the pace that Slack allows."""
