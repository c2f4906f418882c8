"""Where an endpoint is, which protocol it speaks, and whether the gate may talk to it at all.

The URL is written by whoever wants the model approved, so it is judged before any byte is sent: a plain
`http` URL only leads to this machine, everything else only where the policy's `trust.hosts` allows, and a
token only goes to a host that the policy names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args
from urllib.parse import SplitResult, urlsplit

from mlgate.errors import EvidenceError
from mlgate.strict_yaml import show

Protocol: TypeAlias = Literal["open-inference", "mlflow", "tensorflow", "json"]
"""open-inference: the Open Inference Protocol v2. mlflow: /invocations. tensorflow: TensorFlow Serving's
REST interface. json: the plain route of mlgate, see `plain`."""

PROTOCOLS: tuple[str, ...] = get_args(Protocol)

_PATHS: tuple[tuple[Protocol, re.Pattern[str]], ...] = (
    ("open-inference", re.compile(r"(?P<model>.*/v2/models/[^/]+(/versions/[^/]+)?)(/infer)?")),
    ("tensorflow", re.compile(r"(?P<model>.*/v1/models/[^/:]+(/(versions|labels)/[^/:]+)?)(:predict)?")),
    ("mlflow", re.compile(r"(?P<model>.*)/invocations")),
    ("json", re.compile(r"(?P<model>.*)")),
)
"""The first that matches tells the protocol; the last, which is no route of anybody's, has to be stated."""

_PORTS = {"http": 80, "https": 443}
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A place that the gate may talk to."""

    written: str
    """The URL, for messages and the report; it holds no secret."""
    scheme: Literal["http", "https"]
    host: str
    port: int
    model: str
    """The path below which the protocol's routes begin, without a slash at its end."""
    protocol: Protocol
    named: bool
    """Whether the policy names the host."""


def address_of(
    url: str, *, where: str, protocol: str | None = None, hosts: Collection[str] | None = None
) -> Address:
    """Return where an endpoint is.

    Args:
        url: As release.yaml writes it.
        where: The line of the release, for errors.
        protocol: What `model.protocol` states; None: the path tells it.
        hosts: The only hosts that may be reached, `host` or `host:port`, over http as over https; None: this
            machine alone. The rows of the tables go there, and the release names the address.

    Raises:
        EvidenceError: The URL is none, holds what it must not, tells no protocol, or leads where the gate
            may not go.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise EvidenceError(where, "is no URL", "write https://HOST/PATH") from None
    if parts.username is not None or parts.password is not None:
        # The URL is not shown: it holds a secret.
        raise EvidenceError(where, "holds a user or a password", "name a token with `token: env:NAME`")
    _require_plain(url, parts, where)
    host = str(parts.hostname)
    named = hosts is not None and bool({host, f"{host}:{port}"} & {one.lower() for one in hosts})
    if not named and (hosts is not None or not _is_this_machine(host)):
        listed = ", ".join(map(show, hosts or ())) or "none"
        what = f"leads to {host}:{port}, which the policy does not allow (trust.hosts: {listed})"
        raise EvidenceError(where, what, "name the host there, or use an endpoint on one that is named")
    spoken, model = _protocol(parts.path, protocol, where)
    return Address(
        written=url,
        scheme="https" if parts.scheme == "https" else "http",
        host=host,
        port=port,
        model=model,
        protocol=spoken,
        named=named,
    )


def require_sendable(token: str, address: Address, *, where: str) -> None:
    """Refuse to send a token to a host that the policy does not name.

    A release may name any variable of the environment, and any host: together they would give secrets away.

    Raises EvidenceError, also when the token is none that HTTP can carry.
    """
    if not address.named:
        what = f"a token would be sent to {address.host}, which the policy does not name"
        raise EvidenceError(where, what, "name the host under trust.hosts of the policy")
    if not _TOKEN.fullmatch(token):
        # The value is not shown: it is a secret.
        raise EvidenceError(
            where, "the token holds spaces or what is not ASCII", "set it to the bearer token"
        )


def _require_plain(url: str, parts: SplitResult, where: str) -> None:
    """Refuse a URL with anything but scheme, host, port and path in it, or with none of them."""
    if parts.scheme not in _PORTS or not parts.hostname:
        raise EvidenceError(where, f"{show(url)} is no URL of an endpoint", "write https://HOST/PATH")
    if "?" in url or "#" in url:
        raise EvidenceError(where, "has a query or a fragment, which endpoints do not need", "leave it out")
    if not url.isascii() or any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
        raise EvidenceError(where, f"{show(url)} holds what no URL may hold", "percent-encode it")
    if any(part in ("..", ".") for part in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")):
        raise EvidenceError(where, f"{show(url)} climbs with `..`", "write the path that is meant")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _protocol(path: str, stated: str | None, where: str) -> tuple[Protocol, str]:
    """Return the protocol and the path of the model."""
    if stated is not None and stated not in PROTOCOLS:
        raise EvidenceError(where, f"{show(stated)} is no protocol", f"use {', '.join(PROTOCOLS)}")
    bare = path.rstrip("/")
    for known, pattern in _PATHS:
        found = pattern.fullmatch(bare)
        if found and stated in (None, known):
            break
    else:
        what = f"{show(path)} is no route of {stated}"
        raise EvidenceError(where, what, f"write {_ROUTES[cast('Protocol', stated)]}")
    if known == "json" and stated is None:
        routes = ", ".join(f"{route} ({name})" for name, route in _ROUTES.items() if name != "json")
        what = f"the path {show(path)} does not tell which protocol is spoken"
        raise EvidenceError(where, what, f"use one of {routes}, or state protocol: json")
    return known, found["model"]


_ROUTES: dict[Protocol, str] = {
    "open-inference": "/v2/models/NAME",
    "tensorflow": "/v1/models/NAME",
    "mlflow": "/invocations",
    "json": "any path",
}
