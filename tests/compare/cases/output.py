"""Applications: what they return, write and raise, and what they log."""

from __future__ import annotations

from collections.abc import Iterator

from cases.case import GZIP, Case, answer, run


def output() -> Iterator[Case]:
    log = "print(mark, {!r}, file=environ['wsgi.errors'])"
    wrapper = "environ['wsgi.file_wrapper']"
    for name, source in {
        "generator": "start_response('200 OK', [])\nyield b'a'\nyield b''\nyield b'b'",
        "generator-late": "yield b''\nstart_response('200 OK', [])\nyield b'b'",
        "generator-never": "yield b'a'",
        "generator-empty": "start_response('200 OK', [])\nreturn\nyield",
        "never": "return [b'a']",
        "never-empty": "return []",
        "none": "start_response('200 OK', [])\nreturn None",
        "number": "start_response('200 OK', [])\nreturn 7",
        "str": "start_response('200 OK', [])\nreturn ['text']",
        "str-second": "start_response('200 OK', [])\nreturn [b'a', 'text']",
        "bytes": "start_response('200 OK', [])\nreturn b'abc'",
        "bytes-empty": "start_response('200 OK', [])\nreturn b''",
        "bytearray": "start_response('200 OK', [])\nreturn [bytearray(b'abc')]",
        "memoryview": "start_response('200 OK', [])\nreturn [memoryview(b'abc')]",
        "none-item": "start_response('200 OK', [])\nreturn [None]",
        "string": "start_response('200 OK', [])\nreturn 'abc'",
        "string-empty": "start_response('200 OK', [])\nreturn ''",
        "dict": "start_response('200 OK', [])\nreturn {b'a': 1}",
        "subclass": "class B(bytes): pass\nstart_response('200 OK', [])\nreturn [B(b'abc')]",
        "empty-items": "start_response('200 OK', [])\nreturn [b'', b'']",
        "empty-items-length": "start_response('200 OK', [('Content-Length', '0')])\nreturn [b'', b'']",
        "getitem": "class S:\n    def __getitem__(self, i):\n        if i > 1: raise IndexError\n        return b'ab'\nstart_response('200 OK', [])\nreturn S()",
        "write": "write = start_response('200 OK', [])\nwrite(b'a')\nwrite(b'')\nwrite(b'b')\nreturn [b'c']",
        "write-only": "start_response('200 OK', [])(b'a')\nreturn []",
        "write-empty": "start_response('200 OK', [])(b'')\nreturn []",
        "write-str": "start_response('200 OK', [])('a')\nreturn []",
        "write-long": "start_response('200 OK', [('Content-Length', '2')])(b'abcd')\nreturn []",
        "write-raises": "start_response('200 OK', [])(b'a')\nraise ValueError(mark)",
        "write-arguments": "start_response('200 OK', [])(b'a', b'b')\nreturn []",
        "raises": "raise ValueError(mark + 'x')",
        "raises-after-start": "start_response('200 OK', [('X-A', '1')])\nraise ValueError(mark)",
        "raises-first": "start_response('200 OK', [('X-A', '1')])\nif True: raise ValueError(mark)\nyield b'a'",
        "raises-later": "start_response('200 OK', [])\nyield b'a'\nraise ValueError(mark)",
        "raises-later-length": "start_response('200 OK', [('Content-Length', '9')])\nyield b'a'\nraise ValueError(mark)",
        "raises-exact-length": "start_response('200 OK', [('Content-Length', '1')])\nyield b'a'\nraise ValueError(mark)",
        "exit": "raise SystemExit(mark)",
        "exit-later": "start_response('200 OK', [])\nyield b'a'\nraise SystemExit(mark)",
        "keyboard": "raise KeyboardInterrupt(mark)",
        "stop": "raise StopIteration(mark)",
        "generator-exit": "raise GeneratorExit(mark)",
        "sys-exit": "sys.exit(0)",
        "twice": "start_response('200 OK', [('X-A', '1')])\nstart_response('404 Not Found', [('X-B', '1')])\nreturn [b'x']",
        "twice-info": "start_response('200 OK', [('X-A', '1')])\ntry:\n    raise ValueError(mark)\nexcept ValueError:\n    start_response('404 Not Found', [('X-B', '1')], sys.exc_info())\nreturn [b'x']",
        "twice-late": "start_response('200 OK', [])\nyield b'a'\nstart_response('200 OK', [])\nyield b'b'",
        "twice-late-info": "start_response('200 OK', [])\nyield b'a'\ntry:\n    raise ValueError(mark)\nexcept ValueError:\n    start_response('404 Not Found', [], sys.exc_info())\nyield b'x'",
        "info-none": "start_response('200 OK', [], None)\nreturn [b'a']",
        "info-bad": "start_response('200 OK', [], 7)\nreturn [b'a']",
        "info-keyword": "start_response('200 OK', [], exc_info=None)\nreturn [b'a']",
        "keywords": "start_response(status='200 OK', headers=[])\nreturn [b'a']",
        "response-headers": "start_response(status='200 OK', response_headers=[])\nreturn [b'a']",
        "arguments-none": "start_response()\nreturn []",
        "arguments-four": "start_response('200 OK', [], None, 1)\nreturn []",
        "headers-tuple": "start_response('200 OK', ())\nreturn []",
        "headers-none": "start_response('200 OK', None)\nreturn []",
        "status-bytes": "start_response(b'200 OK', [])\nreturn []",
        "status-number": "start_response(200, [])\nreturn []",
        "start-type": "start_response('200 OK', [])\nreturn [repr((type(start_response).__name__, type(start_response.__self__).__name__)).encode()]",
        "headers-changed": "h = [('X-A', '1')]\nstart_response('200 OK', h)\nh.append(('X-B', '2'))\nreturn [b'a']",
        "close": "class R:\n    def __iter__(self): return iter([b'a'])\n    def close(self): " + log.format("closed") + "\nstart_response('200 OK', [])\nreturn R()",
        "close-raises": "class R:\n    def __iter__(self): return iter([b'a'])\n    def close(self): raise ValueError(mark)\nstart_response('200 OK', [])\nreturn R()",
        "close-after-error": "class R:\n    def __iter__(self):\n        raise ValueError(mark + 'iter')\n    def close(self): " + log.format("closed") + "\nstart_response('200 OK', [])\nreturn R()",
        "close-number": "class R(list):\n    close = 7\nstart_response('200 OK', [])\nreturn R([b'a'])",
        "length-exact": "start_response('200 OK', [('Content-Length', '4')])\nreturn [b'ab', b'cd']",
        "length-cut": "start_response('200 OK', [('Content-Length', '3')])\nreturn [b'ab', b'cd', b'ef']",
        "length-short": "start_response('200 OK', [('Content-Length', '9')])\nreturn [b'ab', b'cd']",
        "length-none": "start_response('200 OK', [('Content-Length', '9')])\nreturn []",
        "length-never": "start_response('200 OK', [('Content-Length', '9')])\nreturn\nyield",
        "file": f"start_response('200 OK', [])\nreturn {wrapper}(open(file, 'rb'))",
        "file-size": f"start_response('200 OK', [])\nreturn {wrapper}(open(file, 'rb'), 3)",
        "file-keywords": f"start_response('200 OK', [])\nreturn {wrapper}(filelike=open(file, 'rb'), blksize=3)",
        "file-length": f"start_response('200 OK', [('Content-Length', '10')])\nreturn {wrapper}(open(file, 'rb'))",
        "file-length-short": f"start_response('200 OK', [('Content-Length', '4')])\nreturn {wrapper}(open(file, 'rb'))",
        "file-length-zero": f"start_response('200 OK', [('Content-Length', '0')])\nreturn {wrapper}(open(file, 'rb'))",
        "file-length-long": f"start_response('200 OK', [('Content-Length', '40')])\nreturn {wrapper}(open(file, 'rb'))",
        "file-offset": f"f = open(file, 'rb')\nf.seek(4)\nstart_response('200 OK', [])\nreturn {wrapper}(f)",
        "file-offset-length": f"f = open(file, 'rb')\nf.seek(4)\nstart_response('200 OK', [('Content-Length', '3')])\nreturn {wrapper}(f)",
        "file-end": f"f = open(file, 'rb')\nf.seek(10)\nstart_response('200 OK', [])\nreturn {wrapper}(f)",
        "file-beyond": f"f = open(file, 'rb')\nf.seek(20)\nstart_response('200 OK', [])\nreturn {wrapper}(f)",
        "file-text": f"start_response('200 OK', [])\nreturn {wrapper}(open(file))",
        "file-raw": f"start_response('200 OK', [])\nreturn {wrapper}(open(file, 'rb', 0))",
        "file-bytesio": f"start_response('200 OK', [])\nreturn {wrapper}(io.BytesIO(b'0123456789'))",
        "file-bytesio-length": f"start_response('200 OK', [('Content-Length', '4')])\nreturn {wrapper}(io.BytesIO(b'0123456789'))",
        "file-bytesio-long": f"start_response('200 OK', [('Content-Length', '14')])\nreturn {wrapper}(io.BytesIO(b'0123456789'))",
        "file-stringio": f"start_response('200 OK', [])\nreturn {wrapper}(io.StringIO('0123456789'))",
        "file-pipe": f"r, w = os.pipe()\nos.write(w, b'piped')\nos.close(w)\nstart_response('200 OK', [])\nreturn {wrapper}(os.fdopen(r, 'rb'))",
        "file-unreadable": f"start_response('200 OK', [])\nreturn {wrapper}(7)",
        "file-closed": f"f = open(file, 'rb')\nf.close()\nstart_response('200 OK', [])\nreturn {wrapper}(f)",
        "file-written": f"start_response('200 OK', [])(b'before')\nreturn {wrapper}(open(file, 'rb'))",
        "file-iterated": f"start_response('200 OK', [])\nyield from {wrapper}(open(file, 'rb'), 4)",
        "file-304": f"start_response('304 Not Modified', [])\nreturn {wrapper}(open(file, 'rb'))",
        "file-404": f"start_response('404 Not Found', [])\nreturn {wrapper}(open(file, 'rb'))",
        "file-type": f"start_response('200 OK', [('Content-Type', 'text/x')])\nreturn {wrapper}(open(file, 'rb'))",
        "file-not-started": f"return {wrapper}(open(file, 'rb'))",
        "file-arguments": f"start_response('200 OK', [])\nreturn {wrapper}()",
        "file-negative": f"start_response('200 OK', [])\nreturn {wrapper}(open(file, 'rb'), -1)",
        "file-zero": f"start_response('200 OK', [])\nreturn {wrapper}(io.BytesIO(b'0123'), 0)",
        "file-closes": "class F(io.BytesIO):\n    def close(self): " + log.format("closed") + f"\nstart_response('200 OK', [])\nreturn {wrapper}(F(b'0123'))",
        "file-subclass": "class W(mod_wsgi.FileWrapper): pass\nstart_response('200 OK', [])\nreturn W(open(file, 'rb'))",
        "file-attributes": f"w = {wrapper}(io.BytesIO(), 5)\nstart_response('200 OK', [])\nreturn [repr((w.blksize, type(w.filelike).__name__, type(w).__name__, type(w).__module__)).encode()]",
        "file-after-close": f"w = {wrapper}(io.BytesIO(b'x'))\nw.close()\nstart_response('200 OK', [])\nreturn w",
        "environ-changed": "environ.clear()\nstart_response('200 OK', [])\nreturn [b'a']",
        "environ-type": "start_response('200 OK', [])\nreturn [type(environ).__name__.encode()]",
    }.items():  # fmt: skip
        yield run(f"output {name}", source)
        yield run(f"output {name} 1.0", source, version="HTTP/1.0")
        yield run(f"output {name} head", source, method="HEAD")
        if name.startswith("file"):
            yield run(f"output {name} sendfile", source, "/run/sendfile")
        if name.startswith(("raises", "exit", "write-raises")):
            yield run(f"output {name} document", source, "/run/document?x=y"[:13])
            yield run(f"output {name} loop", source, "/run/loop")
            yield run(f"output {name} override", source, "/override")
    yield run(
        "deflated",
        answer(
            headers="('Content-Type', 'text/plain'), ('Content-Length', '1000')",
            body="[b'x' * 1000]",
        ),
        "/run/deflated",
        headers=GZIP,
    )
    yield run(
        "deflated-head",
        answer(
            headers="('Content-Type', 'text/plain'), ('Content-Length', '1000')",
            body="[b'x' * 1000]",
        ),
        "/run/deflated",
        headers=GZIP,
        method="HEAD",
    )


