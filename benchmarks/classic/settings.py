"""Settings of the classic project."""

from config import env

env.load_state_env()

SECRET_KEY = env.text("SECRET_KEY", "not-secret-for-the-benchmark-only-0123456789abcdef")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = ["rest_framework", "benchmarks.classic"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "benchmarks.classic.urls"
WSGI_APPLICATION = "benchmarks.classic.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

# The same server as Florin's database, over the same loopback TCP with the same kind of password.
_florin = env.database(env.text("DATABASE_OWNER_URL", env.text("DATABASE_URL", "postgres://florin_owner@127.0.0.1:5432/florin")))
MAINTENANCE_DSN = env.dsn(_florin | {"NAME": "postgres"})
DATABASES = {"default": _florin | {"NAME": f"{_florin['NAME']}_classic", "CONN_MAX_AGE": env.number("CONN_MAX_AGE", 0)}}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["benchmarks.classic.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["benchmarks.classic.authentication.HasMerchant"],
    "DEFAULT_PARSER_CLASSES": ["benchmarks.classic.parsers.BracketFormParser", "rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

SANDBOX_URL = env.text("SANDBOX_URL", "http://127.0.0.1:8100").rstrip("/")
GATEWAY_TIMEOUT_S = 10
