"""The verbs in Python: you get back what you gave, as an Image, an array or a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar, Unpack, overload

from numpy.typing import NDArray
from torch import Tensor

from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.request import (
    Denoise,
    DenoiseOptions,
    Inpaint,
    InpaintOptions,
    Inspect,
    Request,
    RequestOptions,
    Restore,
    RestoreOptions,
    Upscale,
    asks,
    checked,
)
from pellucid.run import pipeline
from pellucid.run.conversion import like
from pellucid.run.settings import settle
from pellucid.run.state import State, Watcher
from pellucid.steps import Result

Picture = TypeVar("Picture", Image, NDArray[Any], Tensor)


@overload
def denoise(
    x: Picture | Sequence[Picture],
    method: str = "auto",
    *,
    return_result: Literal[False] = False,
    progress: Watcher | None = None,
    **options: Unpack[DenoiseOptions],
) -> Picture: ...
@overload
def denoise(
    x: Picture | Sequence[Picture],
    method: str = "auto",
    *,
    return_result: Literal[True],
    progress: Watcher | None = None,
    **options: Unpack[DenoiseOptions],
) -> Result: ...
@asks(Denoise)
def denoise(
    x: Any,
    method: str = "auto",
    *,
    return_result: bool = False,
    progress: Watcher | None = None,
    **options: Unpack[DenoiseOptions],
) -> Any:
    """Denoise a picture or a stack; you get back what you gave.

    Args:
        x: an Image (from `pellucid.read`), a NumPy array of any real type, or a tensor (H, W), (C, H, W) or
            (N, C, H, W); with ``shots``, a list of them.
        method: "auto" (analyse, then choose) or a name from `pellucid.methods.METHODS`.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.
        **options: as follows.

    Returns:
        The picture, of the type, shape and dtype of x (the first shot), or the Result.

    Raises:
        ValueError: for an argument that is out of range or does not apply to the method.
        TypeError: when x is none of the above.

    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(100, 10, (32, 32)).astype(np.uint8)
    >>> clean = denoise(noisy, "nlm", sigma=10, data_range=255)
    >>> clean.dtype, clean.shape, bool(clean.std() < 0.5 * noisy.std())
    (dtype('uint8'), (32, 32), True)
    """
    request = checked(Denoise, {"method": method, **options})
    given = _shots(x, request.shots)
    return _carried_out(request, given, return_result, progress)


@overload
def inpaint(
    x: Picture,
    mask: Any,
    method: str = "auto",
    *,
    return_result: Literal[False] = False,
    progress: Watcher | None = None,
    **options: Unpack[InpaintOptions],
) -> Picture: ...
@overload
def inpaint(
    x: Picture,
    mask: Any,
    method: str = "auto",
    *,
    return_result: Literal[True],
    progress: Watcher | None = None,
    **options: Unpack[InpaintOptions],
) -> Result: ...
@asks(Inpaint)
def inpaint(
    x: Any,
    mask: Any,
    method: str = "auto",
    *,
    return_result: bool = False,
    progress: Watcher | None = None,
    **options: Unpack[InpaintOptions],
) -> Any:
    """Fill holes, scratches, text or missing pixels of a picture or a stack; you get back what you gave.

    Args:
        x: a picture as for `denoise`.
        mask: what is missing, (H, W): True or white (at least half of it) where a pixel is missing. A boolean
            or any other array, a tensor or an Image.
        method: "auto" or a method that inpaints.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.
        **options: as follows.

    Raises:
        ValueError: for a mask of another size, or one that marks nothing or everything, and as `denoise`.

    >>> import numpy as np
    >>> ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
    >>> hole = np.zeros((24, 24), bool)
    >>> hole[10:12, 10:12] = True
    >>> scratched = np.where(hole, 255, ramp).astype(np.uint8)
    >>> int(np.abs(inpaint(scratched, hole, "biharmonic").astype(int) - ramp).max()) <= 1
    True
    """
    request = checked(Inpaint, {"method": method, "mask": mask, **options})
    return _carried_out(request, [x], return_result, progress)


@overload
def restore(
    x: Picture,
    mask: Any = None,
    method: str = "auto",
    *,
    return_result: Literal[False] = False,
    progress: Watcher | None = None,
    **options: Unpack[RestoreOptions],
) -> Picture: ...
@overload
def restore(
    x: Picture,
    mask: Any = None,
    method: str = "auto",
    *,
    return_result: Literal[True],
    progress: Watcher | None = None,
    **options: Unpack[RestoreOptions],
) -> Result: ...
@asks(Restore)
def restore(
    x: Any,
    mask: Any = None,
    method: str = "auto",
    *,
    return_result: bool = False,
    progress: Watcher | None = None,
    **options: Unpack[RestoreOptions],
) -> Any:
    """Fill the scratches, dust and tears of a photograph, then denoise it; you get back what you gave.

    The noise is measured outside the damage. With ``document`` the paper of a page is evened out instead.

    Args:
        x: one picture as for `denoise`.
        mask: what is damaged, (H, W), as for `inpaint`; None to look for it. `result.extras["mask"]` holds
            what was found, (1, H, W) bool.
        method: "auto" or a method that denoises.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.
        **options: as follows.

    Raises:
        ValueError: for a stack, and as `denoise` and `inpaint`.

    >>> import numpy as np
    >>> ramp = np.tile(np.linspace(40, 160, 64), (64, 1))
    >>> hole = np.zeros((64, 64), bool)
    >>> hole[30:32, 5:60] = True
    >>> scratched = np.where(hole, 250, ramp).astype(np.uint8)
    >>> int(np.abs(restore(scratched, hole).astype(int) - ramp)[hole].max()) <= 2
    True
    """
    request = checked(Restore, {"method": method, "mask": mask, **options})
    return _carried_out(request, [x], return_result, progress)


@overload
def upscale(
    x: Picture,
    factor: int = 2,
    method: str = "auto",
    *,
    return_result: Literal[False] = False,
    progress: Watcher | None = None,
    **options: Unpack[RequestOptions],
) -> Picture: ...
@overload
def upscale(
    x: Picture,
    factor: int = 2,
    method: str = "auto",
    *,
    return_result: Literal[True],
    progress: Watcher | None = None,
    **options: Unpack[RequestOptions],
) -> Result: ...
@asks(Upscale)
def upscale(
    x: Any,
    factor: int = 2,
    method: str = "auto",
    *,
    return_result: bool = False,
    progress: Watcher | None = None,
    **options: Unpack[RequestOptions],
) -> Any:
    """Make a picture or a stack larger; you get back what you gave, with sides ``factor`` times as long.

    Args:
        x: a picture as for `denoise`.
        factor: 2, 4 or 8.
        method: "auto" or a method that upscales.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.
        **options: as follows.

    Raises:
        ValueError: for a factor that is none of these, and as `denoise`.

    >>> import numpy as np
    >>> upscale(np.full((6, 5), 90, np.uint8), 2, "bicubic").shape
    (12, 10)
    """
    request = checked(Upscale, {"method": method, "factor": factor, **options})
    return _carried_out(request, [x], return_result, progress)


def inspect(
    x: Image | NDArray[Any] | Tensor,
    *,
    data_range: float | None = None,
    nodata: float | str = "auto",
    noise_region: str | None = None,
    axes: str | None = None,
    axis: str = "auto",
    channel_axis: int | None = None,
) -> NoiseReport:
    """Measure the noise of a picture or a stack.

    Args:
        x: as for `denoise`.
        data_range: what white is in the units of x.
        nodata: the value of pixels without a measurement, "auto" or "none".
        noise_region: rows and columns Y0:Y1,X0:X1 in which alone it is measured.
        axes: one letter per axis of a stack, where it is not known what they are.
        axis: "auto", "t", "z" or "none": which slices help each other; it is checked, and changes no level.
        channel_axis: of an array that has channels.

    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(0.5, 0.1, (64, 64)).astype(np.float32)
    >>> bool(0.08 < inspect(noisy).level < 0.12)
    True
    """
    asked = Inspect(
        data_range=data_range,
        nodata=nodata,
        noise_region=noise_region,
        axes=axes,
        axis=axis,
        channel_axis=channel_axis,
    )
    return inspected(x, asked).noise


def inspected(x: Any, request: Inspect) -> State:
    """The run of `denoise` up to the choice, which says what it would do."""
    asked = Denoise(
        data_range=request.data_range,
        nodata=request.nodata,
        noise_region=request.noise_region,
        axes=request.axes,
        axis=request.axis,
        channel_axis=request.channel_axis,
    )
    return pipeline.run(State(settings=settle(asked), given=(x,)), pipeline.DECIDE)


def _carried_out(
    request: Request, given: Sequence[Any], return_result: bool, progress: Watcher | None
) -> Any:
    """The line from end to end."""
    settings = settle(request, shots=len(given))
    state = pipeline.run(State(settings=settings, given=tuple(given), progress=progress))
    return state.result if return_result else like(given[0], state.picture)


def _shots(x: Any, shots: bool) -> Sequence[Any]:
    """The shots that were given, one for a picture."""
    if not shots:
        if isinstance(x, list | tuple):
            raise TypeError(
                "x must be one picture, got a list. Pass shots=True if it holds shots of one scene."
            )
        return [x]
    if not isinstance(x, list | tuple) or not x:
        raise TypeError(f"x must be a list of shots with shots=True, got {type(x).__name__}.")
    return x
