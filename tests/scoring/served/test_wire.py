"""Servers that are slow, hang, die, lie, or lead astray: each ends in a fault that says what happened."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from mlgate.errors import ModelFault
from mlgate.scoring.served import wire

ROWS = pa.table({"x": [0.1, 0.7]})
GOOD = {"predictions": [0.1, 0.7]}


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PAUSES", (0.01, 0.01))


def fault(serve: Callable, ask: Callable, route: Callable, **said: Any) -> ModelFault:
    """Return the fault that comes of a server."""
    with pytest.raises(ModelFault) as caught:
        ask(f"{serve(route).url}/invocations", **said).predict(ROWS)
    return caught.value


def raw(content: bytes, pause: float = 0.0, *, reset: bool = False) -> Callable:
    """Send bytes as they are, byte by byte where there is a pause, and hang up."""

    def said(handler: Any) -> None:
        for place in range(0, len(content), 1 if pause else max(len(content), 1)):
            handler.wfile.write(content[place : place + (1 if pause else len(content))])
            handler.wfile.flush()
            time.sleep(pause)
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        handler.close_connection = True

    return said


def test_a_server_that_is_busy_is_asked_again(serve: Callable, ask: Callable) -> None:
    """503, 429 and the gateways' statuses pass; the rows are then scored once."""
    statuses = [503, 429, 200]
    server = serve(lambda *_: (statuses.pop(0), GOOD))
    assert ask(f"{server.url}/invocations").predict(ROWS)[:, 1].tolist() == [0.1, 0.7]
    assert len(server.asked) == 3


def test_a_server_that_stays_busy_is_given_up(serve: Callable, ask: Callable) -> None:
    """After a few attempts."""
    found = fault(serve, ask, lambda *_: (503, {"error": "loading"}))
    assert (found.kind, str(found).split(" ", 1)[1]) == (
        "raised",
        "answers 503 (Service Unavailable): loading",
    )


def test_a_server_that_says_no_is_not_asked_again(serve: Callable, ask: Callable) -> None:
    """An error of the model is its answer."""
    server = serve(lambda *_: (500, {"error": "x" * 9999}))
    with pytest.raises(ModelFault, match="answers 500") as caught:
        ask(f"{server.url}/invocations").predict(ROWS)
    assert len(server.asked) == 1
    assert len(str(caught.value)) < 300


def test_a_page_of_html_is_never_repeated(serve: Callable, ask: Callable) -> None:
    """Neither as an error nor as an answer."""
    for status in (200, 404):
        found = fault(serve, ask, lambda *_, status=status: (status, b"<html><b>secret</b>"))
        assert "secret" not in str(found)
    assert found.kind == "raised"
    assert fault(serve, ask, lambda *_: (200, b"<html>")).kind == "answer"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(serve: Callable, ask: Callable, status: int) -> None:
    """Rows and token would go to a host that nobody allowed."""
    other = serve(lambda *_: (200, GOOD))
    found = fault(serve, ask, lambda *_: (status, {}, [("Location", f"{other.url}/invocations")]))
    assert found.kind == "raised"
    assert "redirect" in str(found)
    assert other.asked == []


def test_a_server_that_hangs_is_left(serve: Callable, ask: Callable) -> None:
    """When its time is over, and it is not asked again."""
    hold = threading.Event()
    found = fault(serve, ask, lambda *_: (hold.wait(20), (200, GOOD))[1], seconds=0.3)
    hold.set()
    assert found.kind == "hung"


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b"[" * 900,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n[\r\n" * 200,
    ],
)
def test_a_server_that_dribbles_is_left(serve: Callable, ask: Callable, content: bytes) -> None:
    """Each byte comes in time, and the whole never does."""
    assert fault(serve, ask, lambda *_: raw(content, 0.05), seconds=0.5).kind == "hung"


