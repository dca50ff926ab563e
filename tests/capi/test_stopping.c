/*
 * The end of an engine while eight threads ask for more: each request is either
 * served completely or refused.
 */
#include <pthread.h>
#include <time.h>

#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"
#define THREADS 8

static wsgi_core_engine *engine;

typedef struct client {
    pthread_t thread;
    int served;
    int refused;
    int broken;
    exchange x;
} client;

static client clients[THREADS];

/* Ask until the engine refuses. */
static void *run(void *data)
{
    client *c = data;

    while (!c->refused && !c->broken) {
        wsgi_core_request_info info = request_info(SCRIPT, "/stream");
        wsgi_core_status status;
        exchange_init(&c->x);
        status = exchange_serve(engine, &info, &c->x, NULL, NULL);
        if (status == WSGI_CORE_E_CLOSED) {
            c->refused = c->x.heads == 0;
            c->broken = c->x.heads != 0;
        }
        else if (status == WSGI_CORE_OK
                 && strcmp(c->x.sent, "one,two,three") == 0) {
            c->served++;
        }
        else {
            c->broken = 1;
        }
    }
    return NULL;
}

static void started_twice(void)
{
    wsgi_core_error *err;

    CHECK_CALL(wsgi_core_engine_start(engine, &err), WSGI_CORE_E_STATE, err);
}

static void stop_under_load(void)
{
    struct timespec moment = { 0, 200 * 1000 * 1000 };
    wsgi_core_error *err;
    int i;

    for (i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&clients[i].thread, NULL, run, &clients[i])
                == 0);
    }
    nanosleep(&moment, NULL); /* the load itself, not a wait for something */
    CHECK_CALL(wsgi_core_engine_stop(engine, 60000, &err), WSGI_CORE_OK, err);
    for (i = 0; i < THREADS; i++) {
        pthread_join(clients[i].thread, NULL);
        CHECK_INT(clients[i].broken, 0);
        CHECK_INT(clients[i].refused, 1);
    }
}

static void after_the_end(void)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    wsgi_core_error *err;

    exchange_init(&clients[0].x);
    CHECK_CALL(exchange_serve(engine, &info, &clients[0].x, &outcome, &err),
               WSGI_CORE_E_CLOSED, err);
    CHECK_INT(clients[0].x.calls, 0);
    CHECK_INT(outcome.head_sent, false);
    CHECK_CALL(wsgi_core_engine_stop(engine, 0, &err), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_engine_start(engine, &err), WSGI_CORE_E_STATE, err);
}

int main(void)
{
    engine = engine_started();
    RUN(started_twice);
    RUN(stop_under_load);
    RUN(after_the_end);
    wsgi_core_engine_free(engine);
    return check_end();
}
