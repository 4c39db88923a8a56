import pytest

from jobs.loader import TOOLS, main
from schemas.errors import ConfigError


def test_help_names_every_tool(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert [tool for tool in TOOLS if tool not in said] == []


def test_an_unknown_tool_lists_the_known_ones():
    with pytest.raises(ConfigError, match="inspect, simulate, bench, tokens"):
        main(["train"])


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_has_help_of_its_own(tool, capsys):
    with pytest.raises(SystemExit) as ended:
        main([tool, "--help"])
    assert ended.value.code == 0
    assert f"weft loader {tool}" in capsys.readouterr().out
