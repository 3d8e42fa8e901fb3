"""What Andon does when somebody clicks, submits, types or looks: one module per surface."""
