"""A Kafka client's settings, and its errors in words.

Settings are librdkafka's own, whatever they are: TLS, SASL, timeouts. They come from a file of
`name=value` lines and from the environment (DWELL_KAFKA_SASL_PASSWORD is sasl.password), which
wins, and no value of them is ever printed.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException

from dwell.exceptions import KafkaConfigError

PREFIX = "DWELL_KAFKA_"
DOCS = "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md"
# What dwell relies on. Who sets it otherwise has misread what dwell promises.
OURS = ("group.id", "enable.auto.commit", "enable.partition.eof", "transactional.id")

# Errors after which asking again does not help.
HOPELESS = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic",
    KafkaError._UNKNOWN_TOPIC: "there is no such topic",
    KafkaError._UNKNOWN_PARTITION: "there is no such partition",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this user may not read or write it",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "this user may not use the group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this user may not do that on the cluster",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "this user may not use the transactional id",
    KafkaError._AUTHENTICATION: "the broker does not accept who this says it is",
    KafkaError.SASL_AUTHENTICATION_FAILED: "the broker does not accept who this says it is",
    KafkaError._SSL: "no TLS connection comes about",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "the broker does not know this SASL mechanism",
}


def settings_of(arguments) -> dict[str, str]:
    """Return the settings of a command's options, its file and the environment."""
    settings = {}
    if arguments.kafka_config:
        settings |= read_file(Path(arguments.kafka_config))
    settings |= read_environment(os.environ)
    if arguments.bootstrap_servers:
        settings["bootstrap.servers"] = arguments.bootstrap_servers
    if not settings.get("bootstrap.servers"):
        raise KafkaConfigError(
            "no broker is named: give --bootstrap-servers, as in localhost:9092, or set "
            f"{PREFIX}BOOTSTRAP_SERVERS"
        )
    for name in OURS:
        if name in settings:
            raise KafkaConfigError(f"{name} cannot be set: dwell sets it, and relies on it")
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
            raise KafkaConfigError(f"{path}, line {number}: no name=value")
        settings[name.strip()] = value.strip()
    return settings


def read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the environment."""
    return {
        name.removeprefix(PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }


def make(kind, settings: Mapping[str, object], **more):
    """Return a Consumer, Producer or AdminClient, or say which of its settings is wrong."""
    try:
        return kind(dict(settings), **more)
    except (KafkaException, ValueError, TypeError) as error:
        said = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        for value in settings.values():
            # a value may be a secret, whatever its setting is called
            if isinstance(value, str) and len(value) > 3:
                said = said.replace(value, "***")
        raise KafkaConfigError(
            f"a setting of Kafka is wrong: {said}. They are told at {DOCS}"
        ) from None


def in_words(error: KafkaError, what: str) -> str:
    """Return what an error means for a topic, or whatever it was about."""
    meaning = HOPELESS.get(error.code())
    return f"{what}: {meaning} ({error.str()})" if meaning else f"{what}: {error.str()}"


def is_hopeless(error: KafkaError) -> bool:
    """Whether it would be the same if it were tried again."""
    return error.code() in HOPELESS or error.fatal()
