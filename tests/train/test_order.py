"""The order of samples: everything once a pass, the same again after a break, shared out between devices."""

from itertools import islice
from pathlib import Path

import pytest

from hd_core.errors import InputError
from hd_core.train.order import Order, frames_per_clip, training_clips, validation_clips


def order_of(clips: list[str], **changes) -> Order:
    options = {"frames": 3, "batch": 2, "seed": 5} | changes
    return Order(Path("data"), lambda: list(clips), **options)


def take(order: Order, count: int) -> list:
    """Batches that are learned from, one after the other."""
    taken = []
    for batch in islice(order.batches(), count):
        taken.append(batch)
        order.took()
    return taken


CLIPS = [f"train/{i:06d}.npz" for i in range(4)]


def test_a_pass_shows_every_frame_once_and_the_next_one_in_another_order():
    batches = take(order_of(CLIPS), 12)
    first, second = ([t for batch in part for t in batch] for part in (batches[:6], batches[6:]))
    items = [[(t.shard.name, t.frame) for t in part] for part in (first, second)]
    assert len(set(items[0])) == len(set(items[1])) == 12
    assert items[0] != items[1]
    assert len({t.key for t in first + second}) == 24


@pytest.mark.parametrize("done", [0, 1, 5, 6, 7, 13])
def test_a_restored_order_goes_on_where_it_was(done):
    whole = take(order_of(CLIPS), 20)
    before = order_of(CLIPS)
    take(before, done)
    after = order_of(["other"] if done % 6 else CLIPS)
    after.restore(before.state())
    rest = take(after, 6 - done % 6)
    assert rest == whole[done : done + len(rest)]


def test_what_was_drawn_ahead_does_not_count():
    order = order_of(CLIPS)
    batches = order.batches()
    drawn = [next(batches) for _ in range(8)]
    order.took()
    again = order_of(CLIPS)
    again.restore(order.state())
    assert list(islice(again.batches(), 7)) == drawn[1:]


def test_new_clips_are_taken_up_by_the_next_pass():
    clips = CLIPS[:2]
    order = order_of(clips)
    take(order, 1)
    clips.append(CLIPS[2])
    names = [{t.shard.name for batch in take(order, count) for t in batch} for count in (2, 4)]
    assert "000002.npz" not in names[0] and "000002.npz" in names[1]


def test_devices_share_a_pass_without_overlap():
    one = take(order_of(CLIPS, batch=4), 3)
    parts = [take(order_of(CLIPS, rank=rank, world=2), 3) for rank in (0, 1)]
    assert [a + b for a, b in zip(*parts, strict=True)] == one


def test_the_last_tickets_of_a_batch_ask_for_pairs():
    batches = take(order_of(CLIPS, batch=4, pairs=1), 3)
    assert [[ticket.pair for ticket in batch] for batch in batches] == [[False, False, False, True]] * 3


def test_fewer_frames_than_a_batch_are_drawn_again_with_other_draws():
    (batch,) = take(order_of(CLIPS[:1], batch=5), 1)
    assert len(batch) == 5 and len({t.key for t in batch}) == 5
    assert len({t.frame for t in batch}) == 3


def touch(data: Path, split: str, numbers: range) -> None:
    (data / split).mkdir(parents=True)
    for number in numbers:
        (data / split / f"{number:06d}.npz").touch()


def test_every_25th_clip_is_held_out_where_there_is_no_split_for_it(tmp_path):
    touch(tmp_path, "train", range(60))
    held_out = validation_clips(tmp_path, 10)
    assert held_out == ["train/000024.npz", "train/000049.npz"]
    assert len(training_clips(tmp_path)) == 58 and not set(held_out) & set(training_clips(tmp_path))


def test_a_split_of_its_own_is_validated_on_and_then_nothing_is_held_out(tmp_path):
    touch(tmp_path, "train", range(60))
    touch(tmp_path, "val", range(11))
    assert validation_clips(tmp_path, 3) == ["val/000000.npz", "val/000005.npz", "val/000010.npz"]
    assert len(training_clips(tmp_path)) == 60


def test_half_written_clips_are_not_seen(tmp_path):
    touch(tmp_path, "train", range(2))
    (tmp_path / "train" / ".partial-000002.npz").touch()
    assert len(training_clips(tmp_path)) == 2


def test_a_folder_without_clips_is_refused_with_the_command_that_makes_some(tmp_path):
    with pytest.raises(InputError, match="hd-core synth"):
        training_clips(tmp_path)
    with pytest.raises(InputError, match=r"train\.json"):
        frames_per_clip(tmp_path, "train")
