"""Charts: pure builders of Vega-Lite specs, drawn on the server; every chart has a table twin.

Plugin authors import from here: ``trend``, ``bars``, ``sparkline`` and the values they take and give.
"""

from portal.charts.bar_chart import bars
from portal.charts.sparkline import sparkline
from portal.charts.trend_chart import trend
from portal.charts.values import Bar, Chart, ChartTable, Point, Series

__all__ = ["Bar", "Chart", "ChartTable", "Point", "Series", "bars", "sparkline", "trend"]
