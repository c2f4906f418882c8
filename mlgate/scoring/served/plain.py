"""The plain JSON route: what is easiest to write for a model that has no server of its own.

    POST  {"columns": ["age", "job"], "rows": [[31, "clerk"], [44, null]]}
    200   {"scores": [0.1, 0.7]}

`scores` has a number for each row (binary: the probability of the positive class), or a list with one for
each class, then with `"classes": [...]` in their order; `{"decisions": ["yes", "no"]}` names classes instead.
A GET of the same route may answer `{"features": [...], "classes": [...], "library": "..."}`; where it answers
404, 405 or 501, the endpoint says nothing of itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgate.errors import ModelFault
from mlgate.scoring.raw import Described
from mlgate.scoring.served.asking import Asked, comparable, read, records_of
from mlgate.scoring.served.wire import Wire

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class PlainRoute:
    """A plain JSON route."""

    def __init__(self, wire: Wire, asked: Asked) -> None:
        """Nothing is sent yet."""
        self._wire, self._asked = wire, asked

    def describe(self) -> Described:
        """Ask the route about itself, which it need not answer."""
        said = self._wire.get(self._path)
        said = {} if said is None else said
        if not isinstance(said, dict):
            raise ModelFault("answer", "it says of itself what is no JSON object")
        features, classes = said.get("features"), said.get("classes")
        library = said.get("library", "a JSON route")
        if not _are(features, (str,)) or not _are(classes, (str, int, float)) or not isinstance(library, str):
            raise ModelFault(
                "answer", "its features, classes or library are not the lists and text they should be"
            )
        if classes is not None and self._asked.classifies:
            self._require_same(classes)
            self._asked = replace(self._asked, classes=tuple(classes))
        return Described(
            features=None if features is None else tuple(features),
            classes=self._asked.classes or None,
            outputs=self._asked.sort,
            library=library[:100],
        )

    def ask(self, rows: pa.Table) -> NDArray[np.float64]:
        """Ask for scores."""
        said = self._wire.post(self._path, {"columns": rows.column_names, "rows": records_of(rows)})
        key = "decisions" if self._asked.sort == "decisions" else "scores"
        if not isinstance(said, dict) or key not in said:
            raise ModelFault("answer", f"it answers without {key!r}")
        asked, classes = self._asked, said.get("classes")
        if classes is not None and asked.sort == "probabilities":
            if not _are(classes, (str, int, float)):
                raise ModelFault("answer", "its classes are no list of texts or numbers")
            self._require_same(classes)
            order = [[comparable(one) for one in classes].index(comparable(one)) for one in asked.classes]
            found = read(said[key], rows.num_rows, replace(asked, classes=tuple(classes)), asked.sort)
            return found[:, order]
        return read(said[key], rows.num_rows, asked, asked.sort)

    @property
    def _path(self) -> str:
        return self._wire.address.model or "/"

    def _require_same(self, classes: list[Any]) -> None:
        given, due = (
            sorted(map(str, map(comparable, classes))),
            sorted(map(str, map(comparable, self._asked.classes))),
        )
        if given != due:
            raise ModelFault("answer", "its classes are not those of the release")


def _are(given: Any, sorts: tuple[type, ...]) -> bool:
    return given is None or (isinstance(given, list) and all(isinstance(one, sorts) for one in given))
