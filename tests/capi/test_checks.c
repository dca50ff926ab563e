/*
 * Scripts that decide about requests: what they answer, and that whatever else
 * they do is no yes.
 */
#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/decide.py"

static wsgi_core_engine *engine;
static wsgi_core_error *err;
static exchange x;

static wsgi_core_request *made(const wsgi_core_settings *settings)
{
    const wsgi_core_settings *layers[1];
    wsgi_core_request_info info = request_info("/no/script", "/");
    wsgi_core_request *request = NULL;

    /* The settings are taken note of, the array is not kept. */
    layers[0] = settings;
    info.settings = layers;
    info.settings_len = 1;
    exchange_init(&x);
    CHECK_CALL(wsgi_core_request_new(engine, &info, &request, &err),
               WSGI_CORE_OK, err);
    return request;
}

static wsgi_core_check question(wsgi_core_check_kind kind, const char *user,
                                const char *detail)
{
    wsgi_core_check check = WSGI_CORE_CHECK_INIT;

    check.kind = kind;
    check.user = bytes(user);
    check.detail = bytes(detail);
    return check;
}

static wsgi_core_settings *settings(void)
{
    static const char *const names[] = { "access-script", "auth-user-script",
                                         "auth-group-script" };
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        CHECK_CALL(
            wsgi_core_settings_set(s, names[i], SCRIPT, strlen(SCRIPT), &err),
            WSGI_CORE_OK, err);
    }
    return s;
}

/* Checks status, verdict and text of one question. */
static void expect(wsgi_core_check_kind kind, const char *user,
                   const char *detail, wsgi_core_status status,
                   wsgi_core_verdict verdict, const char *text)
{
    wsgi_core_settings *s = settings();
    wsgi_core_check check = question(kind, user, detail);
    wsgi_core_decision *decision = NULL;
    wsgi_core_bytes found;

    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               status, err);
    CHECK((decision != NULL) == (status == WSGI_CORE_OK));
    CHECK_INT(wsgi_core_decision_get_verdict(decision), verdict);
    found = wsgi_core_decision_get_text(decision);
    CHECK_INT(found.len, text ? strlen(text) : 0);
    CHECK(!text || (found.data && !memcmp(found.data, text, found.len)));
    CHECK_INT(x.heads + x.sends, 0);
    wsgi_core_decision_free(decision);
    wsgi_core_settings_free(s);
}

static void passwords(void)
{
    const wsgi_core_check_kind kind = WSGI_CORE_CHECK_PASSWORD;

    expect(kind, "yes", "x", WSGI_CORE_OK, WSGI_CORE_VERDICT_GRANTED, NULL);
    expect(kind, "renamed", "", WSGI_CORE_OK, WSGI_CORE_VERDICT_GRANTED,
           "other");
    expect(kind, "tls", "", WSGI_CORE_OK, WSGI_CORE_VERDICT_GRANTED,
           "0 TLSv1.3");
    expect(kind, "no", "x", WSGI_CORE_OK, WSGI_CORE_VERDICT_DENIED, NULL);
    expect(kind, "who", "x", WSGI_CORE_OK, WSGI_CORE_VERDICT_UNKNOWN, NULL);
    expect(kind, "raises", "x", WSGI_CORE_E_APPLICATION,
           WSGI_CORE_VERDICT_DENIED, NULL);
    CHECK_CONTAINS(x.log, "WC0057");
    expect(kind, "wrong", "x", WSGI_CORE_E_APPLICATION,
           WSGI_CORE_VERDICT_DENIED, NULL);
    CHECK_CONTAINS(x.log, "WC0058");
}

static void hashes_and_groups(void)
{
    expect(WSGI_CORE_CHECK_REALM_HASH, "yes", "here", WSGI_CORE_OK,
           WSGI_CORE_VERDICT_GRANTED, "hash of yes in here");
    expect(WSGI_CORE_CHECK_REALM_HASH, "who", "here", WSGI_CORE_OK,
           WSGI_CORE_VERDICT_UNKNOWN, NULL);
    expect(WSGI_CORE_CHECK_GROUPS, "jo", "none 'admin'", WSGI_CORE_OK,
           WSGI_CORE_VERDICT_GRANTED, NULL);
    expect(WSGI_CORE_CHECK_GROUPS, "jo", "none", WSGI_CORE_OK,
           WSGI_CORE_VERDICT_DENIED, NULL);
    expect(WSGI_CORE_CHECK_GROUPS, "jo", "", WSGI_CORE_OK,
           WSGI_CORE_VERDICT_DENIED, NULL);
}

static void function_is_missing(void)
{
    expect(WSGI_CORE_CHECK_ACCESS, "", "127.0.0.1", WSGI_CORE_E_APPLICATION,
           WSGI_CORE_VERDICT_DENIED, NULL);
    CHECK_CONTAINS(x.log, "WC0043");
}

static void hostile_arguments(void)
{
    wsgi_core_settings *s = settings();
    wsgi_core_check check = question(WSGI_CORE_CHECK_PASSWORD, "yes", "x");
    wsgi_core_decision *decision = NULL;

    CHECK_CALL(wsgi_core_request_check(NULL, &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_request_check(made(s), NULL, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(
        wsgi_core_request_check(made(s), &check, NULL, &x, &decision, &err),
        WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    check.kind = 0;
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_ARGUMENT, err);
    check.kind = WSGI_CORE_CHECK_PASSWORD;
    check.user.len = SIZE_MAX;
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_ARGUMENT, err);
    check.user.data = NULL;
    check.user.len = 1;
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_ARGUMENT, err);
    check.struct_size = 3;
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_STRUCT_SIZE, err);
    CHECK(decision == NULL);
    CHECK_INT(wsgi_core_decision_get_verdict(NULL), WSGI_CORE_VERDICT_DENIED);
    CHECK(wsgi_core_decision_get_text(NULL).data == NULL);
    wsgi_core_decision_free(NULL);
    wsgi_core_settings_free(s);
}

static void without_a_script(void)
{
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    wsgi_core_settings *controlled = settings();
    const wsgi_core_settings *layers[2];
    wsgi_core_check check = question(WSGI_CORE_CHECK_PASSWORD, "yes", "x");
    wsgi_core_decision *decision = NULL;

    layers[0] = s;
    layers[1] = controlled;
    CHECK(!wsgi_core_settings_control_access(NULL, 0));
    CHECK(!wsgi_core_settings_control_access(NULL, 1));
    CHECK(!wsgi_core_settings_control_access(layers, 1));
    CHECK(wsgi_core_settings_control_access(layers, 2));
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_E_REFUSED, err);
    check.kind = WSGI_CORE_CHECK_ACCESS;
    CHECK_CALL(wsgi_core_request_check(made(s), &check, &exchange_host, &x,
                                       &decision, &err),
               WSGI_CORE_OK, err);
    CHECK_INT(wsgi_core_decision_get_verdict(decision),
              WSGI_CORE_VERDICT_UNKNOWN);
    wsgi_core_decision_free(decision);
    wsgi_core_settings_free(controlled);
    wsgi_core_settings_free(s);
}

int main(void)
{
    engine = engine_started();
    RUN(passwords);
    RUN(hashes_and_groups);
    RUN(function_is_missing);
    RUN(hostile_arguments);
    RUN(without_a_script);
    wsgi_core_engine_stop(engine, 5000, NULL);
    wsgi_core_engine_free(engine);
    return check_end();
}
