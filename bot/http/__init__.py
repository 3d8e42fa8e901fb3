"""What every door shares about HTTP: strict framing, size limits and timeouts, and the server itself."""
