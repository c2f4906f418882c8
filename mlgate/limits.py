"""Limits: one comparator on one number, and the rule that decides under noise.

The rule (one-sided claims at `confidence`, a guard, three outcomes, Holm for failing):
for `at_least L` with guard g, pass when every claimed number is >= L and every lower bound is >= L - g;
fail when, after Holm, some upper bound is < L; else inconclusive. `at_most` mirrors.
"""
