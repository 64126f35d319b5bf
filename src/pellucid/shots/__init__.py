"""Several shots of one scene: brought into register and to one brightness, or refused; then their average."""

from pellucid.shots.align import Aligned, Placement, align

__all__ = ["Aligned", "Placement", "align"]
