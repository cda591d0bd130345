"""What a power cut may leave.

Everything completed before the last flush is durable, and so is a write that was forced through the cache (FUA). Of
the writes after it any may be there and any may be missing, whatever their order, and each may be torn: sectors of 512
bytes are written whole or not at all, and a write of several may have reached only some. That is what the standards
promise of a disk with a volatile cache, no more. Bad cards do worse: they lose a whole erase block when the power
goes while they move data about, neighbours that were durable long before included (`Manner.ERASED_BLOCK`).
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from power_cuts.write_log import SECTOR, Entry, WriteLog


class Manner(StrEnum):
    """How the disk treated the writes that were still in its cache."""

    ALL = "everything written"
    NONE = "everything in the cache lost"
    ORDERED = "the newest lost, one torn"
    SUBSET = "any subset"
    TORN = "any subset, any of them torn"
    NEWEST = "only the newest kept"
    ERASED_BLOCK = "an erase block full of garbage"


# Tearing has the most ways to come out, so it is tried most.
HONEST = (
    Manner.ALL,
    Manner.NONE,
    Manner.ORDERED,
    Manner.ORDERED,
    Manner.SUBSET,
    Manner.TORN,
    Manner.TORN,
    Manner.NEWEST,
)
ERASE_BLOCK = 128 * 1024


@dataclass(frozen=True, slots=True)
class Survivor:
    """A write in the cache that reached the medium: whole, or only the sectors whose bits are set."""

    entry: int
    mask: int | None = None

    def runs(self, sectors: int) -> Iterator[tuple[int, int]]:
        """First and number of the sectors that were written, as runs."""
        if self.mask is None:
            yield 0, sectors
            return
        first = None
        for sector in range(sectors + 1):
            if sector < sectors and self.mask >> sector & 1:
                first = sector if first is None else first
            elif first is not None:
                yield first, sector - first
                first = None


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut: when it came and what it left."""

    number: int
    position: int
    """The number of requests that the disk had completed."""
    durable: int
    """The number of those that were before the last flush."""
    manner: Manner
    survivors: tuple[Survivor, ...]
    garbage: tuple[tuple[int, bytes], ...] = ()

    @property
    def lost(self) -> int:
        """The number of requests of which something is missing."""
        return self.position - self.durable - sum(survivor.mask is None for survivor in self.survivors)


def torn(sectors: int, chance: random.Random) -> int:
    """The mask of a write that was interrupted: its beginning, its end, or some of its sectors; never all.

    The first sectors and the last are where headers and checksums are, so it is interrupted there more often.
    """
    if sectors < 2:
        return 0
    edge = chance.choice((1, min(2, sectors - 1), sectors - 1, chance.randrange(1, sectors)))
    shape = chance.randrange(3)
    if shape == 0:
        return (1 << edge) - 1
    whole = (1 << sectors) - 1
    if shape == 1:
        return whole ^ ((1 << edge) - 1)
    return chance.getrandbits(sectors) & (whole ^ (1 << chance.randrange(sectors)))


def survivors(volatile: Sequence[Entry], manner: Manner, chance: random.Random) -> tuple[Survivor, ...]:
    """Choose what is left of the writes that no flush covers."""
    edge = chance.randrange(len(volatile)) if volatile else 0
    share = chance.choice((0.1, 0.5, 0.9))
    kept = []
    for place, entry in enumerate(volatile):
        if not entry.length:
            continue
        mask: int | None = None
        match manner:
            case _ if entry.is_durable_itself:
                pass
            case Manner.ALL | Manner.ERASED_BLOCK:
                pass
            case Manner.NONE:
                continue
            case Manner.ORDERED:
                if place > edge:
                    continue
                mask = torn(entry.sectors, chance) if place == edge else None
            case Manner.NEWEST:
                if place < edge:
                    continue
            case Manner.SUBSET | Manner.TORN:
                if chance.random() >= share:
                    continue
                if manner is Manner.TORN and chance.random() < 0.5:
                    mask = torn(entry.sectors, chance)
        if mask != 0:
            kept.append(Survivor(entry.index, mask))
    return tuple(kept)


class Choice:
    """Chooses cuts. The same seed and number always give the same cut, whatever else is chosen."""

    def __init__(
        self,
        log: WriteLog,
        seed: int,
        *,
        manners: Sequence[Manner] = HONEST,
        is_decisive: Callable[[Entry], bool] = lambda _: False,
        focus: float = 0.4,
    ) -> None:
        """Choose among all entries, with that share of the cuts at the decisive ones."""
        self._log = log
        self._seed = seed
        self._manners = manners
        self._focus = focus
        self._barriers = [entry.index for entry in log.entries if entry.is_barrier]
        self._decisive = [entry.index for entry in log.entries if entry.length and is_decisive(entry)]

    def cut(self, number: int) -> Cut:
        """The cut of that number."""
        chance = random.Random(f"{self._seed}:{number}")
        position = self._position(chance)
        manner = chance.choice(self._manners)
        durable = self._log.durable_before(position)
        volatile = self._log.entries[durable:position]
        kept = survivors(volatile, manner, chance)
        garbage = self._garbage(volatile, chance) if manner is Manner.ERASED_BLOCK else ()
        return Cut(number, position, durable, manner, kept, garbage)

    def _position(self, chance: random.Random) -> int:
        total = len(self._log.entries)
        if self._decisive and chance.random() < self._focus:
            # Mostly right after it was written, while no flush covers it.
            return min(chance.choice(self._decisive) + chance.choice((0, 1, 1, 1, 1, 2)), total)
        if self._barriers and chance.random() < 0.33:
            return max(chance.choice(self._barriers) - chance.randrange(2), 0)
        return chance.randint(0, total)

    @staticmethod
    def _garbage(volatile: Sequence[Entry], chance: random.Random) -> tuple[tuple[int, bytes], ...]:
        written = [entry for entry in volatile if entry.length]
        if not written:
            return ()
        entry = chance.choice(written)
        sector = entry.offset + chance.randrange(entry.sectors) * SECTOR
        return ((sector - sector % ERASE_BLOCK, chance.randbytes(ERASE_BLOCK)),)
