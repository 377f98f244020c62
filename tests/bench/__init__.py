"""``make bench``: what the portal costs, as ratios against the leanest thing that does the same, in one run.

A file ``cases_<layer>.py`` registers its measurements with ``@case``. ``make bench BENCH="accept rollup"`` runs some.
"""
