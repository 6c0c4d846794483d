"""One device or many: which process this is of those that torchrun started, and what only one of them does."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from hd_core.predict.hdnet import find_device

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Devices:
    """This process among those that train together.

    Args:
        device: Its own.
        rank: Its number.
        world: How many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def agreed(self, find: Callable[[], Value]) -> Value:
        """What the leading process finds, in all of them."""
        if self.world == 1:
            return find()
        box = [find() if self.leads else None]
        distributed.broadcast_object_list(box, src=0, device=self.device)
        return box[0]  # type: ignore[return-value]

    def spread(self, network: nn.Module) -> nn.Module:
        """The network as it is called in training: gradients are averaged over all processes."""
        if self.world == 1:
            return network
        ids = [self.device] if self.device.type == "cuda" else None
        # A stage or a clip without a body leaves parameters without a gradient.
        return DistributedDataParallel(network, device_ids=ids, find_unused_parameters=True)

    def autocast(self) -> AbstractContextManager[None]:
        """Products in bfloat16 where the device has it."""
        if self.device.type == "mps":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)


@contextmanager
def join_devices(name: str) -> Iterator[Devices]:
    """Find this process's device; join the others if torchrun started several.

    Raises:
        UsageError: There is no such device.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    device = find_device(name)
    if world == 1:
        yield Devices(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Devices(device=device, rank=int(os.environ["RANK"]), world=world)
    finally:
        distributed.destroy_process_group()
