"""What is compiled into a boot loader, and where it keeps its environment."""

from dataclasses import dataclass

from power_cuts import fat
from power_cuts.environment import SIZE
from power_cuts.partitions import Partition


@dataclass(frozen=True, slots=True)
class RawEnvironment:
    """The environment at fixed places of the disk, outside every partition."""

    offsets: tuple[int, ...]
    size: int = SIZE

    def places(self, _: fat.Volume | None, __: Partition | None) -> list[int | None]:
        """Where the copies lie on the disk."""
        return list(self.offsets)


@dataclass(frozen=True, slots=True)
class FileEnvironment:
    """The environment as files on the boot partition."""

    names: tuple[str, ...]
    size: int = SIZE

    def places(self, volume: fat.Volume | None, boot: Partition | None) -> list[tuple[int, ...] | None]:
        """The clusters of the copies; None for one that is missing or shorter than it must be."""
        if volume is None or boot is None:
            return [None for _ in self.names]
        found = []
        for name in self.names:
            try:
                file = volume.find(name)
            except fat.FatError:
                file = None
            fits = file and file.size >= self.size and len(file.clusters) * volume.cluster_size >= self.size
            found.append(tuple(boot.offset + volume.offset(c) for c in file.clusters) if file and fits else None)
        return found


@dataclass(frozen=True, slots=True)
class BootLoader:
    """What is compiled into the boot loader."""

    defaults: dict[str, str]
    location: RawEnvironment | FileEnvironment
    writeable: frozenset[str] | None = None
    """The variables that a saved environment may set; None when it replaces the defaults altogether."""
