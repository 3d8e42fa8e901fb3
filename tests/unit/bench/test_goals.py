"""A goal that is met says so, and one that is missed says by how much."""

from bench.goals import Goal, Measured, verdicts
from bench.measure import Figures


def measured(*, per_second: float = 1.0, p50: float = 0.0, p99: float = 0.0, most: float = 0.0) -> Measured:
    figures = Figures(count=1, per_second=per_second, p50=p50, p99=p99, most=most, cpu=0.0, beside=0.0)
    return Measured(figures=figures, memory=0.0, idle=0.0, grown=0.0)


def test_a_limit_is_met_up_to_itself() -> None:
    """A figure at its limit meets it; one above it says how many times too much it is."""
    assert Goal("p99", 50, " ms").verdict(50.0) == "p99 ≤ 50 ms: met"
    assert Goal("p99", 50, " ms").verdict(125.0) == "**p99 ≤ 50 ms: missed × 2.5**"


def test_a_rate_is_met_from_itself_on() -> None:
    """A rate at its limit meets it; one below it says how many times too little it is."""
    goal = Goal("a second", 1500, "", at_least=True)
    assert goal.verdict(1500.0) == "a second ≥ 1,500: met"
    assert goal.verdict(500.0) == "**a second ≥ 1,500: missed × 3.0**"


def test_a_line_is_judged_by_the_goals_of_its_own_work_database_and_load() -> None:
    """Ten thousand deadlines have their own limits, in milliseconds; a load without goals has no verdict."""
    line = ("deadline → settled, committed", "PostgreSQL", "10,000 within 10 s")
    found = list(verdicts(*line, measured(p50=0.060, p99=0.040, most=0.500)))
    assert found == ["p99 ≤ 50 ms: met", "**max ≤ 250 ms: missed × 2.0**"]
    found = list(verdicts(*line, measured(p50=0.001, p99=0.100, most=0.250)))
    assert found == ["**p99 ≤ 50 ms: missed × 2.0**", "max ≤ 250 ms: met"]
    assert list(verdicts(line[0], line[1], "7 within 10 s", measured())) == []


def test_a_goal_of_one_database_does_not_judge_the_other() -> None:
    """1,500 round trips a second are wanted of SQLite with eight callers, not of PostgreSQL."""
    slow = measured(per_second=750.0, p50=0.003)
    assert list(verdicts("round trip in process", "PostgreSQL", "8 at once", slow)) == []
    assert list(verdicts("round trip in process", "SQLite", "8 at once", slow)) == [
        "**a second ≥ 1,500: missed × 2.0**",
        "p50 ≤ 6 ms: met",
    ]
