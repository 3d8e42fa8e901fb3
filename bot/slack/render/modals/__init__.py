"""The modals: decide, edit, stop, and read why or what the runbook says."""
