"""What Django's own permissions mean here: an administrator holds all of them, which opens the admin site."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from portal.permissions import has_role
from portal.roles import Role


class RoleBackend(BaseBackend):
    """Answers for Django's permissions by role. What a model's admin forbids stays forbidden."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether the admin site may show or change something."""
        return has_role(user_obj, Role.ADMINISTRATOR)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether an app is listed there."""
        return has_role(user_obj, Role.ADMINISTRATOR)
