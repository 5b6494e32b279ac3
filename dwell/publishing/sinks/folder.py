"""A folder that ended streams are published to."""

from pathlib import Path

from dwell.publishing.publisher import Sink
from dwell.publishing.records import Messages
from dwell.runtime.atomic_file import replace_file


class Folder(Sink[Messages]):
    """A folder of JSON-lines files, one per batch.

    A file is named for its batch, so publishing a batch again writes the same file. A consumer of
    the files may remove them.
    """

    remedy = "Give the ledger that matches, or another folder to start from scratch"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"folder {folder.resolve()}"

    def open(self) -> None:
        """Create the folder, and remove the unfinished files of a process that was killed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(".streams-*.tmp"):
            path.unlink()

    def path(self, batch: int) -> Path:
        """Return the file of a batch."""
        return self.folder / f"streams-{batch:012}.jsonl"

    def last_batch(self) -> int | None:
        """Return the last batch that has a file."""
        names = (path.stem for path in self.folder.glob("streams-*.jsonl"))
        return max((int(name.removeprefix("streams-")) for name in names), default=None)

    def publish(self, batch: int, messages: Messages) -> None:
        """Write the file of a batch."""
        path = self.path(batch)
        hidden = path.with_name(f".{path.stem}.tmp")
        with hidden.open("w", encoding="utf-8") as file:
            file.writelines(f"{value}\n" for _, value in messages)
        replace_file(hidden, path)
