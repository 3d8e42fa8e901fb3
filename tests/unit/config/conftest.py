"""Every test of the loader starts from an installation with which nothing is wrong."""

from tests.unit.config.kit import site

__all__ = ["site"]
