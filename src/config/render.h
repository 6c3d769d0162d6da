/* SPDX-License-Identifier: Apache-2.0 */
/* What the renderings of the rows share. Private to the config room. */
#pragma once

#include "base/strbuf.h"
#include "config/option.h"

/** text_wrap() - @text in lines of @width, each after @prefix. */
void text_wrap(struct strbuf *sb, const char *prefix, const char *text, size_t width);
/** option_value_text() - what a value looks like, for lists with their items. */
void option_value_text(const struct option *o, struct strbuf *sb);
/** option_default_text() - the default in words. */
void option_default_text(const struct option *o, struct strbuf *sb);
/** option_is_section() - does it hold options of its own? */
int option_is_section(const struct option *o);
