from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFile,
    ArtifactFound,
    Columns,
    Document,
    DocumentText,
    Drawn,
    DrawnRows,
    Loaded,
    ModelFound,
    ProcessCost,
    Stated,
    Statement,
)
from mlgate.estimates import Estimate
from mlgate.limits import Limit, Op, Rule
from mlgate.limits.deciding import decide
from mlgate.measures import Measure, cost, cost_process, cost_seconds, timing

COLUMNS = Columns(names=("x",), types={"x": "number"}, features=("x",))
ROWS = pa.table({"x": [float(one) for one in range(400)]})


@dataclass
class Clock:
    """A model that says how long each call took, instead of taking so long: no test waits or races."""

    seconds: Callable[[int, int], float]
    """Of the number of the call and its rows."""
    features: tuple[str, ...] = ("x",)
    isolation: str | None = "full"
    told: ProcessCost = field(default_factory=lambda: ProcessCost(load_seconds=1.0, peak_bytes=2**20))
    calls: int = 0
    started: list[Any] = field(default_factory=list)
    log: list[str] | None = None
    name: str = "A"

    @property
    def facts(self) -> Any:
        """What the measures look at."""
        return SimpleNamespace(features=self.features, isolation=self.isolation)

    def timed(self, rows: pa.Table, *, calls: int, warm_up: int) -> Any:
        """Return the seconds of calls, as the function has them."""
        del warm_up
        if self.log is not None:
            self.log.append(self.name * calls)
        found = [self.seconds(self.calls + one, rows.num_rows) for one in range(calls)]
        self.calls += calls
        return np.array(found)

    def echoed(self, rows: pa.Table, *, calls: int, warm_up: int) -> Any:
        """Return a way of a tenth of a millisecond."""
        del rows, warm_up
        return np.full(calls, 1e-4)

    def score(self, rows: pa.Table) -> Any:
        """Do nothing."""

    def cost(self) -> ProcessCost:
        """Return what it has been told."""
        return self.told

    def afresh(self) -> Clock:
        """Return another one; the first has one kilobyte more each time."""
        self.started.append(None)
        more = len(self.started) - 1
        told = ProcessCost(load_seconds=1.0 + 0.1 * more, peak_bytes=2**20 + 4096 * more)
        return Clock(self.seconds, told=told)

    def close(self) -> None:
        """Do nothing."""


def noisy(typical: float, *, spread: float = 0.1, seed: int = 0) -> Callable[[int, int], float]:
    """Return lognormal seconds around a typical one."""
    rng = np.random.default_rng(seed)
    return lambda _, __: typical * math.exp(spread * rng.standard_normal())


def ask(
    measure: Measure, scorer: Any, *, rows: pa.Table = ROWS, champion: Any = None, **params: Any
) -> Estimate:
    """Ask a measure as the gate does."""
    every = {**{name: one.default for name, one in measure.params.items()}, "seed": 0, **params}
    reason = None if scorer is not None else "it does not load"
    answers: dict[Any, Any] = {
        Loaded(): ModelFound(scorer=scorer, reason=reason),
        Loaded("champion"): ModelFound(scorer=champion, reason=None if champion else "no champion"),
    }
    statistics = list(measure.plan(every, COLUMNS))
    own = {one: answers[one] for one in statistics if one in answers}
    statistics += measure.further(Answers(own), every)
    for one in statistics:
        if isinstance(one, Drawn):
            own[one] = DrawnRows(table=rows.slice(0, one.rows), of=rows.num_rows)
        elif isinstance(one, Stated):
            own[one] = Statement(value=params.get("stated"))
    return measure.value(Answers(own), {name: one for name, one in every.items() if name != "stated"})


def outcome(estimate: Estimate, op: Op, value: float) -> str:
    """Hold an estimate against a limit, with no guard."""
    return decide(estimate, "timing", Limit(op, value), Rule(decision="bound")).outcome.value


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_latency_is_the_quantile_of_the_calls(level: float) -> None:
    """The value lies within its interval, and the interval around the truth."""
    estimate = ask(cost_seconds.Latency, Clock(noisy(0.01, seed=4)), level=level)
    assert estimate.value is not None
    assert estimate.interval is not None
    low, high = estimate.interval.at(0.9)
    assert low < estimate.value <= high
    truth = 0.01 * math.exp(0.1 * {0.5: 0.0, 0.95: 1.645, 0.99: 2.326}[level])
    assert low <= truth <= high
    assert "order-statistics" in estimate.interval.method
    assert estimate.n == 1000


