/*
 * Every callback fails once, at every place where it is called.  The engine
 * tells so, calls close(), does not pretend that the response is complete, and
 * serves the next request.
 */
#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"

static wsgi_core_engine *engine;
static wsgi_core_error *err;
static exchange x;

static wsgi_core_request_info post_info(const char *path,
                                        wsgi_core_pair *header)
{
    wsgi_core_request_info info = request_info(SCRIPT, path);

    header->name = bytes("Content-Length");
    header->value = bytes("9");
    info.method = bytes("POST");
    info.headers = header;
    info.headers_len = 1;
    return info;
}

/* Serve a request whose callback number `fail_at` fails. */
static wsgi_core_status serve_failing(const char *path, unsigned fail_at,
                                      wsgi_core_outcome *outcome,
                                      wsgi_core_error **detail)
{
    wsgi_core_pair header;
    wsgi_core_request_info info = post_info(path, &header);

    exchange_init(&x);
    x.body = "123456789";
    x.body_len = 9;
    x.read_max = 4;
    x.fail_at = fail_at;
    return exchange_serve(engine, &info, &x, outcome, detail);
}

static int count_of_closes(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/closes");

    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    return atoi(x.sent);
}

/* Let each callback of a request for this path fail in turn. */
static void fail_everywhere(const char *path)
{
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    unsigned calls, k;

    CHECK_CALL(serve_failing(path, 0, &outcome, &err), WSGI_CORE_OK, err);
    CHECK_INT(outcome.complete, true);
    calls = x.calls;
    CHECK(calls > 0);

    for (k = 1; k <= calls; k++) {
        wsgi_core_error *detail = NULL;
        wsgi_core_status status;
        status = serve_failing(path, k, &outcome, &detail);
        if (status != WSGI_CORE_E_HOST && status != WSGI_CORE_E_APPLICATION) {
            CHECK_NOTE("%s: callback %u of %u: status %d", path, k, calls,
                       (int)status);
        }
        CHECK_INT(x.calls, k); /* no callback after the one that failed */
        CHECK_INT(outcome.complete, false);
        CHECK_INT(wsgi_core_error_head_sent(detail), outcome.head_sent);
        wsgi_core_error_free(detail);
    }
    CHECK_CALL(serve_failing(path, 0, &outcome, &err), WSGI_CORE_OK, err);
    CHECK_INT(outcome.complete, true);
}

static void list(void)
{
    fail_everywhere("/hello");
}

static void generator(void)
{
    fail_everywhere("/stream");
}

static void file(void)
{
    fail_everywhere("/file");
}

static void request_body(void)
{
    fail_everywhere("/echo");
}

static void everything(void)
{
    fail_everywhere("/everything");
}

static void reading_is_an_oserror(void)
{
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;

    CHECK_CALL(serve_failing("/echo", 1, &outcome, &err),
               WSGI_CORE_E_APPLICATION, err);
    CHECK_CONTAINS(x.log, "OSError");
    CHECK_CONTAINS(x.log, "the test says so");
    CHECK_INT(outcome.head_sent, false);
}

static void close_is_called(void)
{
    int before = count_of_closes();
    unsigned calls, k;

    CHECK_CALL(serve_failing("/stream", 0, NULL, &err), WSGI_CORE_OK, err);
    calls = x.calls;
    for (k = 1; k <= calls; k++) {
        (void)serve_failing("/stream", k, NULL, NULL);
    }
    CHECK_INT(count_of_closes(), before + 1 + (int)calls);
}

/* A lookup that fails is one that finds nothing: the name stays as it is. */
static void lookup_of_a_variable(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/group");
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *const layers[] = { s };
    const char *group = "%{ENV:group}";

    CHECK_CALL(wsgi_core_settings_set(s, "application-group", group,
                                      strlen(group), &err),
               WSGI_CORE_OK, err);
    info.settings = layers;
    info.settings_len = 1;
    exchange_init(&x);
    x.fail_at = 1;
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    CHECK_TEXT(x.sent, group);
    wsgi_core_settings_free(s);
}

/* The client is gone, and no send fails: the engine asks. */
static void aborted(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/stream");

    exchange_init(&x);
    x.aborted = true;
    (void)exchange_serve(engine, &info, &x, NULL, NULL);
    info = request_info(SCRIPT, "/hello");
    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
}

int main(void)
{
    engine = engine_started();
    RUN(list);
    RUN(generator);
    RUN(file);
    RUN(request_body);
    RUN(everything);
    RUN(reading_is_an_oserror);
    RUN(close_is_called);
    RUN(lookup_of_a_variable);
    RUN(aborted);
    CHECK_CALL(wsgi_core_engine_stop(engine, 10000, &err), WSGI_CORE_OK, err);
    wsgi_core_engine_free(engine);
    return check_end();
}
