"""What all bodies that are sent share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """Refuses a field that there is not, which would be dropped unseen. Those that are only read may be sent."""

    elsewhere: ClassVar[Mapping[str, str]] = {}

    def to_internal_value(self, data: Any) -> Any:
        """The values, once all are known."""
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {name: [self.elsewhere.get(name, "There is no such field.")] for name in unknown}
                )
        return super().to_internal_value(data)
