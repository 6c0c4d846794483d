"""What the tests of the published HDNet share: a writer of TensorFlow checkpoints, and small random ones."""

import struct

import numpy as np

from hd_core.predict.compat.network import channels
from hd_core.predict.compat.weights import SCOPES, SIZES

ITERATIONS = {"normal": 1710000, "depth": 1920000}


def _divided(byte):
    """What eight steps of the division by the polynomial leave of a byte."""
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_BYTES = [_divided(byte) for byte in range(256)]


def plain_crc32c(data):
    """From the definition, byte by byte."""
    state = 0xFFFFFFFF
    for byte in data:
        state = (state >> 8) ^ _BYTES[(state ^ byte) & 255]
    return state ^ 0xFFFFFFFF


def masked(data):
    crc = plain_crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def block(entries, *, interval=16):
    """Entries with shared prefixes, restarting every so many."""
    out, restarts, last = bytearray(), [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % interval == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return bytes(out) + b"".join(struct.pack("<I", start) for start in restarts) + struct.pack("<I", len(restarts))


def table(entries, *, per_block=40, kind=0):
    """An SSTable of sorted entries in several blocks."""
    out, index = bytearray(), []

    def add(content):
        handle = varint(len(out)) + varint(len(content))
        out.extend(content + bytes([kind]) + struct.pack("<I", masked(content + bytes([kind]))))
        return handle

    for start in range(0, len(entries), per_block):
        part = entries[start : start + per_block]
        index.append((part[-1][0] + b"~", add(block(part))))
    meta = add(struct.pack("<II", 0, 1))
    handles = meta + add(block(index, interval=1))
    return bytes(out) + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write_bundle(prefix, tensors, *, order=0):
    """A V2 checkpoint: PREFIX.index and PREFIX.data-00000-of-00001."""
    data, entries = bytearray(), [(b"", field(1, 1) + field(2, order) + field(3, field(1, 1)))]
    for name in sorted(tensors):
        values = tensors[name]
        content = values.tobytes()
        shape = b"".join(field(2, field(1, size)) for size in values.shape)
        kind = {"float32": 1, "float64": 2, "int64": 9, "uint8": 4}[values.dtype.name]
        entry = field(1, kind) + field(2, shape) + (field(4, len(data)) if data else b"") + field(5, len(content))
        entries.append((name.encode(), entry + varint(6 << 3 | 5) + struct.pack("<I", masked(content))))
        data += content
    prefix.parent.mkdir(parents=True, exist_ok=True)
    prefix.with_name(prefix.name + ".index").write_bytes(table(entries))
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(bytes(data))


def network_tensors(kind, *, width=2, seed=0):
    """Random tensors of one network as a training checkpoint names them, the optimiser's among them."""
    rng = np.random.default_rng([seed, *kind.encode()])
    found = {"beta1_power": np.float32([0.5]), "global_step": np.array([7], np.int64)}
    for name, (before, after) in channels(*SIZES[kind], width).items():
        scope, size = f"{SCOPES[kind]}/{name}", 1 if name == "conv18" else 3
        scale = np.sqrt(2 / (before * size * size))
        found[f"{scope}/weights"] = (scale * rng.normal(size=(size, size, before, after))).astype(np.float32)
        found[f"{scope}/biases"] = rng.normal(size=after).astype(np.float32)
        found[f"{scope}/weights/Adam"] = np.zeros((size, size, before, after), np.float32)
        if name != "conv18":
            found[f"{scope}/beta"] = (0.3 * rng.normal(size=after)).astype(np.float32)
            found[f"{scope}/moving_mean"] = np.zeros(after, np.float32)
            found[f"{scope}/moving_variance"] = np.ones(after, np.float32)
    return found


def model_folder(folder, *, width=2, seed=0):
    """The published folder with random weights; returns the tensors by network."""
    tensors = {kind: network_tensors(kind, width=width, seed=seed) for kind in SIZES}
    for kind, values in tensors.items():
        step = ITERATIONS[kind]
        write_bundle(folder / f"{kind}_prediction" / f"model_{step}" / f"model_{step}.ckpt", values)
    return tensors
