"""The API of telemetry, below ``/api/v1/``."""
