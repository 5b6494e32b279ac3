"""Settings of Kafka clients, and what their errors mean.

Settings are librdkafka's own, whatever they are: TLS, SASL, timeouts. They come from a file of
`name=value` lines and from the environment (DWELL_KAFKA_SASL_PASSWORD is sasl.password), which
wins. No value of a setting is ever printed.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from dwell.exceptions import KafkaConfigError

Client = TypeVar("Client")

PREFIX = "DWELL_KAFKA_"
DOCS = "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md"
# dwell sets these itself, because its guarantees depend on their values
RESERVED = ("group.id", "enable.auto.commit", "enable.partition.eof", "transactional.id")

# errors that a retry does not fix
FATAL_ERRORS = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic",
    KafkaError._UNKNOWN_TOPIC: "there is no such topic",
    KafkaError._UNKNOWN_PARTITION: "there is no such partition",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this user may not read or write it",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "this user may not use the group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this user may not do that on the cluster",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "this user may not use the transactional id",
    KafkaError._AUTHENTICATION: "the broker rejects the credentials",
    KafkaError.SASL_AUTHENTICATION_FAILED: "the broker rejects the credentials",
    KafkaError._SSL: "the TLS connection fails",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "the broker does not support this SASL mechanism",
}


def client_settings(bootstrap_servers: str | None, kafka_config: str | None) -> dict[str, str]:
    """Return the settings of a command's options, of its file, and of the environment."""
    settings: dict[str, str] = {}
    if kafka_config:
        settings |= read_file(Path(kafka_config))
    settings |= read_environment(os.environ)
    if bootstrap_servers:
        settings["bootstrap.servers"] = bootstrap_servers
    if not settings.get("bootstrap.servers"):
        raise KafkaConfigError(
            "no broker is named: give --bootstrap-servers, as in localhost:9092, or set "
            f"{PREFIX}BOOTSTRAP_SERVERS"
        )
    for name in RESERVED:
        if name in settings:
            raise KafkaConfigError(f"{name} cannot be set, because dwell sets it: remove it")
    return settings


def read_file(path: Path) -> dict[str, str]:
    """Return the settings in a file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KafkaConfigError(f"{path} cannot be read: {error}") from None
    settings = {}
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith(("#", "!")):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise KafkaConfigError(f"{path}, line {number}: must be name=value")
        settings[name.strip()] = value.strip()
    return settings


def read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the environment."""
    return {
        name.removeprefix(PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }


def create_client(
    kind: Callable[..., Client], settings: Mapping[str, object], **options: object
) -> Client:
    """Return a Consumer, Producer, or AdminClient; raise if one of its settings is wrong."""
    try:
        return kind(dict(settings), **options)
    except (KafkaException, ValueError, TypeError) as error:
        message = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        for value in settings.values():
            # any value may be a secret, whatever the name of its setting
            if isinstance(value, str) and len(value) > 3:
                message = message.replace(value, "***")
        raise KafkaConfigError(
            f"a setting of Kafka is wrong: {message}. All settings: {DOCS}"
        ) from None


def describe_error(error: KafkaError, what: str) -> str:
    """Return what an error means for a topic, or for whatever failed."""
    meaning = FATAL_ERRORS.get(error.code())
    return f"{what}: {meaning} ({error.str()})" if meaning else f"{what}: {error.str()}"


def is_fatal(error: KafkaError) -> bool:
    """Whether a retry would fail again."""
    return error.code() in FATAL_ERRORS or error.fatal()
