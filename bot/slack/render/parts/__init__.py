"""The parts that cards, modals, the Home tab, notices and replies are put together from."""
