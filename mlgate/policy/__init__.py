"""Policies: which checks a release has to pass, with which limits, and what it may not choose for itself."""

from mlgate.policy.lint import idle, lint
from mlgate.policy.load import load, shipped
from mlgate.policy.model import PolicyFile, schema
from mlgate.policy.pins import Contradiction, chosen_by_author, contradictions
from mlgate.policy.uses import CHAMPION, Policy, Use, applies

__all__ = [
    "CHAMPION",
    "Contradiction",
    "Policy",
    "PolicyFile",
    "Use",
    "applies",
    "chosen_by_author",
    "contradictions",
    "idle",
    "lint",
    "load",
    "schema",
    "shipped",
]
