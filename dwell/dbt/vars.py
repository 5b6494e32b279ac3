"""Settings from the command line and the environment, which become dbt's --vars."""

import json
import re
import shlex
from collections.abc import Sequence
from os import environ
from typing import Any

import yaml

from dwell.exceptions import UsageError

Settings = dict[str, Any]


def read(text: str | None = None) -> Settings:
    """Return the settings of a YAML text (--vars), or of VARS in the environment."""
    name = "VARS" if text is None else "--vars"
    try:
        settings = yaml.safe_load(environ.get("VARS") or "" if text is None else text) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is not valid YAML: {describe_yaml_error(error)}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, ValueError):
        # errors that the parser does not wrap: an invalid date, thousands of nested brackets
        raise UsageError(f"{name} is not valid YAML: check its dates and tags") from None
    if not isinstance(settings, dict):
        raise UsageError(f"{name} must be a mapping, as in {{session_timeout_minutes: 20}}")
    if not all(isinstance(setting, str) for setting in settings):
        raise UsageError(f"{name} must name settings, as in {{session_timeout_minutes: 20}}")
    try:
        # a YAML date is passed to dbt as it was written
        loaded: Settings = json.loads(json.dumps(settings, default=str))
    except (RecursionError, TypeError, ValueError):
        raise UsageError(f"{name} must have values that JSON knows: text, numbers, lists") from None
    return loaded


def describe_yaml_error(error: yaml.YAMLError) -> str:
    """Return the message of a YAML parser in one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {' '.join(problem.split())}"


def as_vars(settings: Settings) -> str:
    """Return settings as dbt's --vars: JSON that is also YAML, which has no surrogate pairs."""
    text = json.dumps(settings, ensure_ascii=False)
    # what YAML accepts only as an escape, and what a terminal obeys or hides
    return re.sub(
        "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda sign: f"\\u{ord(sign[0]):04x}",
        text,
    )


def read_settings(events: Sequence[str] | None = None, text: str | None = None) -> Settings:
    """Return the settings of options, or of EVENTS (paths, as a shell splits them) and VARS."""
    settings = read(text)
    # click gives an option that takes many values as an empty tuple, where it is not given
    if not events:
        try:
            events = shlex.split(environ.get("EVENTS", ""))
        except ValueError as error:
            raise UsageError(f"EVENTS is not a list of paths: {error}") from None
    if events:
        settings["events_path"] = list(events)
    return settings


def print_vars() -> None:
    """Print dbt's --vars for EVENTS and VARS."""
    print(as_vars(read_settings()))
