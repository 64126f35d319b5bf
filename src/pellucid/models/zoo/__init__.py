"""Networks of others, known by the names and shapes in their weight files; no file ever runs code.

>>> from pellucid.models.zoo import own
>>> [family.name for family in own.FAMILIES]
['Restormer', 'CycleISP', 'DAGL']
"""

from pellucid.models.zoo.foreign import Foreign, Known
from pellucid.models.zoo.loading import load

__all__ = ["Foreign", "Known", "load"]
