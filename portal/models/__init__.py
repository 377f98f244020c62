"""The host's own tables: people and roles, tokens, jobs and wake-ups."""

from portal.models.accounts import MailPreference, RoleGrant, User
from portal.models.jobs import Job, LifeSign, Wakeup
from portal.models.notifications import Notification
from portal.models.tokens import ApiToken, TokenScope

__all__ = ["ApiToken", "Job", "LifeSign", "MailPreference", "Notification", "RoleGrant", "TokenScope", "User", "Wakeup"]
