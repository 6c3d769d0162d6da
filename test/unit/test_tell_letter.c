/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters: who reads what, under which key, and whole mails held against test/golden/mail/. With OSHA_GOLDEN_WRITE set those are written
 * anew, to be read in the diff; test/unit/check_mails.py then reads them with another parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tell/letter.h"
#include "tell/mime.h"

static const char *root; /* of the source tree */

#define HOSTILE "web\r\nBcc: eve@example.com <script>alert(\"1\")</script> \xe2\x80\xae & Gr\xc3\xbc\xc3\x9f'e'"
static const char *const admins[] = {"ops@example.com"};

/* Two projects on one host: alice is in the first, bob in the second, carol in both; dave may not log in; ops is an administrator. */
struct scene {
	struct recovery_record recovery;
	struct instance_record instances[5];
	struct tell_person one[5], two[3];
	struct tell_project projects[2];
	struct tell_audience audience;
	struct tell_templates templates;
	struct tell_facts facts;
};

static struct tell_person person(const char *id, const char *name, const char *address, bool is_enabled)
{
	struct tell_person p = {.is_enabled = is_enabled};

	str_copy(p.user_id, sizeof(p.user_id), id);
	str_copy(p.name, sizeof(p.name), name);
	str_copy(p.address, sizeof(p.address), address);
	return p;
}

static struct instance_record instance(const char *uuid, const char *name, const char *project, enum instance_row row)
{
	struct instance_record i = {.row = row, .wanted = SERVER_ACTIVE};

	str_copy(i.uuid, sizeof(i.uuid), uuid);
	str_copy(i.name, sizeof(i.name), name);
	str_copy(i.project, sizeof(i.project), project);
	str_copy(i.source, sizeof(i.source), "cmp-01");
	str_copy(i.dest, sizeof(i.dest), row == INSTANCE_ROW_DONE ? "cmp-07" : "");
	str_copy(i.why, sizeof(i.why), row == INSTANCE_ROW_REFUSED ? "No valid host was found near cmp-01" : "");
	return i;
}

static int scene_open(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct recovery_record *r = &s->recovery;
	struct osha_err err = {0};

	str_copy(r->id, sizeof(r->id), "kq3f7m-1-4");
	str_copy(r->host, sizeof(r->host), "cmp-01");
	str_copy(r->why, sizeof(r->why), "every instance reached its wanted state elsewhere");
	r->row = HOST_ROW_RECOVERED;
	r->due = 1u << MOMENT_CONFIRMED;
	r->proof = (struct proof){.kind = PROOF_POWER, .by = "ipmi", .at_wall_ms = 1700000004000};
	r->opened_wall_ms = 1700000000000;
	r->weighed_wall_ms = 1700000003000;
	r->sightings[0] = (struct sighting){
	    "nova", "nova-bus", SIGN_DEAD, true, .seen_wall_ms = 1700000002000, .since_wall_ms = 1700000001000};
	r->sightings[1] = (struct sighting){"probe", "mgmt<&>", SIGN_UNKNOWN, true, 0, 0};
	for (int row = HOST_ROW_SUSPECT; row <= HOST_ROW_RECOVERED; row++)
		r->stamp_wall_ms[row] = 1700000000000 + row * 1000;
	s->instances[0] = instance("aaaaaaaa-0000-4000-8000-000000000001", HOSTILE, "p-one", INSTANCE_ROW_DONE);
	s->instances[1] = instance("bbbbbbbb-0000-4000-8000-000000000002", "only-of-two", "p-two", INSTANCE_ROW_DONE);
	s->instances[2] = instance("aaaaaaaa-0000-4000-8000-000000000003", "database", "p-one", INSTANCE_ROW_REFUSED);
	s->instances[3] = instance("bbbbbbbb-0000-4000-8000-000000000004", "deleted-one", "p-two", INSTANCE_ROW_GONE);
	s->instances[4] = instance("aaaaaaaa-0000-4000-8000-000000000005", "batch", "p-one", INSTANCE_ROW_DONE);
	s->instances[4].wanted = SERVER_STOPPED;
	s->one[0] = person("u1", "Alice \"A\" <x>\r\nTo: y", "alice@example.com", true);
	s->one[1] = person("u2", "carol", "Carol@example.com", true);
	s->one[2] = person("u3", "dave", "dave@example.com", false);
	s->one[3] = person("u4", "robot", "", true);
	s->one[4] = person("u5", "admin", "OPS@example.com", true);
	s->two[0] = person("u6", "bob", "bob@example.com", true);
	s->two[1] = person("u2", "carol", "carol@example.com", true);
	s->two[2] = person("u7", "J\xc3\xb6rg", "joerg+osha@example.com", true);
	s->projects[0] =
	    (struct tell_project){.id = "p-one", .name = "shop \xe2\x98\x95", .people = s->one, .person_n = 5};
	s->projects[1] = (struct tell_project){.id = "p-two", .name = "lab", .people = s->two, .person_n = 3};
	s->facts = (struct tell_facts){.recovery = r,
	    .moment = MOMENT_RECOVERED,
	    .instances = s->instances,
	    .instance_n = 5,
	    .is_listed = true,
	    .projects = s->projects,
	    .project_n = 2,
	    .wall_ms = 1700000020000};
	assert_int_equal(tell_builtin_load(&s->templates, &err), 0);
	assert_int_equal(tell_audience_make(s->projects, 2, admins, 1, &s->audience, &err), 0);
	*state = s;
	return 0;
}

