"""Four Dials: find out how a language model is best given more compute at test time.

`import fourdials as fd` gives notebooks what the pages are made of (docs/api.md); it is loaded on first use.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Results", "execute", "open"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'fourdials' has no attribute {name!r}; it has {', '.join(__all__)}")
    from fourdials import api

    return getattr(api, name)
