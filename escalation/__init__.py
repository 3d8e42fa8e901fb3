"""What may happen, who decides, by when, and what happens if nobody does."""
