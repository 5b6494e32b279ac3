"""Write a few events as a CSV."""

import csv
import os
from pathlib import Path

HEADER = ("event_name", "user_id", "app_version", "event_time", "device_id", "client")
# after every event that a test makes, so that none is in the future
MODIFIED = 1_770_000_000


def write_events(path: Path, rows, modified=MODIFIED) -> Path:
    """Write (event_name, user_id, event_time) or all six columns per row; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        for row in rows:
            if len(row) == 3:
                row = (row[0], row[1], "1.0", row[2], "phone", "web")
            out.writerow(row)
    os.utime(path, (modified, modified))
    return path
