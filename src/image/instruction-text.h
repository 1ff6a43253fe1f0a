/* SPDX-License-Identifier: Apache-2.0 */
/* The text of Dockerfile instructions: lines, words, quotes, variables. Knows no instruction. */
#pragma once

#include "basic/error.h"
#include "basic/strv.h"

/* Longest result of one expansion: the kernel takes no longer word for a program either. */
#define INSTRUCTION_WORD_MAX (128U * 1024U)

/* Instructions, one a string: without comments and empty lines, continued lines joined, stripped. */
int instruction_split(const char *text, char ***ret);

/* Words as they are written, with their quotes and escapes. */
int instruction_words(const char *text, char ***ret);

/* What a word stands for. env: "NAME=value" each; other variables are empty. Docker's texts. */
int instruction_expand(const char *word, char *const *env, char **ret, Error *reterr);
