"""Taking a file in by hand."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from apps.reconciliation import services
from apps.reconciliation.domain import MAX_FILE_BYTES

KINDS = [("", "By its content"), ("settlement", "Settlement report (CSV)"), ("bank", "Bank statement (camt.053)")]


class ImportForm(forms.Form):
    file = forms.FileField(label="File", widget=UnfoldAdminFileFieldWidget, help_text=f"At most {MAX_FILE_BYTES // 1024 // 1024} MB.")
    kind = forms.ChoiceField(label="What it is", choices=KINDS, required=False, widget=UnfoldAdminSelectWidget)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE_BYTES:
            raise forms.ValidationError(f"The file has {file.size} bytes; at most {MAX_FILE_BYTES} are read.")
        return file


class ImportView(UnfoldModelAdminViewMixin, FormView):  # type: ignore[misc,type-arg]
    """Imports one file. What became of it, and why, is said on the page of the file, which stays."""

    title = "Import a file"
    form_class = ImportForm
    permission_required = ("reconciliation.add_sourcefile",)
    template_name = "reconciliation/import_file.html"

    def form_valid(self, form: ImportForm) -> HttpResponse:
        upload = form.cleaned_data["file"]
        done = services.import_file(
            data=upload.read(), name=upload.name, kind=form.cleaned_data["kind"] or None, received_by=self.request.user.get_username()
        )
        if done.status == "quarantined":
            messages.error(self.request, f"Nothing was imported. {done.error}")
        elif done.status == "repeated":
            messages.warning(self.request, "This file was imported before; it counts once.")
        else:
            text = f"{done.lines} lines imported, {done.duplicates} of them duplicates. They are matched within a minute."
            messages.success(self.request, text)
        return redirect("admin:reconciliation_sourcefile_change", done.file_id)
