"""Every shipped check has a case file, and every example comes out as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgate import catalogue
from mlgate.testing import Case, cases, check_case

FOLDER = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", cases(FOLDER), ids=str)
def test_example_is_judged_as_it_says(case: Case) -> None:
    """The gate judges the example's rows to the outcome and value that the case file states."""
    check_case(case)


def test_every_shipped_check_has_a_case_file() -> None:
    """A check without a passing, a failing and a not-measured example does not ship."""
    assert {case.check for case in cases(FOLDER)} == set(catalogue.load())
