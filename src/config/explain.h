/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows as people and tools read them: a sample file, the manual page, a JSON schema, Markdown, one option
 * explained, and a loaded configuration shown. All of it is made from the rows, nothing is written twice.
 */
#pragma once

#include "base/err.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "config/option.h"

/** config_sample() - a commented YAML file that loads as it stands; a line becomes live when its # is removed. */
void config_sample(struct strbuf *sb);
/** config_man() - osha.yaml(5) in roff. */
void config_man(struct strbuf *sb);
/** config_schema() - JSON schema, draft 2020-12. */
void config_schema(struct strbuf *sb);
/** config_markdown() - every option under a heading of its own. */
void config_markdown(struct strbuf *sb);

/**
 * config_explain() - one option, or all options of a section.
 * @option: "evacuation.per-host", "segments.fencing.timeout"; indexes in brackets and host names are allowed and
 * skipped
 *
 * Errors: -OSHA_E_NOTFOUND, with the nearest name.
 */
int config_explain(const char *option, struct strbuf *sb, struct osha_err *reterr);

/** config_show() - a loaded configuration as YAML, every option with its value, defaults included; of secrets only the
 * source. */
void config_show(const struct config *cfg, struct strbuf *sb);

/** config_value_render() - the value of a scalar row at @field as one writes it in YAML. */
void config_value_render(const struct option *o, const void *field, struct strbuf *sb);
