"""The check of arguments by another validator, all Python and slower: the measure of ours."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from bot.config.argument_validator import _Broken, _in_words
from escalation.configuration import Misfit


def oracle(schema: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Misfit | None]:
    """Return the check of arguments against *schema*."""
    validator = _Validator(schema, format_checker=FormatChecker(["date", "email", "ipv4", "ipv6", "uuid"]))

    def check(arguments: Mapping[str, Any]) -> Misfit | None:
        broken = min(map(_broken, validator.iter_errors(arguments)), key=_order, default=None)
        return None if broken is None else Misfit(path=broken.path, problem=_in_words(broken))

    return check


def _order(broken: _Broken) -> tuple[str, str]:
    return broken.path, broken.word


def _broken(error: ValidationError) -> _Broken:
    around: Any = error.schema
    return _Broken(
        path=error.json_path,
        word=str(error.validator),
        limit=error.validator_value,
        around=around,
        instance=error.instance,
    )


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    exact = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1\\Z", pattern)
    if isinstance(instance, str) and re.search(exact, instance, re.ASCII) is None:
        yield ValidationError("does not match")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # untyped there
