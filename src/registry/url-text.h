/* SPDX-License-Identifier: Apache-2.0 */
/* URLs as text, before anything is asked for: what a user wrote. */
#pragma once

#include "basic/error.h"

/* http or https, with a host and nothing that would break a header. Go's messages. */
int url_check(const char *url, Error *reterr);
/* For messages: "http://user:***@host/". Owned by the caller. */
char *url_redact(const char *url);
