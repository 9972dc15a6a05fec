"""The eight motifs: invented pictures, each the same for the same seed."""

from reelqueue.art.motifs.base import Box, MotifArt, Patch, Tones
from reelqueue.art.motifs.blocks import blocks
from reelqueue.art.motifs.contours import contours
from reelqueue.art.motifs.flow import flow
from reelqueue.art.motifs.growth import growth
from reelqueue.art.motifs.halftone import halftone
from reelqueue.art.motifs.lanes import lanes
from reelqueue.art.motifs.orbits import orbits
from reelqueue.art.motifs.papercut import papercut

__all__ = ["Box", "MotifArt", "Patch", "Tones", "blocks", "contours", "flow", "growth", "halftone", "lanes", "orbits", "papercut"]