static int scene_close(void **state)
{
	struct scene *s = *state;

	tell_audience_free(&s->audience);
	tell_templates_free(&s->templates);
	free(s);
	return 0;
}

static const struct tell_reader *reader(const struct scene *s, const char *address)
{
	for (size_t k = 0; k < s->audience.reader_n; k++) {
		if (strcasecmp(tell_reader_address(&s->audience, &s->audience.readers[k]), address) == 0)
			return &s->audience.readers[k];
	}
	return NULL;
}

static void readers(void **state)
{
	const struct scene *s = *state;

	assert_int_equal(s->audience.reader_n, 4);
	assert_non_null(reader(s, "alice@example.com"));
	assert_non_null(reader(s, "bob@example.com"));
	assert_non_null(reader(s, "joerg+osha@example.com"));
	assert_null(reader(s, "dave@example.com"));
	assert_null(reader(s, "ops@example.com"));
	assert_int_equal(reader(s, "carol@example.com")->n, 2);
	assert_non_null(tell_reader_project(&s->audience, reader(s, "alice@example.com"), "p-one"));
	assert_null(tell_reader_project(&s->audience, reader(s, "alice@example.com"), "p-two"));
}

static void addresses(void **state)
{
	static const char *const good[] = {"a@b", "first.last+x@example.com", "o'neil@example.com"};
	static const char *const bad[] = {"", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nc", "<a@b>", "a@b>", "\"a\"@b",
	    ".a@b", "a.@b", "a..b@c", "a@b.", "a@.b", "a@b..c", "a@-b", "a(x)@b", "j\xc3\xb6rg@b", "a@b,c", "a;b@c"};

	(void)state;
	for (size_t k = 0; k < 3; k++)
		assert_true(tell_address_ok(good[k]));
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		if (tell_address_ok(bad[k]))
			fail_msg("%s is called an address", bad[k]);
	}
}

static char *facts_text(const struct scene *s, const char *address)
{
	JSON_AUTO cJSON *o = tell_user_facts(&s->facts, &s->audience, reader(s, address), TELL_ROWS_MAX);

	return cJSON_PrintUnformatted(o);
}

/* Neither sees the other's instance, and no user sees a word of the cloud's inside: no template can show what is not among the facts. */
static void two_projects_on_one_host(void **state)
{
	const struct scene *s = *state;
	static const char *const never[] = {"cmp-01", "cmp-07", "No valid host", "ipmi"};
	STR_AUTO char *alice = facts_text(s, "alice@example.com");
	STR_AUTO char *bob = facts_text(s, "bob@example.com");
	STR_AUTO char *carol = facts_text(s, "carol@example.com");

	assert_non_null(strstr(alice, "database"));
	assert_null(strstr(alice, "only-of-two"));
	assert_null(strstr(alice, "bbbbbbbb"));
	assert_null(strstr(alice, "lab"));
	assert_non_null(strstr(bob, "only-of-two"));
	assert_null(strstr(bob, "database"));
	assert_null(strstr(bob, "aaaaaaaa"));
	assert_null(strstr(bob, "shop"));
	assert_non_null(strstr(carol, "database"));
	assert_non_null(strstr(carol, "only-of-two"));
	for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++) {
		assert_null(strstr(alice, never[k]));
		assert_null(strstr(bob, never[k]));
		assert_null(strstr(carol, never[k]));
	}
}

