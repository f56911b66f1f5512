from django.apps import AppConfig


class CutoverConfig(AppConfig):
    name = "apps.cutover"
    label = "cutover"
