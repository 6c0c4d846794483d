"""TensorFlow checkpoints without TensorFlow: checksums, tables and tensors against a writer of our own."""

import numpy as np
import pytest
from compat_scenes import masked, network_tensors, plain_crc32c, table, write_bundle

from hd_core.errors import InputError
from hd_core.predict.compat.bundle import Bundle
from hd_core.predict.compat.crc32c import crc32c, masked_crc32c
from hd_core.predict.compat.sstable import read_table, read_varint


@pytest.mark.parametrize(
    ("data", "known"),
    [  # RFC 3720, B.4
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"", 0),
    ],
)
def test_checksums_are_those_of_the_standard(data, known):
    assert crc32c(data) == known == plain_crc32c(data)
    assert masked_crc32c(data) == masked(data)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32 - 1, 2**63])
def test_varints_are_base_128_low_digits_first(value):
    digits, rest = [], value
    while True:
        digits.append(rest % 128)
        rest //= 128
        if not rest:
            break
    data = bytes([digit + 128 for digit in digits[:-1]] + [digits[-1]])
    assert read_varint(b"x" + data + b"y", 1) == (value, 1 + len(data))


@pytest.mark.parametrize("per_block", [1, 7, 1000])
def test_keys_come_back_whole_from_prefixes_restarts_and_several_blocks(per_block):
    entries = sorted((f"scope/conv{n}/{part}".encode(), bytes([n]) * n) for n in range(40) for part in ("beta", "w"))
    data = table([(b"", b"header"), *entries], per_block=per_block)
    assert read_table(data, "here") == {b"": b"header", **dict(entries)}


def test_tensors_come_back_bit_by_bit_with_names_and_shapes(tmp_path):
    tensors = network_tensors("depth") | {"scalar": np.float32(3.5).reshape(()), "doubles": np.linspace(0, 1, 5)}
    write_bundle(tmp_path / "model_1.ckpt", tensors)
    bundle = Bundle(tmp_path / "model_1.ckpt.index")
    assert bundle.entries.keys() == tensors.keys() and len(tensors) > 87
    for name, values in tensors.items():
        found = bundle.tensor(name)
        assert found.shape == values.shape and found.dtype == values.dtype and np.array_equal(found, values)


@pytest.fixture
def small(tmp_path):
    write_bundle(tmp_path / "m.ckpt", {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(3, np.uint8)})
    return tmp_path / "m.ckpt.index"


def test_a_changed_byte_of_a_tensor_is_noticed(small):
    path = Bundle(small).data_path(0)
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="a is cut off or has a wrong checksum"):
        Bundle(small).tensor("a")


@pytest.mark.parametrize("cut", [1, 3, 20])
def test_a_data_file_that_is_cut_off_is_noticed(small, cut):
    path = Bundle(small).data_path(0)
    path.write_bytes(path.read_bytes()[:-cut][: 24 - cut])
    with pytest.raises(InputError, match="cut off"):
        Bundle(small).tensor("a")


def test_every_changed_byte_of_the_index_is_noticed_or_changes_nothing(small):
    data = small.read_bytes()
    whole = {name: vars(entry) for name, entry in Bundle(small).entries.items()}
    for place in range(len(data)):
        small.write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        try:
            found = {name: vars(entry) for name, entry in Bundle(small).entries.items()}
        except InputError:
            continue
        assert found == whole


@pytest.mark.parametrize("keep", [0, 10, 47, 60, 100])
def test_an_index_that_is_cut_off_is_no_index(small, keep):
    small.write_bytes(small.read_bytes()[:keep])
    with pytest.raises(InputError):
        Bundle(small)


def test_what_cannot_be_read_is_named(small, tmp_path):
    with pytest.raises(InputError, match="no tensor c"):
        Bundle(small).tensor("c")
    with pytest.raises(InputError, match="type 4"):
        Bundle(small).tensor("b")
    with pytest.raises(InputError, match="cannot be read"):
        Bundle(tmp_path / "none.index")
    Bundle(small).data_path(0).unlink()
    with pytest.raises(InputError, match="belongs beside"):
        Bundle(small).tensor("a")
    with pytest.raises(InputError, match="compressed"):
        read_table(table([(b"", b"")], kind=1), "here")
    write_bundle(tmp_path / "big.ckpt", {"a": np.zeros(2, np.float32)}, order=1)
    with pytest.raises(InputError, match="other byte order"):
        Bundle(tmp_path / "big.ckpt.index")