/* It was on its way to the host that died, and another recovery has it now: nobody is told that it does not exist. */
static void what_another_recovery_moves_is_not_called_gone(void **state)
{
	struct scene *s = *state;
	struct instance_record *i = NULL;
	STR_AUTO char *carol = NULL;

	for (int k = 0; k < 5; k++)
		i = s->instances[k].row == INSTANCE_ROW_GONE ? &s->instances[k] : i;
	assert_non_null(i);
	str_copy(i->source, sizeof(i->source), "cmp-02");
	carol = facts_text(s, "carol@example.com");
	assert_non_null(strstr(carol, "no longer part of this recovery"));
	assert_null(strstr(carol, "no longer exists"));
}

static const char *name_of(const void *arg, const char *id)
{
	assert_string_equal(arg, "the daemon");
	return str_eq(id, "p-one") ? "from-elsewhere" : NULL;
}

/* The administrators' letter is written before the people are looked up: what the daemon knows from before is used, an id stands alone. */
static void a_project_has_its_name_where_anybody_knows_it(void **state)
{
	const struct scene *s = *state;
	struct tell_facts facts = s->facts;
	TELL_LETTER_AUTO struct tell_letter letter = {0};
	JSON_AUTO cJSON *o = NULL;

	facts.project_n = 0;
	facts.project_name = name_of;
	facts.arg = "the daemon";
	o = tell_admin_facts(&facts, TELL_ROWS_MAX);
	assert_int_equal(tell_letter_write(&s->templates, TELL_ADMIN_RECOVERED, o, &letter, NULL), 0);
	assert_non_null(strstr(letter.text, "Project from-elsewhere (p-one)\n"));
	assert_non_null(strstr(letter.text, "Project p-two\n"));
	assert_null(strstr(letter.html, "p-two</span>"));
}

static void counts(void **state)
{
	const struct scene *s = *state;
	JSON_AUTO cJSON *all = tell_admin_facts(&s->facts, 2);
	const cJSON *rows = json_array(cJSON_GetArrayItem(json_array(all, "projects"), 0), "instances");

	assert_string_equal(json_str(all, "instance_n", ""), "5");
	assert_string_equal(json_str(all, "recovered_n", ""), "3");
	assert_string_equal(json_str(all, "failed_n", ""), "1");
	assert_string_equal(json_str(all, "more_n", ""), "3");
	/* what needs attention is listed first where not all can be */
	assert_string_equal(json_str(cJSON_GetArrayItem(rows, 0), "name", ""), "database");
}

static void who_is_concerned(void **state)
{
	struct recovery_record r = {.due = 1u << MOMENT_HELD};

	(void)state;
	assert_false(tell_users_are_affected(&r, MOMENT_HELD));
	r.due |= 1u << MOMENT_CONFIRMED;
	assert_true(tell_users_are_affected(&r, MOMENT_HELD));
	assert_true(tell_users_are_affected(&r, MOMENT_CONFIRMED));
	assert_false(tell_users_are_affected(&r, MOMENT_SKIPPED));
	r.due |= 1u << MOMENT_RECOVERED;
	assert_false(tell_users_are_affected(&r, MOMENT_HELD));
	assert_true(tell_users_are_affected(&r, MOMENT_RECOVERED));
	assert_false(tell_users_are_affected(&r, MOMENT_RETURNED));
}

static void keys(void **state)
{
	char key[TELL_KEY_SIZE], other[TELL_KEY_SIZE], name[600];
	struct tell_key k = {"kq3f7m-1-4", "held", 2, "Alice@Example.com"};

	(void)state;
	tell_key_write(&k, key);
	assert_string_equal(
	    key, "kq3f7m-1-4/held/2/alice@example.com"); /* never another: outboxes and mailboxes hold it */
	k.person = "user u4 r\xc3\xb6 bot\r\n";
	tell_key_write(&k, key);
	assert_string_equal(key, "kq3f7m-1-4/held/2/user_u4_r___bot__");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	k.person = name;
	tell_key_write(&k, key);
	name[sizeof(name) - 2] = 'y';
	tell_key_write(&k, other);
	assert_string_not_equal(key, other);
	assert_true(strlen(key) < 320);
}

/* --- whole mails --- */

static void file_take(const char *path, struct strbuf *sb)
{
	char bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (!f)
		return;
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		strbuf_add(sb, bytes, n);
	assert_int_equal(fclose(f), 0);
}

