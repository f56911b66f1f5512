"""Settings that every environment shares. What may differ comes from the environment: config/env.py."""

from pathlib import Path

from config import backoffice, env, logs

env.load_state_env()

BASE_DIR = env.ROOT
STATE_DIR = env.state_dir()
SECRET_KEY = env.text("SECRET_KEY", "not-secret-for-development-only-0123456789abcdef")
DEBUG = False
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
PUBLIC_BASE_URL = env.text("PUBLIC_BASE_URL", "http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "config",  # first: its templates stand before Unfold's
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "django_celery_beat",
    "apps.core",
    "apps.idempotency",
    "apps.events",
    "apps.merchants",
    "apps.cutover",
    "apps.ledger",
    "apps.payments",
    "apps.reconciliation",
    "apps.statements",
    "apps.closing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.api.middleware.RequestIdMiddleware",
    "apps.core.api.middleware.NoCookiesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# The lean handler (config/lean.py) runs these and no others: async-native only.
HOT_MIDDLEWARE: list[str] = []

ROOT_URLCONF = "config.urls"
HOT_URLCONF = "config.hot_urls"
# Answers what a hot view hands over (apps/cutover); HOT_ROUTES=off sends everything there at once.
CLASSIC_APPLICATION = "config.asgi.stock"
HOT_ROUTES = env.flag("HOT_ROUTES", True)
# Percent of hot answers that the classic path gives a second time, off the request, to be compared.
SHADOW_READ_PERCENT = env.share("SHADOW_READ_PERCENT", 0.0)
# Tells what to repeat before a write can be rehearsed.
SHADOW_HISTORY = "apps.payments.flows.history.history_of"
SHADOW_WRITE_PERCENT = env.share("SHADOW_WRITE_PERCENT", 0.0)
ASGI_APPLICATION = "config.asgi.application"
# Who signs in without having asked for a page gets the back office.
LOGIN_REDIRECT_URL = "admin:index"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# PostgreSQL. The application's role may not change the ledger; migrations run as the owner, on a
# direct port where a pooler stands between.
_database = env.database(env.text("DATABASE_URL", "postgres://florin_app@127.0.0.1:5432/florin"))
_owner = env.database(env.text("DATABASE_OWNER_URL", env.text("DATABASE_URL", "postgres://florin_app@127.0.0.1:5432/florin")))
# Whoever nobody waits for (workers, manage.py) logs in as a role that may take minutes for a statement, not seconds.
# Roles, because what a session sets reaches somebody else through a transaction pooler.
JOBS = env.flag("JOBS", False) and env.given("DATABASE_JOBS_USER")
if JOBS:
    _database |= {"USER": env.text("DATABASE_JOBS_USER"), "PASSWORD": env.text("DATABASE_JOBS_PASSWORD", "")}
# A transaction pooler (PgBouncer) stands between. One that follows prepared statements (1.21 and later) says so.
POOLED = env.flag("DATABASE_POOLED", False)
PREPARE = env.flag("DATABASE_PREPARE", not POOLED)
# A server that is gone is tried again at once and a second later; then the next request tries. The pools' own
# way, doubling pauses for five minutes, would outlast the restart that caused it.
DATABASE_RECONNECT_S = 1.0
# A machine that vanished says nothing: seconds for a connection, milliseconds for an unacknowledged packet.
DATABASE_PATIENCE = {"connect_timeout": 3, "keepalives_idle": 30, "tcp_user_timeout": 10_000}
DATABASE_POOL_SIZE = env.number("DATABASE_POOL_SIZE", 8)
DATABASES = {
    "default": {
        **_database,
        # A connection kept per request thread leaks one per thread under ASGI.
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": POOLED,
        "OPTIONS": {
            "pool": {
                "min_size": 0,
                "max_size": DATABASE_POOL_SIZE,
                "timeout": env.seconds("DATABASE_POOL_WAIT_S", 2.0),
                "reconnect_timeout": DATABASE_RECONNECT_S,
            },
            **DATABASE_PATIENCE,
            "application_name": "florin",
            "prepare_threshold": 5 if PREPARE else None,
        },
    },
}
OWNER_DATABASE = _owner
ATOMIC_REQUESTS = False
DATABASE_DSN = env.dsn(_database)
DATABASE_OWNER_DSN = env.dsn(_owner)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Past the pooler, as the application's role: for what must not wait for a connection while it holds one.
DATABASE_DIRECT_DSN = env.dsn(env.database(env.text("DATABASE_DIRECT_URL"))) if env.given("DATABASE_DIRECT_URL") else DATABASE_DSN
# The hot pool goes direct unless told otherwise: it holds few connections and lives by prepared statements.
HOT_DATABASE_DSN = env.dsn(env.database(env.text("HOT_DATABASE_URL"))) if env.given("HOT_DATABASE_URL") else DATABASE_DIRECT_DSN
HOT_POOLED = POOLED and HOT_DATABASE_DSN == DATABASE_DSN
# Connections of a process for reads, each of which carries many at once.
HOT_LINES = env.number("HOT_LINES", 2)
HOT_WAIT_S = env.seconds("HOT_WAIT_S", 2.0)
# How many writes of one process may wait to be sent; more are refused at once with 503.
HOT_QUEUE = env.number("HOT_QUEUE", 1024)
# How long a request that is let in should take at most, seconds; what would take longer is refused.
HOT_LATENCY_S = env.seconds("HOT_LATENCY_S", 0.15)
# Bytes a process keeps of the JSON of payments that it has shown; 8 MB hold some 2,500 with two relations each.
SHOWN_BYTES = env.number("SHOWN_BYTES", 8_388_608)
HOT_PREPARE = env.flag("HOT_PREPARE", not HOT_POOLED)

# How many of them run against this database, for the check of the connections' sum (apps/core/db/connections.py).
WEB_PROCESSES = env.number("WEB_CONCURRENCY", 2)
WORKER_PROCESSES = env.number("WORKER_PROCESSES", 2)

# Redis is disposable: broker, cache, rate limits, channel layer. It never holds the only copy.
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "florin",
        "TIMEOUT": 300,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.05,
            "SOCKET_TIMEOUT": 0.05,
        },
    },
}
# Answers to writes with a key, for their replays: how long, seconds (0: PostgreSQL answers them all), and
# how much of them each process leaves in Redis.
REPLAYS_KEPT_S = env.number("REPLAYS_KEPT_S", 3600)
REPLAYS_MB = env.number("REPLAYS_MB", 32)
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL)
CELERY_KEY_PREFIX = env.text("CELERY_KEY_PREFIX", "florin:")

