/* SPDX-License-Identifier: Apache-2.0 */
/* Why a text is no JSON, in the words of Go's decoder. */
#include "json/json-scan.h"

#include "basic/tests.h"

typedef struct Case {
        const char *text, *fault;
} Case;

static const Case cases[] = {
        { "{}", NULL },
        { " [1, -0.5e+3, \"a\\u00e9\\n\", true, false, null, {\"a\": [{}], \"b\": []}] x", NULL },
        { "{invalid}",        "invalid character 'i' looking for beginning of object key string" },
        { "{'a': 1}",         "invalid character '\\'' looking for beginning of object key string" },
        { "{\"a\":1,}",       "invalid character '}' looking for beginning of object key string" },
        { "{\"a\" 1}",        "invalid character '1' after object key" },
        { "{\"a\":1 \"b\"}",  "invalid character '\"' after object key:value pair" },
        { "{\"a\":}",         "invalid character '}' looking for beginning of value" },
        { "[1 2]",            "invalid character '2' after array element" },
        { "[1,]",             "invalid character ']' looking for beginning of value" },
        { "<html>",           "invalid character '<' looking for beginning of value" },
        { "\xff",             "invalid character '\xc3\xbf' looking for beginning of value" },
        { "\x80",             "invalid character '\\u0080' looking for beginning of value" },
        { "\x01",             "invalid character '\\x01' looking for beginning of value" },
        { "nonsense",         "invalid character 'o' in literal null (expecting 'u')" },
        { "[tru]",            "invalid character ']' in literal true (expecting 'e')" },
        { "[falsy",           "invalid character 'y' in literal false (expecting 'e')" },
        { "[-a]",             "invalid character 'a' in numeric literal" },
        { "[01]",             "invalid character '1' after array element" },
        { "[1.]",             "invalid character ']' after decimal point in numeric literal" },
        { "[1ex]",            "invalid character 'x' in exponent of numeric literal" },
        { "[\"a\n\"]",        "invalid character '\\n' in string literal" },
        { "[\"a\\x\"]",       "invalid character 'x' in string escape code" },
        { "[\"a\\u00g0\"]",   "invalid character 'g' in \\u hexadecimal character escape" },
        { "{",                "unexpected EOF" },
        { "{\"a",             "unexpected EOF" },
        { "{\"a\":",          "unexpected EOF" },
        { "[\"\\",            "unexpected EOF" },
        { "[\"\\u0",          "unexpected EOF" },
        { "[-",               "unexpected EOF" },
        { "[1,",              "unexpected EOF" },
        { "tr",               "unexpected EOF" },
};

TEST(cases) {
        FOREACH_ELEMENT(c, cases) {
                _cleanup_free_ char *fault = NULL;

                ASSERT_OK(json_scan_fault(c->text, strlen(c->text), &fault));
                if (c->fault)
                        ASSERT_STREQ(fault, c->fault);
                else
                        ASSERT_NULL(fault);
        }
}

TEST(depth) {
        _cleanup_free_ char *fault = NULL;
        char text[1000];

        memset(text, '[', sizeof(text));
        ASSERT_OK(json_scan_fault(text, sizeof(text), &fault));
        ASSERT_NULL(fault);
}

DEFINE_TEST_MAIN();
