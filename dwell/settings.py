"""Settings that make passes on to dbt."""

import json
import os
import sys

import yaml


def main() -> int:
    """Print dbt's --vars for the environment's EVENTS (paths, apart by spaces) and VARS (YAML)."""
    try:
        settings = yaml.safe_load(os.environ.get("VARS") or "{}")
    except yaml.YAMLError as error:
        print(f"dwell: VARS is no YAML: {error}", file=sys.stderr)
        return 2
    if not isinstance(settings, dict):
        print("dwell: VARS must be a mapping, as in {session_timeout_minutes: 20}", file=sys.stderr)
        return 2
    if events := os.environ.get("EVENTS", "").split():
        settings["events_path"] = events
    print(json.dumps(settings))
    return 0
