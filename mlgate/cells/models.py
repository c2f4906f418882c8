"""What a measure can ask of a model, and what it is told. The model itself runs elsewhere.

A model is loaded and scored in a process of its own, so all that a measure holds is a `Scorer`: rows go in,
numbers come back. Rows are Arrow tables of the features alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from mlgate.cells.columns import ColumnType, Task
from mlgate.cells.provenance import StatedCommit

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Which: TypeAlias = Literal["release", "champion"]

Isolation: TypeAlias = Literal["full", "filesystem", "process"]
"""How far the model's process is shut in, strongest first.

full: it reads its own files and libraries only, and reaches no network and no other process.
filesystem: it reads its own files and libraries only. process: a process of its own with limits, no more.
"""

Explainer: TypeAlias = Literal["auto", "tree", "linear", "permutation", "kernel"]


# What is asked ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """The loaded model, ready to score. Answer: `ModelFound`."""

    which: Which = "release"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Some rows in the types in which the model is given them. Answer: `DrawnRows`.

    The same rows on every run, in whatever order the table is.
    """

    columns: tuple[str, ...]
    rows: int
    """How many at most; the whole table where it has no more."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Artifact:
    """The bytes of the model, which are not loaded. Answer: `ArtifactFound`."""

    which: Which = "release"


@dataclass(frozen=True, slots=True)
class Source:
    """The repository in which the release lies. Answer: `SourceFound`."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """The model that the declared command makes, in a clean copy of the commit. Answer: `RetrainedFound`."""

    seed: int | None = None
    """What the command is given as MLGATE_SEED; None: the seed that release.yaml states."""
    seconds: float = 600.0
    """How long it may take."""


# What is told -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What is known of a loaded model."""

    format: str
    """`skops`, `joblib`, `onnx`, `mlflow`, `endpoint`, ..."""
    location: str
    """As release.yaml writes it."""
    task: Task
    threshold: float
    """binary: the decision is positive when the score is at least this."""
    features: tuple[str, ...]
    """The columns that it is given, in its own order."""
    types: Mapping[str, ColumnType]
    """Of the features, in the table that is judged."""
    classes: tuple[str, ...] = ()
    """binary and multiclass: as the model names them; multiclass: in the order of `Scores.numbers`."""
    positive: str | None = None
    """binary: which of `classes` counts as positive."""
    probabilities: bool = True
    """binary and multiclass: whether it gives probabilities, or decisions alone."""
    isolation: Isolation | None = None
    """None for an endpoint, which runs elsewhere."""
    isolation_gaps: tuple[str, ...] = ()
    """What this machine could not shut: `no Landlock: files of this user can be read`."""
    library: str = ""
    """What loads it, with its version: `scikit-learn 1.9.1`."""
    kind: str = ""
    """The class of the model: `sklearn.ensemble.HistGradientBoostingClassifier`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """What a model says of n rows."""

    numbers: NDArray[np.float64]
    """Shape (n, k). binary: the probability of the positive class, k = 1; multiclass: of each class, in the
    order of the facts' `classes`; regression and scores: the number, k = 1. Where a model gives decisions
    alone, 1.0 for the class that it decides for and 0.0 for the others. May hold NaN: nothing is mended."""
    decided: NDArray[np.float64] | None
    """Shape (n,). binary: 1.0 for positive, else 0.0; multiclass: the place of the class, the first of
    equals; NaN where the numbers of the row are not finite. None for regression and scores."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attributions:
    """How much each feature adds to what a model says of n rows, by SHAP."""

    values: NDArray[np.float64]
    """Shape (n, features, k), k as in `Scores.numbers`, or 1 where binary trees are told in log odds."""
    base: NDArray[np.float64]
    """Shape (n, k): the expected output; base + values.sum(axis=1) is what was explained."""
    explained: NDArray[np.float64]
    """Shape (n, k): the model's output in the space of the attributions."""
    features: tuple[str, ...]
    method: str
    """`shap.TreeExplainer (interventional)`, ..."""
    space: Literal["probability", "log odds", "value"]


@runtime_checkable
class Scorer(Protocol):
    """A model that is loaded somewhere. It raises ModelFault when the model dies, hangs or raises."""

    @property
    def facts(self) -> ModelFacts:
        """Return what is known of it."""
        ...

    def score(self, rows: pa.Table) -> Scores:
        """Score rows that hold every feature by name; other columns are never handed to the model."""
        ...

    def attribute(
        self, rows: pa.Table, background: pa.Table, *, explainer: Explainer = "auto", seed: int = 0
    ) -> Attributions:
        """Explain rows against a background."""
        ...

    def timed(self, rows: pa.Table, *, calls: int, warm_up: int) -> NDArray[np.float64]:
        """Return the seconds that each of `calls` calls on these rows took, after some that do not count.

        As the gate's clock saw it, with the way to the model and back.
        """
        ...

    def echoed(self, rows: pa.Table, *, calls: int, warm_up: int) -> NDArray[np.float64]:
        """Return the same for the way to the model and back; nearly 0 where there is none to measure."""
        ...

    def cost(self) -> ProcessCost:
        """Return what its process has used so far."""
        ...

    def afresh(self) -> Scorer:
        """Return the same model in another process, newly started."""
        ...

    def close(self) -> None:
        """End its process; a further question starts another."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessCost:
    """What the process of a model has used; None where it is not known, as of an endpoint."""

    load_seconds: float | None
    """From the start of the process until the model was loaded."""
    peak_bytes: int | None
    """The most memory that its process held at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFound:
    """Answer to `Loaded`."""

    scorer: Scorer | None
    reason: str | None = None
    """Why there is none: not trusted, no isolation, does not load."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnRows:
    """Answer to `Drawn`."""

    table: pa.Table
    of: int
    """Rows of the table that they were drawn from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactFile:
    """One file of a model."""

    name: str
    """Its path below the model's directory, with `/`; of a model that is one file, its name."""
    path: Path
    """The private copy."""
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactFound:
    """Answer to `Artifact`."""

    files: tuple[ArtifactFile, ...] = ()
    """Sorted by name."""
    location: str = ""
    format: str | None = None
    trust: Literal["none", "pickle", "code"] = "none"
    """What loading this format may execute."""
    sha256: str | None = None
    """Of a file, its own; of a directory, of the manifest: each name, size and sha256."""
    reason: str | None = None
    """Why there are no files: no model is named, it is an endpoint, ..."""

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(one.bytes for one in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFound:
    """Answer to `Source`: what git and the files beside the release say."""

    folder: Path | None
    """The folder of release.yaml."""
    root: Path | None = None
    """Of the repository; None where there is none."""
    commit: str | None = None
    dirty: bool | None = None
    changed: Sequence[str] = ()
    """Tracked files that differ from the commit, the first few."""
    changes: int = 0
    """How many there are."""
    tracked: bool | None = None
    """Whether git knows the file of the release."""
    remote: str | None = None
    stated: StatedCommit | None = None
    """The commit that release.yaml names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrainedFound:
    """Answer to `Retrained`."""

    scorer: Scorer | None
    sha256: str | None = None
    """Of the file or directory that the command wrote, as `ArtifactFound.sha256`."""
    seconds: float | None = None
    commit: str | None = None
    log: str = ""
    """The last lines that the command wrote."""
    reason: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """Further facts, for the report."""
