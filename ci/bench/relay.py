"""A TCP relay between a device and its hub: the link that the bench cuts."""

import contextlib
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)


class Relay:
    """Listens on a free port of this machine, and carries what comes there to another."""

    def __init__(self, target: int):
        """Opens the link."""
        self.target = target
        self.lock = threading.Lock()
        self.sockets: set[socket.socket] = set()
        self.open = True
        # Kept bound while nobody listens, so that the port stays ours and whoever connects is refused.
        self.reservation = self._bound(0)
        self.port = self.reservation.getsockname()[1]
        self.listener = self._listen()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def _listen(self) -> socket.socket:
        listener = self._bound(self.port)
        listener.listen()
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def cut(self) -> None:
        """Resets every connection; new ones are taken."""
        with self.lock:
            sockets, self.sockets = self.sockets, set()
        for end in sockets:
            self._reset(end)

    def close(self) -> None:
        """Resets every connection and refuses new ones."""
        with self.lock:
            self.open = False
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def reopen(self) -> None:
        """Takes connections again."""
        with self.lock:
            self.open = True
        self.listener = self._listen()

    @staticmethod
    def _reset(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            # Wakes the thread that reads here; a reset needs both.
            end.shutdown(socket.SHUT_RD)
        end.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                device, _ = listener.accept()
            except OSError:
                return
            try:
                hub = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                self._reset(device)
                continue
            for end in (device, hub):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                open_still = self.open
                if open_still:
                    self.sockets |= {device, hub}
            if not open_still:
                self._reset(device)
                self._reset(hub)
                continue
            for source, sink in ((device, hub), (hub, device)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        with self.lock:
            was_cut = sink not in self.sockets
        # An orderly end is carried too; a cut must not look like one.
        if not was_cut:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
