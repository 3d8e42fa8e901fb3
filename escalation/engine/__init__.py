"""The metronome and its modules: what happens because time passes."""
