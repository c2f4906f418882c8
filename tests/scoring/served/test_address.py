"""Where an endpoint may be: which URLs are asked at all, in which protocol, and who gets a token."""

from __future__ import annotations

import pytest

from mlgate.errors import EvidenceError
from mlgate.scoring.served import address_of, endpoint
from mlgate.scoring.served.address import require_sendable

HOSTS = ["models.example.org"]


@pytest.mark.parametrize(
    ("path", "protocol", "model"),
    [
        ("/v2/models/credit", "open-inference", "/v2/models/credit"),
        ("/v2/models/credit/", "open-inference", "/v2/models/credit"),
        ("/v2/models/credit/versions/3", "open-inference", "/v2/models/credit/versions/3"),
        ("/v2/models/credit/versions/3/infer", "open-inference", "/v2/models/credit/versions/3"),
        ("/seldon/team/credit/v2/models/m/infer", "open-inference", "/seldon/team/credit/v2/models/m"),
        ("/invocations", "mlflow", ""),
        ("/serving/credit/invocations", "mlflow", "/serving/credit"),
        ("/v1/models/credit:predict", "tensorflow", "/v1/models/credit"),
        ("/v1/models/credit/versions/7", "tensorflow", "/v1/models/credit/versions/7"),
        ("/v1/models/credit/labels/stable:predict", "tensorflow", "/v1/models/credit/labels/stable"),
    ],
)
def test_the_path_tells_the_protocol(path: str, protocol: str, model: str) -> None:
    """Each protocol has routes of its own."""
    found = address_of(f"https://models.example.org{path}", where="r:1", hosts=HOSTS)
    assert (found.protocol, found.model, found.port) == (protocol, model, 443)


def test_a_route_of_no_protocol_has_to_state_that_it_is_plain_json() -> None:
    """Nothing is guessed from a path that nobody knows."""
    with pytest.raises(EvidenceError, match="does not tell which protocol"):
        address_of("https://models.example.org/score", where="r:1", hosts=HOSTS)
    assert (
        address_of("https://models.example.org/score", where="r:1", hosts=HOSTS, protocol="json").model
        == "/score"
    )


def test_a_protocol_that_the_path_contradicts_is_refused() -> None:
    """The stated protocol says what the path has to be."""
    with pytest.raises(EvidenceError, match="is no route of open-inference; write /v2/models/NAME"):
        address_of("https://models.example.org/score", where="r:1", hosts=HOSTS, protocol="open-inference")
    with pytest.raises(EvidenceError, match="is no protocol"):
        address_of("https://models.example.org/score", where="r:1", hosts=HOSTS, protocol="grpc")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "127.0.0.1:8080"])
def test_this_machine_may_be_asked_without_encryption(host: str) -> None:
    """Nothing leaves it."""
    assert address_of(f"http://{host}/invocations", where="r:1").scheme == "http"


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "127.0.0.1.example.org",
        "localhost.example.org",
        "10.0.0.1",
        "169.254.169.254",
        "0x7f.1",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_rows_go_to_another_machine_only_where_the_policy_names_it(host: str, scheme: str) -> None:
    """A name that looks like this machine's is none."""
    with pytest.raises(EvidenceError, match=r"trust.hosts: none"):
        address_of(f"{scheme}://{host}/invocations", where="r:1")
    assert address_of(f"http://{host}/invocations", where="r:1", hosts=[host]).named


@pytest.mark.parametrize("hosts", [[], ["other.org"], ["example.org:8443"], ["ample.org"], ["org"]])
@pytest.mark.parametrize("url", ["https://example.org/invocations", "http://127.0.0.1/invocations"])
def test_only_hosts_that_the_policy_names_are_asked(hosts: list[str], url: str) -> None:
    """Where it names any, this machine has to be named like the others."""
    with pytest.raises(EvidenceError, match=r"the policy does not allow \(trust.hosts: "):
        address_of(url, where="r:1", hosts=hosts)


def test_a_host_is_named_with_or_without_its_port() -> None:
    """In any case of letters."""
    for hosts in (["Example.org"], ["example.org:443"]):
        assert address_of("https://EXAMPLE.org/invocations", where="r:1", hosts=hosts).named


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/invocations",
        "https:///invocations",
        "https://example.org/invocations?key=1",
        "https://example.org/invocations#a",
        "https://example.org/in vocations",
        "https://example.org/\r\nHost: x/invocations",
        "https://example.org\\@evil.org/invocations",
        "https://example.org/a/../invocations",
        "https://example.org/a/%2e%2E/invocations",
        "https://example.org:99999/invocations",
        "https://[::1/invocations",
        "https://exämple.org/invocations",
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    """No query, no fragment, no spaces, no climbing."""
    with pytest.raises(EvidenceError):
        address_of(url, where="r:1")


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    """A token has a key of its own."""
    with pytest.raises(EvidenceError) as caught:
        address_of("https://anna:s3cret@example.org/invocations", where="r:1")
    assert "s3cret" not in str(caught.value)


def test_a_token_goes_only_to_a_host_that_the_policy_names() -> None:
    """Else a release could send any variable of the environment anywhere."""
    url = "https://example.org/invocations"
    local = address_of("http://127.0.0.1:8080/invocations", where="r:1")
    with pytest.raises(EvidenceError, match="which the policy does not name"):
        require_sendable("s3cret", local, where="r:2")
    require_sendable("s3cret", address_of(url, where="r:1", hosts=["example.org"]), where="r:2")


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "tokén"])
def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    """A line break in it would be another header."""
    named = address_of("https://example.org/invocations", where="r:1", hosts=["example.org"])
    with pytest.raises(EvidenceError, match=r"^r:2: the token holds") as caught:
        require_sendable(token, named, where="r:2")
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"task": "multiclass"}, "does not say its classes"),
        ({"task": "binary", "outputs": "decisions"}, "does not say its classes"),
        ({"task": "binary", "classes": ["a", "b", "c"]}, "are not the classes of a binary model"),
        ({"task": "multiclass", "classes": [1, "1"]}, "are not the classes"),
        ({"task": "binary", "classes": ["a", "b"], "positive": "z"}, "is none of the classes"),
    ],
)
def test_classes_that_do_not_fit_the_task_are_an_error_before_anything_is_sent(
    options: dict[str, object], said: str
) -> None:
    """An endpoint rarely says its classes, so that the release has to."""
    with pytest.raises(EvidenceError, match=said):
        endpoint("https://example.org/invocations", options=options, where="r:1", hosts=["example.org"])
