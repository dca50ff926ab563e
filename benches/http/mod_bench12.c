/*
 * mod_bench12: an httpd handler that answers twelve bytes.
 *
 * The floor of the benchmark: what httpd itself spends on a request, with
 * nothing of WSGI in it.  Activated by `SetHandler bench12`.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"

static int bench12_handler(request_rec *r)
{
    static const char body[] = "Hello World!";

    if (strcmp(r->handler, "bench12") != 0) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_set_content_length(r, sizeof(body) - 1);
    if (ap_rwrite(body, sizeof(body) - 1, r) < 0) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(bench12_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bench12) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks
};
