"""Settings that make passes on to dbt."""

import json
import shlex
import sys
from os import environ

import yaml

from dwell import whole


def read(text: str | None = None) -> dict:
    """Return the settings of a YAML text, or of VARS in the environment."""
    try:
        settings = yaml.safe_load(environ.get("VARS") or "" if text is None else text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"VARS is no YAML: {' '.join(str(error).split())}") from None
    except (RecursionError, ValueError) as error:
        # nested too deeply, or a date that is none
        raise ValueError(f"VARS cannot be read: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError("VARS must be a mapping, as in {session_timeout_minutes: 20}")
    if not all(isinstance(name, str) for name in settings):
        raise ValueError("VARS must name settings, as in {session_timeout_minutes: 20}")
    try:
        # a date of YAML is passed on as it was written
        return json.loads(json.dumps(settings, default=str))
    except (RecursionError, TypeError, ValueError):
        raise ValueError("VARS must have values that JSON knows: text, numbers, lists") from None


def main(_=None) -> int:
    """Print dbt's --vars for EVENTS (paths, as a shell splits them) and VARS (YAML)."""
    try:
        settings = read()
    except ValueError as error:
        print(f"dwell: {error}", file=sys.stderr)
        return 2
    try:
        events = shlex.split(environ.get("EVENTS", ""))
    except ValueError as error:
        print(f"dwell: EVENTS is no list of paths: {error}", file=sys.stderr)
        return 2
    if events:
        settings["events_path"] = events
    try:
        whole.check(settings)
    except ValueError as error:
        print(f"dwell: {error}", file=sys.stderr)
        return 2
    print(json.dumps(settings))
    return 0
