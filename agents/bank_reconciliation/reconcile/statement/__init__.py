"""The bank's statement: its values, its two file formats, and the check that it adds up."""
