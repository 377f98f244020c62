"""Who is on duty for which stage."""
