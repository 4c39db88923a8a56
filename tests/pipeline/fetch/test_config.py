import pytest

from pipeline.fetch.config import Config, HostLimit
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    "bad",
    [
        {"concurrency": 0},
        {"deadline_s": 0.0},
        {"idle_s": -1.0},
        {"max_bytes": 0},
        {"min_bytes": 5, "max_bytes": 4},
        {"retries": -1},
        {"max_redirects": -1},
        {"user_agent": ""},
        {"user_agent": "a\nb"},
        {"contact": "caf\u00e9"},
        {"slice_urls": 0},
    ],
)
def test_values_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        Config(**bad)


@pytest.mark.parametrize("bad", [{"concurrency": 0}, {"rate": -1.0}])
def test_host_limits_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        HostLimit(**bad)


def test_we_say_who_we_are():
    config = Config(user_agent="Weft/0.1", contact="https://a.example/crawl")
    assert config.agent == "weft"
    assert config.user_agent_line == "Weft/0.1 (+https://a.example/crawl)"


def test_the_public_web_is_not_asked_without_a_contact(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="contact"):
        Config().check_contact()
    Config(contact="mailto:a@b.example").check_contact()
    Config(allow_private=True).check_contact()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    Config().check_contact()
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    with pytest.raises(ConfigError):
        Config().check_contact()


def test_a_limit_is_divided_among_those_who_ask():
    assert HostLimit(concurrency=8, rate=10.0).divided(4) == HostLimit(concurrency=2, rate=2.5)
    assert HostLimit(concurrency=2, rate=0.0).divided(4) == HostLimit(concurrency=1, rate=0.0)


def test_a_domain_may_have_limits_of_its_own():
    own = HostLimit(concurrency=50, rate=100.0)
    config = Config(limits={"cdn.example": own})
    assert config.limit_of("cdn.example") == own
    assert config.limit_of("a.example") == HostLimit()
