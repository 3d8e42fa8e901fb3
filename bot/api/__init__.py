"""The agents' door: requests, claims and reports over HTTP."""