static void golden(const char *name, const struct strbuf *made)
{
	STRBUF_AUTO struct strbuf kept = STRBUF_INIT;
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/test/golden/mail/%s.eml", root, name);
	if (getenv("OSHA_GOLDEN_WRITE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_int_equal(fwrite(made->text, 1, made->len, f), made->len);
		assert_int_equal(fclose(f), 0);
	}
	file_take(path, &kept);
	if (!kept.text || strcmp(kept.text, made->text) != 0)
		print_error("%s is not what is made now:\n%s", path, made->text);
	assert_non_null(kept.text);
	assert_string_equal(kept.text, made->text);
}

static void mail_compare(
    const struct scene *s, enum tell_kind kind, const cJSON *facts, const char *to, const char *to_name)
{
	TELL_LETTER_AUTO struct tell_letter letter = {0};
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;
	char key[TELL_KEY_SIZE], name[64];
	const char *moment = kind == TELL_ADMIN_ALERT ? "alert" : moment_name(s->facts.moment);
	struct tell_key k = {s->recovery.id, moment, 0, to};
	struct tell_mail mail = {.from = "osha@ctl.example.com",
	    .to = to,
	    .to_name = to_name,
	    .key = key,
	    .thread = kind == TELL_ADMIN_ALERT ? "" : s->recovery.id,
	    .moment = moment,
	    .wall_ms = s->facts.wall_ms};
	struct osha_err err = {0};

	tell_key_write(&k, key);
	if (tell_letter_write(&s->templates, kind, facts, &letter, &err) < 0)
		fail_msg("%s", err.msg);
	mail.subject = letter.subject;
	mail.text = letter.text;
	mail.html = letter.html;
	if (tell_mail_write(&mail, &out, &err) < 0)
		fail_msg("%s", err.msg);
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(tell_template_name(kind, TELL_TEXT), "."),
	    tell_template_name(kind, TELL_TEXT));
	golden(name, &out);
}

static void moment_set(struct scene *s, enum moment moment)
{
	static const enum host_row rows[MOMENT_N] = {
	    HOST_ROW_FENCING, HOST_ROW_RECOVERED, HOST_ROW_HELD, HOST_ROW_ABANDONED, HOST_ROW_REENABLED};

	s->facts.moment = moment;
	s->recovery.row = rows[moment];
	str_copy(s->recovery.why, sizeof(s->recovery.why),
	    moment == MOMENT_HELD ? "1 instance has no place" : "as its workflow says");
	s->recovery.hold = moment == MOMENT_HELD ? HOLD_INSTANCES : HOLD_NONE;
	s->recovery.proof.kind = moment == MOMENT_CONFIRMED ? PROOF_NONE : PROOF_POWER;
	s->facts.is_listed = moment != MOMENT_CONFIRMED && moment != MOMENT_SKIPPED;
}

static void user_mails(void **state)
{
	struct scene *s = *state;

	for (int m = MOMENT_CONFIRMED; m <= MOMENT_HELD; m++) {
		const struct tell_reader *r =
		    reader(s, m == MOMENT_RECOVERED ? "carol@example.com" : "alice@example.com");
		JSON_AUTO cJSON *facts = NULL;

		moment_set(s, (enum moment)m);
		facts = tell_user_facts(&s->facts, &s->audience, r, TELL_ROWS_MAX);
		mail_compare(s, tell_kind_of((enum moment)m, false), facts, tell_reader_address(&s->audience, r),
		    tell_reader_name(&s->audience, r));
	}
}

static void admin_mails(void **state)
{
	struct scene *s = *state;
	struct tell_unreached unreached[] = {{"project p-one", "503"}, {"user u4 <robot>", "no mail address"}};
	JSON_AUTO cJSON *alert = tell_alert_facts("probe", "no probe answers: <all> silent", s->facts.wall_ms);
	JSON_AUTO cJSON *list = NULL;

	for (int m = 0; m < MOMENT_N; m++) {
		JSON_AUTO cJSON *facts = NULL;

		moment_set(s, (enum moment)m);
		if (m == MOMENT_CONFIRMED)
			s->facts.instance_n = 0;
		facts = tell_admin_facts(&s->facts, TELL_ROWS_MAX);
		s->facts.instance_n = 5;
		mail_compare(s, tell_kind_of((enum moment)m, true), facts, "ops@example.com", "");
	}
	moment_set(s, MOMENT_CONFIRMED);
	mail_compare(s, TELL_ADMIN_ALERT, alert, "ops@example.com", "");
	list = tell_unreached_facts(&s->facts, unreached, 2);
	mail_compare(s, TELL_ADMIN_UNREACHED, list, "ops@example.com", "");
}

