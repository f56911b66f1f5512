from django.urls import path

from apps.statements.api import views

urlpatterns = [
    path("statements", views.Statements.as_view()),
    path("statements/<str:id>", views.OneStatement.as_view()),
    path("statements/<str:id>/pdf", views.StatementPdf.as_view()),
    path("statements/<str:id>/csv", views.StatementCsv.as_view()),
]
