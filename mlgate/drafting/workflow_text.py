"""The workflow that runs the gate on every pull request, drafted."""

from __future__ import annotations

from mlgate.drafting.yaml_text import require_same, text
from mlgate.errors import EvidenceError
from mlgate.strict_yaml import show

PATH = ".github/workflows/mlgate.yml"

_WORKFLOW = """\
# Runs the gate on every pull request, drafted by `mlgate init`. The exit code is the verdict; the report is
# kept whatever it is. The policy is that of the pull request itself, so this is advice: for a barrier, check the
# policy out from a protected branch or repository, and give that file with --policy.
name: mlgate
on:
  pull_request: {{}}
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      # Actions by major version; a commit digest is stricter, and Dependabot keeps it fresh.
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install mlgate
      - run: mlgate run --out mlgate-report -- "$RELEASE"
        env:
          RELEASE: {release}
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: mlgate-report
          # private/ has rows of the data, which stay on the runner.
          path: |
            mlgate-report
            !mlgate-report/**/private/**
"""  # noqa: E501


_UPLOADED = "mlgate-report\n!mlgate-report/**/private/**\n"


def workflow_text(release: str) -> str:
    """Return the workflow; `release` is the path of release.yaml from the root of the repository.

    Raises EvidenceError for a path that the runner would take for an expression: it evaluates `${{ ... }}`
    wherever it stands in a workflow, quotes or not.
    """
    if "${{" in release:
        what = "has ${{ in its path, which a workflow would evaluate"
        raise EvidenceError(show(release), what, "rename the folder, or give --no-workflow")
    written = _WORKFLOW.format(release=text(release))
    steps = [
        {"uses": "actions/checkout@v4"},
        {"uses": "actions/setup-python@v5", "with": {"python-version": "3.12"}},
        {"run": "pip install mlgate"},
        {"run": 'mlgate run --out mlgate-report -- "$RELEASE"', "env": {"RELEASE": release}},
        {
            "uses": "actions/upload-artifact@v4",
            "if": "always()",
            "with": {"name": "mlgate-report", "path": _UPLOADED},
        },
    ]
    meant = {
        "name": "mlgate",
        "on": {"pull_request": {}, "push": {"branches": ["main"]}},
        "permissions": {"contents": "read"},
        "jobs": {"gate": {"runs-on": "ubuntu-latest", "timeout-minutes": 30, "steps": steps}},
    }
    require_same(written, meant, PATH)
    return written
