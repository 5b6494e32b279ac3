"""Ports for servers of a test's own."""

import socket


def free_ports():
    """Return a port that is free, as the next two are."""
    while True:
        with socket.socket() as one, socket.socket() as second, socket.socket() as third:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return port
