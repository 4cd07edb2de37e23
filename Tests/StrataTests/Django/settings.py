"""An application of Django, on the SQLite file or the PostgreSQL database that the environment names."""
import os
from urllib.parse import unquote, urlsplit

SECRET_KEY = "a test's"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.admin", "shelter",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages"]}}]

url = urlsplit(os.environ.get("APP_DATABASE", ""))
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.db"} if not url.scheme else {
    "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "HOST": url.hostname, "PORT": url.port,
    "USER": url.username, "PASSWORD": unquote(url.password or ""),
}}
