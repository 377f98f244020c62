"""How lists of the API are cut into pages."""

from __future__ import annotations

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """``count``, ``next``, ``previous``, ``results``; ``page_size`` up to 500. For more, use the export."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
