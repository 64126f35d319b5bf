"""Arrays on disk that are read and written region by region: TIFF and BigTIFF, NPY, OME-Zarr."""

from pellucid.stores.ome_zarr import Zarr
from pellucid.stores.opening import create, is_zarr, kind_to_write, opened
from pellucid.stores.region import Region
from pellucid.stores.store import Form, Store

__all__ = ["Form", "Region", "Store", "Zarr", "create", "is_zarr", "kind_to_write", "opened"]
