"""Why so few URLs gave an image: by class, by machine, by host. Pure: counts in, figures and sentences out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

MENTIONED = 0.1
"""Part of all URLs from which a class is worth a sentence."""
ODD = 2.0
"""Times the share of the other machines from which a machine is named."""
MANY = 0.5
"""Part of a class from which one host is named."""


def diagnosis(
    by_machine: Mapping[str, Mapping[str, int]],
    by_host: Iterable[tuple[str, str, int]],
    *,
    expected_ok: float,
) -> dict[str, Any]:
    """What became of the URLs, and `sentences` about it where fewer than expected gave an image.

    Args:
        by_machine: answers by status of each machine; what was deferred and answered later counts once, as answered.
        by_host: (host group, status, URLs), those with most URLs.
        expected_ok: part of the answers that should be `ok`.
    """
    machines = {
        name: {status: n for status, n in counts.items() if status != "deferred"} for name, counts in by_machine.items()
    }
    total: Counter[str] = Counter()
    for counts in machines.values():
        total.update(counts)
    hosts = [{"host_group": group, "status": status, "urls": n} for group, status, n in by_host if status != "ok"]
    answered = total.total()
    facts: dict[str, Any] = {
        "answers": answered,
        "ok": total["ok"],
        "expected_ok": expected_ok,
        "by_status": dict(sorted(total.items(), key=lambda item: (-item[1], item[0]))),
        "by_machine": machines,
        "worst_hosts": hosts,
        "sentences": [],
    }
    if answered and total["ok"] < expected_ok * answered:
        facts["sentences"] = [
            f"{_part(total['ok'], answered)} of {answered:,} image URLs gave an image; {expected_ok:.0%} are expected",
            *(_about(status, n, answered, machines, hosts) for status, n in total.most_common() if status != "ok"),
        ]
        facts["sentences"] = [line for line in facts["sentences"] if line]
    return facts


def _about(
    status: str, count: int, answered: int, machines: Mapping[str, Mapping[str, int]], hosts: list[dict[str, Any]]
) -> str:
    """One line about a class, "" where it is rare everywhere."""
    odd = []
    for name, counts in sorted(machines.items()):
        here, elsewhere = sum(counts.values()), answered - sum(counts.values())
        share = counts.get(status, 0) / here if here else 0.0
        others = (count - counts.get(status, 0)) / elsewhere if elsewhere else 0.0
        if elsewhere and share >= MENTIONED and share >= ODD * others:
            odd.append(f"{share:.0%} on {name} ({others:.0%} elsewhere)")
    if count < MENTIONED * answered and not odd:
        return ""
    many = [f"{_part(h['urls'], count)} of them of {h['host_group']}" for h in hosts if _is_many(h, status, count)]
    return f"{status}: {_part(count, answered)}" + "".join(f", {more}" for more in [*odd, *many])


def _is_many(host: Mapping[str, Any], status: str, count: int) -> bool:
    return bool(host["status"] == status and host["urls"] >= MANY * count)


def _part(count: int, of: int) -> str:
    return f"{count / of:.0%}"
