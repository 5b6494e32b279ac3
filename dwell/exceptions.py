"""The errors that end a command: one tree, each with the exit code of the command."""


class DwellError(Exception):
    """Ends a command with a sentence that states what is wrong, and how to fix it.

    `lines` follow the sentence, each on a line of its own.
    """

    exit_code = 1

    def __init__(self, sentence: object, *lines: str) -> None:
        super().__init__(sentence, *lines)
        self.lines = lines

    def __str__(self) -> str:
        """Return the sentence."""
        return str(self.args[0])


class UsageError(DwellError):
    """Options, settings, or files that need to change before the command can succeed."""

    exit_code = 2


class DifferenceError(DwellError):
    """A command that compares has found a difference."""


class InterruptedBuildError(DwellError):
    """A build was interrupted by Ctrl-C or SIGTERM."""

    def __init__(self, sentence: object, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class BuildError(DwellError):
    """A build could not start or finish; the live database has not changed."""


class BuildFailedError(DwellError):
    """A model or test failed; the copy is kept for inspection."""


class CorruptFileError(DwellError):
    """A compressed file is truncated, or its checksum is wrong."""


class DatabaseLockedError(DwellError):
    """Another process kept a database file open for longer than --lock-timeout."""


class DbtError(DwellError):
    """A run of dbt failed."""


class KafkaClientError(DwellError):
    """Kafka's client failed in a way that a retry does not fix."""


class KafkaConfigError(KafkaClientError, UsageError):
    """A Kafka setting is missing or wrong."""


class LandingInUseError(DwellError):
    """Another process lands the same topic in this folder."""


class LedgerError(UsageError):
    """The ledger and the sink, or the database, do not belong together."""


class LoadInUseError(DwellError):
    """Another process loads by the same ledger."""


class OutputError(DwellError):
    """A file that a command writes could not be written."""


class UnreadableDatabaseError(DwellError):
    """The database does not exist, is open for writing elsewhere, or was not built."""


class WarehouseError(DwellError):
    """A warehouse cannot be reached, or refuses what it is asked."""
