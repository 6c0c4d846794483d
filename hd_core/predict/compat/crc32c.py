"""CRC-32C (Castagnoli), and the masked form in which LevelDB tables and TensorFlow's bundles store it."""

import numpy as np
from jaxtyping import UInt8, UInt32

from hd_core.compiled import compiled

_POLYNOMIAL = 0x82F63B78
"""Reflected."""
_MASK_DELTA = 0xA282EAD8


def _table() -> UInt32[np.ndarray, "256"]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1).astype(np.uint32)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The checksum of some bytes."""
    return int(_crc(np.frombuffer(data, np.uint8), _TABLE))


def masked_crc32c(data: bytes) -> int:
    """The checksum as it is stored: turned right by 15 bits, plus a constant."""
    plain = crc32c(data)
    return (((plain >> 15) | (plain << 17)) + _MASK_DELTA) & 0xFFFFFFFF


@compiled
def _crc(data: UInt8[np.ndarray, " n"], table: UInt32[np.ndarray, "256"]) -> int:
    state = np.uint32(0xFFFFFFFF)
    for i in range(len(data)):
        state = table[(state ^ data[i]) & np.uint32(255)] ^ (state >> np.uint32(8))
    return int(state ^ np.uint32(0xFFFFFFFF))
