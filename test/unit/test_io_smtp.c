/* SPDX-License-Identifier: Apache-2.0 */
/* Mail against a scripted SMTP server: what is accepted, refused, put off; and that nothing is said in plain when TLS was demanded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/smtp.h"
#include "test/unit/io_bed.h"

enum { RCPT_N = 2 };

struct got {
	struct bed *bed;
	int calls;
	enum io_mail_outcome outcome;
	int result, code;
	bool may_have_been_sent;
	char text[IO_MAIL_TEXT_SIZE];
	struct io_mail_rcpt_answer rcpt[RCPT_N];
};

static void on_mail(void *arg, const struct io_mail_answer *a)
{
	struct got *g = arg;
	g->calls++;
	g->outcome = a->outcome;
	g->result = a->result;
	g->code = a->code;
	g->may_have_been_sent = a->may_have_been_sent;
	str_copy(g->text, sizeof g->text, a->text);
	assert_int_equal(a->rcpt_n, RCPT_N);
	memcpy(g->rcpt, a->rcpt, sizeof g->rcpt);
	bed_see(g->bed);
}

/* What a script answers; NULL = the ordinary word. "" = nothing at all. */
static struct {
	const char *greeting, *features, *starttls, *auth, *from, *rcpt[RCPT_N], *data, *end, *quit;
	bool hangs_up_after_end;
} say;

static bool reply(struct peer *p, const char *words, const char *ordinary)
{
	const char *line = words != NULL ? words : ordinary;
	return peer_send(p, line) && (line[0] == '\0' || peer_send(p, "\r\n"));
}

static bool take_message(struct peer *p)
{
	if (!peer_expect(p, "\r\n.\r\n"))
		return false;
	str_copy(p->server->note, sizeof p->server->note, p->taken);
	if (say.hangs_up_after_end)
		return false;
	return reply(p, say.end, "250 2.0.0 queued as 77");
}

static bool greet(struct peer *p)
{
	return reply(p, say.features, "250-mail.example\r\n250-8BITMIME\r\n250 SIZE 10000000");
}

static bool log_in(struct peer *p)
{
	return reply(p, NULL, "334 ") && peer_expect(p, "\r\n") && reply(p, NULL, "235 welcome");
}

static bool take_command(struct peer *p, int *rcpt_n)
{
	const char *line = p->taken;
	p->server->counted += str_starts(line, "MAIL ") || str_starts(line, "AUTH ");
	if (str_starts(line, "EHLO "))
		return greet(p);
	if (str_starts(line, "STARTTLS"))
		return reply(p, say.starttls, "220 go") && (say.starttls != NULL || peer_starttls(p));
	if (str_starts(line, "AUTH "))
		return say.auth != NULL ? reply(p, say.auth, "") : log_in(p);
	if (str_starts(line, "MAIL "))
		return reply(p, say.from, "250 ok");
	if (str_starts(line, "RCPT "))
		return *rcpt_n < RCPT_N && reply(p, say.rcpt[(*rcpt_n)++], "250 ok");
	if (str_starts(line, "DATA"))
		return reply(p, say.data, "354 go on") && (say.data != NULL || take_message(p));
	if (str_starts(line, "QUIT"))
		return reply(p, say.quit, "221 bye");
	return reply(p, NULL, "500 what");
}

static void smtp_script(struct peer *p)
{
	int rcpt_n = 0;
	if (reply(p, say.greeting, "220 mail.example ESMTP"))
		while (peer_expect(p, "\r\n") && take_command(p, &rcpt_n))
			continue;
	peer_await_close(p);
}

static const char *const two[] = {"alice@example.com", "bob@example.com"};

static struct io_mail mail_to(const struct server *s)
{
	static const char message[] = "Subject: x\r\n\r\n.one\r\n..two\r\nend\r\n";
	return (struct io_mail){.host = "127.0.0.1",
	    .port = s->port,
	    .from = "osha@example.com",
	    .to = two,
	    .to_n = RCPT_N,
	    .bytes = message,
	    .size = sizeof message - 1,
	    .timeout_ms = 20000,
	    .helo_name = "ctl1.example"};
}

static struct got deliver(struct bed *bed, struct server *s, const struct io_mail *mail)
{
	struct got g = {.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_mail_start(bed->http, mail, on_mail, &g, NULL, &err), 0);
	assert_int_equal(g.calls, 0);
	bed_wait(bed, &g.calls, 1);
	server_stop(s);
	return g;
}

