import asyncio

from pipeline.fetch.meter import Meter, RequestMeter


def test_one_reader_goes_on_and_the_others_wait():
    async def run():
        meter, read = Meter(100), {"first": 0, "second": 0}
        waiting = RequestMeter(meter)
        assert waiting.take(150)  # answers that nobody takes

        async def reader(name):
            own = RequestMeter(meter)
            for _ in range(3):
                if own.take(10):
                    await own.room()
                read[name] += 1
            if name == "first":
                await asyncio.sleep(0.1)
            own.close(0)

        first, second = asyncio.create_task(reader("first")), asyncio.create_task(reader("second"))
        await asyncio.sleep(0.05)
        assert read == {"first": 3, "second": 0}
        await first
        await second  # the first is at its end, the second may go on
        assert read == {"first": 3, "second": 3}
        waiting.close(0)
        assert meter.held == 0

    asyncio.run(run())


def test_below_the_limit_nobody_waits():
    one = RequestMeter(Meter(100))
    assert one.take(100) is False
    assert one.take(1) is True


def test_room_that_is_given_back_wakes_who_waits():
    async def run():
        meter = Meter(100)
        holder, passing, waiting = RequestMeter(meter), RequestMeter(meter), RequestMeter(meter)
        holder.take(200)
        await meter.room(passing)
        task = asyncio.create_task(meter.room(waiting))
        await asyncio.sleep(0)
        assert not task.done()
        holder.close(50)
        await asyncio.wait_for(task, 1)
        assert meter.held == 50

    asyncio.run(run())
