"""Everything on one machine: web, workers and beat as children of one process that restarts those that die.

Needs no Django, so that the process that only watches stays small. ``manage.py serve`` prepares and then becomes it.
"""
