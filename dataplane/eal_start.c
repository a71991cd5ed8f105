/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal_start.h"
#include "log.h"
#include "packet_memory.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xdp/libxdp.h>

/* One line of EAL's log; the cookie is not used. */
static ssize_t eal_log_write(void *cookie, const char *text, size_t size)
{
	int length = (int)size;

	(void)cookie;
	while (length > 0 && text[length - 1] == '\n')
		length--;
	if (length > 0)
		log_warning("DPDK: %.*s", length, text);
	return (ssize_t)size;
}

__attribute__((format(printf, 1, 0))) static int library_log_write(
	const char *format, va_list arguments)
{
	char text[256];

	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return 0;
}

__attribute__((format(printf, 2, 0))) static int libbpf_log_write(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return library_log_write(format, arguments);
}

/* libxdp warns of each socket that it did not attach the program itself, and of each way to attach
 * one that it tries before the one that works. */
__attribute__((format(printf, 2, 0))) static int libxdp_log_write(
	enum libxdp_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return library_log_write(format, arguments);
}

static int logs_redirect(void)
{
	cookie_io_functions_t operations = {.write = eal_log_write};
	FILE *stream = fopencookie(NULL, "w", operations);

	libbpf_set_print(libbpf_log_write);
	libxdp_set_print(libxdp_log_write);
	if (stream == NULL)
		return -errno;
	setlinebuf(stream);
	return rte_openlog_stream(stream);
}

void eal_arguments_add(struct eal_arguments *arguments, const char *format, ...)
{
	char *text = arguments->text + arguments->used;
	size_t room = sizeof(arguments->text) - arguments->used, size;
	va_list list;

	va_start(list, format);
	size = 1 + (size_t)vsnprintf(text, room, format, list);
	va_end(list);
	if (size > room || arguments->count == EAL_ARGUMENTS_MAX) {
		arguments->overflow = true;
		return;
	}
	arguments->used += size;
	arguments->vector[arguments->count++] = text;
}

/* The number of free pages would not tell: some may be promised to others, and a control group may
 * have a limit. */
bool eal_hugepages_available(uint64_t memory_mb)
{
	size_t size = ((size_t)memory_mb + PACKET_MEMORY_PAGE_MB - 1) / PACKET_MEMORY_PAGE_MB *
			PACKET_MEMORY_PAGE_MB
		<< 20;
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (addr == MAP_FAILED)
		return false;
	munmap(addr, size);
	return true;
}

void eal_arguments_memory(struct eal_arguments *arguments, uint64_t memory_mb, bool hugepages)
{
	eal_arguments_add(arguments, "-m");
	eal_arguments_add(arguments, "%" PRIu64, memory_mb);
	/* DPDK 22.11 takes --in-memory and --no-huge for a contradiction. */
	if (hugepages) {
		eal_arguments_add(arguments, "--in-memory");
		/* What memif clients without copies and virtio-user hand to their peers. */
		eal_arguments_add(arguments, "--single-file-segments");
	} else {
		eal_arguments_add(arguments, "--no-huge");
		eal_arguments_add(arguments, "--no-shconf");
	}
}

int eal_arguments_start(struct eal_arguments *arguments)
{
	int r;

	eal_arguments_add(arguments, "--no-telemetry");
	eal_arguments_add(arguments, "--iova-mode=va");
	/* EAL warns of hugepage sizes that are not reserved. */
	eal_arguments_add(arguments, "--log-level=lib.eal:error");
	r = arguments->overflow ? -E2BIG : logs_redirect();
	if (r < 0)
		return log_errno(r, "arguments and log of DPDK");
	if (rte_eal_init(arguments->count, arguments->vector) < 0) {
		log_error("DPDK does not start: %s", rte_strerror(rte_errno));
		return -EIO;
	}
	return 0;
}
