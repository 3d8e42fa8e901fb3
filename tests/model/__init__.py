"""A model of requests, grants, stops, deadlines and crashes, simulated and replayed through the core."""