@pytest.mark.parametrize(
    ("content", "reset"),
    [
        (b"", False),
        (b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n[1", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1", False),
        (b"SSH-2.0-OpenSSH_9.6\r\n", False),
        (b"\x00" * 99, False),
    ],
)
def test_a_server_that_dies_has_died(serve: Callable, ask: Callable, content: bytes, reset: bool) -> None:
    """Before it answers, in the middle of it, or because it is another server altogether."""
    found = fault(serve, ask, lambda *_: raw(content, reset=reset))
    assert found.kind == "died"


def test_nobody_there_is_said_so(ask: Callable) -> None:
    """With host and port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ModelFault, match=rf"^127.0.0.1:{port}: nobody listens there$") as caught:
            ask(f"http://127.0.0.1:{port}/invocations").predict(ROWS)
    assert caught.value.kind == "died"


def test_a_server_without_tls_is_not_asked_without(serve: Callable, ask: Callable) -> None:
    """An https URL stays one."""
    url = serve(lambda *_: (200, GOOD)).url.replace("http:", "https:")
    with pytest.raises(ModelFault, match=r"TLS|hung up") as caught:
        ask(f"{url}/invocations").predict(ROWS)
    assert caught.value.kind == "died"


@pytest.mark.parametrize(
    "content",
    [
        b'{"predictions": [NaN, 0.1]}',
        b'{"predictions": [Infinity, 0.1]}',
        b'{"predictions": [0.1, 0.7], "predictions": [0.9, 0.9]}',
        b"[" * 100_000,
        b'{"predictions": [' + b"9" * 5000 + b", 0.1]}",
        b'{"predictions": [1' + b"0" * 400 + b".5e10, true]}",
        b"",
        b"\xff\xfe",
        b'{"predictions": [0.1, 0.7]} and more',
        b'{"predictions": [0.1]}',
        b'{"predictions": [0.1, 0.7, 0.9]}',
        b'{"predictions": [[0.1, 0.9], [0.1]]}',
        b'{"predictions": [[0.1, 0.5, 0.4], [0.1, 0.5, 0.4]]}',
        b'{"predictions": [[[0.1]], [[0.9]]]}',
        b'{"predictions": "0.1"}',
        b'{"predictions": ["0.1", "0.7"]}',
        b'{"predictions": [true, false]}',
        b'{"predictions": [1, 0]}',
        b'{"predictions": {"0": 0.1, "1": 0.7}}',
        b'{"predictions": [{"a": 0.1}, {"b": 0.7}]}',
        b'{"predictions": [{"a": 0.1, "b": 0.9}, {"a": 0.1, "b": 0.9}]}',
        b"[0.1, 0.7]",
        b"null",
        b"{}",
    ],
)
def test_an_answer_that_is_none_is_refused(serve: Callable, ask: Callable, content: bytes) -> None:
    """Wrong length or shape, texts, classes where probabilities are due, and what is no JSON."""
    assert fault(serve, ask, lambda *_: (200, content)).kind == "answer"


def test_an_answer_without_an_end_is_cut(
    serve: Callable, ask: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it says its length or not."""
    monkeypatch.setattr(wire, "MOST_BYTES", 2**17)
    endless = raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b" " * 2**15 + b"\r\n") * 9
    )
    for route in (lambda *_: (200, b" " * 2**18), lambda *_: endless):
        found = fault(serve, ask, route)
        assert (found.kind, "more than" in str(found)) == ("answer", True)


def test_a_null_is_nan_and_not_mended(serve: Callable, ask: Callable) -> None:
    """What a server could not score is for the gate to judge."""
    url = serve(lambda *_: (200, {"predictions": [None, 0.7]})).url
    found = ask(f"{url}/invocations").predict(ROWS)
    assert str(found.tolist()) == "[[nan, nan], [0.30000000000000004, 0.7]]"


def test_the_token_is_sent_and_never_told(
    serve: Callable, ask: Callable, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in an error, though the server repeats it, not in a log, and not by what shows the endpoint."""
    server = serve(lambda *_: (401, {"error": "s3cret-token is not known"}))
    endpoint = ask(f"{server.url}/invocations", hosts=["127.0.0.1"], token="s3cret-token")  # noqa: S106
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelFault, match=r"\*\*\* is not known") as caught:
        endpoint.predict(ROWS)
    assert server.asked[0][2]["Authorization"] == "Bearer s3cret-token"
    seen = [
        str(caught.value),
        repr(endpoint),
        repr(vars(endpoint)["_wire"]),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert not any("s3cret" in one for one in seen)


def test_nothing_of_the_environment_steers_where_rows_go(
    serve: Callable, ask: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy."""
    proxy = serve(lambda *_: (200, {"predictions": [0.9, 0.9]}))
    server = serve(lambda *_: (200, GOOD))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    ask(f"{server.url}/invocations").predict(ROWS)
    assert proxy.asked == []


def test_a_connection_that_the_server_closed_in_between_is_opened_again(
    serve: Callable, ask: Callable
) -> None:
    """Servers end idle connections."""
    server = serve(lambda *_: (200, GOOD, [("Connection", "close")]))
    endpoint = ask(f"{server.url}/invocations")
    assert endpoint.predict(ROWS).tolist() == endpoint.predict(ROWS).tolist()
    assert endpoint.afresh().predict(ROWS).shape == (2, 2)


def test_many_rows_go_in_several_requests(serve: Callable, ask: Callable) -> None:
    """In their order, over one connection."""
    server = serve(
        lambda *said: (200, {"predictions": [row[0] for row in said[2]["dataframe_split"]["data"]]})
    )
    rows = pa.table({"x": [place / 5000 for place in range(5000)]})
    found = ask(f"{server.url}/invocations").predict(rows)
    assert found[:, 1].tolist() == rows.column("x").to_pylist()
    assert [len(body["dataframe_split"]["data"]) for *_, body in server.asked] == [2000, 2000, 1000]


def test_an_endpoint_is_shut_in_by_nobody_and_costs_nothing_that_is_known(ask: Callable) -> None:
    """Nothing is asserted of where it runs."""
    endpoint = ask("http://127.0.0.1:9/invocations")
    assert endpoint.isolation == (None, ())
    assert endpoint.location == "http://127.0.0.1:9/invocations"
    assert (endpoint.cost().load_seconds, endpoint.cost().peak_bytes) == (None, None)
    assert endpoint.attribute(ROWS, ROWS, explainer="auto", seed=0) is None