def logs() -> Iterator[Case]:
    end = "start_response('200 OK', [])\nreturn [b'a']"
    errors = "e = environ['wsgi.errors']\n"
    for name, source in {
        "errors": errors + "e.write(mark + 'one\\n' + mark + 'two\\n')\n",
        "partial": errors + "e.write(mark + 'one')\ne.write('two')\n",
        "flush": errors + "e.write(mark + 'one')\ne.flush()\ne.write(mark + 'two')\n",
        "writelines": errors + "e.writelines([mark, 'a', 'b\\n', mark + 'c\\n'])\n",
        "empty-lines": errors + "e.write(mark + 'one\\n\\n' + mark + 'two\\n')\n",
        "return": errors + "e.write(mark + 'one\\r\\n')\n",
        "unicode": errors + "e.write(mark + 'gr\\xfcn \\u20ac\\n')\n",
        "surrogate": errors + "e.write(mark + 'a\\udc80b\\n')\n",
        "control": errors + "e.write(mark + 'a\\x01\\tb\\x1b\\n')\n",
        "backslash": errors + "e.write(mark + 'a\\\\b\"c\\n')\n",
        "buffer": errors + "e.buffer.write(mark.encode() + b'gr\\xff\\n')\ne.flush()\n",
        "stderr": "print(mark, 'text', file=sys.stderr)\n",
        "stdout": "print(mark, 'text')\n",
        "stderr-partial": "sys.stderr.write(mark + 'text')\n",
        "stderr-and-errors": errors
        + "sys.stderr.write(mark + 'a')\ne.write(mark + 'b\\n')\nsys.stderr.write('c\\n')\n",
        "percent": errors + "e.write(mark + '%s %d %n\\n')\n",
        "logging": "import logging\nlogging.getLogger('x').error(mark + 'text')\n",
        "warning": "import warnings\nwarnings.warn(mark + 'text')\n",
    }.items():
        yield run(f"log {name}", source + end)
    handler = "import logging\nl = logging.getLogger('compare')\nl.setLevel(1)\nl.handlers = [mod_wsgi.LogHandler()]\nl.propagate = False\n"
    for level in (5, 10, 20, 30, 40, 50, 60, 35):
        yield run(
            f"log handler {level}",
            handler + f"l.log({level}, mark + 'text %s', 'a\\n' + mark + 'b')\n" + end,
        )
