"""A proxy before PostgreSQL that makes its start of a connection look like Redshift's.

Redshift grew from PostgreSQL 8.0, and its client still speaks PostgreSQL's protocol. PostgreSQL
knows none of its parameters, and Redshift's client cannot read PostgreSQL's version.
"""

import contextlib
import socket
import struct
import threading

KNOWN = (b"user", b"database")
VERSION = b"server_version\x008.0.2\x00"


def read_message(side, kind_bytes):
    """Return (kind, content) of the next message; those of a start have no kind."""
    kind = side.recv(kind_bytes, socket.MSG_WAITALL) if kind_bytes else b""
    (length,) = struct.unpack("!I", side.recv(4, socket.MSG_WAITALL))
    return kind, side.recv(length - 4, socket.MSG_WAITALL)


def send_message(side, kind, content):
    side.sendall(kind + struct.pack("!I", len(content) + 4) + content)


def pass_on(source, target):
    """Pass on all data until one side closes."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for side in (source, target):
        # the other thread waits for it, and would not notice that it is closed
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()


def from_server(server, client):
    """Pass on the messages of the server, with the version replaced."""
    kind = b""
    try:
        while kind != b"Z":
            kind, content = read_message(server, 1)
            if kind == b"S" and content.startswith(b"server_version\x00"):
                content = VERSION
            send_message(client, kind, content)
    except (OSError, struct.error):
        pass
    pass_on(server, client)


def serve(client, port):
    """Serve one client."""
    server = socket.create_connection(("127.0.0.1", port))
    _, content = read_message(client, 0)
    version, words = content[:4], content[4:].rstrip(b"\0").split(b"\0")
    given = zip(words[::2], words[1::2], strict=True)
    kept = b"".join(name + b"\0" + value + b"\0" for name, value in given if name in KNOWN)
    send_message(server, b"", version + kept + b"\0")
    threading.Thread(target=from_server, args=(server, client), daemon=True).start()
    pass_on(client, server)


def start(port):
    """Start a proxy of a PostgreSQL on a port, until this process ends; return the proxy's port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, port), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]
