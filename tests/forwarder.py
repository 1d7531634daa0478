"""A network between the bot and its PostgreSQL that can be cut, go silent, and come back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url

_PIECE = 65536


class Forwarder:
    """Forwards connections on 127.0.0.1 to a Unix socket, until it is told otherwise."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._flowing = threading.Event()
        self._flowing.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    def cut(self) -> None:
        """Every connection ends, and none is made: the server is down."""
        # Closing alone would leave the thread that accepts in its call, and the port open.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def silence(self) -> None:
        """Connections stay and are made, and nothing comes through any of them: the server hangs."""
        self._flowing.clear()

    def mend(self) -> None:
        """The network is as it was."""
        self._flowing.set()
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._listen()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._pairs.append((client, server))
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                self._flowing.wait()
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarded(postgresql_url: str) -> Iterator[tuple[Forwarder, str]]:
    """A forwarder to that server, and the URL of the same database through it."""
    url = make_url(postgresql_url)
    forwarder = Forwarder(f"{url.query['host']}/.s.PGSQL.5432")
    through = url.set(host="127.0.0.1", port=forwarder.port, query={})
    try:
        yield forwarder, through.render_as_string(hide_password=False)
    finally:
        forwarder.mend()
        forwarder.cut()