static struct got send_plain(struct bed *bed, struct server *s)
{
	server_start(s, bed, smtp_script);
	struct io_mail mail = mail_to(s);
	return deliver(bed, s, &mail);
}

static int reset(void **state)
{
	memset(&say, 0, sizeof say);
	return bed_open(state);
}

static void test_mail_is_sent(void **state)
{
	struct server s = {0};
	struct got g = send_plain(*state, &s);
	assert_int_equal(g.outcome, IO_MAIL_SENT);
	assert_int_equal(g.result, 0);
	assert_int_equal(g.code, 250);
	assert_string_equal(g.text, "250 2.0.0 queued as 77");
	assert_int_equal(g.rcpt[0].outcome, IO_MAIL_SENT);
	assert_int_equal(g.rcpt[1].outcome, IO_MAIL_SENT);
	assert_string_equal(s.note, "Subject: x\r\n\r\n..one\r\n...two\r\nend\r\n.\r\n");
}

static void test_one_recipient_refused(void **state)
{
	struct server s = {0};
	say.rcpt[0] = "550-5.1.1 no such\r\n550 5.1.1 user \x1b[31m here";
	struct got g = send_plain(*state, &s);
	assert_int_equal(g.outcome, IO_MAIL_SENT);
	assert_int_equal(g.rcpt[0].outcome, IO_MAIL_REFUSED);
	assert_int_equal(g.rcpt[0].code, 550);
	assert_string_equal(g.rcpt[0].text, "550 5.1.1 user ?[31m here");
	assert_int_equal(g.rcpt[1].outcome, IO_MAIL_SENT);
}

static void test_all_recipients_refused(void **state)
{
	struct server s = {0};
	say.rcpt[0] = say.rcpt[1] = "550 no such user";
	struct got g = send_plain(*state, &s);
	assert_int_equal(g.outcome, IO_MAIL_REFUSED);
	assert_int_equal(g.rcpt[1].outcome, IO_MAIL_REFUSED);
	assert_string_equal(g.text, "550 no such user");
}

static void test_refused_and_put_off(void **state)
{
	struct server s = {0};
	say.rcpt[0] = "550 no such user";
	say.rcpt[1] = "552 too many recipients";
	struct got g = send_plain(*state, &s);
	assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
	assert_int_equal(g.result, 0);
	assert_int_equal(g.rcpt[0].outcome, IO_MAIL_REFUSED);
	assert_int_equal(g.rcpt[1].outcome, IO_MAIL_TRANSIENT);
}

static void test_put_off_at_each_stage(void **state)
{
	const char **stages[] = {&say.greeting, &say.from, &say.rcpt[0], &say.data, &say.end};
	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
		struct server s = {0};
		memset(&say, 0, sizeof say);
		*stages[i] = "451 4.3.0 later";
		if (stages[i] == &say.rcpt[0])
			say.rcpt[1] = say.rcpt[0];
		struct got g = send_plain(*state, &s);
		assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
		assert_false(g.may_have_been_sent);
		assert_string_equal(g.text, "451 4.3.0 later");
		assert_int_equal(g.rcpt[0].outcome, IO_MAIL_TRANSIENT);
	}
}

static void test_refused_for_good_at_each_stage(void **state)
{
	const char **stages[] = {&say.from, &say.data, &say.end};
	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
		struct server s = {0};
		memset(&say, 0, sizeof say);
		*stages[i] = "554 5.7.1 no";
		struct got g = send_plain(*state, &s);
		assert_int_equal(g.outcome, IO_MAIL_REFUSED);
		assert_int_equal(g.code, 554);
		assert_int_equal(g.rcpt[1].outcome, IO_MAIL_REFUSED);
	}
}

static void test_login_refused(void **state)
{
	struct server s = {0};
	say.features = "250-mail.example\r\n250 AUTH PLAIN LOGIN";
	say.auth = "535 5.7.8 wrong";
	server_start(&s, *state, smtp_script);
	struct io_mail mail = mail_to(&s);
	mail.user = "osha";
	mail.password = "s3cret-word";
	struct got g = deliver(*state, &s, &mail);
	assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
	assert_int_equal(g.result, -OSHA_E_AUTH);
	assert_null(strstr(g.text, "s3cret"));
	say.auth = NULL;
	say.from = "530 5.7.0 login first";
	g = send_plain(*state, &s);
	assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
	assert_int_equal(g.result, -OSHA_E_AUTH);
}