/* What a segment that asks, and one that only observes, say to the administrators. */
static void modes_are_told(void **state)
{
	struct scene *s = *state;
	JSON_AUTO cJSON *asked = NULL, *observed = NULL;

	moment_set(s, MOMENT_HELD);
	s->recovery.hold = HOLD_APPROVAL;
	asked = tell_admin_facts(&s->facts, TELL_ROWS_MAX);
	assert_string_equal(json_str(asked, "hold", ""), "approval");
	assert_non_null(strstr(json_str(asked, "release", ""), s->recovery.id));
	assert_non_null(strstr(json_str(asked, "release", ""), "osha approve "));
	assert_string_equal(json_str(asked, "observed", "?"), "");
	moment_set(s, MOMENT_SKIPPED);
	s->recovery.observed = true;
	observed = tell_admin_facts(&s->facts, TELL_ROWS_MAX);
	s->recovery.observed = false;
	assert_string_equal(json_str(observed, "observed", ""), "yes");
	assert_string_equal(json_str(observed, "release", "?"), "");
}

/* What one object holds and what a letter offers there are the same names. */
static void scope_compare(enum tell_kind kind, const char *inside, const cJSON *scope)
{
	const cJSON *item;
	const char *name, *place = NULL;

	assert_non_null(scope);
	cJSON_ArrayForEach(item, scope)
	{
		if (!tell_name_find(kind, inside, item->string, strlen(item->string)))
			fail_msg("%s in %s is offered to no template", item->string, inside);
	}
	for (size_t k = 0; (name = tell_name_at(kind, k, &place)) != NULL; k++) {
		if (strcmp(place, inside) == 0 && !cJSON_GetObjectItemCaseSensitive(scope, name))
			fail_msg("%s in %s is offered, and nobody fills it", name, inside);
	}
}

static void names_and_facts_agree(void **state)
{
	struct scene *s = *state;
	struct tell_unreached unreached = {"project p-one", "503"};
	JSON_AUTO cJSON *user = tell_user_facts(&s->facts, &s->audience, reader(s, "carol@example.com"), TELL_ROWS_MAX);
	JSON_AUTO cJSON *admin = tell_admin_facts(&s->facts, TELL_ROWS_MAX);
	JSON_AUTO cJSON *alert = tell_alert_facts("key", "text", 1);
	JSON_AUTO cJSON *list = tell_unreached_facts(&s->facts, &unreached, 1);
	const cJSON *both[] = {user, admin};
	static const enum tell_kind kinds[] = {TELL_USER_RECOVERED, TELL_ADMIN_RECOVERED};

	for (size_t k = 0; k < 2; k++) {
		const cJSON *project = cJSON_GetArrayItem(json_array(both[k], "projects"), 0);

		scope_compare(kinds[k], "", both[k]);
		scope_compare(kinds[k], "projects", project);
		scope_compare(kinds[k], "instances", cJSON_GetArrayItem(json_array(project, "instances"), 0));
	}
	scope_compare(TELL_ADMIN_RECOVERED, "timeline", cJSON_GetArrayItem(json_array(admin, "timeline"), 0));
	scope_compare(TELL_ADMIN_ALERT, "", alert);
	scope_compare(TELL_ADMIN_UNREACHED, "", list);
	scope_compare(TELL_ADMIN_UNREACHED, "unreached", cJSON_GetArrayItem(json_array(list, "unreached"), 0));
}

static void too_long(void **state)
{
	struct scene *s = *state;
	JSON_AUTO cJSON *facts = tell_alert_facts("key", "", 0);
	struct tell_letter letter;
	char *text = malloc(TELL_PART_MAX_BYTES + 1);

	assert_non_null(text);
	memset(text, '<', TELL_PART_MAX_BYTES);
	text[TELL_PART_MAX_BYTES] = '\0';
	cJSON_ReplaceItemInObject(facts, "text", cJSON_CreateString(text));
	assert_int_equal(tell_letter_write(&s->templates, TELL_ADMIN_ALERT, facts, &letter, NULL), -OSHA_E_FULL);
	assert_null(letter.text);
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(readers, scene_open, scene_close),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test_setup_teardown(two_projects_on_one_host, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(what_another_recovery_moves_is_not_called_gone, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(a_project_has_its_name_where_anybody_knows_it, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(counts, scene_open, scene_close), cmocka_unit_test(who_is_concerned),
	    cmocka_unit_test(keys), cmocka_unit_test_setup_teardown(user_mails, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(admin_mails, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(modes_are_told, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(names_and_facts_agree, scene_open, scene_close),
	    cmocka_unit_test_setup_teardown(too_long, scene_open, scene_close)};

	root = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
