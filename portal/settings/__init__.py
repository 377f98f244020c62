"""Settings of Stageboard: one module, everything that differs between places is read from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from portal.logs import configure as configure_logs
from portal.plugins.discovery import installed_plugin_apps
from portal.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = env.path("PORTAL_DATA_DIR", BASE_DIR / "var")

DEBUG = env.flag("DEBUG", False)
PRODUCTION = env.flag("PORTAL_PRODUCTION", False)
SECRET_KEY = env.text("SECRET_KEY", "")
if not SECRET_KEY and PRODUCTION:
    raise ImproperlyConfigured("SECRET_KEY must be set where PORTAL_PRODUCTION is; a long random word, kept secret.")
if not SECRET_KEY:
    from portal.settings.secret import kept_secret

    SECRET_KEY = kept_secret(DATA_DIR)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG must not be set where PORTAL_PRODUCTION is; it shows settings to visitors.")
if PRODUCTION and not env.words("ALLOWED_HOSTS", []):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the portal's host names where PORTAL_PRODUCTION is set.")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])

PORTAL_PLUGINS = env.maybe_words("PORTAL_PLUGINS")

INSTALLED_APPS = [
    # Templates of the highest layer win: plugins stand before the host, the host before the libraries.
    *installed_plugin_apps(PORTAL_PLUGINS),
    "portal.apps.PortalConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
]

MIDDLEWARE = [
    "portal.request_id.RequestIdMiddleware",
    "portal.prometheus.RequestNumbersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.policy.PolicyMiddleware",
    # Before sessions and sign-in: machines that call these paths have neither.
    "portal.early.EarlyPathsMiddleware",
    # After them: the version check answers whatever it is asked.
    "portal.nul.RefuseNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.history.HistoryMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.shell",
            ],
        },
    }
]

_outside = env.database("DATABASE_URL")
if _outside is None:
    from portal.embedded import EmbeddedPostgresError, ensure_running

    try:
        _outside = ensure_running(DATA_DIR)
    except EmbeddedPostgresError as error:
        raise ImproperlyConfigured(str(error)) from error
# A connection is kept per thread. A check before its first use in a request costs a tenth of a millisecond and spares
# the visitor an error after PostgreSQL was restarted.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {**_outside, "CONN_MAX_AGE": env.integer("CONN_MAX_AGE", 600, least=0), "CONN_HEALTH_CHECKS": True}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "portal.backends.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_FORMS = {"login": "portal.accounts.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# One answer whether or not an address has an account, so that nobody can ask who has.
ACCOUNT_PREVENT_ENUMERATION = True
# Single sign-on by OpenID Connect: on where OIDC_SERVER_URL is set (docs: how to configure sign-on).
SOCIALACCOUNT_ADAPTER = "portal.accounts.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = env.flag("OIDC_MATCH_EMAIL", False)
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = SOCIALACCOUNT_EMAIL_AUTHENTICATION
OIDC_CREATE_USERS = env.flag("OIDC_CREATE_USERS", True)
OIDC = env.sign_on()
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = (
    {"openid_connect": {"APPS": [OIDC.app()], "OAUTH_PKCE_ENABLED": True}} if OIDC else {}
)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
# Built on this machine by ``manage.py build_assets``; made here so that the folder is there before its content.
ASSETS_DIR = DATA_DIR / "assets"
ASSETS_DIR.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [ASSETS_DIR]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "portal.storage.StaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Drawn charts, shared by all processes of a machine: about 10 KB each.
    "charts": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "charts",
        "OPTIONS": {"MAX_ENTRIES": 3000},
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        # A form that signs on elsewhere is redirected there, which browsers count as its action.
        "form-action": ["'self'", *([OIDC.origin] if OIDC else [])],
    }
}

# A handbook page of 20 MB, the largest that is read, fits as pasted text and as JSON. Pings have a limit of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 2**20

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.permissions.RolePermission"],
    "DEFAULT_PARSER_CLASSES": [
        "portal.api.parsing.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    # No browsable API: its pages need inline scripts, and Swagger does the same better.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "portal.api.problems.problem_handler",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portal.api.pagination.Pages",
    # "format" would be taken from exports and reports that have a format of their own.
    "URL_FORMAT_OVERRIDE": None,
    # DRF puts a field of this name into the header Location; "url" is what several of our own things are called.
    "URL_FIELD_NAME": "api_url",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Stageboard API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Choices stay where they are used. Shared ones would need names that no two plugins may take.
    "POSTPROCESSING_HOOKS": ["portal.api.openapi.describe_problems"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOGGING = configure_logs(level=env.text("LOG_LEVEL", "INFO"), plain=env.text("LOG_FORMAT", "json") == "plain" or DEBUG)

# Where the portal is used by others. Each part can be set by itself, for proxies that do one of them already.
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", PRODUCTION)
# Asked by machines on the inside, which speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000 if PRODUCTION else 0, least=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", PRODUCTION)
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", PRODUCTION)
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("SECURE_COOKIES", PRODUCTION)
SESSION_COOKIE_HTTPONLY = True
if env.flag("BEHIND_PROXY", False):
    # Only true where a proxy sets the header itself; without one any visitor could.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Celery. Without a broker of its own the portal keeps messages as files in the data folder (one machine only).
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "") or "filesystem://localhost/"  # kombu warns of a missing host
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        "data_folder_in": str(DATA_DIR / "broker" / "messages"),
        "data_folder_out": str(DATA_DIR / "broker" / "messages"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "polling_interval": 0.1,
    }
    if CELERY_BROKER_URL.startswith("filesystem:")
    else {"visibility_timeout": 3600, "socket_connect_timeout": 2, "socket_timeout": 10}
    if CELERY_BROKER_URL.startswith(("redis:", "rediss:", "sentinel:"))
    else {}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "portal.pool:WholePool"
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 280_000  # KiB: a child that has grown beyond it is replaced after its task
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "broker" / "beat")

# Where people reach this portal: for links in e-mail, which no request tells.
PORTAL_URL = env.text("PORTAL_URL", "http://localhost:8000")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "stageboard@localhost")