static void test_cut_after_message_may_have_been_sent(void **state)
{
	struct server s = {0};
	say.hangs_up_after_end = true;
	server_start(&s, *state, smtp_script);
	struct io_mail mail = mail_to(&s);
	mail.timeout_ms = 300;
	struct got g = deliver(*state, &s, &mail);
	assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
	assert_int_equal(g.result, -OSHA_E_TIMEOUT);
	assert_true(g.may_have_been_sent);
}

static void test_hang_at_each_stage(void **state)
{
	const char **stages[] = {&say.greeting, &say.features, &say.from, &say.rcpt[0], &say.data};
	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
		struct server s = {0};
		memset(&say, 0, sizeof say);
		*stages[i] = "";
		server_start(&s, *state, smtp_script);
		struct io_mail mail = mail_to(&s);
		mail.timeout_ms = 200;
		struct got g = deliver(*state, &s, &mail);
		assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
		assert_int_equal(g.result, -OSHA_E_TIMEOUT);
		assert_false(g.may_have_been_sent);
	}
}

static void on_stall(void *arg, enum io_stall kind, int64_t ms)
{
	(void)arg;
	if (kind == IO_STALL_TURN)
		fail_msg("the loop stood for %lld ms", (long long)ms);
}

/* libcurl waits for the answer to its QUIT inside one call, a whole second at the least. */
static void test_unanswered_quit_does_not_stop_the_loop(void **state)
{
	struct bed *bed = *state;
	const struct {
		const char **stage, *words;
		enum io_mail_outcome outcome;
	} ends[] = {
	    {&say.end, NULL, IO_MAIL_SENT},
	    {&say.end, "554 no", IO_MAIL_REFUSED},
	    {&say.from, "451 later", IO_MAIL_TRANSIENT},
	    {&say.features, "502 what", IO_MAIL_TRANSIENT},
	    {&say.greeting, "554 go away", IO_MAIL_TRANSIENT},
	};
	io_loop_watch_stalls(bed->loop, 900, 3600000, on_stall, NULL);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct server s = {0};
		memset(&say, 0, sizeof say);
		say.quit = "";
		*ends[i].stage = ends[i].words;
		struct got g = send_plain(bed, &s);
		assert_int_equal(g.outcome, ends[i].outcome);
	}
	struct server s = {0};
	memset(&say, 0, sizeof say);
	say.quit = "";
	say.features = "250-mail.example\r\n250 AUTH PLAIN";
	say.auth = "535 wrong";
	server_start(&s, bed, smtp_script);
	struct io_mail mail = mail_to(&s);
	mail.user = mail.password = "x";
	struct got g = deliver(bed, &s, &mail);
	assert_int_equal(g.result, -OSHA_E_AUTH);
}

static void test_starttls(void **state)
{
	struct server s = {0};
	char path[128];
	bed_make_certs(*state);
	say.features = "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN";
	server_start_tls(&s, *state, smtp_script, "good", false);
	struct io_mail mail = mail_to(&s);
	mail.tls = IO_MAIL_TLS_STARTTLS;
	mail.cacert = bed_path(*state, "ca.pem", path, sizeof path);
	mail.user = mail.password = "x";
	struct got g = deliver(*state, &s, &mail);
	assert_int_equal(g.outcome, IO_MAIL_SENT);
	server_start_tls(&s, *state, smtp_script, "good", false);
	mail.port = s.port;
	mail.cacert = NULL;
	g = deliver(*state, &s, &mail);
	assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
	assert_int_equal(g.result, -OSHA_E_TLS);
	assert_int_equal(s.counted, 0);
}

static void test_implicit_tls(void **state)
{
	struct server s = {0};
	char path[128];
	bed_make_certs(*state);
	server_start_tls(&s, *state, smtp_script, "good", true);
	struct io_mail mail = mail_to(&s);
	mail.tls = IO_MAIL_TLS_IMPLICIT;
	mail.cacert = bed_path(*state, "ca.pem", path, sizeof path);
	struct got g = deliver(*state, &s, &mail);
	assert_int_equal(g.outcome, IO_MAIL_SENT);
	server_start_tls(&s, *state, smtp_script, "wrong", true);
	mail.port = s.port;
	g = deliver(*state, &s, &mail);
	assert_int_equal(g.result, -OSHA_E_TLS);
	assert_int_equal(s.counted, 0);
}

