"""Settings that make passes on to dbt."""

import json
import re
import shlex
from os import environ

import yaml

from dwell.runtime.terminal import print_error


def read(text: str | None = None) -> dict:
    """Return the settings of a YAML text (--vars), or of VARS in the environment."""
    name = "VARS" if text is None else "--vars"
    try:
        settings = yaml.safe_load(environ.get("VARS") or "" if text is None else text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{name} is no YAML: {where_and_why(error)}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, ValueError):
        # what the parser has no word for: a date that is none, brackets by the thousand
        raise ValueError(
            f"{name} is no YAML that can be read: look at its dates and tags"
        ) from None
    if not isinstance(settings, dict):
        raise ValueError(f"{name} must be a mapping, as in {{session_timeout_minutes: 20}}")
    if not all(isinstance(setting, str) for setting in settings):
        raise ValueError(f"{name} must name settings, as in {{session_timeout_minutes: 20}}")
    try:
        # a date of YAML is passed on as it was written
        return json.loads(json.dumps(settings, default=str))
    except (RecursionError, TypeError, ValueError):
        raise ValueError(f"{name} must have values that JSON knows: text, numbers, lists") from None


def where_and_why(error: yaml.YAMLError) -> str:
    """Return what a YAML parser has to say, in one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {' '.join(problem.split())}"


def as_vars(settings: dict) -> str:
    """Return settings as dbt's --vars: JSON that is YAML too, which has no pairs of surrogates."""
    told = json.dumps(settings, ensure_ascii=False)
    # what YAML takes only as an escape, and what a terminal obeys or hides
    return re.sub(
        "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda sign: f"\\u{ord(sign[0]):04x}",
        told,
    )


def given(events: list[str] | None = None, text: str | None = None) -> dict:
    """Return the settings of options, or of EVENTS (paths, as a shell splits them) and VARS."""
    settings = read(text)
    if events is None:
        try:
            events = shlex.split(environ.get("EVENTS", ""))
        except ValueError as error:
            raise ValueError(f"EVENTS is no list of paths: {error}") from None
    if events:
        settings["events_path"] = events
    return settings


def main(_=None) -> int:
    """Print dbt's --vars for EVENTS and VARS. 0: done; 2: they cannot be read."""
    try:
        print(as_vars(given()))
    except ValueError as error:
        print_error(error)
        return 2
    return 0
