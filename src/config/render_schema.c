/* SPDX-License-Identifier: Apache-2.0 */
/* JSON schema for editors and linters. It says less than the daemon checks: rules between options are not in it. */
#include <string.h>

#include "config/explain.h"
#include "config/render.h"

#define SCHEMA_SECRET                                                                                                  \
	"{\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 1, \"additionalProperties\": false, "         \
	"\"properties\": "                                                                                             \
	"{\"file\": {\"type\": \"string\"}, \"env\": {\"type\": \"string\"}, \"inline\": {\"type\": \"string\"}}}"
#define SCHEMA_PARAMETERS                                                                                              \
	"\"type\": [\"object\", \"null\"], \"additionalProperties\": {\"oneOf\": [{\"type\": [\"string\", "            \
	"\"number\", "                                                                                                 \
	"\"boolean\"]}, " SCHEMA_SECRET "]}"

static void table_schema(struct strbuf *sb, const struct option_table *t, int depth);

static void json_text(struct strbuf *sb, const char *text)
{
	strbuf_puts(sb, "\"");
	for (; *text; text++)
		strbuf_printf(sb, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	strbuf_puts(sb, "\"");
}

static void words_schema(struct strbuf *sb, const struct option *o)
{
	strbuf_puts(sb, "\"enum\": [");
	for (size_t i = 0; o->words[i]; i++) {
		strbuf_puts(sb, i ? ", " : "");
		json_text(sb, o->words[i]);
	}
	strbuf_puts(sb, "]");
}

static void text_schema(struct strbuf *sb, const struct option *o)
{
	strbuf_puts(sb, "\"type\": \"string\"");
	if (o->type == OPTION_DURATION)
		strbuf_puts(sb, ", \"pattern\": \"^[0-9]+(\\\\.[0-9]+)? *(ms|s|m|h|d)$|^0$\"");
	else if (o->type == OPTION_POLICY)
		strbuf_puts(sb, ", \"pattern\": \"^ *(nova|probe)( +and +(nova|probe))* *$\"");
	else if (o->type == OPTION_PATH)
		strbuf_printf(sb, ", \"pattern\": \"^%s\"", o->flags & OPTION_EMPTY_OK ? "(/|$)" : "/");
	else if (o->max)
		strbuf_printf(sb, ", \"maxLength\": %lld", (long long)o->max);
}

static void list_schema(struct strbuf *sb, const struct option *o)
{
	strbuf_printf(sb,
	    "\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"minItems\": %lld, \"maxItems\": %lld",
	    (long long)o->min, (long long)o->max);
}

static void type_schema(struct strbuf *sb, const struct option *o, int depth)
{
	if (o->type == OPTION_BOOL)
		strbuf_puts(sb, "\"type\": \"boolean\"");
	else if (o->type == OPTION_INT)
		strbuf_printf(sb, "\"type\": \"integer\", \"minimum\": %lld, \"maximum\": %lld", (long long)o->min,
		    (long long)o->max);
	else if (o->type == OPTION_ENUM)
		words_schema(sb, o);
	else if (option_is_scalar(o))
		text_schema(sb, o);
	else if (o->type == OPTION_SECRET)
		strbuf_puts(sb, "\"allOf\": [" SCHEMA_SECRET "]");
	else if (o->type == OPTION_LIST)
		list_schema(sb, o);
	else if (o->type == OPTION_PARAMETERS)
		strbuf_puts(sb, SCHEMA_PARAMETERS);
	else if (o->type == OPTION_OVERRIDES)
		strbuf_puts(sb, "\"type\": \"object\", \"additionalProperties\": {" SCHEMA_PARAMETERS "}");
	else if (o->type == OPTION_TABLE)
		table_schema(sb, o->table, depth);
	else
		strbuf_puts(sb, o->type == OPTION_TABLES
				    ? "\"type\": \"array\", \"items\": {"
				    : "\"type\": [\"object\", \"null\"], \"additionalProperties\": {");
	if (o->type == OPTION_TABLES || o->type == OPTION_TABLE_MAP) {
		table_schema(sb, o->table, depth);
		strbuf_puts(sb, "}");
	}
}

static void required_schema(struct strbuf *sb, const struct option_table *t)
{
	const char *between = ", \"required\": [";
	for (size_t i = 0; i < t->row_n; i++) {
		if (!(t->rows[i].flags & OPTION_REQUIRED))
			continue;
		strbuf_puts(sb, between);
		json_text(sb, t->rows[i].name);
		between = ", ";
	}
	if (between[2] == '\0')
		strbuf_puts(sb, "]");
}

/* The members of a schema object, without its braces. */
static void table_schema(struct strbuf *sb, const struct option_table *t, int depth)
{
	bool has_required = false;
	for (size_t i = 0; i < t->row_n; i++)
		has_required |= (t->rows[i].flags & OPTION_REQUIRED) != 0;
	strbuf_printf(sb, "\"type\": %s, \"additionalProperties\": false",
	    has_required ? "\"object\"" : "[\"object\", \"null\"]");
	required_schema(sb, t);
	strbuf_puts(sb, ", \"properties\": {");
	for (size_t i = 0; i < t->row_n; i++) {
		const struct option *o = &t->rows[i];
		strbuf_printf(sb, "%s\n%*s", i ? "," : "", depth * 2, "");
		json_text(sb, o->name);
		strbuf_puts(sb, ": {\"description\": ");
		json_text(sb, o->doc);
		strbuf_puts(sb, ", ");
		type_schema(sb, o, depth + 1);
		strbuf_puts(sb, "}");
	}
	strbuf_printf(sb, "\n%*s}", depth * 2 - 2, "");
}

void config_schema(struct strbuf *sb)
{
	strbuf_puts(sb, "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"osha.yaml\", ");
	table_schema(sb, &option_table_root, 1);
	strbuf_puts(sb, "}\n");
}
