/*
 * wsgi_httpd: who may come in.
 *
 * libmicrohttpd knows how clients say who they are; whether that is true, and
 * enough, is for the scripts that access-script, auth-user-script and
 * auth-group-script name.  A script that fails lets nobody in.
 */

#define _GNU_SOURCE
#include "wsgi_httpd.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NONCE_TIMEOUT_S 300
#define MD5_LEN 16

struct policy policy;

/* What the script says; NULL when it failed, which the engine has logged. */
static wsgi_core_decision *ask(struct exchange *x, wsgi_core_check_kind kind,
                               wsgi_core_bytes user, wsgi_core_bytes detail)
{
    wsgi_core_check question = WSGI_CORE_CHECK_INIT;
    wsgi_core_decision *decision = NULL;
    wsgi_core_request *request;

    question.kind = kind;
    question.user = user;
    question.detail = detail;
    if (wsgi_core_request_new(engine, &x->info, &request, NULL)
        == WSGI_CORE_OK) {
        wsgi_core_request_check(request, &question, &host, x, &decision, NULL);
    }
    return decision;
}

/* Its verdict alone: that of a script which failed is a no. */
static wsgi_core_verdict judge(struct exchange *x, wsgi_core_check_kind kind,
                               wsgi_core_bytes user, wsgi_core_bytes detail)
{
    wsgi_core_decision *decision = ask(x, kind, user, detail);
    wsgi_core_verdict verdict = wsgi_core_decision_get_verdict(decision);

    wsgi_core_decision_free(decision);
    return verdict;
}

static bool is_in_groups(struct exchange *x, wsgi_core_bytes user)
{
    return judge(x, WSGI_CORE_CHECK_GROUPS, user,
                 wsgi_core_bytes_of(policy.groups))
           == WSGI_CORE_VERDICT_GRANTED;
}

static bool is_denied(struct exchange *x)
{
    wsgi_core_bytes nobody = { NULL, 0 };

    return wsgi_core_settings_control_access(x->info.settings,
                                             x->info.settings_len)
           && judge(x, WSGI_CORE_CHECK_ACCESS, nobody, x->info.remote_addr)
                  == WSGI_CORE_VERDICT_DENIED;
}

/* The status for a user of whom the script says this; 0: it is a user. */
static unsigned int by_decision(const wsgi_core_decision *decision)
{
    if (decision == NULL) {
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return wsgi_core_decision_get_verdict(decision) == WSGI_CORE_VERDICT_GRANTED
               ? 0
               : MHD_HTTP_UNAUTHORIZED;
}

static unsigned int check_basic(struct exchange *x)
{
    char *password = NULL;

    x->user = MHD_basic_auth_get_username_password(x->mhd, &password);
    if (x->user == NULL) {
        return MHD_HTTP_UNAUTHORIZED;
    }
    x->identity = ask(x, WSGI_CORE_CHECK_PASSWORD, wsgi_core_bytes_of(x->user),
                      wsgi_core_bytes_of(password));
    MHD_free(password);
    return by_decision(x->identity);
}

static bool parse_hash(wsgi_core_bytes text, uint8_t *hash)
{
    char hex[2 * MD5_LEN + 1] = "";
    int i;

    if (text.len != 2 * MD5_LEN) {
        return false;
    }
    memcpy(hex, text.data, text.len);
    for (i = 0; i < MD5_LEN; i++) {
        sscanf(hex + 2 * i, "%2hhx", &hash[i]);
    }
    return strspn(hex, "0123456789abcdefABCDEF") == 2 * MD5_LEN;
}

void make_nonces(struct worker *w)
{
    unsigned int number;

    check(getentropy(w->nonce_seed, sizeof(w->nonce_seed)) == 0
              && getentropy(&number, sizeof(number)) == 0,
          "random numbers", strerror(errno));
    snprintf(w->nonce_owner, sizeof(w->nonce_owner), "%08x", number);
}

/* Only the thread that has sent a nonce knows it.  Clients that have theirs
 * from another one are to take the next, and not to ask for the password.
 */
static bool is_from_elsewhere(struct exchange *x)
{
    const char *answer =
        MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, "Authorization");

    return answer == NULL || strstr(answer, x->worker->nonce_owner) == NULL;
}

static unsigned int check_digest(struct exchange *x)
{
    wsgi_core_decision *decision;
    uint8_t hash[MD5_LEN] = { 0 };
    unsigned int code;
    int answer = MHD_NO;

    x->user = MHD_digest_auth_get_username(x->mhd);
    if (x->user == NULL) {
        return MHD_HTTP_UNAUTHORIZED;
    }
    decision = ask(x, WSGI_CORE_CHECK_REALM_HASH, wsgi_core_bytes_of(x->user),
                   wsgi_core_bytes_of(policy.realm));
    code = by_decision(decision);
    if (code == 0 && parse_hash(wsgi_core_decision_get_text(decision), hash)) {
        answer = MHD_digest_auth_check_digest2(x->mhd, policy.realm, x->user,
                                               hash, MD5_LEN, NONCE_TIMEOUT_S,
                                               MHD_DIGEST_ALG_MD5);
    }
    wsgi_core_decision_free(decision);
    x->stale = answer == MHD_INVALID_NONCE || is_from_elsewhere(x);
    return code == 0 && answer != MHD_YES ? MHD_HTTP_UNAUTHORIZED : code;
}

static void add_identity(struct exchange *x, wsgi_core_bytes name)
{
    const char *type = policy.digest ? "Digest" : "Basic";
    wsgi_core_pair *all = x->variables;

    all[0] = x->info.variables[0];
    all[1] = (wsgi_core_pair){ wsgi_core_bytes_of("AUTH_TYPE"),
                               wsgi_core_bytes_of(type) };
    all[2] = (wsgi_core_pair){ wsgi_core_bytes_of("REMOTE_USER"), name };
    x->info.variables = all;
    x->info.variables_len = MAX_VARIABLES;
}

static unsigned int check_user(struct exchange *x)
{
    unsigned int code = policy.digest ? check_digest(x) : check_basic(x);
    wsgi_core_bytes name = wsgi_core_decision_get_text(x->identity);

    name = name.data != NULL ? name : wsgi_core_bytes_of(x->user);
    if (code == 0 && policy.groups != NULL && !is_in_groups(x, name)) {
        code = MHD_HTTP_UNAUTHORIZED;
    }
    x->challenged = code == MHD_HTTP_UNAUTHORIZED;
    add_identity(x, name);
    return code;
}

unsigned int refusal(struct exchange *x)
{
    if (is_denied(x)) {
        return MHD_HTTP_FORBIDDEN;
    }
    if (policy.realm == NULL) {
        return 0;
    }
    /* Without its connection there is nothing left to ask libmicrohttpd. */
    return x->over ? MHD_HTTP_UNAUTHORIZED : check_user(x);
}

enum MHD_Result respond(struct exchange *x)
{
    if (!x->challenged) {
        return MHD_queue_response(x->mhd, x->code, x->response);
    }
    if (policy.digest) {
        return MHD_queue_auth_fail_response2(
            x->mhd, policy.realm, x->worker->nonce_owner, x->response, x->stale,
            MHD_DIGEST_ALG_MD5);
    }
    return MHD_queue_basic_auth_fail_response(x->mhd, policy.realm,
                                              x->response);
}
