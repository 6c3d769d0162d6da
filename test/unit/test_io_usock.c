/* SPDX-License-Identifier: Apache-2.0 */
/* Lines over a Unix socket: the blocking caller on a thread, the server on the loop. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/file.h"
#include "io/usock.h"
#include "test/unit/io_bed.h"

enum { LONG_MS = 20000 };

struct room {
	struct bed *bed;
	struct io_usock *server;
	char path[100];
	int lines;
	char last[256];
	uint64_t client;
	uid_t uid;
	bool is_mute;
	int64_t reply_bytes; /* instead of an echo, when > 0 */
	int reply_result;
};

static void on_line(void *arg, const struct io_usock_peer *peer, const char *line, size_t size)
{
	struct room *room = arg;
	room->lines++;
	room->client = peer->client;
	room->uid = peer->uid;
	str_copy(room->last, sizeof room->last, line);
	assert_int_equal(size, strlen(line));
	if (room->reply_bytes > 0) {
		char *much = malloc((size_t)room->reply_bytes);
		memset(much, 'y', (size_t)room->reply_bytes);
		room->reply_result = io_usock_reply(room->server, peer->client, much, (size_t)room->reply_bytes);
		free(much);
	} else if (!room->is_mute) {
		room->reply_result = io_usock_reply(room->server, peer->client, line, size);
	}
	bed_see(room->bed);
}

static void open_room(struct room *room, struct bed *bed, size_t clients_max)
{
	struct osha_err err = {0};
	*room = (struct room){.bed = bed};
	bed_path(bed, "sock", room->path, sizeof room->path);
	struct io_usock_spec spec = {
	    .path = room->path, .mode = 0660, .clients_max = clients_max, .fn = on_line, .arg = room};
	assert_int_equal(io_usock_create(bed->loop, &spec, &room->server, &err), 0);
}

struct asker {
	struct bed *bed;
	const char *path, *line;
	int64_t timeout_ms;
	pthread_t thread;
	int result;
	char *reply;
	int done;
};

static void on_asked(void *arg)
{
	struct asker *a = arg;
	a->done = 1;
	io_loop_stop(a->bed->loop);
}

static void *ask_on_thread(void *arg)
{
	struct asker *a = arg;
	struct osha_err err = {0};
	a->result = io_usock_call(a->path, a->line, a->timeout_ms, &a->reply, &err);
	io_loop_post(a->bed->loop, on_asked, a);
	return NULL;
}

static struct asker ask(struct room *room, const char *line, int64_t timeout_ms)
{
	struct asker a = {.bed = room->bed, .path = room->path, .line = line, .timeout_ms = timeout_ms};
	assert_int_equal(pthread_create(&a.thread, NULL, ask_on_thread, &a), 0);
	bed_wait(room->bed, &a.done, 1);
	pthread_join(a.thread, NULL);
	return a;
}

