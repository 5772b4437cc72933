"""Loopback networks for pods and Services, so that two sandboxes on one machine do not get in each other's way."""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator

POD_RANGE = "127.100.0.0/16"
SERVICE_RANGE = "127.96.0.0/16"
CLAIM_PORT = 47110
PREFIX_LENGTH = 22


class NoNetworkLeft(Exception):
    """Every network of the range is in use by another sandbox."""


@contextlib.contextmanager
def claim_network(within: str) -> Iterator[str]:
    """A network of the range that no other sandbox has, such as 127.100.4.0/22, until the block ends.

    The claim is a bound socket, so it also ends when this process dies in any way. Raises NoNetworkLeft, or ValueError
    when the range is not written as a network.
    """
    whole = ipaddress.IPv4Network(within)
    prefix_length = max(whole.prefixlen, PREFIX_LENGTH)
    for network in whole.subnets(new_prefix=prefix_length):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((str(network.broadcast_address), CLAIM_PORT))
        except OSError:
            claim.close()
            continue
        with claim:
            yield str(network)
        return
    raise NoNetworkLeft(
        f"all /{prefix_length} networks within {within} are in use by other sandboxes; stop one of them"
    )