def test_latency_says_what_the_way_and_the_machine_add() -> None:
    """The report has the echo and the load beside the value, and a picture."""
    estimate = ask(cost_seconds.Latency, Clock(noisy(0.01)))
    parts = {one.group["part"]: one.value for one in estimate.groups}
    assert parts["way to the model and back, median"] == pytest.approx(1e-4)
    assert any(name.startswith("load of the machine") for name in parts)
    assert not any(one.judged for one in estimate.groups)
    (chart,) = estimate.charts
    assert chart.kind == "histogram"
    assert sum(one for one in chart.data["rows"] if isinstance(one, float)) == 1000


def test_too_few_calls_for_a_high_quantile_are_not_enough() -> None:
    """The finding says how many there have to be."""
    estimate = ask(cost_seconds.Latency, Clock(noisy(0.01)), level=0.99, calls=200)
    assert estimate.value is not None
    assert estimate.interval is None
    assert "needs 299" in str(estimate.reason)
    assert outcome(estimate, Op.AT_MOST, 1.0) == "not_measured"


def test_calls_that_all_take_the_same_have_no_interval() -> None:
    """No interval of width zero."""
    estimate = ask(cost_seconds.Latency, Clock(lambda _, __: 0.01), level=0.5)
    assert estimate.interval is None
    assert outcome(estimate, Op.AT_MOST, 1.0) == "not_measured"


def test_calls_of_no_time_or_of_nan_are_not_measured() -> None:
    """A clock that stands still passes nothing."""
    assert ask(cost_seconds.Throughput, Clock(lambda _, __: 0.0)).value is None
    assert ask(cost_seconds.Latency, Clock(lambda _, __: math.nan)).value is None


