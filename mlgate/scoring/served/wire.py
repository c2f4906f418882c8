"""JSON over HTTP to one host: bounded in time and size, to nowhere else, and told in no more than a line.

Nothing of the environment steers it: no proxy, no netrc, no cookie. A redirect is an answer like any other,
and no good one. What is sent asks for predictions, so that sending it twice does no harm.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mlgate.errors import ModelFault
from mlgate.scoring.served.address import Address

MOST_BYTES = 64 * 2**20
"""Of an answer."""

PAUSES = (0.2, 0.6, 1.8)
"""Seconds to wait before each further attempt."""

_AGAIN = frozenset({429, 502, 503, 504})
"""What a server answers that may do better a moment later."""

_BLOCK = 2**16
_MOST_SAID = 200


@dataclass(kw_only=True)
class Wire:
    """A connection that is kept open between questions; one question at a time."""

    address: Address
    seconds: float
    """For one question with all its attempts."""
    token: str | None = field(default=None, repr=False)
    _open: http.client.HTTPConnection | None = field(default=None, init=False, repr=False)

    def get(self, path: str, *, seconds: float | None = None) -> Any:
        """Return the JSON that lies at a path below the host; None where it says that there is nothing."""
        return self._ask("GET", path, None, seconds or self.seconds, missing=(404, 405, 501))

    def post(self, path: str, question: Any) -> Any:
        """Send JSON and return the JSON that it answers."""
        body = json.dumps(question, allow_nan=False, separators=(",", ":")).encode()
        return self._ask("POST", path, body, self.seconds)

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def _ask(
        self, method: str, path: str, body: bytes | None, seconds: float, missing: tuple[int, ...] = ()
    ) -> Any:
        """Ask until there is an answer, the attempts are used up, or the time is over.

        Raises ModelFault. hung: no whole answer in time. died: nobody answers. raised: it answers with an
        error. answer: what it answers is not JSON, or too much.
        """
        ends = time.monotonic() + seconds
        for pause in (*PAUSES, None):
            try:
                status, said, sort = self._attempt(method, path, body, ends)
            except (ConnectionError, socket.gaierror, http.client.HTTPException, ssl.SSLEOFError) as error:
                fault = ModelFault("died", f"{self._name}: {_failed(error)}")
            else:
                if status in missing:
                    return None
                if status == http.HTTPStatus.OK:
                    return self._read(said, sort)
                fault = self._refused(status, said)
                if status not in _AGAIN:
                    raise fault
            if pause is None or time.monotonic() + pause >= ends:
                break
            time.sleep(pause)
        raise fault

    @property
    def _name(self) -> str:
        return f"{self.address.host}:{self.address.port}"

    def _attempt(self, method: str, path: str, body: bytes | None, ends: float) -> tuple[int, bytes, str]:
        """Ask once; return the status, the answer, and what sort it says to be."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mlgate"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        whole = False
        try:
            connection = self._connected(ends)
            with self._until(ends, connection):
                connection.request(method, path, body=body, headers=headers)
                answer = connection.getresponse()
                said = self._body(answer)
                whole = not answer.will_close
            return answer.status, said, answer.headers.get_content_type()
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message or "it cannot be verified"
            raise ModelFault("died", f"{self._name}: its certificate is not trusted ({why})") from None
        except TimeoutError:
            raise self._late() from None
        except ssl.SSLError as error:
            if isinstance(error, ssl.SSLEOFError):
                raise
            raise ModelFault("died", f"{self._name}: it does not speak TLS ({error.reason})") from None
        except OSError as error:
            if isinstance(error, ConnectionError | socket.gaierror):
                raise
            raise ModelFault("died", f"{self._name}: {_failed(error)}") from None
        finally:
            if not whole:
                self.close()

    def _connected(self, ends: float) -> http.client.HTTPConnection:
        """Return the open connection; a new one where there is none, or the other side has hung up."""
        if self._open is not None and (self._open.sock is None or _hung_up(self._open.sock)):
            self.close()
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._open is None:
            self._open = self._new(left)
            self._open.connect()
        if self._open.sock is not None:
            self._open.sock.settimeout(left)
        return self._open

    def _new(self, seconds: float) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        if self.address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=seconds)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)

    @contextmanager
    def _until(self, ends: float, connection: http.client.HTTPConnection) -> Iterator[None]:
        """Cut the line when the time is over: a server that sends a byte now and then would never end."""
        over = threading.Event()
        line = connection.sock

        def cut() -> None:
            over.set()
            with suppress(OSError):
                # Of the socket itself: to end TLS politely would wait for the other side.
                socket.socket.shutdown(line, socket.SHUT_RDWR)

        timer = threading.Timer(max(ends - time.monotonic(), 0.0), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException):
            if over.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
        if over.is_set():
            raise TimeoutError

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        """Read an answer that is not too long."""
        parts, size = [], 0
        while block := answer.read1(_BLOCK):
            size += len(block)
            if size > MOST_BYTES:
                raise ModelFault("answer", f"{self._name} answers with more than {MOST_BYTES >> 20} MiB")
            parts.append(block)
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        answer.close()  # what is read in parts does not end by itself, and the next question would be refused
        return b"".join(parts)

    def _read(self, said: bytes, sort: str) -> Any:
        try:
            return json.loads(said, parse_constant=_no_constant, object_pairs_hook=_no_twin)
        except (ValueError, RecursionError) as error:
            what = str(error) if isinstance(error, _NotStrict) else f"{sort[:60]} that is not JSON"
            raise ModelFault("answer", f"{self._name} answers with {what}") from None

    def _refused(self, status: int, said: bytes) -> ModelFault:
        if 300 <= status < 400:  # noqa: PLR2004 - the statuses of redirects
            return ModelFault(
                "raised", f"{self._name} answers with a redirect ({status}); it is not followed"
            )
        text = _told(said)
        if self.token is not None:
            text = text.replace(self.token, "***")
        reason = http.client.responses.get(status, "an unknown status")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        shown = f": {line[:_MOST_SAID]}" if line else ""
        return ModelFault("raised", f"{self._name} answers {status} ({reason}){shown}")

    def _late(self) -> ModelFault:
        return ModelFault(
            "hung", f"{self._name} gave no whole answer in the time it has ({self.seconds:g} s)"
        )


class _NotStrict(ValueError):
    """What Python would read, and JSON does not have."""


def _no_constant(name: str) -> None:
    raise _NotStrict(f"{name}, which is no JSON")


def _no_twin(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrict("a key that stands twice")
    return found


def _told(said: bytes) -> str:
    """Return what a server says of its error, where it says it as the protocols have it; never a page."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    return next((found[key] for key in ("error", "message", "detail") if isinstance(found.get(key), str)), "")


def _failed(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, socket.gaierror):
        return "the host has no address"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionError | ssl.SSLEOFError):
        return "it hung up without an answer"
    if isinstance(error, http.client.IncompleteRead):
        return "it hung up before the answer was whole"
    if isinstance(error, http.client.HTTPException):
        return "what it answers is not HTTP"
    return f"it cannot be reached ({getattr(error, 'strerror', None) or type(error).__name__})"


def _hung_up(line: socket.socket) -> bool:
    """Whether a line that should be silent is not: then the other side has closed it, or lost the thread."""
    import select

    try:
        readable, _, _ = select.select([line], [], [], 0)
    except (OSError, ValueError):
        return True
    return bool(readable)
