/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cloud's face share: one call under way, and how JSON is written. Nobody else includes it. */
#pragma once

#include "base/json.h"
#include "base/strbuf.h"
#include "cloudsim/cloudface.h"
#include "cloudsim/model_parts.h"

enum { FACE_SEGMENTS_MAX = 8, FACE_PARAMS_MAX = 16 };

struct face_param {
	char name[48];
	char value[CLOUDSIM_TEXT_SIZE];
};

struct face_call {
	struct cloudsim_model *m;
	const struct cloudsim_request *req;
	struct cloudsim_answer *ans;
	struct strbuf out;
	char seg[FACE_SEGMENTS_MAX][CLOUDSIM_NAME_SIZE]; /* of the path, decoded */
	size_t n_seg;
	struct face_param params[FACE_PARAMS_MAX];
	size_t n_params;
	cJSON *json; /* the body, where it is one */
	int minor;   /* nova's microversion 2.minor */
	int user, project;
	bool is_admin, is_system;
};

/* cloudface.c */
void face_header(struct face_call *c, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *face_param(const struct face_call *c, const char *name); /* NULL when missing */
const char *face_request_header(const struct face_call *c, const char *name);
/* is the caller's token good? fills user, project, is_admin */
bool face_token_check(struct face_call *c);
/* an error in nova's shape; kind by status */
void face_nova_error(struct face_call *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void face_keystone_error(struct face_call *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* cloudface_text.c */
void face_text(struct strbuf *sb, const char *s);         /* a JSON string, quoted and escaped */
void face_text_or_null(struct strbuf *sb, const char *s); /* NULL or "" as null */
/* nova's clock: "2026-11-22T10:31:42.000000"; null when @ms is 0 */
void face_stamp(struct strbuf *sb, const struct cloudsim_model *m, int64_t ms);
void face_stamp_exact(
    struct strbuf *sb, const struct cloudsim_model *m, int64_t ms);               /* with milliseconds, never null */
void face_stamp_z(struct strbuf *sb, const struct cloudsim_model *m, int64_t ms); /* "2026-11-22T10:31:42Z" */
void face_query_parse(struct face_call *c, const char *query);
void face_path_parse(struct face_call *c, const char *path, size_t len);
/* a link to the next page: the request's own parameters sorted, marker replaced */
void face_next_link(struct face_call *c, const char *member, const char *path, const char *marker);
/* limit= within nova's bounds; false after having answered 400 */
bool face_limit(struct face_call *c, size_t *ret_limit);

/* cloudface_keystone.c */
void face_keystone(struct face_call *c);
/* cloudface_nova.c */
void face_nova(struct face_call *c);
/* cloudface_services.c */
void face_services_list(struct face_call *c);
void face_services_put(struct face_call *c);
void face_hypervisors(struct face_call *c);
/* cloudface_servers.c */
void face_servers_list(struct face_call *c, bool is_detail);
void face_server_show(struct face_call *c);
int face_server_find(struct face_call *c, const char *uuid); /* -1 after having answered 404 */
/* cloudface_actions.c */
void face_server_action(struct face_call *c);
/* cloudface_migrations.c */
void face_migrations_list(struct face_call *c);
