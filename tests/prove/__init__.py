"""Proof on demand: kills, races, faults and histories, for as long as there is time."""
