/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp.h"
#include "addresses.h"
#include "offload_record.h"
#include "steer_program.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <steer.skel.h>
#include <steer_map.h>

#define PIN_SIZE (BPFFS_PATH_SIZE + 32)

MERIDIAN_STATIC_ASSERT(STEER_QUEUES_MAX == MERIDIAN_POLICY_QUEUES_MAX, "one deadline per queue");
MERIDIAN_STATIC_ASSERT(STEER_ADDRESSES_MAX == MERIDIAN_POLICY_ADDRESSES_MAX, "they must fit");

static int xdp_fail(struct xdp *xdp, int error, const char *doing)
{
	snprintf(xdp->error, sizeof(xdp->error), "cannot %s: %s", doing, strerror(-error));
	return error;
}

static void pin_path(char path[PIN_SIZE], const struct xdp *xdp, const char *name)
{
	snprintf(path, PIN_SIZE, "%s/%s", xdp->directory, name);
}

/* Interface of a link; 0 when it is gone. */
static uint32_t link_ifindex(int link_fd)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0 ? 0 : info.xdp.ifindex;
}

static uint32_t link_program_id(int link_fd)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0 ? 0 : info.prog_id;
}

/* Mode in which program `id` runs on an interface; MERIDIAN_XDP_NONE when it does not. 0 or a
 * negative errno. */
static int query_mode(uint32_t ifindex, uint32_t id, uint8_t *ret_mode)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};
	int r = bpf_xdp_query((int)ifindex, 0, &query);

	*ret_mode = MERIDIAN_XDP_NONE;
	if (r < 0 || id == 0)
		return r;
	if (query.drv_prog_id == id)
		*ret_mode = MERIDIAN_XDP_NATIVE;
	else if (query.skb_prog_id == id)
		*ret_mode = MERIDIAN_XDP_GENERIC;
	else if (query.hw_prog_id == id)
		*ret_mode = MERIDIAN_XDP_OFFLOAD;
	return 0;
}

/* Program on an interface, whoever attached it; 0: none, or the kernel does not say. */
static uint32_t attached_program(uint32_t ifindex)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};

	if (bpf_xdp_query((int)ifindex, 0, &query) < 0)
		return 0;
	if (query.prog_id != 0)
		return query.prog_id;
	return query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
}

/* Program of the link that is pinned at `path`; 0: none. */
static uint32_t pinned_program(const char *path)
{
	int fd = bpf_obj_get(path);
	uint32_t id = 0;

	if (fd >= 0) {
		id = link_program_id(fd);
		close(fd);
	}
	return id;
}

