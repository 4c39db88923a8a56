import asyncio

from pipeline.fetch.hand_over import LONGEST_WAIT_S, MOST, HandOver


def test_answers_are_handed_over_some_at_a_time_soon_and_before_an_error():
    hand_over, answers = HandOver(), [object() for _ in range(2 * MOST + 3)]

    async def give() -> int:
        for answer in answers[:-1]:
            hand_over.emit(answer)
        at_once = hand_over.lumps.qsize()
        await asyncio.sleep(20 * LONGEST_WAIT_S)
        return at_once

    assert asyncio.run(give()) == 2
    assert hand_over.lumps.qsize() == 3
    asyncio.run(_give_and_fail(hand_over, answers[-1]))
    lumps = [hand_over.lumps.get() for _ in range(5)]
    assert [answer for lump in lumps[:4] for answer in lump] == answers
    assert isinstance(lumps[4], OSError)


async def _give_and_fail(hand_over, answer):
    hand_over.emit(answer)
    hand_over.end(OSError("no more"))
