"""Falcon, with resources."""

from falcon import MEDIA_TEXT, App, Request, Response


class Hello:
    def on_get(self, request: Request, response: Response, name: str) -> None:
        response.content_type = MEDIA_TEXT
        response.text = f"Hello {name} at {request.root_path}{request.path}"


class Echo:
    def on_post(self, request: Request, response: Response) -> None:
        response.content_type = MEDIA_TEXT
        response.text = request.get_media()["text"]


class Broken:
    def on_get(self, request: Request, response: Response) -> None:
        raise ValueError("in a resource")


app = App()
app.add_route("/hello/{name}", Hello())
app.add_route("/echo", Echo())
app.add_route("/broken", Broken())
