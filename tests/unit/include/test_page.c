/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include <errno.h>
#include <fcntl.h>
#include <meridian/page.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 4096

static const struct meridian_page_kind kind = {
	.name = "page", .magic = 0x12345678, .version = 3, .min_size = 128};

static void path_of(char path[128], const char *rundir, const char *name)
{
	snprintf(path, 128, "%s/%s", rundir, name);
}

/* A page that a writer left behind, with something in it. */
static void leave_page(const char *rundir)
{
	struct meridian_page page;

	assert_int_equal(meridian_page_create(&page, rundir, &kind, SIZE, 0640, NULL), 0);
	memset((uint8_t *)page.addr + 64, 0x5a, SIZE - 64);
	meridian_page_close(&page);
}

static void change(const char *rundir, long offset, const void *octets, size_t size)
{
	char path[128];
	int fd;

	path_of(path, rundir, kind.name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, octets, size, offset), size);
	close(fd);
}

static int open_result(const char *rundir)
{
	struct meridian_page page;
	int r = meridian_page_open(&page, rundir, &kind);

	meridian_page_close(&page);
	return r;
}

/* Every page that a reader refuses is one that a writer replaces. */
static void assert_refused(const char *rundir, int error)
{
	struct meridian_page page;
	int adopted = 1;

	assert_int_equal(open_result(rundir), error);
	assert_int_equal(meridian_page_create(&page, rundir, &kind, SIZE, 0640, &adopted), 0);
	assert_false(adopted);
	assert_int_equal(((uint8_t *)page.addr)[64], 0);
	meridian_page_close(&page);
	assert_int_equal(open_result(rundir), 0);
}

