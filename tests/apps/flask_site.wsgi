"""A Flask site in one file.

Covers: routing below a mount, GET and POST, file upload, sessions, redirects, a generator as
response, send_file (which uses wsgi.file_wrapper), a view that raises, logging to wsgi.errors.
"""

import hashlib
import io

import flask

application = flask.Flask(__name__)
application.secret_key = "only for tests"


@application.get("/")
def index():
    name = flask.request.args.get("name", "world")
    return f"Hello {name} at {flask.request.script_root}{flask.request.path}"


@application.post("/upload")
def upload():
    file = flask.request.files["file"]
    data = file.read()
    found = [file.filename, len(data), hashlib.sha256(data).hexdigest(), flask.request.form["text"]]
    return flask.jsonify(found)


@application.get("/count")
def count():
    flask.session["count"] = flask.session.get("count", 0) + 1
    return str(flask.session["count"])


@application.get("/stream")
def stream():
    return flask.Response((b"%d\n" % number for number in range(1000)), mimetype="text/plain")


@application.get("/download")
def download():
    content = io.BytesIO(b"static content\n" * 1000)
    return flask.send_file(content, as_attachment=True, download_name="static.txt")


@application.get("/moved")
def moved():
    return flask.redirect(flask.url_for("index"))


@application.get("/broken")
def broken():
    raise ValueError("in a view")
