"""What the tests of several folders share: the people's desks, and a bot inside a local Slack."""
