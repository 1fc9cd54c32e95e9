"""The staff console at `/console`: pages made on the server, with htmx where a part of one changes.

A page is one entry of the table in `routes.pages`: method, path, who may, and a handler that gets the request and the member and answers with `render`:

    async def show(self, request: web.Request, member: Member) -> web.StreamResponse:
        return render(request, member, "queue.html", tickets=await self._tickets.open())

    get("/console/queue", Permission.READ_TICKETS, queue.show)
    post("/console/queue/{id}/claim", Permission.WORK_TICKETS, queue.claim)

The gate (`gate`) has then seen to everything that pages have in common: who is there, whether the password must be changed first, the permission, for POST
the origin and the token, errors as pages. A handler raises `web.HTTPNotFound` for what is not there or not the member's: the same answer. The fields of a
form are in `fields(request)`; a template puts `{{ token() }}` into each form, htmx sends the token by itself.
"""

from .forms import fields
from .options import Options
from .page import Access, Page, get, post
from .routes import add_routes
from .views import redirect, render
from .work import Work

__all__ = ["Access", "Options", "Page", "Work", "add_routes", "fields", "get", "post", "redirect", "render"]