# Time
USE_TZ = True
TIME_ZONE = "UTC"
LEDGER_TIME_ZONE = env.text("LEDGER_TIME_ZONE", "UTC")
CLOCK_MAY_MOVE = env.flag("CLOCK_MAY_MOVE", False)

# The outside world
SANDBOX_URL = env.text("SANDBOX_URL", "http://127.0.0.1:8100").rstrip("/")
GATEWAY_DEADLINE_S = env.seconds("GATEWAY_DEADLINE_S", 10.0)
WEBHOOK_ALLOW_PRIVATE = env.flag("WEBHOOK_ALLOW_PRIVATE", False)

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Florin <no-reply@florin.example>")

# Who issues the statements
ISSUER_NAME = env.text("ISSUER_NAME", "Florin Payments Ltd")
ISSUER_ADDRESS = env.text("ISSUER_ADDRESS", "1 Ledger Lane, Dublin 2, Ireland")
ISSUER_TAX_ID = env.text("ISSUER_TAX_ID", "IE1234567T")

# Month end: close last month by itself once it is over.
AUTO_CLOSE = env.flag("AUTO_CLOSE", True)
# On which working day of the next month (Monday to Friday); 0: the day after its end.
CLOSE_WORKING_DAY = env.number("CLOSE_WORKING_DAY", 0)

# Limits: requests a second, and how many at once on top.
# Requests with unknown keys from one address within a minute; what comes after is refused unseen.
FAILURES_PER_ADDRESS = env.number("FAILURES_PER_ADDRESS", 30)
RATE_LIMIT_PER_KEY = env.number("RATE_LIMIT_PER_KEY", 1000)
RATE_LIMIT_PER_MERCHANT = env.number("RATE_LIMIT_PER_MERCHANT", 2000)

# Files
MEDIA_ROOT = Path(env.text("MEDIA_DIR", str(STATE_DIR / "files")))
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_DIR", str(STATE_DIR / "static")))
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 15 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
LANGUAGE_CODE = "en"
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Florin API",
    "DESCRIPTION": "Payments, ledger, reconciliation and statements for merchants.",
    "VERSION": "2026-11-01",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["apps.core.api.openapi.introduce"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
UNFOLD = backoffice.UNFOLD

LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING = logs.config(LOG_LEVEL)