static void makes_a_page(void **state)
{
	struct meridian_page page, reader;
	const struct meridian_page_head *head;
	struct stat st;
	char path[128];
	int adopted = 1;

	assert_int_equal(open_result(*state), -ENOENT);
	assert_int_equal(meridian_page_create(&page, *state, &kind, 100, 0640, &adopted), 0);
	assert_false(adopted);
	assert_int_equal(page.size, kind.min_size);
	assert_int_equal(meridian_page_open(&reader, *state, &kind), 0);
	head = reader.addr;
	assert_int_equal(head->magic, kind.magic);
	assert_int_equal(head->version, kind.version);
	assert_int_equal(head->size, kind.min_size);
	assert_int_not_equal(head->writer_id, 0);
	assert_int_equal(head->writer_pid, getpid());
	for (size_t i = sizeof(*head); i < reader.size; i++)
		assert_int_equal(((const uint8_t *)reader.addr)[i], 0);
	path_of(path, *state, kind.name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	meridian_page_close(&reader);
	meridian_page_close(&page);
}

static void adopts_what_an_earlier_run_left(void **state)
{
	struct meridian_page page, reader;
	uint32_t writer_id;
	int adopted = 0;

	leave_page(*state);
	assert_int_equal(meridian_page_open(&reader, *state, &kind), 0);
	writer_id = ((const struct meridian_page_head *)reader.addr)->writer_id;
	assert_int_equal(meridian_page_create(&page, *state, &kind, SIZE, 0640, &adopted), 0);
	assert_true(adopted);
	assert_int_equal(((uint8_t *)page.addr)[SIZE - 1], 0x5a);
	((uint8_t *)page.addr)[100] = 7;
	assert_int_equal(((const uint8_t *)reader.addr)[100], 7);
	assert_int_not_equal(
		((const struct meridian_page_head *)reader.addr)->writer_id, writer_id);
	assert_false(meridian_page_replaced(&reader, *state, &kind));
	meridian_page_close(&reader);
	meridian_page_close(&page);
}

static void refuses_a_torn_page(void **state)
{
	char path[128];

	path_of(path, *state, kind.name);
	for (int size = 0; size < 128; size += 9) {
		leave_page(*state);
		assert_int_equal(truncate(path, size), 0);
		assert_refused(*state, -ENODATA);
	}
}

static void refuses_a_page_that_claims_too_much(void **state)
{
	const uint64_t sizes[] = {SIZE + 1, UINT64_MAX, 127, 0};

	for (size_t i = 0; i < 4; i++) {
		leave_page(*state);
		change(*state, offsetof(struct meridian_page_head, size), &sizes[i], 8);
		assert_refused(*state, -ENODATA);
	}
}

static void refuses_a_foreign_page(void **state)
{
	const uint32_t magic = 0x12345679;

	leave_page(*state);
	change(*state, 0, &magic, sizeof(magic));
	assert_refused(*state, -EBADMSG);
}

static void refuses_another_version(void **state)
{
	const uint16_t versions[] = {2, 4};

	for (size_t i = 0; i < 2; i++) {
		leave_page(*state);
		change(*state, offsetof(struct meridian_page_head, version), &versions[i], 2);
		assert_refused(*state, -EPROTO);
	}
}

static void refuses_another_boot(void **state)
{
	const uint8_t boot_id[16] = {1, 2, 3};

	leave_page(*state);
	change(*state, offsetof(struct meridian_page_head, boot_id), boot_id, 16);
	assert_refused(*state, -ESTALE);
}

static void refuses_what_is_no_file(void **state)
{
	char path[128];

	path_of(path, *state, kind.name);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(open_result(*state), -EBADMSG);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(*state, -EBADMSG);
	assert_int_equal(open_result("/nonexistent"), -ENOENT);
}

static void refuses_a_second_writer(void **state)
{
	struct meridian_page first, second;

	assert_int_equal(meridian_page_create(&first, *state, &kind, SIZE, 0640, NULL), 0);
	assert_int_equal(meridian_page_create(&second, *state, &kind, SIZE, 0640, NULL), -EBUSY);
	meridian_page_close(&second);
	assert_int_equal(open_result(*state), 0);
	meridian_page_close(&first);
	assert_int_equal(meridian_page_create(&second, *state, &kind, SIZE, 0640, NULL), 0);
	meridian_page_close(&second);
}

static void lock_as_can_be(const char *path)
{
	struct flock whole = {.l_type = F_RDLCK};
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		_exit(1);
	if (S_ISREG(st.st_mode) && fcntl(fd, F_OFD_SETLK, &whole) < 0)
		_exit(2);
}

/* Somebody who may read the page, and locks all that can be opened. Never returns. */
static void lock_as_reader(const char *rundir, int done, int hold)
{
	char path[128];
	int as_nobody = geteuid() == 0;

	if (as_nobody && (setgid(65534) < 0 || setuid(65534) < 0))
		_exit(3);
	lock_as_can_be(rundir);
	path_of(path, rundir, "page");
	lock_as_can_be(path);
	path_of(path, rundir, "page.lock");
	if (as_nobody && (open(path, O_RDONLY) >= 0 || errno != EACCES))
		_exit(4);
	if (write(done, "", 1) != 1 || read(hold, path, 1) != 0)
		_exit(5);
	_exit(0);
}

static void starts_whatever_a_reader_locks(void **state)
{
	struct meridian_page page;
	int done[2], hold[2], status = -1, adopted = 0;
	struct stat st;
	char path[128];

	leave_page(*state);
	path_of(path, *state, "page.lock");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	path_of(path, *state, "page");
	assert_int_equal(chmod(*state, 0755) | chmod(path, 0644), 0);
	assert_int_equal(pipe(done) | pipe(hold), 0);
	if (fork() == 0) {
		close(hold[1]);
		lock_as_reader(*state, done[1], hold[0]);
	}
	close(done[1]);
	assert_int_equal(read(done[0], path, 1), 1);
	assert_int_equal(meridian_page_create(&page, *state, &kind, SIZE, 0640, &adopted), 0);
	assert_true(adopted);
	close(hold[1]);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	meridian_page_close(&page);
	close(done[0]);
	close(hold[0]);
}

/* As a daemon does: the process that made the page ends, its child goes on writing. */
static void write_in_a_child(const char *rundir, int alive, int hold)
{
	struct meridian_page page;
	char octet;

	if (meridian_page_create(&page, rundir, &kind, SIZE, 0640, NULL) < 0)
		_exit(1);
	if (fork() != 0)
		_exit(0);
	if (write(alive, "", 1) != 1 || read(hold, &octet, 1) != 0)
		_exit(2);
	_exit(0);
}

static void keeps_its_lock_across_a_fork(void **state)
{
	struct meridian_page page;
	int alive[2], hold[2], status = -1;
	char octet;

	assert_int_equal(pipe(alive) | pipe(hold), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	if (fork() == 0) {
		close(hold[1]);
		write_in_a_child(*state, alive[1], hold[0]);
	}
	close(alive[1]);
	assert_int_equal(read(alive[0], &octet, 1), 1);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_int_equal(meridian_page_create(&page, *state, &kind, SIZE, 0640, NULL), -EBUSY);
	close(hold[1]);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_int_equal(meridian_page_create(&page, *state, &kind, SIZE, 0640, NULL), 0);
	meridian_page_close(&page);
	close(alive[0]);
	close(hold[0]);
}

/* Says by its exit code how the start went; keeps the page until `hold` is closed. */
static void start_writer(const char *rundir, int done, int hold)
{
	struct meridian_page page;
	int r = meridian_page_create(&page, rundir, &kind, SIZE, 0640, NULL);
	char octet = 0;

	if (write(done, &octet, 1) != 1 || read(hold, &octet, 1) != 0)
		_exit(99);
	_exit(-r);
}

/* Whether there is no page, or one that is no use: of several starts at once one succeeds. */
static void lets_one_of_many_start(void **state)
{
	enum {
		WRITERS = 6
	};
	int done[2], hold[2], status, started = 0, busy = 0;
	char octets[WRITERS];

	assert_int_equal(pipe(done) | pipe(hold), 0);
	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0) {
			close(hold[1]);
			start_writer(*state, done[1], hold[0]);
		}
	}
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(read(done[0], octets, 1), 1);
	assert_int_equal(open_result(*state), 0);
	close(hold[1]);
	for (int i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0 && WIFEXITED(status));
		started += WEXITSTATUS(status) == 0;
		busy += WEXITSTATUS(status) == EBUSY;
	}
	assert_int_equal(started, 1);
	assert_int_equal(busy, WRITERS - 1);
	close(done[0]);
	close(done[1]);
	close(hold[0]);
}