static void test_nothing_in_plain_where_tls_was_demanded(void **state)
{
	const char *const features[] = {
	    "250-mail.example\r\n250 AUTH PLAIN", "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN"};
	for (int i = 0; i < 2; i++) {
		struct server s = {0};
		memset(&say, 0, sizeof say);
		say.features = features[i];
		say.starttls = "454 4.7.0 not now";
		server_start(&s, *state, smtp_script);
		struct io_mail mail = mail_to(&s);
		mail.tls = IO_MAIL_TLS_STARTTLS;
		mail.insecure = true;
		mail.user = mail.password = "x";
		struct got g = deliver(*state, &s, &mail);
		assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
		assert_int_equal(g.result, -OSHA_E_TLS);
		assert_int_equal(s.counted, 0);
	}
}

static void test_refused_connection(void **state)
{
	struct server s = {0};
	server_start(&s, *state, smtp_script);
	struct io_mail mail = mail_to(&s);
	server_stop(&s);
	mail.port = port_unused();
	struct got g = {.bed = *state};
	struct osha_err err = {0};
	assert_int_equal(io_mail_start(g.bed->http, &mail, on_mail, &g, NULL, &err), 0);
	bed_wait(g.bed, &g.calls, 1);
	assert_int_equal(g.outcome, IO_MAIL_TRANSIENT);
	assert_int_equal(g.result, -OSHA_E_NET);
	assert_false(g.may_have_been_sent);
}

static void test_cancel(void **state)
{
	struct bed *bed = *state;
	struct server s = {0};
	say.data = "";
	server_start(&s, bed, smtp_script);
	struct io_mail mail = mail_to(&s);
	struct got g = {.bed = bed};
	struct io_mail_call *call;
	struct osha_err err = {0};
	assert_int_equal(io_mail_start(bed->http, &mail, on_mail, &g, &call, &err), 0);
	io_mail_cancel(call);
	assert_int_equal(io_mail_start(bed->http, &mail, on_mail, &g, &call, &err), 0);
	while (__atomic_load_n(&s.connections, __ATOMIC_SEQ_CST) == 0) {
		io_loop_post(bed->loop, (io_loop_fn)bed_see, bed);
		bed_wait(bed, &bed->seen, bed->seen + 1);
	}
	io_mail_cancel(call);
	bed_wait(bed, &bed->posted, 1);
	assert_int_equal(g.calls, 0);
	server_stop(&s);
}

static void test_malformed_mails_are_refused(void **state)
{
	struct bed *bed = *state;
	struct server none = {.port = 25};
	const char *const bad[] = {"alice@example.com>\r\nRCPT TO:<bob@example.com", "b@example.com"};
	struct io_mail mails[8];
	for (int i = 0; i < 8; i++)
		mails[i] = mail_to(&none);
	mails[0].to = bad;
	mails[1].to_n = 0;
	mails[2].from = "a b";
	mails[3].bytes = "a\n.\nb";
	mails[3].size = 5;
	mails[4].size = 0;
	mails[5].host = "127.0.0.1/x";
	mails[6].helo_name = "x\r\nMAIL";
	mails[7].port = 0;
	for (int i = 0; i < 8; i++) {
		struct osha_err err = {0};
		assert_int_equal(io_mail_start(bed->http, &mails[i], on_mail, bed, NULL, &err), -OSHA_E_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_mail_is_sent, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_one_recipient_refused, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_all_recipients_refused, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_refused_and_put_off, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_put_off_at_each_stage, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_refused_for_good_at_each_stage, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_login_refused, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_cut_after_message_may_have_been_sent, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_hang_at_each_stage, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_unanswered_quit_does_not_stop_the_loop, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_starttls, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_implicit_tls, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_nothing_in_plain_where_tls_was_demanded, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_refused_connection, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancel, reset, bed_close),
	    cmocka_unit_test_setup_teardown(test_malformed_mails_are_refused, reset, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
