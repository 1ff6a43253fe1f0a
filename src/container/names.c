/* SPDX-License-Identifier: Apache-2.0 */
#include "container/names.h"

#include <ctype.h>
#include <sys/random.h>

#include "basic/string-util.h"

static const char *const adjectives[] = {
        "able",   "amber",  "ample",   "apt",    "azure",  "bold",   "brave",  "breezy", "bright",  "brisk",
        "calm",   "candid", "careful", "clear",  "clever", "coral",  "cosy",   "crisp",  "curious", "daring",
        "deft",   "eager",  "early",   "easy",   "exact",  "fair",   "fancy",  "fine",   "fleet",   "fond",
        "frank",  "free",   "fresh",   "gentle", "glad",   "golden", "grand",  "green",  "handy",   "happy",
        "hardy",  "honest", "humble",  "ideal",  "jolly",  "keen",   "kind",   "lively", "loyal",   "lucid",
        "lucky",  "mellow", "merry",   "mild",   "modest", "neat",   "nimble", "noble",  "patient", "plain",
        "polite", "prompt", "proud",   "pure",   "quick",  "quiet",  "rapid",  "ready",  "robust",  "sharp",
        "silent", "silver", "sleek",   "smart",  "smooth", "sober",  "solid",  "sound",  "spry",    "steady",
        "still",  "sturdy", "sunny",   "swift",  "tidy",   "tough",  "trim",   "true",   "upbeat",  "vivid",
        "warm",   "wise",   "witty",   "young",  "zesty",
};

static const char *const nouns[] = {
        "alder",  "anchor", "anvil",   "apple",  "arrow",   "badger",  "bamboo", "barge",   "basin",
        "beacon", "beaver", "birch",   "bison",  "bobbin",  "bridge",  "brook",  "canyon",  "cedar",
        "chisel", "cliff",  "clover",  "comet",  "compass", "coral",   "crane",  "creek",   "curlew",
        "delta",  "dune",   "eagle",   "ember",  "falcon",  "fern",    "ferry",  "finch",   "fjord",
        "forge",  "fox",    "galley",  "garnet", "geyser",  "glacier", "grove",  "gull",    "hammer",
        "harbor", "hare",   "hazel",   "heron",  "holly",   "island",  "ivy",    "jetty",   "kestrel",
        "kiln",   "lagoon", "lantern", "larch",  "lark",    "lemur",   "lever",  "linden",  "lynx",
        "maple",  "marten", "meadow",  "mesa",   "mill",    "moose",   "moss",   "oak",     "orchid",
        "osprey", "otter",  "owl",     "panda",  "pebble",  "pine",    "plover", "prairie", "pulley",
        "quarry", "quartz", "rapids",  "raven",  "reef",    "ridge",   "river",  "robin",   "rudder",
        "sail",   "seal",   "shore",   "sloop",  "spruce",  "stork",   "summit", "swan",    "thistle",
        "tiger",  "tundra", "valley",  "walrus", "willow",  "wren",    "yak",
};

int container_name_validate(const char *name, Error *reterr) {
        size_t n = strlen(name);
        bool good = n >= 2 && n <= CONTAINER_NAME_MAX && isalnum((unsigned char) name[0]);

        for (size_t i = 1; good && i < n; i++)
                good = isalnum((unsigned char) name[i]) || strchr("_.-", name[i]);
        if (!good)
                return error_setf(reterr, ERROR_INVALID,
                                  "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                                  name);
        return 0;
}

int container_name_generate(unsigned retry, char **ret) {
        const char *a, *b;
        uint32_t r[3];

        if (getrandom(r, sizeof(r), 0) != sizeof(r))
                return -EIO;
        a = adjectives[r[0] % ELEMENTSOF(adjectives)];
        b = nouns[r[1] % ELEMENTSOF(nouns)];
        if (retry == 0)
                return asprintf_safe(ret, "%s_%s", a, b);
        return asprintf_safe(ret, "%s_%s%u", a, b, r[2] % (10 * retry));
}
