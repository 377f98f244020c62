"""Template tags of the metrics pages."""
