"""The API of the metrics plugin."""
