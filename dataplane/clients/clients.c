/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"
#include "log.h"
#include <errno.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_MODE 0640

/* Of all servers in a turn: so much is written down in some ten milliseconds of each second. */
#define TURN_SAMPLES 2048
#define STRIDE_MAX   (1u << 20)

/* Those of the run directory's group may read it. Where that cannot be, only the owner may. */
static void page_share(const struct meridian_page *page, const char *rundir)
{
	struct stat st;

	if (stat(rundir, &st) < 0 || fchown(page->fd, (uid_t)-1, st.st_gid) < 0)
		log_debug("%s: the page of clients keeps its group", rundir);
}

int clients_init(struct clients *clients, const char *rundir, const struct meridian_page_kind *kind)
{
	struct book closed = {0};
	int r;

	memset(clients, 0, sizeof(*clients));
	r = meridian_page_create(
		&clients->page, rundir, kind, sizeof(struct meridian_clients), PAGE_MODE, NULL);
	if (r < 0) {
		log_error("%s/%s: %s", rundir, kind->name, meridian_page_strerror(r));
		return r;
	}
	page_share(&clients->page, rundir);
	closed.page = clients->page.addr;
	book_close(&closed);
	return 0;
}

void clients_fini(struct clients *clients)
{
	struct meridian_clients *page = clients->page.addr;

	for (unsigned int i = 0; i < clients->count; i++) {
		clients->server[i].server->collector = NULL;
		free(clients->server[i].collector[0]);
		free(clients->server[i].collector[1]);
	}
	clients->count = 0;
	if (clients->open)
		book_close(&clients->book);
	clients->open = false;
	page->head.writer_pid = 0;
	meridian_page_close(&clients->page);
}

static struct collector *collector_new(void)
{
	struct collector *collector = aligned_alloc(MERIDIAN_CACHE_LINE,
		(sizeof(*collector) + MERIDIAN_CACHE_LINE - 1) / MERIDIAN_CACHE_LINE *
			MERIDIAN_CACHE_LINE);

	if (collector != NULL)
		memset(collector, 0, sizeof(*collector));
	return collector;
}

int clients_add(struct clients *clients, struct server *server, const uint64_t *heartbeat)
{
	struct clients_server *entry = &clients->server[clients->count];

	*entry = (struct clients_server){.server = server,
		.heartbeat = heartbeat,
		.heartbeat_shown = UINT64_MAX,
		.stride = 1,
		.collector = {collector_new(), collector_new()}};
	if (entry->collector[0] == NULL || entry->collector[1] == NULL) {
		free(entry->collector[0]);
		free(entry->collector[1]);
		return -ENOMEM;
	}
	clients->count++;
	return 0;
}

static void book_follow(struct clients *clients, bool wanted, uint64_t now_ns)
{
	uint64_t seed[2];

	if (wanted == clients->open)
		return;
	if (!wanted) {
		book_close(&clients->book);
		clients->open = false;
	} else if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed)) {
		book_open(&clients->book, clients->page.addr, seed, now_ns);
		clients->open = true;
	}
}

/* Has the server let go what it was shown before? */
static bool server_moved(const struct clients_server *entry)
{
	return entry->heartbeat == NULL ||
		__atomic_load_n(entry->heartbeat, __ATOMIC_SEQ_CST) != entry->heartbeat_shown;
}

/* Samples the faster the fewer requests there are, within what all servers may have. */
static void stride_follow(struct clients_server *entry, uint64_t taken, unsigned int servers)
{
	uint64_t wanted = TURN_SAMPLES / servers, stride = entry->stride;

	if (taken > wanted)
		stride = stride * taken / wanted + 1;
	else if (taken < wanted / 4)
		stride = (stride + 1) / 2;
	entry->stride = (uint32_t)(stride < STRIDE_MAX ? stride : STRIDE_MAX);
}

/* Writes down what one server collected before, and shows it that collector again. */
static void server_turn(struct clients *clients, struct clients_server *entry)
{
	struct collector *collector = entry->collector[!entry->shown];

	stride_follow(entry, (uint64_t)collector->count + collector->lost, clients->count);
	if (clients->open)
		book_add(&clients->book, collector);
	else
		memset(collector, 0, sizeof(*collector));
	collector->stride = entry->stride;
	entry->shown = !entry->shown;
	__atomic_store_n(
		&entry->server->collector, clients->open ? collector : NULL, __ATOMIC_SEQ_CST);
	if (entry->heartbeat != NULL)
		entry->heartbeat_shown = __atomic_load_n(entry->heartbeat, __ATOMIC_SEQ_CST);
}

void clients_turn(struct clients *clients, bool wanted)
{
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	book_follow(clients, wanted, now_ns);
	if (clients->open) {
		meridian_clients_write_begin(clients->page.addr);
		book_turn(&clients->book, now_ns);
	}
	for (unsigned int i = 0; i < clients->count; i++) {
		if (server_moved(&clients->server[i]))
			server_turn(clients, &clients->server[i]);
	}
	if (clients->open)
		meridian_clients_write_end(clients->page.addr);
}
