"""The base of every model of a configuration file, and the error that its validators raise."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Shape(BaseModel):
    """What a part of a file may look like: exactly these keys, of exactly these types.

    The description of a field is the advice for whoever got it wrong: it completes "write …".
    """

    #: Keys with a story: what to write in place of what this release does not do.
    unbuilt: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def wrong(what: str, advice: str | None = None, *, at: str | None = None) -> PydanticCustomError:
    """Return the error that says *what* is wrong; without *advice* the field's description is it.

    *at* names the key inside the checked value that it is about.
    """
    # The text goes through the context: a brace in it is no placeholder.
    return PydanticCustomError("wrong", "{what}", {"what": what, "advice": advice, "at": at})
