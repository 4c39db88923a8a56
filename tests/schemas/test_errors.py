import inspect

import pytest

from schemas import errors


def classes():
    return [found for _, found in inspect.getmembers(errors, inspect.isclass)]


def test_every_error_is_a_weft_error_and_stands_in_the_tree_at_the_top():
    for error in classes():
        assert issubclass(error, errors.WeftError)
        assert error.__name__ in (errors.__doc__ or "")
        assert error.__doc__


@pytest.mark.parametrize("error", classes(), ids=lambda error: error.__name__)
def test_the_message_is_all_that_a_person_sees(error):
    assert str(error("the disk is full")) == "the disk is full"
