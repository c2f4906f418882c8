"""Models behind HTTP: asked, never loaded. They run elsewhere, and nothing of them is shut in or digested.

`address` says where one is and whether the gate may talk to it, `wire` sends and receives, and one file for
each protocol turns rows into its requests and its answers into numbers.
"""

from mlgate.scoring.served.address import PROTOCOLS, Address, Protocol, address_of
from mlgate.scoring.served.endpoint import Endpoint, endpoint

__all__ = ["PROTOCOLS", "Address", "Endpoint", "Protocol", "address_of", "endpoint"]
