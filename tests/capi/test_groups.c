/*
 * A process group with a log of its own: what its processes write and what is
 * said about them goes there.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"
/* After so many tenths of a second a line does not come any more. */
#define TENTHS 300

static wsgi_core_error *err;
static exchange x;

/* An engine with the group g, which logs to this descriptor. */
static wsgi_core_engine *started(int log)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_settings *group = wsgi_core_settings_new(WSGI_CORE_SCOPE_GROUP);
    wsgi_core_engine *engine = NULL;

    CHECK_CALL(wsgi_core_config_add_group(config, "g", 1, NULL, group, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_set_group_log(config, "g", 1, log,
                                              WSGI_CORE_LEVEL_INFO, &err),
               WSGI_CORE_OK, err);
    close(log);
    CHECK_CALL(wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err),
               WSGI_CORE_OK, err);
    wsgi_core_settings_free(group);
    wsgi_core_config_free(config);
    CHECK_CALL(wsgi_core_engine_start(engine, &err), WSGI_CORE_OK, err);
    return engine;
}

/* The process of the group that serves a request. */
static long worker(const wsgi_core_engine *engine)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/process");
    wsgi_core_settings *layer =
        wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *layers[1];

    layers[0] = layer;
    info.settings = layers;
    info.settings_len = 1;
    CHECK_CALL(wsgi_core_settings_set(layer, "process-group", "g", 1, &err),
               WSGI_CORE_OK, err);
    exchange_init(&x);
    CHECK_CALL(exchange_serve(engine, &info, &x, NULL, &err), WSGI_CORE_OK,
               err);
    wsgi_core_settings_free(layer);
    return atol(x.sent);
}

/* Whether a file has this text, soon. */
static bool comes(const char *path, const char *text)
{
    static const struct timespec tenth = { 0, 100000000 };
    char content[16384];
    int i;

    for (i = 0; i < TENTHS; i++) {
        FILE *file = fopen(path, "r");
        size_t len = file ? fread(content, 1, sizeof(content) - 1, file) : 0;

        content[len] = 0;
        if (file) {
            fclose(file);
        }
        if (strstr(content, text)) {
            return true;
        }
        nanosleep(&tenth, NULL);
    }
    CHECK_NOTE("the log is \"%s\", without \"%s\"", content, text);
    return false;
}

static void a_group_has_a_log_of_its_own(void)
{
    char path[] = "/tmp/wsgi-core-XXXXXX";
    char line[80];
    wsgi_core_engine *engine = started(mkstemp(path));
    long pid = worker(engine);

    CHECK(pid > 0 && pid != (long)getpid());
    snprintf(line, sizeof(line), "Process %ld of group 'g' is ready", pid);
    CHECK(comes(path, line));
    snprintf(line, sizeof(line), "[pid %ld] Python 3.", pid);
    CHECK(comes(path, line));
    CHECK_INT(kill((pid_t)pid, SIGKILL), 0);
    snprintf(line, sizeof(line), "WC0081: Process %ld of group 'g'", pid);
    CHECK(comes(path, line));
    CHECK(worker(engine) != pid);
    CHECK_CALL(wsgi_core_engine_stop(engine, 10000, &err), WSGI_CORE_OK, err);
    wsgi_core_engine_free(engine);
    unlink(path);
}

int main(void)
{
    if (getenv("CAPI_SLOW")) {
        printf("ok 1 - groups # SKIP valgrind does not know pidfd_open()\n");
        return EXIT_SUCCESS;
    }
    RUN(a_group_has_a_log_of_its_own);
    return check_end();
}
