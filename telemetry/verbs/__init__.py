"""Writes of telemetry: keyword-only, one transaction each, safe to run twice."""
