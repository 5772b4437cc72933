"""Pod addresses out of one network, each used again as late as possible."""

import ipaddress


class AddressesExhausted(Exception):
    """Every address of the pod network is in use."""


class Addresses:
    """Hands out addresses in turn, so that a late packet for a pod that is gone does not meet a new one."""

    def __init__(self, network: str) -> None:
        """Raises ValueError when `network` is not one, such as 10.244.0.0/16."""
        self._network = ipaddress.IPv4Network(network)
        self._used: set[int] = set()
        self._last = 0

    def take(self) -> str:
        """A free address, neither the network's own nor its broadcast. Raises AddressesExhausted."""
        usable = self._network.num_addresses - 2
        for step in range(1, usable + 1):
            offset = (self._last - 1 + step) % usable + 1
            if offset not in self._used:
                self._used.add(offset)
                self._last = offset
                return str(self._network[offset])
        raise AddressesExhausted(f"all {usable} addresses of the pod network {self._network} are in use")

    def release(self, address: str) -> None:
        self._used.discard(int(ipaddress.IPv4Address(address)) - int(self._network.network_address))
