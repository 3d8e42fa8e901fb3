"""The door through which a configuration comes: every file checked, every problem told at once."""

from bot.config.held import Held
from bot.config.load import Loaded, load, load_remembered
from bot.config.problem import ConfigurationProblems, Problem, Severity
from bot.config.settings import Environment, InvalidSettings, Settings, SlackMode, environment, settings

__all__ = [
    "ConfigurationProblems",
    "Environment",
    "Held",
    "InvalidSettings",
    "Loaded",
    "Problem",
    "Settings",
    "Severity",
    "SlackMode",
    "environment",
    "load",
    "load_remembered",
    "settings",
]
