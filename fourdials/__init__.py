"""Four Dials: find out how a language model is best given more compute at test time."""

__version__ = "0.1.0"
