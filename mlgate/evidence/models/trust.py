"""What loading a model may execute, and who has to allow it: the release says so, and the policy must too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mlgate.cells import Isolation
from mlgate.strict_yaml import show

Level: TypeAlias = Literal["none", "pickle", "code"]

_LEVELS: tuple[Level, ...] = ("none", "pickle", "code")

_WALLS = ("none", "process", "filesystem", "full")
"""How far a process may have to be shut in, weakest first."""

_DOES = {
    "pickle": "can execute any code that its file holds",
    "code": "executes code of the release",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the policy allows."""

    models: Level = "none"
    isolation: str = "filesystem"
    """The least that the process of a model that executes code must be shut in."""
    hosts: tuple[str, ...] | None = None
    """The only hosts that may be asked; None: the policy names none."""


def refusal(format: str, needed: Level, stated: Level, terms: Terms, level: Isolation) -> str | None:
    """Say why a model is not loaded; None when release, policy and this machine allow it.

    Args:
        format: Of the model, for the sentence.
        needed: What loading it may execute.
        stated: `trust` of the release's model.
        terms: Of the policy.
        level: How far its process would be shut in.
    """
    if needed == "none":
        return None
    does = f"loading {format} {_DOES[needed]}"
    if _LEVELS.index(stated) < _LEVELS.index(needed):
        return f"{does}, and the release does not say so; add `trust: {needed}` under `model:`"
    return not_permitted(does, needed, terms, level)


def not_permitted(does: str, needed: Level, terms: Terms, level: Isolation) -> str | None:
    """Say why policy or machine do not let something run, `does` being what it would do; None: they do."""
    if _LEVELS.index(terms.models) < _LEVELS.index(needed):
        return f"{does}, and the policy trusts no such code; add `trust: {{models: {needed}}}` to the policy"
    if _WALLS.index(level) < _WALLS.index(terms.isolation):
        return (
            f"{does}, the policy asks for isolation {show(terms.isolation)} at least, and this machine "
            f"gives {show(level)}; run it where the kernel has Landlock and seccomp"
        )
    return None


def least(terms: Terms) -> Isolation:
    """Return how far a process that executes code of the release has to be shut in."""
    return next((one for one in get_args(Isolation) if one == terms.isolation), "process")