static void grows(void **state)
{
	struct meridian_page page, reader;

	assert_int_equal(meridian_page_create(&page, *state, &kind, SIZE, 0640, NULL), 0);
	((uint8_t *)page.addr)[SIZE - 1] = 9;
	assert_int_equal(meridian_page_grow(&page, 1), 0);
	assert_int_equal(page.size, SIZE);
	assert_int_equal(meridian_page_grow(&page, 10 * SIZE + 5), 0);
	((uint8_t *)page.addr)[10 * SIZE + 4] = 8;
	assert_int_equal(meridian_page_open(&reader, *state, &kind), 0);
	assert_int_equal(reader.size, 10 * SIZE + 5);
	assert_int_equal(((const struct meridian_page_head *)reader.addr)->size, 10 * SIZE + 5);
	assert_int_equal(((const uint8_t *)reader.addr)[SIZE - 1], 9);
	assert_int_equal(((const uint8_t *)reader.addr)[10 * SIZE + 4], 8);
	meridian_page_close(&reader);
	meridian_page_close(&page);
	assert_int_equal(meridian_page_create(&page, *state, &kind, 20 * SIZE, 0640, NULL), 0);
	assert_int_equal(page.size, 20 * SIZE);
	meridian_page_close(&page);
}

static void notices_a_replacement(void **state)
{
	struct meridian_page page, reader;
	const uint32_t magic = 1;
	char path[128];

	leave_page(*state);
	assert_int_equal(meridian_page_open(&reader, *state, &kind), 0);
	assert_int_equal(meridian_page_replaced(&reader, *state, &kind), 0);
	change(*state, 0, &magic, sizeof(magic));
	assert_int_equal(meridian_page_create(&page, *state, &kind, SIZE, 0640, NULL), 0);
	assert_int_equal(meridian_page_replaced(&reader, *state, &kind), 1);
	assert_int_equal(meridian_page_replaced(&page, *state, &kind), 0);
	path_of(path, *state, kind.name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(meridian_page_replaced(&page, *state, &kind), 1);
	meridian_page_close(&reader);
	meridian_page_close(&page);
}

static void has_a_sentence_for_each_error(void **state)
{
	const int errors[] = {ENOENT, ENODATA, EBADMSG, EPROTO, ESTALE, EBUSY, EACCES, 4095};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		assert_true(strlen(meridian_page_strerror(-errors[i])) > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rundir_setup, rundir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_a_page),
		TEST(adopts_what_an_earlier_run_left),
		TEST(refuses_a_torn_page),
		TEST(refuses_a_page_that_claims_too_much),
		TEST(refuses_a_foreign_page),
		TEST(refuses_another_version),
		TEST(refuses_another_boot),
		TEST(refuses_what_is_no_file),
		TEST(refuses_a_second_writer),
		TEST(starts_whatever_a_reader_locks),
		TEST(keeps_its_lock_across_a_fork),
		TEST(lets_one_of_many_start),
		TEST(grows),
		TEST(notices_a_replacement),
		TEST(has_a_sentence_for_each_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
