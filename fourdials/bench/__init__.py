"""The theory with knobs: settings → curves of closed forms and simulators, and what a run's own data say beside them.

A bench is a file of this package. `Learn` turns its knobs, lessons set them, exported lessons draw it as it stands.
"""

from fourdials.bench.benches import BENCHES, laid_over
from fourdials.bench.overlays import OVERLAYS, Overlay
from fourdials.bench.records import LINE_SCHEMA, Bench, Knob, Played

__all__ = ["BENCHES", "LINE_SCHEMA", "OVERLAYS", "Bench", "Knob", "Overlay", "Played", "laid_over"]
