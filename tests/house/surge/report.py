"""A run in words and figures: rows for the table, and the same as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tests.house.surge.run import Result, mean
from tests.house.surge.stories import seconds, shortcomings, spread, tally
from tests.house.surge.watch import STAGES


def missing(result: Result) -> list[str]:
    """What falls short."""
    offered = sum(told.offered for told in result.told)
    failed = sum(told.failed for told in result.told)
    return shortcomings(result.stories, offered, failed, result.plan.operators)


def rows(result: Result) -> list[tuple[str, str]]:
    """What people want to know, one line each."""
    stories, peak = result.stories, result.peak
    offered = sum(told.offered for told in result.told)
    plain = [story for story in stories if not story.vip]
    vips = [story for story in stories if story.vip]
    lines = [
        ("Callers", f"{offered}, rejected {sum(told.failed for told in result.told)}"),
        ("Tickets", f"{sum(s.tickets for s in stories)}, recordings {sum(s.kept for s in stories)}, "
                    f"with a reason instead {sum(bool(s.reason) and not s.kept for s in stories)}"),
        ("Most calls at once", f"{peak.calls}: " + _stages(peak.stages)),
        ("Most by stage", _stages({s: max(m.stages.get(s, 0) for m in result.moments) for s in STAGES})),
        ("First ring to greeting", _spread(seconds(stories, "received", "greeted"))),
        ("Wait in the queue", f"{_spread(seconds(plain, 'joined', 'rung'))}; "
                              f"VIPs {_spread(seconds(vips, 'joined', 'rung'))}"),
        ("Outcomes", _tally(tally(story.outcome for story in stories))),
        ("Why to a person", _tally(tally(story.hand_over for story in stories if story.hand_over))),
        ("Words of the bot's callers", _waits(result.figures.waits)),
        ("Room for bot calls", f"{min(m.ceiling for m in result.moments)} to "
                               f"{max(m.ceiling for m in result.moments)}; "
                               f"{result.figures.refused} callers went to people instead"),
        ("Last hang-up to last recording", f"{result.recordings_s:.0f} s"),
        ("SIP messages sent again", str(sum(told.retransmissions for told in result.told))),
    ]  # fmt: skip
    for stretch in result.stretches:
        moments = result.of(stretch)
        cpu = ", ".join(f"{name} {cores:.2f}" for name, cores in mean(moments, "cpu").items())
        lines.append((f"Cores used, {stretch.name}", f"{cpu}; machine {stretch.busy:.0%} busy"))
    memory = {name: max(m.memory_mb[name] for m in result.moments) for name in peak.memory_mb}
    files = {name: max(m.files[name] for m in result.moments) for name in peak.files}
    lines.append(("Most open files", ", ".join(f"{name} {count}" for name, count in files.items())))
    lines.append(("Most memory", ", ".join(f"{name} {mb:.0f} MB" for name, mb in memory.items())))
    return lines


def as_json(result: Result) -> dict[str, Any]:
    """The same, for whoever compares runs."""
    return {
        "plan": asdict(result.plan),
        "table": dict(rows(result)),
        "missing": missing(result),
        "told": [asdict(told) for told in result.told],
        "moments": [asdict(moment) for moment in result.moments],
        "stretches": [asdict(stretch) for stretch in result.stretches],
    }


def _stages(stages: Mapping[str, int]) -> str:
    return ", ".join(f"{stage} {count}" for stage, count in stages.items() if count)


def _spread(values: Sequence[float]) -> str:
    median, most = spread(values)
    return f"median {median:.2f} s, 95 % {most:.2f} s" if values else "–"


def _tally(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "–"


def _waits(buckets: Mapping[str, float]) -> str:
    total = buckets.get("+Inf", 0.0)
    if not total:
        return "–"
    shares = (f"{buckets[bound] / total:.0%} within {bound} s" for bound in ("0.5", "1.0", "2.0"))
    return f"{total:.0f} utterances: " + ", ".join(shares)