static void test_question_and_answer(void **state)
{
	struct room room;
	struct stat st;
	open_room(&room, *state, 0);
	assert_int_equal(stat(room.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	struct asker a = ask(&room, "{\"ask\": 1}", LONG_MS);
	assert_int_equal(a.result, 0);
	assert_string_equal(a.reply, "{\"ask\": 1}");
	assert_int_equal(room.uid, getuid());
	free(a.reply);
	/* Its client has gone: nobody else gets what comes too late. */
	uint64_t gone = room.client;
	a = ask(&room, "", LONG_MS);
	assert_string_equal(a.reply, "");
	free(a.reply);
	assert_int_equal(io_usock_reply(room.server, gone, "late", 4), -OSHA_E_NOTFOUND);
	io_usock_destroy(room.server);
	assert_false(io_file_exists(room.path));
}

static void test_long_answers_and_questions(void **state)
{
	struct room room;
	open_room(&room, *state, 0);
	room.reply_bytes = 20000000;
	struct asker a = ask(&room, "much", LONG_MS);
	assert_int_equal(a.result, 0);
	assert_int_equal(strlen(a.reply), 20000000);
	free(a.reply);
	room.reply_bytes = 2;
	char *line = malloc(IO_USOCK_LINE_MAX_BYTES + 1);
	memset(line, 'x', IO_USOCK_LINE_MAX_BYTES);
	line[IO_USOCK_LINE_MAX_BYTES] = '\0';
	a = ask(&room, line, LONG_MS);
	assert_int_equal(a.result, 0);
	free(a.reply);
	free(line);
	io_usock_destroy(room.server);
}

static void test_timeout_and_nobody(void **state)
{
	struct room room;
	struct osha_err err = {0};
	char *reply = NULL;
	open_room(&room, *state, 0);
	room.is_mute = true;
	struct asker a = ask(&room, "hello?", 100);
	assert_int_equal(a.result, -OSHA_E_TIMEOUT);
	io_usock_destroy(room.server);
	assert_int_equal(io_usock_call(room.path, "x", LONG_MS, &reply, &err), -OSHA_E_NOTFOUND);
	assert_int_equal(io_usock_call(room.path, "x\ny", LONG_MS, &reply, &err), -OSHA_E_USAGE);
}

static int connect_raw(const struct room *room)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	str_copy(at.sun_path, sizeof at.sun_path, room->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

/* Until the loop has seen that @fd was closed by the server. */
static void await_hang_up(struct room *room, int fd)
{
	char buf[4096];
	int64_t end_ms = io_boot_ms() + LONG_MS;
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return;
		assert_true(io_boot_ms() < end_ms);
		io_loop_post(room->bed->loop, (io_loop_fn)bed_see, room->bed);
		bed_wait(room->bed, &room->bed->seen, room->bed->seen + 1);
	}
}

static void test_lines_in_pieces_and_in_bulk(void **state)
{
	struct room room;
	open_room(&room, *state, 0);
	room.is_mute = true;
	int fd = connect_raw(&room);
	assert_int_equal(send(fd, "one\ntw", 6, 0), 6);
	bed_wait(room.bed, &room.lines, 1);
	assert_string_equal(room.last, "one");
	assert_int_equal(send(fd, "o\n", 2, 0), 2);
	bed_wait(room.bed, &room.lines, 2);
	assert_string_equal(room.last, "two");
	char bulk[2000];
	for (size_t i = 0; i < sizeof bulk; i++)
		bulk[i] = i % 2 == 0 ? 'x' : '\n';
	assert_int_equal(send(fd, bulk, sizeof bulk, 0), sizeof bulk);
	bed_wait(room.bed, &room.lines, 1002);
	/* Asking no more, it still gets what it is owed. */
	shutdown(fd, SHUT_WR);
	io_loop_post(room.bed->loop, (io_loop_fn)bed_see, room.bed);
	bed_wait(room.bed, &room.bed->seen, room.bed->seen + 1);
	for (int i = 0; i < 1002; i++)
		assert_int_equal(io_usock_reply(room.server, room.client, "ok", 2), 0);
	assert_int_equal(recv(fd, bulk, 3, MSG_WAITALL), 3);
	assert_memory_equal(bulk, "ok\n", 3);
	await_hang_up(&room, fd);
	close(fd);
	io_usock_destroy(room.server);
}

static void *send_endless_line(void *arg)
{
	char buf[4096];
	memset(buf, 'z', sizeof buf);
	while (send(*(int *)arg, buf, sizeof buf, MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

static void test_endless_line_is_ended(void **state)
{
	struct room room;
	open_room(&room, *state, 0);
	int fd = connect_raw(&room);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, send_endless_line, &fd), 0);
	await_hang_up(&room, fd);
	pthread_join(thread, NULL);
	assert_int_equal(room.lines, 0);
	close(fd);
	io_usock_destroy(room.server);
}

static void test_slow_reader_is_closed(void **state)
{
	struct room room;
	open_room(&room, *state, 0);
	room.reply_bytes = IO_USOCK_REPLY_MAX_BYTES / 2;
	int fd = connect_raw(&room);
	assert_int_equal(send(fd, "a\nb\nc\nd\n", 8, 0), 8);
	bed_wait(room.bed, &room.lines, 2);
	assert_int_equal(room.reply_result, -OSHA_E_FULL);
	await_hang_up(&room, fd);
	close(fd);
	io_usock_destroy(room.server);
}

static void test_clients_are_bounded(void **state)
{
	struct room room;
	open_room(&room, *state, 2);
	int a = connect_raw(&room), b = connect_raw(&room), c = connect_raw(&room);
	await_hang_up(&room, c);
	assert_int_equal(send(b, "still\n", 6, 0), 6);
	bed_wait(room.bed, &room.lines, 1);
	assert_string_equal(room.last, "still");
	io_usock_close(room.server, room.client);
	await_hang_up(&room, b);
	close(a);
	close(b);
	close(c);
	io_usock_destroy(room.server);
}

static void test_abandoned_socket_and_second_server(void **state)
{
	struct room room;
	struct bed *bed = *state;
	struct io_usock *second = NULL;
	struct osha_err err = {0};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	bed_path(bed, "sock", at.sun_path, sizeof at.sun_path);
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&at, sizeof at), 0);
	close(dead);
	open_room(&room, bed, 0);
	struct io_usock_spec spec = {.path = room.path, .mode = 0600, .fn = on_line, .arg = &room};
	assert_int_equal(io_usock_create(bed->loop, &spec, &second, &err), -OSHA_E_BUSY);
	struct asker a = ask(&room, "there", LONG_MS); /* the first goes on */
	assert_int_equal(a.result, 0);
	free(a.reply);
	char file[100];
	spec.path = bed_path(bed, "file", file, sizeof file);
	assert_int_equal(io_file_write(spec.path, "x", 1, 0600, &err), 0);
	assert_int_equal(io_usock_create(bed->loop, &spec, &second, &err), -OSHA_E_IO);
	assert_true(io_file_exists(spec.path));
	io_usock_destroy(room.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_question_and_answer, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_long_answers_and_questions, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_timeout_and_nobody, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_lines_in_pieces_and_in_bulk, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_endless_line_is_ended, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_slow_reader_is_closed, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_clients_are_bounded, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_abandoned_socket_and_second_server, bed_open, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
