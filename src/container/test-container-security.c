/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/string-util.h"
#include "container/container-security.h"
#include "basic/tests.h"

static const HostCapabilities plain = {}, with_apparmor = { .apparmor = true };

static const struct {
        const char *option;
        const char *error;              /* NULL: it is taken */
} cases[] = {
        { "no-new-privileges",        NULL                                                    },
        { "no-new-privileges:true",   NULL                                                    },
        { "no-new-privileges=False",  NULL                                                    },
        { "no-new-privileges=maybe",  "invalid --security-opt 2: \"no-new-privileges=maybe\"" },
        { "no-new-privileges=",       "invalid --security-opt 2: \"no-new-privileges=\""      },
        { "apparmor",                 "invalid --security-opt 1: \"apparmor\""                },
        { "seccomp",                  "invalid --security-opt 1: \"seccomp\""                 },
        { "",                         "invalid --security-opt 1: \"\""                        },
        { "Apparmor=x",               "invalid --security-opt 2: \"Apparmor=x\""              },
        { "a:b:c",                    "invalid --security-opt 2: \"a:b:c\""                   },
        { "apparmor=docker-default",  NULL                                                    },
        { "label=disable",            NULL                                                    },
        { "disable",                  NULL                                                    },
        { "writable-cgroups=false",   NULL                                                    },
        { "writable-cgroups=x",       "invalid --security-opt 2: \"writable-cgroups=x\""      },
};

TEST(what_is_taken) {
        FOREACH_ELEMENT(i, cases) {
                char *options[] = { (char *) i->option, NULL };
                _cleanup_error_ Error e = ERROR_NULL;
                SecurityOptions s;
                int r = container_security_parse(options, &plain, &s, &e);

                ASSERT_TRUE((r < 0) == (i->error != NULL));
                if (i->error)
                        ASSERT_STREQ(error_message(&e), i->error);
        }
}

TEST(what_is_said) {
        char *options[] = { (char *) "seccomp={}", (char *) "apparmor:unconfined",
                            (char *) "no-new-privileges", NULL };
        SecurityOptions s;

        ASSERT_OK(container_security_parse(NULL, &plain, &s, NULL));
        ASSERT_TRUE(!s.seccomp && !s.apparmor && s.no_new_privileges == -1);
        ASSERT_OK(container_security_parse(options, &with_apparmor, &s, NULL));
        ASSERT_STREQ(s.seccomp, "{}");
        ASSERT_TRUE(!s.apparmor && s.no_new_privileges == 1);
}

DEFINE_TEST_MAIN();
