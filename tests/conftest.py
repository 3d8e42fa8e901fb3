"""What all tests share: how long Hypothesis may take to think of something."""

from hypothesis import HealthCheck, settings

# On a fresh checkout its first text waits for a table of all characters, and any test may be the first; on a
# busy machine any draw may be slow. Neither says anything about our code.
settings.register_profile("andon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("andon")
