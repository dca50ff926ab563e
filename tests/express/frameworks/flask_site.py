"""Flask, as its own quickstart has it."""

from flask import Flask, request, url_for

app = Flask(__name__)


@app.get("/hello/<name>")
def hello(name: str) -> str:
    return f"Hello {name} at {url_for('hello', name=name)}"


@app.post("/echo")
def echo() -> str:
    return request.form["text"]


@app.get("/broken")
def broken() -> str:
    raise ValueError("in a view")
