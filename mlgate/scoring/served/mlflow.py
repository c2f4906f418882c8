"""MLflow's scoring server: POST /invocations with `dataframe_split`, as `mlflow models serve` answers it.

It says nothing of the model over HTTP but the version of MLflow. The signature, where the model has one, is
enforced there: a feature that is missing is an error of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgate.errors import ModelFault
from mlgate.scoring.raw import Described
from mlgate.scoring.served.asking import Asked, comparable, read, records_of
from mlgate.scoring.served.wire import Wire

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class Invocations:
    """A scoring server of MLflow."""

    def __init__(self, wire: Wire, asked: Asked) -> None:
        """Nothing is sent yet."""
        self._wire, self._asked = wire, asked

    def describe(self) -> Described:
        """Return what the release says of it."""
        return Described(
            classes=self._asked.classes or None, outputs=self._asked.sort, library="MLflow scoring server"
        )

    def ask(self, rows: pa.Table) -> NDArray[np.float64]:
        """Ask for predictions."""
        split = {"columns": rows.column_names, "data": records_of(rows)}
        said = self._wire.post(f"{self._wire.address.model}/invocations", {"dataframe_split": split})
        answers = said.get("predictions") if isinstance(said, dict) else None
        if isinstance(answers, list) and answers and all(isinstance(one, dict) for one in answers):
            answers = self._of_records(answers)
        outputs = self._asked.sort
        if (
            outputs == "probabilities"
            and isinstance(answers, list)
            and all(type(one) is int for one in answers)
        ):
            raise ModelFault(
                "answer", "it answers with classes, not with probabilities; say `outputs: decisions`"
            )
        return read(answers, rows.num_rows, self._asked, outputs)

    def _of_records(self, answers: list[dict[str, Any]]) -> list[Any]:
        """Return the answers of a model that returns a table: one column, the one named, or one a class."""
        names = list(answers[0])
        if any(list(one) != names for one in answers):
            raise ModelFault("answer", "it answers with other columns for some rows than for others")
        if self._asked.output is not None:
            names = [self._asked.output] if self._asked.output in names else []
        if len(names) == 1:
            return [one[names[0]] for one in answers]
        by_class = {comparable(name): name for name in names}
        wanted = [by_class.get(comparable(one)) for one in self._asked.classes]
        if not wanted or None in wanted or self._asked.sort != "probabilities":
            shown = ", ".join(map(str, answers[0]))[:100]
            raise ModelFault(
                "answer", f"it answers with the columns {shown}; say which one is meant (`output`)"
            )
        return [[one[str(name)] for name in wanted] for one in answers]
