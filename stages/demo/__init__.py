"""The demo world's catalog: an invented product, its stages and its handbook page."""
