"""Ports for servers of a test's own."""

import os
import random
import socket

# Below those that a system gives to clients: a server that was killed finds its port free again.
# Each of the processes that run tests has ports of its own.
FIRST, EACH = 20_000, 3_000


def free_ports():
    """Return a port that is free, as the next two are."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = FIRST + EACH * worker + random.randrange(EACH - 2)
        with socket.socket() as one, socket.socket() as second, socket.socket() as third:
            try:
                for i, server in enumerate((one, second, third)):
                    server.bind(("127.0.0.1", port + i))
            except OSError:
                continue
        return port
