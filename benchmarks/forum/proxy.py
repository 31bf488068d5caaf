"""A TCP proxy whose line can be cut: the network between members and hub."""

import contextlib
import select
import socket
import threading


class Proxy:
    """Forwards a port of its own to another until it is closed; each connection has a thread.

    Args:
        target: port on this machine.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._down = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop every connection in the middle of whatever it carries, and refuse new ones until ``mend``."""
        with self._lock:
            self._down = True
            self.cuts += len(self._open)
            for each in self._open:
                _reset(each)
            self._open.clear()

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._down = False

    def close(self) -> None:
        """End it and every connection."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = None
            if not self._down:
                with contextlib.suppress(OSError):
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
                    far.settimeout(None)
            with self._lock:
                if far is None or self._down:
                    for each in filter(None, (near, far)):
                        _reset(each)
                    continue
                self._open |= {near, far}
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for each in ready:
                    data = each.recv(65536)
                    if not data:
                        return self._end(near, far)
                    (far if each is near else near).sendall(data)
        return self._end(near, far)

    def _end(self, *pair: socket.socket) -> None:
        with self._lock:
            self._open -= set(pair)
        for each in pair:
            each.close()


def _reset(each: socket.socket) -> None:
    """Close so that the other end sees a reset (RFC 9293, 3.10.4), also a thread that is reading it here."""
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        each.shutdown(socket.SHUT_RDWR)
    each.close()
