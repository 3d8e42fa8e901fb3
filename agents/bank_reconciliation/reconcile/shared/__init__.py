"""What every room needs: money, text, evidence, CSV tables and errors."""
