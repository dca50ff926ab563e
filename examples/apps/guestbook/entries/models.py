from django.db import models


class Entry(models.Model):
    name = models.CharField("your name", max_length=80)
    message = models.TextField("your message", max_length=1000)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created", "-pk"]
        verbose_name_plural = "entries"

    def __str__(self):
        return f"{self.name}, {self.created:%Y-%m-%d}"
