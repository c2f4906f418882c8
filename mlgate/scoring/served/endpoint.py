"""A model behind an endpoint, as the gate takes any model: rows in, floats out."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgate.cells import Explainer, Isolation, ProcessCost
from mlgate.errors import EvidenceError, ModelFault
from mlgate.scoring.raw import Described, Limits, RawAttributions
from mlgate.scoring.served import mlflow, open_inference, plain, tensorflow
from mlgate.scoring.served.address import Address, Protocol, address_of, require_sendable
from mlgate.scoring.served.asking import Asked, Speaker, comparable
from mlgate.scoring.served.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

ROWS_AT_ONCE = 2_000
"""Rows of one request: servers bound the size of what they take."""

_SPEAKERS: Mapping[Protocol, Callable[[Wire, Asked], Speaker]] = {
    "open-inference": open_inference.OpenInference,
    "mlflow": mlflow.Invocations,
    "tensorflow": tensorflow.TensorFlowServing,
    "json": plain.PlainRoute,
}


def endpoint(
    uri: str,
    *,
    options: Mapping[str, Any],
    where: str,
    protocol: str | None = None,
    token: str | None = None,
    hosts: Collection[str] | None = None,
    limits: Limits | None = None,
) -> Endpoint:
    """Return a model behind an endpoint; nothing is sent before it is asked for something.

    Args:
        uri: As release.yaml writes it.
        options: What the release says of its model: `task`; `classes`, in the order of the endpoint;
            `positive`, the label that counts as positive, None for 1 of 0 and 1; `outputs` and `output`.
        where: The line of the release, for errors.
        protocol: What `model.protocol` states; None: the path tells it.
        token: A bearer token.
        hosts: `trust.hosts` of the policy; None: it has none.
        limits: `call_seconds` is for one request, with all its attempts.

    Raises:
        EvidenceError: It may not be asked, or the classes of the task do not fit.
    """
    address = address_of(uri, where=where, protocol=protocol, hosts=hosts)
    if token is not None:
        require_sendable(token, address, where=where)
    asked = _asked(options, where)
    return Endpoint(address=address, asked=asked, limits=limits or Limits(), _token=token)


def _asked(options: Mapping[str, Any], where: str) -> Asked:
    task, positive = options["task"], options.get("positive")
    outputs, output = options.get("outputs"), options.get("output")
    classes = tuple(options.get("classes") or ()) if task in ("binary", "multiclass") else ()
    if task == "binary" and not classes and positive is None and "positive" in options:
        classes = (0, 1)  # a release that names no positive label has labels of 0 and 1, or false and true
    known = [comparable(one) for one in classes]
    if not classes and (task == "multiclass" or (task == "binary" and outputs == "decisions")):
        raise EvidenceError(where, "an endpoint does not say its classes", "state `classes` in its order")
    if len(set(known)) != len(known) or (classes and task == "binary" and len(classes) != 2):  # noqa: PLR2004
        raise EvidenceError(
            where, f"{list(classes)} are not the classes of a {task} model", "correct `classes`"
        )
    if classes and positive is not None and comparable(positive) not in known:
        raise EvidenceError(
            where, f"{positive!r} is none of the classes {list(classes)}", "correct `classes`"
        )
    return Asked(task=task, classes=classes, positive=positive, outputs=outputs, output=output)


@dataclass(kw_only=True)
class Endpoint:
    """A model that runs elsewhere; a `Raw`."""

    address: Address
    asked: Asked
    limits: Limits = field(default_factory=Limits)
    _token: str | None = field(default=None, repr=False)
    _described: Described | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the connection; it opens with the first question."""
        self._wire = Wire(address=self.address, seconds=self.limits.call_seconds, token=self._token)
        weakref.finalize(self, self._wire.close)
        self._speaker = _SPEAKERS[self.address.protocol](self._wire, self.asked)

    @property
    def location(self) -> str:
        """Where it is, as the report may name it."""
        return self.address.written

    @property
    def described(self) -> Described:
        """What it says of itself; asked once."""
        if self._described is None:
            self._described = self._speaker.describe()
        return self._described

    @property
    def isolation(self) -> tuple[Isolation | None, tuple[str, ...]]:
        """Return None: it runs elsewhere."""
        return None, ()

    def predict(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return shape (n, k) for rows that hold its features and nothing else."""
        import numpy as np

        self.described  # noqa: B018 - what it says of its inputs decides how it is asked
        parts = [
            self._speaker.ask(rows.slice(start, ROWS_AT_ONCE))
            for start in range(0, rows.num_rows, ROWS_AT_ONCE)
        ]
        if len({part.shape[1] for part in parts}) > 1:
            raise ModelFault("answer", "it answers with more numbers for some rows than for others")
        return np.concatenate(parts)

    def attribute(
        self,
        rows: pa.Table,  # noqa: ARG002 - as every Raw
        background: pa.Table,  # noqa: ARG002
        *,
        explainer: Explainer,  # noqa: ARG002
        seed: int,  # noqa: ARG002
    ) -> RawAttributions | None:
        """Return None: nothing lies beside it that could explain it."""
        return None

    def echo(self, rows: pa.Table) -> None:
        """Do nothing: there is no way to it that does not ask the model."""

    def cost(self) -> ProcessCost:
        """Return that nothing is known of its process."""
        return ProcessCost(load_seconds=None, peak_bytes=None)

    def afresh(self) -> Endpoint:
        """Return the same endpoint over another connection; the model itself was not started anew."""
        return Endpoint(address=self.address, asked=self.asked, limits=self.limits, _token=self._token)

    def close(self) -> None:
        """Hang up."""
        self._wire.close()
