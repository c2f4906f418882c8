"""Processes that run a release's code, shut in as far as the machine can.

A launcher, run by the gate's own interpreter, confines itself and then becomes the program: an interpreter
that a release brings is confined before its first instruction. What the launcher says that it applied decides
the level; what a kernel lacks is named, and lowers it.

Open even at the level `full`: whether a file of a known path exists, and how large it is; the processors,
which it may keep busy and choose among; its own interpreter, as which it may start anew in its own place.
"""

from mlgate.scoring.isolation.clearing import clear
from mlgate.scoring.isolation.confinement import Confinement
from mlgate.scoring.isolation.levels import reachable
from mlgate.scoring.isolation.starting import Started, possible, reads, start

__all__ = ["Confinement", "Started", "clear", "possible", "reachable", "reads", "start"]
