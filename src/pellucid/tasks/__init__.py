"""A list of tasks, done by one process or several, with a manifest: started again, it goes on.

It knows nothing of pictures or of the command line. A `WorkItem` has a key, a fingerprint of all that
decides its result, and a payload; `carry_out` calls a function with every payload, in this process or in a
`Pool` of processes of one thread each or on a Dask `Cluster`, and writes what came of it to a `Manifest`,
an append-only file of lines.

>>> [outcome.value for outcome in carry_out([WorkItem("a", "", 2), WorkItem("b", "", 3)], lambda x: x * x)]
[4, 9]
"""

from pellucid.tasks.cluster import Cluster
from pellucid.tasks.driver import carry_out
from pellucid.tasks.interrupts import Interrupt, held
from pellucid.tasks.items import (
    Outcome,
    Row,
    UnfinishedError,
    WorkerDiedError,
    WorkItem,
    fingerprint,
    identity,
)
from pellucid.tasks.lines import Lines
from pellucid.tasks.manifest import Manifest
from pellucid.tasks.pool import Pool

__all__ = [
    "Cluster",
    "Interrupt",
    "Lines",
    "Manifest",
    "Outcome",
    "Pool",
    "Row",
    "UnfinishedError",
    "WorkItem",
    "WorkerDiedError",
    "carry_out",
    "fingerprint",
    "held",
    "identity",
]
