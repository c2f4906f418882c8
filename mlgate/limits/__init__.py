"""Limits: one comparator on one number, and the rule that decides under noise.

Claims are one-sided at `confidence`. For `at_least L` with guard g: pass when every claimed number is
>= L and every lower bound is >= L - g; fail when, after Holm, some upper bound is < L; else inconclusive.
`at_most` mirrors, `between` needs both sides, `equals` and `holds` are for facts. Nothing passes whose
estimate is outside its limit; what cannot be compared (no value, no interval, not finite) is
`not_measured`. A model at L - g is let through at most 1 time in 1 / (1 - confidence).
"""

from __future__ import annotations

from mlgate.limits.claims import p_outside
from mlgate.limits.comparators import Limit, Op, round12
from mlgate.limits.deciding import Decision, Rule, decide, decide_family

__all__ = ["Decision", "Limit", "Op", "Rule", "decide", "decide_family", "p_outside", "round12"]
