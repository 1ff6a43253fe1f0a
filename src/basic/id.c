/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/id.h"

#include <sys/random.h>

#include "basic/hexdecoct.h"

int id_generate(char ret[static ID_LENGTH + 1]) {
        for (;;) {
                _cleanup_free_ char *s = NULL;
                uint8_t bytes[ID_LENGTH / 2];

                if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                        return -EIO;
                s = hexmem(bytes, sizeof(bytes));
                if (!s)
                        return -ENOMEM;
                if (strspn(s, "0123456789") >= ID_SHORT_LENGTH)
                        continue;
                memcpy(ret, s, ID_LENGTH + 1);
                return 0;
        }
}

bool id_is_valid(const char *s) {
        return strlen(s) == ID_LENGTH && is_lower_hex(s, ID_LENGTH);
}

bool id_is_prefix(const char *s) {
        size_t n = strlen(s);

        return n >= 1 && n <= ID_LENGTH && is_lower_hex(s, n);
}
