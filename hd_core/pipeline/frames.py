"""Frames at a time: threads of one process, outcomes in the order of the frames.

Threads do, because compiled kernels, numpy's long loops, checksums and files all run beside each other; nothing is
sent from process to process, and a thread that waits costs nothing.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import TypeVar

Found = TypeVar("Found")
Outcome = Callable[[], Found]
"""Gives what a frame's work gave, or raises what it raised."""

MOST_JOBS = 4
"""More threads than these wait for each other: a quarter of a frame's work is Python."""
AHEAD = 2
"""Frames in hand or next in line, per thread: nobody waits while the outcome of a slow frame is."""
LOOK_UP_SECONDS = 0.05


def usual_jobs() -> int:
    """One frame per CPU that this process may use, up to `MOST_JOBS`."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MOST_JOBS)


def in_order(
    work: Callable[[int], Found], frames: Sequence[int], *, jobs: int, look_up: Callable[[], None]
) -> Generator[Outcome[Found], None, None]:
    """One outcome per frame, in their order.

    When the caller stops taking them, frames in hand are finished and no other is begun.

    Args:
        work: What is done with a frame.
        frames: Their numbers.
        jobs: Frames at a time; with 1 the work is done by whoever asks for the outcome.
        look_up: Called every now and then while the outcome is waited for; may raise to stop.
    """
    if jobs == 1:
        yield from (partial(work, frame) for frame in frames)
        return
    rest = iter(frames)
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="frame")
    begun: deque[Future[Found]] = deque(pool.submit(work, frame) for frame in islice(rest, AHEAD * jobs))
    try:
        while begun:
            first = begun.popleft()
            while not wait((first,), LOOK_UP_SECONDS).done:
                look_up()
            begun.extend(pool.submit(work, frame) for frame in islice(rest, 1))
            yield first.result
    finally:
        pool.shutdown(cancel_futures=True)
