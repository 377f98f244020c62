"""The demo world's reports: an invented population of installations and what it sent."""