/* Name of a program; "" when we may not ask. */
static void program_name(char name[BPF_OBJ_NAME_LEN], uint32_t id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	name[0] = '\0';
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

/* Where another instance has pinned the link of program `id`; false: nowhere. */
static bool pin_of_program(uint32_t id, char *ret_path, size_t size)
{
	glob_t found;
	bool is_it = false;

	if (glob(BPFFS_ROOT "/" BPFFS_INSTANCES "/*/link", GLOB_NOSORT, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && !is_it; i++) {
		is_it = pinned_program(found.gl_pathv[i]) == id;
		if (is_it)
			snprintf(ret_path, size, "%s", found.gl_pathv[i]);
	}
	globfree(&found);
	return is_it;
}

static int xdp_fail_foreign(struct xdp *xdp, uint32_t id)
{
	char name[BPF_OBJ_NAME_LEN], path[PIN_SIZE];

	if (pin_of_program(id, path, sizeof(path))) {
		snprintf(xdp->error, sizeof(xdp->error),
			"another instance's XDP program is attached: id %u; stop that instance, or "
			"if it runs no more: rm %s",
			id, path);
		return -EBUSY;
	}
	program_name(name, id);
	snprintf(xdp->error, sizeof(xdp->error),
		"another XDP program is attached: id %u, name '%s'; not replacing it", id, name);
	return -EBUSY;
}

int xdp_check_free(struct xdp *xdp, uint32_t ifindex)
{
	uint32_t id = attached_program(ifindex);
	char path[PIN_SIZE];

	pin_path(path, xdp, "link");
	return id == 0 || id == pinned_program(path) ? 0 : xdp_fail_foreign(xdp, id);
}

/* Mode in which a link holds this interface; MERIDIAN_XDP_NONE when it does not. An index alone
 * may be that of an interface in another network namespace. 0 or a negative errno. */
static int link_mode(int fd, uint32_t ifindex, uint8_t *ret_mode)
{
	*ret_mode = MERIDIAN_XDP_NONE;
	if (link_ifindex(fd) != ifindex)
		return 0;
	return query_mode(ifindex, link_program_id(fd), ret_mode);
}

/* A way to attach. */
struct attempt {
	bool generic, frags, nic_stamps;
};

static bool mode_suits(uint8_t mode, const struct attempt *attempt)
{
	return mode != MERIDIAN_XDP_NONE && (!attempt->generic || mode == MERIDIAN_XDP_GENERIC);
}

/* Takes over the pinned link; -ENOENT when there is none (any more) that will do. The kernel would
 * not notice a program that is bound to the interface in a link of generic mode. */
static int link_adopt(struct xdp *xdp, uint32_t ifindex, const struct attempt *attempt)
{
	char path[PIN_SIZE];
	uint8_t mode;
	int fd, r;

	pin_path(path, xdp, "link");
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	r = link_mode(fd, ifindex, &mode);
	if (r == 0 && !mode_suits(mode, attempt)) {
		(void)bpf_link_detach(fd);
		unlink(path);
		r = -ENOENT;
	}
	if (r == 0 && attempt->nic_stamps && mode != MERIDIAN_XDP_NATIVE)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = bpf_link_update(fd, bpf_program__fd(xdp->bpf->progs.xsk_def_prog), NULL);
	if (r < 0) {
		close(fd);
		return r;
	}
	xdp->link_fd = fd;
	xdp->mode = mode;
	return 0;
}

static uint32_t map_id(const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size) < 0 ? 0 : info.id;
}

static int link_create(const struct xdp *xdp, uint32_t ifindex, uint32_t mode_flag)
{
	struct bpf_link_create_opts options = {.sz = sizeof(options), .flags = mode_flag};

	return bpf_link_create(
		bpf_program__fd(xdp->bpf->progs.xsk_def_prog), (int)ifindex, BPF_XDP, &options);
}

/* A refusal that has nothing to do with the driver's abilities. */
static bool is_final(int error)
{
	return error == -EBUSY || error == -EEXIST || error == -ENODEV || error == -EPERM;
}

static int link_new(struct xdp *xdp, uint32_t ifindex, bool generic)
{
	char path[PIN_SIZE];
	int r = link_create(xdp, ifindex, generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	if (r < 0)
		return r;
	xdp->mode = generic ? MERIDIAN_XDP_GENERIC : MERIDIAN_XDP_NATIVE;
	xdp->link_fd = r;
	pin_path(path, xdp, "link");
	r = bpf_obj_pin(xdp->link_fd, path);
	return r < 0 ? xdp_fail(xdp, r, "pin the link") : 0;
}

static void xdp_unload(struct xdp *xdp)
{
	steer_program_unload(xdp->bpf);
	xdp->bpf = NULL;
}

static int xdp_load_pinned(struct xdp *xdp, uint32_t ifindex, const struct attempt *attempt)
{
	const struct steer_program_kind kind = {
		.frags = attempt->frags, .bound_ifindex = attempt->nic_stamps ? ifindex : 0};
	int r = bpffs_make(xdp->directory);

	if (r < 0)
		return xdp_fail(xdp, r, "use " BPFFS_ROOT);
	r = steer_program_load(&xdp->bpf, xdp->directory, &kind);
	return r < 0 ? xdp_fail(xdp, r, "load the XDP program") : 0;
}

/* Best first. */
static const struct attempt attempts[] = {
	{.nic_stamps = true},
	{.nic_stamps = true, .frags = true},
	{.frags = false},
	{.frags = true},
	{.generic = true},
};

#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* Loads the program, and takes the pinned link over or makes a new one. */
static int xdp_try(struct xdp *xdp, uint32_t ifindex, const struct attempt *attempt)
{
	int r = xdp_load_pinned(xdp, ifindex, attempt);

	if (r < 0 && (attempt->frags || attempt->nic_stamps)) /* as older kernels do not know it */
		xdp->error[0] = '\0';
	if (r == 0)
		r = link_adopt(xdp, ifindex, attempt);
	if (r == -ENOENT)
		r = link_new(xdp, ifindex, attempt->generic);
	if (r < 0 && xdp->error[0] == '\0')
		xdp_unload(xdp);
	xdp->nic_stamps = r == 0 && attempt->nic_stamps;
	if (r < 0 && attempt->nic_stamps && xdp->error[0] == '\0')
		return -EOPNOTSUPP; /* others may do */
	return r;
}

static bool is_wanted(const struct attempt *attempt, enum xdp_wish wish)
{
	return attempt->nic_stamps ? wish == XDP_NIC_STAMPS
				   : wish != XDP_GENERIC || attempt->generic;
}

static int xdp_link(struct xdp *xdp, uint32_t ifindex, enum xdp_wish wish)
{
	int r = -EOPNOTSUPP, native_error = 0;

	for (size_t i = 0; i < ATTEMPTS && r < 0 && !is_final(r) && xdp->error[0] == '\0'; i++) {
		const struct attempt *attempt = &attempts[i];

		if (!is_wanted(attempt, wish))
			continue;
		if (attempt->generic)
			xdp->native_error = native_error;
		r = xdp_try(xdp, ifindex, attempt);
		if (!attempt->nic_stamps && !attempt->frags)
			native_error = r;
	}
	if (r < 0 && xdp->error[0])
		return r;
	if (r == -EBUSY || r == -EEXIST)
		return xdp_fail_foreign(xdp, attached_program(ifindex));
	if (r < 0)
		return xdp_fail(xdp, r, "attach the XDP program");
	xdp->program_id = link_program_id(xdp->link_fd);
	xdp->socket_map_id = map_id(xdp->bpf->maps.xsks_map);
	return 0;
}

/* A failed attempt leaves nothing of its own, and what an earlier control left as it was. */
static void xdp_undo(struct xdp *xdp)
{
	char path[PIN_SIZE];

	pin_path(path, xdp, "link");
	if (xdp->link_fd < 0 && access(path, F_OK) == 0)
		xdp_leave(xdp);
	else
		xdp_detach(xdp);
}

int xdp_init(struct xdp *xdp, const char *rundir, const char *interface)
{
	memset(xdp, 0, sizeof(*xdp));
	xdp->link_fd = -1;
	return bpffs_directory(xdp->directory, rundir, interface);
}

int xdp_attach(struct xdp *xdp, uint32_t ifindex, enum xdp_wish wish)
{
	int r;

	xdp->error[0] = '\0';
	xdp->native_error = 0;
	r = xdp_check_free(xdp, ifindex); /* loading takes long */
	if (r < 0)
		return r;
	r = xdp_link(xdp, ifindex, wish);
	if (r < 0)
		xdp_undo(xdp);
	else
		bpffs_give_pins(xdp->directory);
	return r;
}

bool xdp_attached(const struct xdp *xdp, uint32_t ifindex)
{
	return xdp->bpf && link_ifindex(xdp->link_fd) == ifindex;
}

bool xdp_runs(const struct xdp *xdp, uint32_t ifindex)
{
	uint32_t id = attached_program(ifindex);
	char path[PIN_SIZE];

	pin_path(path, xdp, "link");
	return id != 0 && id == pinned_program(path);
}

/* Deleting while walking would make the walk start over: look ahead by one key. */
static void map_remove_others(
	int map, uint8_t family, const struct meridian_policy_address *addresses, size_t count)
{
	struct meridian_policy_address address = {.family = family}, next = address;
	bool more = bpf_map_get_next_key(map, NULL, next.octets) == 0;

	while (more) {
		address = next;
		more = bpf_map_get_next_key(map, address.octets, next.octets) == 0;
		if (!addresses_contain(addresses, count, &address))
			(void)bpf_map_delete_elem(map, address.octets);
	}
}

static int map_add(
	int map, uint8_t family, const struct meridian_policy_address *addresses, size_t count)
{
	const uint8_t served = 1;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		if (addresses[i].family == family)
			r = bpf_map_update_elem(map, addresses[i].octets, &served, BPF_ANY);
	}
	return r;
}

void xdp_withdraw(struct xdp *xdp, const struct meridian_policy_address *addresses, size_t count)
{
	int ipv4 = bpf_map__fd(xdp->bpf->maps.steer_ipv4);
	int ipv6 = bpf_map__fd(xdp->bpf->maps.steer_ipv6);

	map_remove_others(ipv4, MERIDIAN_FAMILY_IPV4, addresses, count);
	map_remove_others(ipv6, MERIDIAN_FAMILY_IPV6, addresses, count);
}

int xdp_serve(struct xdp *xdp, const struct meridian_policy_address *addresses, size_t count)
{
	int ipv4 = bpf_map__fd(xdp->bpf->maps.steer_ipv4);
	int ipv6 = bpf_map__fd(xdp->bpf->maps.steer_ipv6);
	int r;

	r = map_add(ipv4, MERIDIAN_FAMILY_IPV4, addresses, count);
	return r < 0 ? r : map_add(ipv6, MERIDIAN_FAMILY_IPV6, addresses, count);
}

int xdp_steer(struct xdp *xdp, uint32_t queue, uint64_t deadline_ns)
{
	return bpf_map_update_elem(
		bpf_map__fd(xdp->bpf->maps.steer_queue), &queue, &deadline_ns, BPF_ANY);
}

void xdp_leave(struct xdp *xdp)
{
	xdp_unload(xdp);
	if (xdp->link_fd >= 0)
		close(xdp->link_fd);
	xdp->link_fd = -1;
	xdp->program_id = 0;
	xdp->socket_map_id = 0;
	xdp->mode = MERIDIAN_XDP_NONE;
}

/* Unpinning alone would detach too, but some time later. */
void xdp_detach(struct xdp *xdp)
{
	if (xdp->link_fd >= 0)
		(void)bpf_link_detach(xdp->link_fd);
	xdp_leave(xdp);
	if (xdp->directory[0])
		bpffs_remove(xdp->directory, OFFLOAD_RECORD_PIN);
}

bool xdp_remove(const char *directory)
{
	char path[PIN_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/link", directory);
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		(void)bpf_link_detach(fd);
		close(fd);
	}
	bpffs_remove(directory, OFFLOAD_RECORD_PIN);
	return fd >= 0;
}
