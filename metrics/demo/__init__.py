"""The demo world's dictionary: what the invented product counts."""