def test_a_machine_that_is_busy_in_bursts_widens_the_interval() -> None:
    """Slow moments hit whole blocks: the same calls in another order would look more certain."""
    quick = noisy(0.01, seed=1)

    def burst(call: int, rows: int) -> float:
        return quick(call, rows) * (5.0 if call // 5 % 8 == 0 else 1.0)

    def scattered(call: int, rows: int) -> float:
        return quick(call, rows) * (5.0 if call % 8 == 0 else 1.0)

    widths = []
    for seconds in (burst, scattered):
        estimate = ask(cost_seconds.Latency, Clock(seconds), level=0.85)
        assert estimate.interval is not None
        low, high = estimate.interval.at(0.9)
        widths.append(high - low)
    assert widths[0] > widths[1]


def test_latency_is_measured_once_for_three_checks() -> None:
    """p50, p95 and p99 of one model are of the same calls."""
    scorer = Clock(noisy(0.01))
    values = [ask(cost_seconds.Latency, scorer, level=level).value for level in (0.5, 0.95, 0.99)]
    assert scorer.calls == 1000 + timing.WARM_UP
    assert values == sorted(values, key=lambda one: one or 0.0)


def test_a_slow_model_is_called_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement ends; what it then knows is told with its own n."""
    now = iter(float(one) for one in range(10**6))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(now))
    estimate = ask(cost_seconds.Latency, Clock(noisy(1.0)), level=0.5)
    assert 10 <= estimate.n < 200


def test_throughput_is_rows_over_seconds() -> None:
    """Of batches of the size that was asked for, also where the table is shorter."""
    scorer = Clock(lambda call, rows: rows * 1e-5 * (1.0 + 0.01 * (call % 7)))
    estimate = ask(cost_seconds.Throughput, scorer, rows=ROWS.slice(0, 30), batch=1000)
    assert estimate.value == pytest.approx(1e5 / 1.03, rel=0.02)
    assert outcome(estimate, Op.AT_LEAST, 5e4) == "pass"
    assert outcome(estimate, Op.AT_LEAST, 2e5) == "fail"


def test_the_price_of_a_thousand_predictions() -> None:
    """An hour's price by the seconds of a row."""
    scorer = Clock(lambda call, rows: rows * 1e-3 * (1.0 + 0.01 * (call % 7)))
    estimate = ask(cost_seconds.CostPerThousand, scorer, stated=3.6, batch=100)
    assert estimate.value == pytest.approx(1e-3 * 1.03, rel=0.02)


@pytest.mark.parametrize("price", [None, 0.0, "much"])
def test_without_a_price_there_is_none(price: Any) -> None:
    """Nothing stated is not nothing paid."""
    estimate = ask(cost_seconds.CostPerThousand, Clock(noisy(0.01)), stated=price)
    assert estimate.value is None
    assert "costs.hourly_usd" in str(estimate.reason)


@pytest.mark.parametrize("quantity", ["latency-p50", "latency-p95", "latency-p99", "seconds-per-row"])
def test_the_ratio_to_a_champion(quantity: str) -> None:
    """A model that takes twice as long is found to, and one that takes as long is not."""
    slow = ask(
        cost_seconds.VersusChampion,
        Clock(noisy(0.02)),
        champion=Clock(noisy(0.01, seed=9)),
        quantity=quantity,
    )
    assert slow.value == pytest.approx(2.0, rel=0.15)
    assert outcome(slow, Op.AT_MOST, 1.2) == "fail"
    alike = ask(
        cost_seconds.VersusChampion,
        Clock(noisy(0.01)),
        champion=Clock(noisy(0.01, seed=9)),
        quantity=quantity,
    )
    assert outcome(alike, Op.AT_MOST, 1.5) == "pass"
    assert outcome(alike, Op.AT_MOST, 0.5) == "fail"


def test_both_models_are_measured_in_turn() -> None:
    """A B A B, so that a machine that slows down slows both."""
    log: list[str] = []
    drift = lambda call, _: 0.01 * (1.0 + call / 100.0) * (1.0 + 0.01 * (call % 3))  # noqa: E731
    first, second = Clock(drift, log=log), Clock(drift, log=log, name="B")
    estimate = ask(cost_seconds.VersusChampion, first, champion=second)
    turns = log[2 * timing.WARM_UP :]
    assert "".join(turns) == "AAAAABBBBB" * 100
    assert estimate.value == pytest.approx(1.0, abs=1e-9)


@dataclass
class Keeping(Clock):
    """A model that keeps its answers: what it was asked before costs it nothing."""

    kept: set[str] = field(default_factory=set)

    def timed(self, rows: pa.Table, *, calls: int, warm_up: int) -> Any:
        """Return seconds of which only the first of each question is slow."""
        del warm_up
        found = []
        for _ in range(calls):
            found.append(1e-5 if str(rows.to_pylist()) in self.kept else self.seconds(0, rows.num_rows))
            self.kept.add(str(rows.to_pylist()))
        return np.array(found)


@pytest.mark.parametrize("measure", [cost_seconds.Latency, cost_seconds.Throughput])
def test_answers_that_a_model_has_kept_are_not_what_is_timed(measure: Measure) -> None:
    """Each call is about other rows, as long as there are others."""
    rows = pa.table({"x": [float(one) for one in range(2000)]})
    params = {"level": 0.5} if measure is cost_seconds.Latency else {}
    estimate = ask(measure, Keeping(noisy(0.01)), rows=rows, **params)
    slow = 0.01 if measure is cost_seconds.Latency else 1000 / 0.01
    assert estimate.value == pytest.approx(slow, rel=0.1)


def test_a_champion_may_take_other_features() -> None:
    """Rows are drawn with the features of both."""
    both = pa.table({"x": ROWS["x"], "y": ROWS["x"]})
    estimate = ask(
        cost_seconds.VersusChampion,
        Clock(noisy(0.01)),
        champion=Clock(noisy(0.01, seed=2), features=("y",)),
        rows=both,
    )
    assert estimate.value is not None


def test_without_a_champion_nothing_is_compared() -> None:
    """The finding says who is missing."""
    estimate = ask(cost_seconds.VersusChampion, Clock(noisy(0.01)))
    assert estimate.reason == "the champion cannot be timed: no champion"


@pytest.mark.parametrize(
    "measure", [cost_seconds.Latency, cost_seconds.Throughput, cost_process.LoadTime, cost_process.PeakMemory]
)
def test_without_a_model_or_rows_nothing_is_measured(measure: Measure) -> None:
    """Never a value."""
    assert ask(measure, None).reason == "it does not load"
    assert ask(measure, Clock(noisy(0.01)), rows=ROWS.slice(0, 0)).reason == "there are no rows to score"


def test_load_time_and_memory_are_of_the_same_new_processes() -> None:
    """Five processes serve two checks."""
    scorer = Clock(noisy(0.01))
    seconds, memory = ask(cost_process.LoadTime, scorer), ask(cost_process.PeakMemory, scorer)
    assert len(scorer.started) == 5
    assert seconds.value == pytest.approx(1.2)
    assert memory.value == 2**20 + 2 * 4096
    assert seconds.interval is not None
    assert seconds.interval.at(0.9) == pytest.approx((1.0, 1.4))


def test_memory_that_is_the_same_each_time_is_known_to_a_page() -> None:
    """The high-water mark is read in pages, so an interval has their width at least."""

    class Same(Clock):
        def afresh(self) -> Clock:
            return Clock(self.seconds)

    estimate = ask(cost_process.PeakMemory, Same(noisy(0.01)))
    assert estimate.interval is not None
    assert estimate.interval.at(0.9) == (2**20 - 4096, 2**20 + 4096)


def test_nothing_is_known_of_an_endpoint_s_process() -> None:
    """It runs elsewhere."""
    estimate = ask(cost_process.PeakMemory, Clock(noisy(0.01), isolation=None))
    assert "endpoint" in str(estimate.reason)


# Facts ----------------------------------------------------------------------------------------------------------


def artifact(*sizes: int) -> ArtifactFound:
    """Return a model of files with these sizes."""
    files = tuple(
        ArtifactFile(name=f"f{number}", path=None, bytes=size, sha256="")  # type: ignore[arg-type]
        for number, size in enumerate(sizes)
    )
    return ArtifactFound(files=files, reason=None if files else "the release names no model")


def test_size_is_the_sum_of_the_files() -> None:
    """And its ratio to the champion's is one of bytes."""
    assert cost.ModelSize.value(Answers({Artifact(): artifact(100, 23)}), {}).value == 123
    assert cost.ModelSize.value(Answers({Artifact(): artifact()}), {}).reason == "the release names no model"
    both = {Artifact(): artifact(300), Artifact("champion"): artifact(100, 100)}
    assert cost.SizeRatio.value(Answers(both), {}).value == 1.5
    both[Artifact("champion")] = artifact()
    assert cost.SizeRatio.value(Answers(both), {}).value is None


def test_training_cost_is_what_is_stated() -> None:
    """Nothing stated is not nothing paid."""
    asked = Stated("costs.training_usd")
    assert cost.TrainingCost.value(Answers({asked: Statement(value=31.2)}), {}).value == 31.2
    assert cost.TrainingCost.value(Answers({asked: Statement(value=0)}), {}).value == 0
    assert cost.TrainingCost.value(Answers({asked: Statement(value=None)}), {}).value is None


EMISSIONS = """\
timestamp,project_name,run_id,duration,emissions,energy_consumed
2026-01-01,credit,a,10,0.1,0.5
2026-01-01,credit,a,20,0.2,1.5
2026-01-02,credit,b,10,0.1,0.25
2026-01-02,other,c,10,0.1,4
"""


def energy(text: str | None, stated: float | None = None, project: str | None = None) -> Estimate:
    """Ask for the energy."""
    document = None if text is None else DocumentText(location="emissions.csv", sha256="", text=text)
    answers: dict[Any, Any] = {
        Stated("costs.training_kwh"): Statement(value=stated),
        Document("costs.emissions"): document,
    }
    return cost.TrainingEnergy.value(Answers(answers), {"project": project})


def test_energy_is_the_sum_over_runs_of_their_last_line() -> None:
    """CodeCarbon writes the total so far whenever it flushes."""
    assert energy(EMISSIONS).value == pytest.approx(5.75)
    assert energy(EMISSIONS, project="credit").value == pytest.approx(1.75)
    assert energy(EMISSIONS, stated=5.76).value == pytest.approx(5.75)
    assert energy(None, stated=3.0).value == 3.0
    # A total never falls: a line that says so hides what was used.
    assert energy(f"{EMISSIONS}2026-01-03,credit,a,30,0.2,0.0\n").value == pytest.approx(5.75)


@pytest.mark.parametrize(
    ("text", "stated", "project", "reason"),
    [
        (None, None, None, "does not say what energy"),
        (EMISSIONS, 3.0, None, "the release states 3 kWh"),
        (EMISSIONS, None, "nobody", "no run of project 'nobody'"),
        ("a,b\n1,2\n", None, None, "no column 'energy_consumed'"),
        ("run_id,energy_consumed\na,much\n", None, None, "no number"),
        ("run_id,energy_consumed\na,nan\n", None, None, "says nan kWh"),
        ("run_id,energy_consumed\na,-1\n", None, None, "says -1 kWh"),
        ("run_id,energy_consumed\n", None, None, "has no run"),
        ("", None, None, "no column"),
    ],
)
def test_energy_that_is_not_known(
    text: str | None, stated: float | None, project: str | None, reason: str
) -> None:
    """Nothing that cannot be read is a number."""
    estimate = energy(text, stated, project)
    assert estimate.value is None
    assert reason in str(estimate.reason)
