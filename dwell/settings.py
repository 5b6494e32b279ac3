"""Settings that make passes on to dbt."""

import json
import os
import shlex
import sys

import yaml


def read(text: str | None = None) -> dict:
    """Return the settings of a YAML text, or of VARS in the environment."""
    try:
        settings = yaml.safe_load(os.environ.get("VARS") or "" if text is None else text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"VARS is no YAML: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError("VARS must be a mapping, as in {session_timeout_minutes: 20}")
    # a date of YAML is passed on as it was written
    return json.loads(json.dumps(settings, default=str))


def given(events: list[str] | None = None, text: str | None = None) -> dict:
    """Return the settings of options, or of EVENTS (paths, as a shell splits them) and VARS."""
    settings = read(text)
    if events is None:
        try:
            events = shlex.split(os.environ.get("EVENTS", ""))
        except ValueError as error:
            raise ValueError(f"EVENTS is no list of paths: {error}") from None
    if events:
        settings["events_path"] = events
    return settings


def main(_=None) -> int:
    """Print dbt's --vars for EVENTS and VARS. 0: done; 2: they cannot be read."""
    try:
        print(json.dumps(given()))
    except ValueError as error:
        print(f"dwell: {error}", file=sys.stderr)
        return 2
    return 0
