"""The catalog as JSON, subject by subject."""
