"""Print which tests a run skipped and why, from its JUnit file; part of `.ci/run`."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path


def main(report: Path) -> None:
    """Print the skipped tests of `report`, grouped by reason."""
    if not report.exists():
        print(f"ci: the tests did not get as far as writing {report}")
        return
    by_reason: dict[str, list[str]] = defaultdict(list)
    tests = ElementTree.parse(report).getroot().findall(".//testcase")
    for test in tests:
        for skip in test.findall("skipped"):
            by_reason[skip.get("message", "no reason given")].append(f"{test.get('classname')}::{test.get('name')}")
    print(f"ci: {sum(map(len, by_reason.values()))} of {len(tests)} tests were skipped")
    for reason, names in sorted(by_reason.items()):
        print(f"  {reason}")
        for name in sorted(names):
            print(f"    {name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
