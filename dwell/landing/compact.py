"""`dwell compact`: merges landing files that are loaded, and removes old ones."""

from pathlib import Path

from dwell import config
from dwell.exceptions import UsageError
from dwell.landing.compaction import compact_folder
from dwell.runtime import log
from dwell.runtime.database_lock import retry_while_locked


def compact(*, landing: str, keep_days: float) -> None:
    """Compact the landing folder once."""
    folder, database = Path(landing), Path(config.database())
    for path in (folder, database):
        if not path.exists():
            raise UsageError(f"there is no {path}: name it by --landing or DWELL_DATABASE")
    if not retry_while_locked(lambda: compact_folder(folder, database, keep_days)):
        log.info("compaction: nothing to do")
