"""One TCP connection passed on to another, byte by byte, both ways, half-closes included.

Where to is decided by whoever makes the `Inbound`; a connection that cannot be made is answered by a reset.
"""

import asyncio
import socket
import struct
from collections.abc import Callable

Address = tuple[str, int]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _End(asyncio.Protocol):
    """One of the two ends; `peer` is the other, once there is one."""

    def __init__(self) -> None:
        self.peer: _End | None = None
        self.said_all = False
        self._transport: asyncio.Transport | None = None

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self.peer is not None:
            self.peer.transport.write(data)

    def pause_writing(self) -> None:
        # This end takes no more for now, so the other is not read.
        if self.peer is not None and not self.peer.transport.is_closing():
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()

    def eof_received(self) -> bool:
        """Pass the half-close on; the connection ends when both sides have said all."""
        self.said_all = True
        if self.peer is None or self.peer.transport.is_closing():
            return False
        if self.peer.said_all:
            self.peer.transport.close()
            return False
        self.peer.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.peer is None or self.peer.transport.is_closing():
            return
        if exc is None:
            self.peer.transport.close()
        else:
            reset(self.peer.transport)


class Inbound(_End):
    """The end towards the client. `choose` names the endpoint when the client has connected, or None.

    While it is open it is in `live`.
    """

    def __init__(self, choose: Callable[[], Address | None], live: "set[Inbound]") -> None:
        super().__init__()
        self._choose = choose
        self._live = live
        self._connecting: asyncio.Task[None] | None = None
        self._early = b""  # what the client said before there was anybody to tell

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._live.add(self)
        address = self._choose()
        if address is None:
            reset(self.transport)
            return
        # Early releases of Python 3.11 do not heed a pause asked for here: what comes nevertheless must not be lost.
        self.transport.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect(address))

    def data_received(self, data: bytes) -> None:
        if self.peer is None:
            self._early += data
        else:
            super().data_received(data)

    def eof_received(self) -> bool:
        """See `_End`; one that comes early is passed on when there is somebody to tell."""
        if self.peer is None:
            self.said_all = True
            return True
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._live.discard(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """End both sides at once."""
        if self._connecting is not None:
            self._connecting.cancel()
        for end in (self, self.peer):
            if end is not None:
                end.transport.abort()

    async def _connect(self, address: Address) -> None:
        try:
            endpoint, outbound = await asyncio.get_running_loop().create_connection(_End, *address)
        except OSError:
            reset(self.transport)
            return
        if self.transport.is_closing():
            reset(endpoint)
            return
        self.peer, outbound.peer = outbound, self
        outbound.transport.write(self._early)
        if self.said_all:
            outbound.transport.write_eof()
        self.transport.resume_reading()


def reset(transport: asyncio.Transport) -> None:
    """Close so that the other side sees a reset, as from a host where nothing listens."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
