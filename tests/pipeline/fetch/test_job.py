from pipeline.fetch.job import attempt_of
from pipeline.fetch.request import Outcome
from schemas.reasons import FetchStatus


def test_the_log_has_what_was_asked_and_what_came_of_it():
    outcome = Outcome(status=FetchStatus.OK, code=200, body=b"12345", seconds=0.12345)
    found = attempt_of("http://a.example/x", outcome)
    assert (found.asked, found.status, found.http_status) == ("http://a.example/x", FetchStatus.OK, 200)
    assert (found.num_bytes, found.seconds, found.ended_at.tzinfo is not None) == (5, 0.123, True)


def test_a_redirect_is_no_answer():
    outcome = Outcome(status=FetchStatus.HTTP_OTHER, code=302, location="http://b.example/")
    assert attempt_of("http://a.example/x", outcome).status is FetchStatus.HTTP_OTHER
