/* SPDX-License-Identifier: Apache-2.0 */
/* The authorization of engine calls: a table over the transports, and polkit behind one row of it. */
#include "engine/authz.h"

#include "basic/log.h"
#include "basic/string-util.h"
#include "engine/engine.h"
#include "shared/bus-polkit.h"

struct AuthzCheck {
        BusPolkitCheck *polkit;
        char *action;                   /* whole id */
        authz_action_done_t done;       /* of authz_check_action() */
        void *userdata;
        authz_done_t call_done;         /* of authz_check() */
        Call *call;                     /* borrowed: it owns this check */
};

typedef enum AuthzRule {
        AUTHZ_REFUSE = 0,               /* what the table does not name */
        AUTHZ_ALLOW,
        AUTHZ_POLKIT,
} AuthzRule;

static const AuthzRule transport_rules[] = {
        [CALLER_INTERNAL] = AUTHZ_ALLOW,
        [CALLER_UNIX] = AUTHZ_ALLOW,    /* the socket's mode and group */
        [CALLER_TCP] = AUTHZ_ALLOW,     /* whoever opened the port was warned */
        [CALLER_TLS] = AUTHZ_ALLOW,     /* the handshake asked for the certificate, where one is asked for */
        [CALLER_BUS] = AUTHZ_POLKIT,
};

static AuthzRule rule_of(const Caller *caller) {
        AuthzRule rule;

        if ((size_t) caller->transport >= ELEMENTSOF(transport_rules))
                return AUTHZ_REFUSE;

        rule = transport_rules[caller->transport];
        if (rule == AUTHZ_POLKIT && caller->uid == 0)
                return AUTHZ_ALLOW;
        return rule;
}

/* Words and kinds of a refusal. A challenge is "unauthorized" (who are you?), everything else "forbidden"
 * (not you). */
static int refuse(BusPolkitVerdict verdict, const char *action, Error *reterr) {
        switch (verdict) {
        case BUS_POLKIT_CHALLENGE:
                return error_setf(reterr, ERROR_UNAUTHORIZED, "authentication is required for %s", action);
        case BUS_POLKIT_ABSENT:
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "not authorized for %s: only root is, because polkit is not running",
                                  action);
        default:
                return error_setf(reterr, ERROR_FORBIDDEN, "not authorized for %s", action);
        }
}

static void on_verdict(BusPolkitCheck *polkit, BusPolkitVerdict verdict, void *userdata) {
        _cleanup_error_ Error error = ERROR_NULL;
        AuthzCheck *check = ASSERT_PTR(userdata);
        int r = 1;

        if (verdict != BUS_POLKIT_ALLOWED)
                r = refuse(verdict, check->action, &error);

        log_debug("polkit: %s: %s", check->action, r < 0 ? error_message(&error) : "allowed");

        /* Either may free the check. */
        if (!check->call_done) {
                check->done(r, r < 0 ? &error : NULL, check->userdata);
                return;
        }
        if (r < 0)
                (void) error_copy(&check->call->error, &error);
        check->call_done(check->call, r);
}

/* The part that needs no waiting: 1, negative, or 0 with a check that only lacks its callbacks. */
static int check_new(Engine *e, const Caller *caller, const char *action, AuthzCheck **ret, Error *reterr) {
        _cleanup_(authz_check_freep) AuthzCheck *check = NULL;
        AuthzRule rule;
        int r;

        assert(e);
        assert(caller);
        assert(ret);

        rule = rule_of(caller);
        if (rule == AUTHZ_ALLOW)
                return 1;
        if (rule == AUTHZ_REFUSE || !action || !caller->name || caller->uid == (uid_t) -1)
                return error_setf(reterr, ERROR_FORBIDDEN, "not authorized");
        if (!engine_bus(e))
                return error_setf(reterr, ERROR_FORBIDDEN, "not authorized: the message bus is gone");

        check = new0(AuthzCheck, 1);
        if (!check)
                return error_fill(reterr, -ENOMEM);

        check->action = strjoin(AUTHZ_ACTION_PREFIX, action);
        if (!check->action)
                return error_fill(reterr, -ENOMEM);

        r = bus_polkit_check(engine_bus(e), caller->name, check->action, /* details= */ NULL,
                             caller->interactive, on_verdict, check, &check->polkit);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_FORBIDDEN, r, "cannot ask polkit for %s",
                                        check->action);

        *ret = TAKE_PTR(check);
        return 0;
}

int authz_check_action(Engine *e, const Caller *caller, const char *action, authz_action_done_t done,
                       void *userdata, AuthzCheck **ret, Error *reterr) {
        int r;

        assert(done);

        r = check_new(e, caller, action, ret, reterr);
        if (r == 0) {
                (*ret)->done = done;
                (*ret)->userdata = userdata;
        }
        return r;
}

int authz_check(Call *call, authz_done_t done, AuthzCheck **ret) {
        int r;

        assert(call);
        assert(done);

        if (FLAGS_SET(call->row->flags, CALL_PUBLIC))
                return 1;

        r = check_new(call->engine, &call->caller, call->row->action, ret, &call->error);
        if (r == 0) {
                (*ret)->call_done = done;
                (*ret)->call = call;
        }
        return r;
}

AuthzCheck *authz_check_free(AuthzCheck *check) {
        if (!check)
                return NULL;

        bus_polkit_check_free(check->polkit);
        free(check->action);
        return mfree(check);
}
