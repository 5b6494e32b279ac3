"""Settings that make passes on to dbt."""

import json
import os
import shlex
import sys

import yaml


def main() -> int:
    """Print dbt's --vars for EVENTS (paths, as a shell splits them) and VARS (YAML)."""
    try:
        settings = yaml.safe_load(os.environ.get("VARS") or "{}")
    except yaml.YAMLError as error:
        print(f"dwell: VARS is no YAML: {error}", file=sys.stderr)
        return 2
    if not isinstance(settings, dict):
        print("dwell: VARS must be a mapping, as in {session_timeout_minutes: 20}", file=sys.stderr)
        return 2
    try:
        events = shlex.split(os.environ.get("EVENTS", ""))
    except ValueError as error:
        print(f"dwell: EVENTS is no list of paths: {error}", file=sys.stderr)
        return 2
    if events:
        settings["events_path"] = events
    # a date of YAML is passed on as it was written
    print(json.dumps(settings, default=str))
    return 0
