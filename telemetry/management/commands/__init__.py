"""Commands of the telemetry plugin."""
