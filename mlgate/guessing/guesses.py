"""What a guess is: a role, what it is given to, how sure that is, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Sure: TypeAlias = Literal["given", "sure", "likely", "guess"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """One thing that was guessed."""

    what: str
    """`label`, `positive`, `protected`, ..."""
    value: Any
    """A name, a value, or several; None when nothing was found."""
    sure: Sure
    """`given` by the person who asked, `sure`, `likely`, or no more than a `guess`."""
    why: str
    """In a few words that end a sentence: `its name says so`."""
