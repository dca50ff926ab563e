/*
 * An engine prepared in a parent and started in each of its children, as a
 * server that forks does it.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"
#define CHILDREN 3

static exchange x;

/* Serve in a child; the result is its exit status. */
static int serve(wsgi_core_engine *engine)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/process");
    int good;

    if (wsgi_core_engine_start(engine, NULL) != WSGI_CORE_OK) {
        return 1;
    }
    exchange_init(&x);
    good = exchange_serve(engine, &info, &x, NULL, NULL) == WSGI_CORE_OK
           && atol(x.sent) == (long)getpid();
    good = wsgi_core_engine_stop(engine, 10000, NULL) == WSGI_CORE_OK && good;
    wsgi_core_engine_free(engine);
    return good ? 0 : 2;
}

static void children_serve(void)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_engine *engine = NULL;
    wsgi_core_error *err;
    pid_t pids[CHILDREN];
    int i, status;

    CHECK_CALL(wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err),
               WSGI_CORE_OK, err);
    wsgi_core_config_free(config);
    fflush(stdout);
    for (i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        REQUIRE(pids[i] >= 0);
        if (pids[i] == 0) {
            _exit(serve(engine));
        }
    }
    for (i = 0; i < CHILDREN; i++) {
        REQUIRE(waitpid(pids[i], &status, 0) == pids[i]);
        CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    }
    wsgi_core_engine_free(engine);
}

/* valgrind maps the initial thread's stack as far as it was used, and what a
 * child uses beyond that is another mapping.  From 3.14 on Python asks libc how
 * large the stack is, which takes it to end where a mapping does.
 */
static void use_stack(void)
{
    volatile char space[256 * 1024];
    size_t i;

    for (i = 0; i < sizeof(space); i += 1024) {
        space[i] = 0;
    }
}

int main(void)
{
    use_stack();
    RUN(children_serve);
    RUN(children_serve); /* a second generation, as after a restart */
    return check_end();
}
