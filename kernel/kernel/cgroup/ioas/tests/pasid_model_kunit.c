// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs against a model: random operations of the allocator, of attachments and of
 * the PASID sets of iommufd, on random devices.
 *
 * The model has no tables of numbers, and no counters.  It keeps a list of what is
 * held: which number, on which devices, by whom.  Whether a number is free, which is
 * the lowest that is, and what everyone is charged, it works out from that list by
 * going through all of it.  So it says of each call whether it has to succeed, with
 * which number, and with which error if not.  After each, all charges, peaks and
 * events are compared, and now and then what can be had, and what lookups find.
 *
 * The seed is random; a failure prints it, with the option for the command line
 * of the kernel that replays the run.
 */

#include <linux/iommufd.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "../../../../drivers/iommu/iommufd/iommufd_private.h"
#include "pasid_fixture.h"

/* Each has other devices, other owners of sets, and other limits. */
#define ROUNDS		(IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) ? 128 : 256)
#define BATCHES		32
#define BATCH_OPS	64	/* 256 * BATCHES * BATCH_OPS = 524,288 */

#define MAX_HELD	48
#define MAX_ATTACHED	32
#define MAX_NAMED	4	/* devices of one request */
#define NR_SETS		2

#define NOBODY		-1
#define NO_SET		-1

#define LAST_PASID	((1UL << 20) - 1)
#define LAST_VPASID	LAST_PASID
#define SOME_VPASIDS	12

static unsigned long long seed_param;
module_param_named(seed, seed_param, ullong, 0444);
MODULE_PARM_DESC(seed, "replay the run with this seed");

enum model_op {
	OP_ALLOC,
	OP_ALLOC_FOR_KERNEL,
	OP_FREE,
	OP_ADD,
	OP_REMOVE,
	OP_ATTACH,
	OP_DETACH,
	OP_LIMIT,
	OP_SET_ALLOC,
	OP_SET_ADD,
	OP_SET_FREE,
	OP_TRANSLATE,
	OP_UNBIND,
	OP_BIND,
	OP_CLOSE,
};

static const struct {
	const char *name;
	unsigned int weight;
} model_ops[] = {
	[OP_ALLOC] = { "allocation", 30 },
	[OP_ALLOC_FOR_KERNEL] = { "allocation for the kernel", 2 },
	[OP_FREE] = { "free", 24 },
	[OP_ADD] = { "added device", 14 },
	[OP_REMOVE] = { "removed device", 6 },
	[OP_ATTACH] = { "attachment", 16 },
	[OP_DETACH] = { "detachment", 8 },
	[OP_LIMIT] = { "limit change", 6 },
	[OP_SET_ALLOC] = { "allocation in a set", 30 },
	[OP_SET_ADD] = { "added device in a set", 14 },
	[OP_SET_FREE] = { "free in a set", 20 },
	[OP_TRANSLATE] = { "lookup", 30 },
	[OP_UNBIND] = { "unbinding", 4 },
	[OP_BIND] = { "binding", 4 },
	[OP_CLOSE] = { "end of a set", 1 },
};

/* What calls return, for counting. */
static const int model_results[] = {
	0, -ENOSPC, -EDQUOT, -EBUSY, -EEXIST, -ERANGE,
	-EINVAL, -EOPNOTSUPP, -ENOENT, -EIO,
};

/* A run without one of these has not tested it. */
static const struct {
	enum model_op op;
	int result;
} must_happen[] = {
	{ OP_ALLOC, 0 }, { OP_ALLOC, -ENOSPC }, { OP_ALLOC, -EDQUOT },
	{ OP_ALLOC, -ERANGE }, { OP_ALLOC, -EINVAL },
	{ OP_ALLOC, -EOPNOTSUPP },
	{ OP_ALLOC_FOR_KERNEL, 0 }, { OP_ALLOC_FOR_KERNEL, -ENOSPC },
	{ OP_ADD, 0 }, { OP_ADD, -EBUSY }, { OP_ADD, -EEXIST },
	{ OP_ADD, -EDQUOT }, { OP_ADD, -ERANGE }, { OP_ADD, -EINVAL },
	{ OP_ADD, -EOPNOTSUPP },
	{ OP_ATTACH, 0 }, { OP_ATTACH, -EBUSY }, { OP_ATTACH, -EDQUOT },
	{ OP_ATTACH, -EINVAL }, { OP_ATTACH, -EIO },
	{ OP_SET_ALLOC, 0 }, { OP_SET_ALLOC, -EEXIST },
	{ OP_SET_ALLOC, -ENOSPC }, { OP_SET_ALLOC, -EDQUOT },
	{ OP_SET_ALLOC, -EINVAL }, { OP_SET_ALLOC, -EOPNOTSUPP },
	{ OP_SET_ADD, 0 }, { OP_SET_ADD, -ENOENT }, { OP_SET_ADD, -EEXIST },
	{ OP_SET_ADD, -EBUSY }, { OP_SET_ADD, -EDQUOT },
	{ OP_SET_ADD, -ERANGE },
	{ OP_SET_FREE, 0 }, { OP_SET_FREE, -ENOENT },
	{ OP_TRANSLATE, 0 }, { OP_TRANSLATE, -ENOENT },
	{ OP_TRANSLATE, -ERANGE },
};

/* Successes that are of different sorts. */
enum model_success {
	GAVE_GLOBAL,
	GAVE_GROUP,
	GAVE_DEVICE,
	SAME_AS_VPASID,
	OTHER_THAN_VPASID,
	ATTACHED_GLOBAL,
	ATTACHED_OWN,
	ATTACHED_IMPLICIT,
	FOUND_GLOBAL,
	FOUND_OWN,
	STAYED_ATTACHED,
	NR_SUCCESSES
};

static const int parent_of[NR_TEST_OWNERS] = {
	[ROOT] = NOBODY,
	[A] = ROOT,
	[A1] = A,
	[DEEP] = A1,
	[A2] = A,
	[B] = ROOT,
};

/**
 * struct model_device - what the model knows of a device
 * @dev: the real one
 * @idev: as an iommufd has it
 * @bits: of its PASIDs; none if 0
 * @group: number of its IOMMU group
 * @global_only: it cannot choose its PASIDs
 * @set: the set whose iommufd it is bound to, or %NO_SET
 */
struct model_device {
	struct device *dev;
	struct iommufd_device idev;
	unsigned int bits;
	unsigned int group;
	bool global_only;
	int set;
};

/**
 * struct model_pasid - a PASID that is held
 * @used: this entry is one
 * @freed: who allocated it has given it back, but something is attached to it
 * @pasid: the real one; NULL if it is in a set, or for the kernel, or @freed
 * @id: its number
 * @scope: its scope
 * @devs: bits of the devices that it was given out for; none if it is global
 * @owner: who is charged, or %NOBODY
 * @set: the set that it is in, or %NO_SET
 * @vpasid: what it is called there
 */
struct model_pasid {
	bool used;
	bool freed;
	struct iommu_pasid *pasid;
	unsigned long id;
	enum iommu_pasid_scope scope;
	u32 devs;
	int owner;
	int set;
	u32 vpasid;
};

enum model_charge { FREE, FOR_GLOBAL, IMPLICIT };

/**
 * struct model_attachment - a number that a domain is attached to
 * @used: this entry is one
 * @dev: a device of the IOMMU group
 * @id: the number
 * @charge: what for, if anything; who has %IMPLICIT also takes the number
 * @owner: who is charged, or %NOBODY
 */
struct model_attachment {
	bool used;
	int dev;
	unsigned long id;
	enum model_charge charge;
	int owner;
};

/**
 * struct model_set - what the model knows of a set
 * @ictx: the iommufd
 * @owner: who is charged, if there is anything in it
 */
struct model_set {
	struct iommufd_ctx ictx;
	int owner;
};

/**
 * struct model_request - what is asked for
 * @scope: the scope
 * @devs: indices of the devices, one may be named twice
 * @nr_devs: number of @devs
 * @min: lowest number
 * @max: highest number, or 0
 * @owner: who is charged
 */
struct model_request {
	enum iommu_pasid_scope scope;
	int devs[MAX_NAMED];
	unsigned int nr_devs;
	unsigned long min;
	unsigned long max;
	int owner;
};

/**
 * struct model_counts - of each owner and scope
 * @usage: what it and its descendants hold
 * @peak: the highest of that
 * @events: refusals by its limit, or that of a descendant
 * @events_local: refusals by its limit
 */
struct model_counts {
	unsigned long usage[IOAS_CG_NR_PASID_SCOPES];
	unsigned long peak[IOAS_CG_NR_PASID_SCOPES];
	unsigned long events[IOAS_CG_NR_PASID_SCOPES];
	unsigned long events_local[IOAS_CG_NR_PASID_SCOPES];
};

/**
 * struct model - one run
 * @test: the test
 * @fixture: its fixture
 * @rnd: random numbers, from @seed alone
 * @seed: of the whole test
 * @step: operations done
 * @op: the last one
 * @ok: no difference was found
 * @dev: the devices
 * @held: what is held
 * @attached: what is attached
 * @set: the sets
 * @max: the limits
 * @counts: what owners are charged, and were
 * @seen: how often each operation had each of model_results[]
 * @successes: how often it was each sort of success
 */
struct model {
	struct kunit *test;
	struct pasid_fixture *fixture;
	struct rnd_state rnd;
	u64 seed;
	unsigned long step;
	enum model_op op;
	bool ok;
	struct model_device dev[MAX_TEST_DEVICES];
	struct model_pasid held[MAX_HELD];
	struct model_attachment attached[MAX_ATTACHED];
	struct model_set set[NR_SETS];
	unsigned long max[NR_TEST_OWNERS][IOAS_CG_NR_PASID_SCOPES];
	struct model_counts counts[NR_TEST_OWNERS];
	unsigned long seen[ARRAY_SIZE(model_ops)][ARRAY_SIZE(model_results)];
	unsigned long successes[NR_SUCCESSES];
};

static unsigned int pick(struct model *m, unsigned int below)
{
	return prandom_u32_state(&m->rnd) % below;
}

static bool one_in(struct model *m, unsigned int n)
{
	return !pick(m, n);
}

static struct ioas_owner *model_owner(struct model *m, int owner)
{
	return owner == NOBODY ? NULL : m->fixture->owners->owner[owner];
}

/* ---- what the model says ---- */

/* What all devices of the group of a device have that have any. */
static unsigned int model_bits(const struct model *m, int dev)
{
	unsigned int bits = m->dev[dev].bits;
	const struct model_device *d;

	for (d = m->dev; d < m->dev + MAX_TEST_DEVICES; d++)
		if (bits && d->bits && d->group == m->dev[dev].group)
			bits = min(bits, d->bits);
	return bits;
}

static bool model_is_empty(const struct model *m, int set)
{
	const struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && h->set == set)
			return false;
	return true;
}

static bool model_has_devices(const struct model *m, int set)
{
	int d;

	for (d = 0; d < MAX_TEST_DEVICES; d++)
		if (m->dev[d].set == set)
			return true;
	return false;
}

/* IOMMU groups of some devices, as bits. */
static u32 model_groups(const struct model *m, u32 devs)
{
	u32 groups = 0;
	int d;

	for (d = 0; d < MAX_TEST_DEVICES; d++)
		if (devs & BIT(d))
			groups |= BIT(m->dev[d].group);
	return groups;
}

/* Where a number of some scope and devices is taken: a global one everywhere. */
static u32 model_taken_in(const struct model *m, enum iommu_pasid_scope scope,
			  u32 devs)
{
	return scope == IOMMU_PASID_GLOBAL ? U32_MAX : model_groups(m, devs);
}

/* Does anyone have a number, in one of these IOMMU groups? */
static bool model_is_taken(const struct model *m, u32 groups, unsigned long id)
{
	const struct model_attachment *a;
	const struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && h->id == id &&
		    groups & model_taken_in(m, h->scope, h->devs))
			return true;
	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (a->used && a->charge == IMPLICIT && a->id == id &&
		    groups & BIT(m->dev[a->dev].group))
			return true;
	return false;
}

static void model_add_usage(struct model *m, int owner,
			    enum ioas_cg_pasid_scope scope, unsigned int n)
{
	for (; owner != NOBODY; owner = parent_of[owner])
		m->counts[owner].usage[scope] += n;
}

static void model_sum_usage(struct model *m)
{
	const struct model_attachment *a;
	const struct model_pasid *h;
	int o;

	for (o = 0; o < NR_TEST_OWNERS; o++)
		memset(m->counts[o].usage, 0, sizeof(m->counts[o].usage));
	for (h = m->held; h < m->held + MAX_HELD; h++) {
		if (!h->used)
			continue;
		if (h->scope == IOMMU_PASID_GLOBAL)
			model_add_usage(m, h->owner, IOAS_CG_PASID_GLOBAL, 1);
		else
			model_add_usage(m, h->owner, IOAS_CG_PASID_DEVICE,
					hweight32(h->devs));
	}
	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (a->used && a->charge != FREE)
			model_add_usage(m, a->owner, IOAS_CG_PASID_DEVICE, 1);
}

/* After something was charged. */
static void model_note_peaks(struct model *m)
{
	unsigned int scope;
	int o;

	model_sum_usage(m);
	for (o = 0; o < NR_TEST_OWNERS; o++)
		for (scope = 0; scope < IOAS_CG_NR_PASID_SCOPES; scope++)
			m->counts[o].peak[scope] =
				max(m->counts[o].peak[scope],
				    m->counts[o].usage[scope]);
}

/* Would the charge pass a limit?  The lowest that it does counts an event. */
static int model_charge(struct model *m, int owner,
			enum ioas_cg_pasid_scope scope, unsigned int n)
{
	model_sum_usage(m);
	for (; owner != NOBODY; owner = parent_of[owner])
		if (m->counts[owner].usage[scope] + n > m->max[owner][scope])
			break;
	if (owner == NOBODY)
		return 0;
	m->counts[owner].events_local[scope]++;
	for (; owner != NOBODY; owner = parent_of[owner])
		m->counts[owner].events[scope]++;
	return -EDQUOT;
}

static bool model_fits_scope(const struct model_request *req)
{
	if (req->scope == IOMMU_PASID_DEVICE)
		return req->nr_devs == 1;
	return req->nr_devs || req->scope == IOMMU_PASID_GLOBAL;
}

static u32 model_named(const struct model_request *req)
{
	u32 devs = 0;
	unsigned int i;

	for (i = 0; i < req->nr_devs; i++)
		devs |= BIT(req->devs[i]);
	return devs;
}

/* Of the devices named, the first that cannot be says why. */
static int model_check_devices(const struct model *m,
			       const struct model_request *req)
{
	u32 devs = 0;
	unsigned int i;

	for (i = 0; i < req->nr_devs; i++) {
		const struct model_device *d = &m->dev[req->devs[i]];

		if (!d->bits || devs & BIT(req->devs[i]))
			return -EINVAL;
		if (d->global_only && req->scope != IOMMU_PASID_GLOBAL)
			return -EOPNOTSUPP;
		devs |= BIT(req->devs[i]);
	}
	return 0;
}

static unsigned long model_last_number(const struct model *m,
				       const struct model_request *req)
{
	unsigned long last = req->max ? min(req->max, LAST_PASID) : LAST_PASID;
	unsigned int i;

	for (i = 0; i < req->nr_devs; i++)
		last = min(last, (1UL << model_bits(m, req->devs[i])) - 1);
	return last;
}

/* What the request has to end in, and with which number if that is 0. */
static int model_alloc(struct model *m, const struct model_request *req,
		       unsigned long *id)
{
	bool global = req->scope == IOMMU_PASID_GLOBAL;
	u32 devs = model_named(req);
	unsigned long last;
	int ret;

	if (!model_fits_scope(req))
		return -EINVAL;
	ret = model_check_devices(m, req);
	if (ret)
		return ret;
	last = model_last_number(m, req);
	*id = max(req->min, 1UL);
	if (*id > last)
		return -ERANGE;
	while (model_is_taken(m, model_taken_in(m, req->scope, devs), *id))
		if (++*id > last)
			return -ENOSPC;
	return model_charge(m, req->owner,
			    global ? IOAS_CG_PASID_GLOBAL : IOAS_CG_PASID_DEVICE,
			    global ? 1 : req->nr_devs);
}

/* What one more device for a group has to end in. */
static int model_add(struct model *m, const struct model_pasid *h, int dev)
{
	const struct model_device *d = &m->dev[dev];

	if (h->scope != IOMMU_PASID_GROUP || !d->bits)
		return -EINVAL;
	if (d->global_only)
		return -EOPNOTSUPP;
	if (h->id >> model_bits(m, dev))
		return -ERANGE;
	if (h->devs & BIT(dev))
		return -EEXIST;
	if (!(model_groups(m, h->devs) & BIT(d->group)) &&
	    model_is_taken(m, BIT(d->group), h->id))
		return -EBUSY;
	return model_charge(m, h->owner, IOAS_CG_PASID_DEVICE, 1);
}

static struct model_attachment *model_find_attachment(struct model *m,
						      unsigned int group,
						      unsigned long id)
{
	struct model_attachment *a;

	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (a->used && a->id == id && m->dev[a->dev].group == group)
			return a;
	return NULL;
}

static bool model_all_carry(const struct model *m, unsigned int group,
			    unsigned long id)
{
	const struct model_device *d;

	for (d = m->dev; d < m->dev + MAX_TEST_DEVICES; d++)
		if (d->group == group && d->bits && id >> d->bits)
			return false;
	return true;
}

/* Who has a number in an IOMMU group, other than by an attachment? */
static struct model_pasid *model_find_holder(struct model *m,
					     unsigned int group,
					     unsigned long id)
{
	struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && h->id == id &&
		    BIT(group) & model_taken_in(m, h->scope, h->devs))
			return h;
	return NULL;
}

/* What an attachment has to end in, and whom it charges for what. */
static int model_attach(struct model *m, struct model_attachment *a)
{
	unsigned int group = m->dev[a->dev].group;
	const struct model_pasid *h;

	if (!model_all_carry(m, group, a->id))
		return -EINVAL;
	if (model_find_attachment(m, group, a->id))
		return -EBUSY;
	h = model_find_holder(m, group, a->id);
	if (!h) {
		a->charge = IMPLICIT;
	} else if (h->scope == IOMMU_PASID_GLOBAL) {
		a->charge = FOR_GLOBAL;
		a->owner = h->owner;
	} else {
		a->charge = FREE;
		return 0;
	}
	return model_charge(m, a->owner, IOAS_CG_PASID_DEVICE, 1);
}

/* What a vPASID is bound to in the table of a device, or, without one, globally. */
static struct model_pasid *model_find_bound(struct model *m, int set, int dev,
					    u32 vpasid)
{
	struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && h->set == set && h->vpasid == vpasid &&
		    (dev < 0 ? h->scope == IOMMU_PASID_GLOBAL :
			       h->devs & BIT(dev)))
			return h;
	return NULL;
}

static bool model_is_bound(struct model *m, int set, u32 vpasid)
{
	struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && h->set == set && h->vpasid == vpasid)
			return true;
	return false;
}

static bool model_is_bound_for(struct model *m, int set, u32 vpasid,
			       const struct model_request *req)
{
	unsigned int i;

	if (req->scope == IOMMU_PASID_GLOBAL)
		return model_find_bound(m, set, -1, vpasid);
	for (i = 0; i < req->nr_devs; i++)
		if (model_find_bound(m, set, req->devs[i], vpasid))
			return true;
	return false;
}

/* What an allocation in a set has to end in; @req and @vpasid are completed. */
static int model_set_alloc(struct model *m, int set, struct model_request *req,
			   u32 *vpasid, unsigned long *id)
{
	struct model_set *s = &m->set[set];
	int ret;

	if (*vpasid > LAST_VPASID)
		return -EINVAL;
	if (!model_has_devices(m, set))
		return -ENODEV;
	req->owner = model_is_empty(m, set) ? m->fixture->asking : s->owner;
	if (*vpasid && model_is_bound_for(m, set, *vpasid, req))
		return -EEXIST;
	if (!*vpasid)
		while (model_is_bound(m, set, ++*vpasid))
			;
	if (req->scope != IOMMU_PASID_GLOBAL) {
		req->min = *vpasid;
		req->max = *vpasid;
		ret = model_alloc(m, req, id);
		if (ret != -ENOSPC && ret != -ERANGE)
			return ret;
	}
	req->min = 0;
	req->max = 0;
	return model_alloc(m, req, id);
}

/* What a lookup has to find: a number or an error. */
static long model_translate(struct model *m, int dev, u32 vpasid)
{
	const struct model_device *d = &m->dev[dev];
	const struct model_pasid *h;

	h = model_find_bound(m, d->set, dev, vpasid);
	if (h)
		return h->id;
	h = model_find_bound(m, d->set, -1, vpasid);
	if (!h)
		return -ENOENT;
	/* Without PASIDs there is none that it can carry. */
	return d->bits && !(h->id >> model_bits(m, dev)) ? (long)h->id :
							     -ERANGE;
}

/* ---- comparison ---- */

static bool same(struct model *m, const char *what, const char *of,
		 long expected, long found)
{
	if (expected == found)
		return true;
	m->ok = false;
	KUNIT_FAIL(m->test,
		   "seed %llu, step %lu, after %s: %s of %s: expected %ld, found %ld\n"
		   "replay with: kunit.enable=1 kunit.filter_glob=ioas_pasid_model pasid_model_kunit.seed=%llu\n",
		   m->seed, m->step, model_ops[m->op].name, what, of, expected,
		   found, m->seed);
	return false;
}

static void model_see(struct model *m, int result)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(model_results); i++)
		if (model_results[i] == result)
			m->seen[m->op][i]++;
}

/* The result of a call; counts it if it is what it has to be. */
static bool model_same_result(struct model *m, int expected, int found)
{
	model_see(m, expected);
	return same(m, "result", "the call", expected, found);
}

static void model_compare_counts(struct model *m)
{
	const struct model_counts *c;
	struct ioas_owner *owner;
	unsigned int scope, event;
	const char *name;
	int o;

	for (o = 0; o < NR_TEST_OWNERS; o++) {
		owner = model_owner(m, o);
		name = test_owner_name[o];
		c = &m->counts[o];
		for (scope = 0; scope < IOAS_CG_NR_PASID_SCOPES; scope++) {
			event = IOAS_EVENT_PASID_MAX + scope;
			same(m, scope ? "device" : "global", name,
			     c->usage[scope],
			     (long)owner->pasids[scope].usage);
			same(m, scope ? "peak of device" : "peak of global",
			     name, c->peak[scope], owner->pasids[scope].peak);
			same(m, scope ? "device.max" : "global.max", name,
			     c->events[scope],
			     atomic64_read(&owner->events[event]));
			same(m, scope ? "local device.max" : "local global.max",
			     name, c->events_local[scope],
			     atomic64_read(&owner->events_local[event]));
		}
	}
}

static void model_compare_lookups(struct model *m)
{
	u32 vpasid;
	int d;

	for (d = 0; d < MAX_TEST_DEVICES; d++)
		for (vpasid = 0; vpasid <= SOME_VPASIDS + 8 && m->ok; vpasid++)
			if (m->dev[d].set != NO_SET)
				same(m, "a lookup", dev_name(m->dev[d].dev),
				     model_translate(m, d, vpasid),
				     iommufd_device_translate_pasid(&m->dev[d].idev,
								    vpasid));
}

/* ---- the list ---- */

static struct model_pasid *model_free_entry(struct model *m)
{
	struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (!h->used)
			return h;
	return NULL;
}

static bool model_is_in_set(const struct model_pasid *h)
{
	return h->set != NO_SET;
}

/* One that is held, in a set or not; NULL if there is none. */
static struct model_pasid *model_pick_held(struct model *m, bool in_set)
{
	int i, at = pick(m, MAX_HELD);
	struct model_pasid *h;

	for (i = 0; i < MAX_HELD; i++) {
		h = &m->held[(at + i) % MAX_HELD];
		if (h->used && !h->freed && model_is_in_set(h) == in_set)
			return h;
	}
	return NULL;
}

/* The same, and mostly one that devices can be added to. */
static struct model_pasid *model_pick_group(struct model *m, bool in_set)
{
	struct model_pasid *h = model_pick_held(m, in_set);
	int tries;

	for (tries = 0; h && tries < 16; tries++) {
		if (h->scope == IOMMU_PASID_GROUP)
			break;
		if (one_in(m, 64))
			break;
		h = model_pick_held(m, in_set);
	}
	return h;
}

static struct model_attachment *model_pick_attached(struct model *m)
{
	int i, at = pick(m, MAX_ATTACHED);
	struct model_attachment *a;

	for (i = 0; i < MAX_ATTACHED; i++) {
		a = &m->attached[(at + i) % MAX_ATTACHED];
		if (a->used)
			return a;
	}
	return NULL;
}

/* A device that is bound to a set, or, with %NO_SET, any; -1 if there is none. */
static int model_pick_device(struct model *m, int set)
{
	int i, at = pick(m, MAX_TEST_DEVICES), d;

	for (i = 0; i < MAX_TEST_DEVICES; i++) {
		d = (at + i) % MAX_TEST_DEVICES;
		if (set == NO_SET || m->dev[d].set == set)
			return d;
	}
	return -1;
}

/* Some devices that can be in one request, most of the time. */
static void model_pick_devices(struct model *m, struct model_request *req,
			       int set)
{
	unsigned int tries = req->scope == IOMMU_PASID_GROUP ? MAX_NAMED : 1;
	int d;

	req->nr_devs = 0;
	if (req->scope == IOMMU_PASID_GLOBAL)
		tries = pick(m, 3);
	else if (one_in(m, 32))
		tries = pick(m, MAX_NAMED + 1);
	while (tries--) {
		d = model_pick_device(m, set);
		if (d < 0)
			return;
		if ((!m->dev[d].bits || m->dev[d].global_only ||
		     model_named(req) & BIT(d)) && !one_in(m, 16))
			continue;
		req->devs[req->nr_devs++] = d;
	}
}

static void model_pick_range(struct model *m, struct model_request *req)
{
	req->min = 0;
	req->max = 0;
	switch (pick(m, 16)) {
	case 0:
	case 1:
		req->min = pick(m, 70);
		break;
	case 2:
	case 3:
		req->max = 1 + pick(m, 40);
		break;
	case 4:
	case 5:
	case 6:
		req->min = pick(m, 12);
		req->max = req->min + pick(m, 4);
		break;
	case 7:
		/* The last ones that there are, and those after them. */
		req->min = LAST_PASID - 3 + pick(m, 5);
		req->max = one_in(m, 2) ? 0 : req->min + pick(m, 3);
		break;
	case 8:
	case 9:
		/* Where the allocator goes from one bitmap to the next. */
		req->min = 4096 - 2 + pick(m, 3);
		req->max = req->min + pick(m, 3);
		break;
	}
}

/* ---- operations ---- */

/* Enter what was given out, as it was: what differs was reported. */
static void model_hold(struct model *m, struct model_pasid *h,
		       const struct model_request *req, unsigned long id)
{
	bool global = req->scope == IOMMU_PASID_GLOBAL;

	*h = (struct model_pasid){
		.used = true,
		.id = id,
		.scope = req->scope,
		.devs = global ? 0 : model_named(req),
		.owner = req->owner,
		.set = NO_SET,
	};
	m->successes[GAVE_GLOBAL + req->scope]++;
}

static struct iommu_pasid *model_do_alloc(struct model *m,
					  const struct model_request *req)
{
	struct device *devs[MAX_NAMED];
	struct iommu_pasid_request real = {
		.scope = req->scope,
		.devs = devs,
		.nr_devs = req->nr_devs,
		.min = req->min,
		.max = req->max,
		.owner = model_owner(m, req->owner),
	};
	unsigned int i;

	for (i = 0; i < req->nr_devs; i++)
		devs[i] = m->dev[req->devs[i]].dev;
	return iommu_pasid_alloc(&real);
}

/* Is exactly what nobody has to be had?  By the kernel, which charges nobody. */
static void model_probe(struct model *m, const struct model_request *req,
			const char *of)
{
	struct iommu_pasid *pasid;
	unsigned long id;
	int expected;

	expected = model_alloc(m, req, &id);
	pasid = model_do_alloc(m, req);
	same(m, "probe", of, expected, PTR_ERR_OR_ZERO(pasid));
	if (!IS_ERR(pasid))
		iommu_pasid_free(pasid);
}

/* Of each device and of all, one number that is held, and one that may not be. */
static void model_compare_numbers(struct model *m)
{
	struct model_request req = { .nr_devs = 1, .owner = NOBODY };
	const struct model_pasid *h;
	int d;

	for (d = 0; d < MAX_TEST_DEVICES && m->ok; d++) {
		h = model_pick_held(m, one_in(m, 2));
		req.min = h && one_in(m, 2) ? h->id : 1 + pick(m, 64);
		req.max = req.min;
		req.devs[0] = d;
		req.scope = IOMMU_PASID_DEVICE;
		model_probe(m, &req, dev_name(m->dev[d].dev));
		req.scope = IOMMU_PASID_GLOBAL;
		model_probe(m, &req, "all devices");
	}
}

static void model_op_alloc(struct model *m)
{
	struct model_request req = {
		.scope = pick(m, IOMMU_PASID_DEVICE + 1),
		.owner = one_in(m, 16) ? NOBODY : pick(m, NR_TEST_OWNERS),
	};
	struct model_pasid *h = model_free_entry(m);
	struct iommu_pasid *pasid;
	unsigned long id = 0;
	int ret;

	if (!h)
		return;
	model_pick_devices(m, &req, NO_SET);
	model_pick_range(m, &req);
	ret = model_alloc(m, &req, &id);
	pasid = model_do_alloc(m, &req);
	model_same_result(m, ret, PTR_ERR_OR_ZERO(pasid));
	if (IS_ERR(pasid))
		return;
	model_hold(m, h, &req, pasid->id);
	h->pasid = pasid;
	same(m, "number", "a new PASID", id, pasid->id);
}

static void model_op_alloc_for_kernel(struct model *m)
{
	struct model_request req = {
		.scope = IOMMU_PASID_GLOBAL,
		.devs = { pick(m, MAX_TEST_DEVICES) },
		.nr_devs = 1,
		.owner = NOBODY,
	};
	struct model_pasid *h = model_free_entry(m);
	unsigned long id = 0;
	ioasid_t found;
	int ret;

	if (!h)
		return;
	ret = model_alloc(m, &req, &id);
	found = iommu_alloc_global_pasid(m->dev[req.devs[0]].dev);
	model_see(m, ret);
	same(m, "number", "the kernel's PASID", ret ? IOMMU_PASID_INVALID : id,
	     found);
	if (found != IOMMU_PASID_INVALID)
		model_hold(m, h, &req, found);
}

static bool model_is_attached(struct model *m, const struct model_pasid *h)
{
	u32 groups = model_taken_in(m, h->scope, h->devs);
	const struct model_attachment *a;

	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (a->used && a->id == h->id &&
		    groups & BIT(m->dev[a->dev].group))
			return true;
	return false;
}

static void model_detach(struct model *m, struct model_attachment *a)
{
	struct model_pasid *h;

	iommu_detach_device_pasid(&m->fixture->domain, m->dev[a->dev].dev,
				  a->id);
	a->used = false;
	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && h->freed && !model_is_attached(m, h))
			h->used = false;
}

/* As a driver does before a number ends on some of its devices, or on all. */
static void model_detach_from(struct model *m, const struct model_pasid *h,
			      u32 devs)
{
	u32 groups = model_taken_in(m, h->scope, devs);
	struct model_attachment *a;

	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (a->used && a->id == h->id &&
		    groups & BIT(m->dev[a->dev].group))
			model_detach(m, a);
}

/* Before it is freed.  Some drivers detach only after that. */
static void model_maybe_detach(struct model *m, const struct model_pasid *h)
{
	if (!one_in(m, 3))
		model_detach_from(m, h, h->devs);
}

/* It was freed, and stays taken and charged while something is attached to it. */
static void model_let_go(struct model *m, struct model_pasid *h)
{
	h->set = NO_SET;
	h->pasid = NULL;
	h->freed = true;
	h->used = model_is_attached(m, h);
	if (h->used)
		m->successes[STAYED_ATTACHED]++;
}

static void model_free(struct model *m, struct model_pasid *h)
{
	model_maybe_detach(m, h);
	if (h->pasid)
		iommu_pasid_free(h->pasid);
	else
		iommu_free_global_pasid(h->id);
	model_let_go(m, h);
}

static void model_op_free(struct model *m)
{
	struct model_pasid *h = model_pick_held(m, false);

	if (h)
		model_free(m, h);
}

static void model_op_add(struct model *m)
{
	struct model_pasid *h = model_pick_group(m, false);
	int dev = pick(m, MAX_TEST_DEVICES), expected, ret;

	if (!h || !h->pasid)
		return;
	expected = model_add(m, h, dev);
	ret = iommu_pasid_add_device(h->pasid, m->dev[dev].dev);
	if (!ret)
		h->devs |= BIT(dev);
	model_same_result(m, expected, ret);
}

static void model_op_remove(struct model *m)
{
	struct model_pasid *h = model_pick_group(m, false);
	int dev;

	if (!h || hweight32(h->devs) < 2)
		return;
	do {
		dev = pick(m, MAX_TEST_DEVICES);
	} while (!(h->devs & BIT(dev)));
	model_detach_from(m, h, BIT(dev));
	iommu_pasid_remove_device(h->pasid, m->dev[dev].dev);
	h->devs &= ~BIT(dev);
}

static struct model_attachment *model_free_attachment(struct model *m)
{
	struct model_attachment *a;

	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (!a->used)
			return a;
	return NULL;
}

static int model_do_attach(struct model *m, const struct model_attachment *a)
{
	return iommu_attach_device_pasid(&m->fixture->domain,
					 m->dev[a->dev].dev, a->id, NULL);
}

/* It was charged while the driver was asked. */
static void model_refused_by_driver(struct model *m, struct model_attachment *a)
{
	test_fail_attach(m->dev[a->dev].dev);
	a->used = true;
	model_note_peaks(m);
	a->used = false;
}

static void model_op_attach(struct model *m)
{
	struct model_attachment *a = model_free_attachment(m);
	struct model_pasid *h = model_pick_held(m, one_in(m, 2));
	int expected, ret;

	if (!a)
		return;
	a->dev = h && h->devs && one_in(m, 2) ? __ffs(h->devs) :
						pick(m, MAX_TEST_DEVICES);
	a->id = h && !one_in(m, 4) ? h->id : 1 + pick(m, 8);
	a->owner = m->fixture->asking;
	expected = model_attach(m, a);
	if (!expected && m->dev[a->dev].bits && one_in(m, 8)) {
		model_refused_by_driver(m, a);
		expected = -EIO;
	}
	ret = model_do_attach(m, a);
	a->used = !ret;
	model_same_result(m, expected, ret);
	if (!ret)
		m->successes[a->charge == FREE	     ? ATTACHED_OWN :
			     a->charge == FOR_GLOBAL ? ATTACHED_GLOBAL :
						       ATTACHED_IMPLICIT]++;
}

static void model_op_detach(struct model *m)
{
	struct model_attachment *a = model_pick_attached(m);

	if (a)
		model_detach(m, a);
}

static void model_set_limit(struct model *m, int owner, unsigned int scope,
			    unsigned long max)
{
	m->max[owner][scope] = max;
	test_set_pasid_max(m->test, owner, scope, max);
}

static void model_op_limit(struct model *m)
{
	unsigned int scope = pick(m, IOAS_CG_NR_PASID_SCOPES);
	int owner = 1 + pick(m, NR_TEST_OWNERS - 1);

	model_set_limit(m, owner, scope,
			one_in(m, 3) ? IOAS_PASIDS_MAX : pick(m, 20));
}

/* ---- operations of sets ---- */

static struct iommufd_pasids *model_pasids(struct model *m, int set)
{
	return &m->set[set].ictx.pasids;
}

static u32 model_pick_vpasid(struct model *m)
{
	switch (pick(m, 8)) {
	case 0:
		return LAST_VPASID - 1 + pick(m, 3);
	case 1:
	case 2:
		return 0;
	default:
		return 1 + pick(m, SOME_VPASIDS);
	}
}

static void model_op_set_alloc(struct model *m)
{
	struct model_request req = { .scope = pick(m, IOMMU_PASID_DEVICE + 1) };
	u32 vpasid = model_pick_vpasid(m), found = vpasid;
	struct model_pasid *h = model_free_entry(m);
	struct iommufd_device *idevs[MAX_NAMED];
	int set = pick(m, NR_SETS), expected, ret, ppasid;
	unsigned long id = 0;
	unsigned int i;

	if (!h)
		return;
	model_pick_devices(m, &req, set);
	for (i = 0; i < req.nr_devs; i++)
		idevs[i] = &m->dev[req.devs[i]].idev;
	expected = model_set_alloc(m, set, &req, &vpasid, &id);
	ret = iommufd_pasids_alloc(model_pasids(m, set), req.scope, idevs,
				   req.nr_devs, &found);
	if (!model_same_result(m, expected, ret) || ret)
		return;
	m->set[set].owner = req.owner;
	model_hold(m, h, &req, id);
	h->set = set;
	h->vpasid = vpasid;
	same(m, "vPASID", "a new one", vpasid, found);
	if (req.scope == IOMMU_PASID_GLOBAL)
		return;
	ppasid = iommufd_device_translate_pasid(idevs[0], vpasid);
	same(m, "number", "a new vPASID", id, ppasid);
	m->successes[id == vpasid ? SAME_AS_VPASID : OTHER_THAN_VPASID]++;
}

static void model_op_set_add(struct model *m)
{
	struct model_pasid *h = model_pick_group(m, true);
	int set, member, dev, expected, ret;
	u32 vpasid;

	if (!h)
		return;
	set = h->set;
	vpasid = one_in(m, 8) ? model_pick_vpasid(m) : h->vpasid;
	member = one_in(m, 8) || !h->devs ? model_pick_device(m, set) :
					    __ffs(h->devs);
	dev = model_pick_device(m, set);
	if (dev < 0)
		return;
	h = model_find_bound(m, set, member, vpasid);
	if (!h || h->scope != IOMMU_PASID_GROUP)
		expected = -ENOENT;
	else if (model_find_bound(m, set, dev, vpasid))
		expected = -EEXIST;
	else
		expected = model_add(m, h, dev);
	ret = iommufd_pasids_add(model_pasids(m, set), vpasid,
				 &m->dev[member].idev, &m->dev[dev].idev);
	if (model_same_result(m, expected, ret) && !ret)
		h->devs |= BIT(dev);
}

static void model_op_set_free(struct model *m)
{
	struct model_pasid *h = model_pick_held(m, true);
	enum iommu_pasid_scope scope;
	int set, dev, ret;
	u32 vpasid;

	if (!h)
		return;
	set = h->set;
	scope = one_in(m, 8) ? pick(m, IOMMU_PASID_DEVICE + 1) : h->scope;
	vpasid = one_in(m, 8) ? model_pick_vpasid(m) : h->vpasid;
	dev = h->devs ? __ffs(h->devs) : -1;
	if (one_in(m, 8))
		dev = model_pick_device(m, set);
	h = model_find_bound(m, set, dev, vpasid);
	if (h && h->scope != scope)
		h = NULL;
	if (h)
		model_maybe_detach(m, h);
	ret = iommufd_pasids_free(model_pasids(m, set), scope, vpasid,
				  dev < 0 ? NULL : &m->dev[dev].idev);
	if (model_same_result(m, h ? 0 : -ENOENT, ret) && h)
		model_let_go(m, h);
}

static void model_op_translate(struct model *m)
{
	struct model_pasid *h = model_pick_held(m, true);
	int dev = model_pick_device(m, h ? h->set : pick(m, NR_SETS));
	u32 vpasid;
	long expected;

	if (dev < 0)
		return;
	vpasid = h && !one_in(m, 4) ? h->vpasid : model_pick_vpasid(m);
	expected = model_translate(m, dev, vpasid);
	same(m, "a lookup", dev_name(m->dev[dev].dev), expected,
	     iommufd_device_translate_pasid(&m->dev[dev].idev, vpasid));
	model_see(m, min(expected, 0L));
	if (expected > 0)
		m->successes[model_find_bound(m, m->dev[dev].set, dev, vpasid) ?
				     FOUND_OWN : FOUND_GLOBAL]++;
}

static void model_unbind(struct model *m, int dev)
{
	int set = m->dev[dev].set;
	struct model_pasid *h;

	for (h = m->held; h < m->held + MAX_HELD; h++) {
		if (!h->used || h->set != set || !(h->devs & BIT(dev)))
			continue;
		if (h->devs == BIT(dev)) {
			model_maybe_detach(m, h);
			model_let_go(m, h);
		} else {
			model_detach_from(m, h, BIT(dev));
			h->devs &= ~BIT(dev);
		}
	}
	iommufd_pasids_remove_device(model_pasids(m, set), &m->dev[dev].idev);
	same(m, "nothing left in the table", dev_name(m->dev[dev].dev), true,
	     xa_empty(&m->dev[dev].idev.vpasids));
	m->dev[dev].set = NO_SET;
}

static void model_bind(struct model *m, int dev)
{
	struct iommufd_device *idev = &m->dev[dev].idev;
	int set = pick(m, NR_SETS);

	memset(idev, 0, sizeof(*idev));
	idev->dev = m->dev[dev].dev;
	idev->ictx = &m->set[set].ictx;
	KUNIT_ASSERT_EQ(m->test, 0,
			iommufd_pasids_add_device(&idev->ictx->pasids, idev));
	m->dev[dev].set = set;
}

static void model_open(struct model *m, int set)
{
	struct model_set *s = &m->set[set];

	memset(s, 0, sizeof(*s));
	iommufd_pasids_init(&s->ictx.pasids);
}

static void model_close(struct model *m, int set)
{
	struct model_pasid *h;
	int d;

	for (d = 0; d < MAX_TEST_DEVICES; d++)
		if (m->dev[d].set == set)
			model_unbind(m, d);
	for (h = m->held; h < m->held + MAX_HELD; h++) {
		if (!h->used || h->set != set)
			continue;
		model_maybe_detach(m, h);
		model_let_go(m, h);
	}
	iommufd_pasids_destroy(model_pasids(m, set));
}

static void model_op_unbind(struct model *m)
{
	int dev = pick(m, MAX_TEST_DEVICES);

	if (m->dev[dev].set != NO_SET)
		model_unbind(m, dev);
}

static void model_op_bind(struct model *m)
{
	int d;

	for (d = 0; d < MAX_TEST_DEVICES; d++)
		if (m->dev[d].set == NO_SET && !one_in(m, 3))
			model_bind(m, d);
}

static void model_op_close(struct model *m)
{
	int set = pick(m, NR_SETS);

	model_close(m, set);
	model_open(m, set);
}

static void (*const model_calls[])(struct model *m) = {
	[OP_ALLOC] = model_op_alloc,
	[OP_ALLOC_FOR_KERNEL] = model_op_alloc_for_kernel,
	[OP_FREE] = model_op_free,
	[OP_ADD] = model_op_add,
	[OP_REMOVE] = model_op_remove,
	[OP_ATTACH] = model_op_attach,
	[OP_DETACH] = model_op_detach,
	[OP_LIMIT] = model_op_limit,
	[OP_SET_ALLOC] = model_op_set_alloc,
	[OP_SET_ADD] = model_op_set_add,
	[OP_SET_FREE] = model_op_set_free,
	[OP_TRANSLATE] = model_op_translate,
	[OP_UNBIND] = model_op_unbind,
	[OP_BIND] = model_op_bind,
	[OP_CLOSE] = model_op_close,
};

/* ---- the run ---- */

static enum model_op model_pick_op(struct model *m)
{
	unsigned int sum = 0, i, at;

	for (i = 0; i < ARRAY_SIZE(model_ops); i++)
		sum += model_ops[i].weight;
	at = pick(m, sum);
	for (i = 0; at >= model_ops[i].weight; i++)
		at -= model_ops[i].weight;
	return i;
}

static void model_step(struct model *m)
{
	m->step++;
	m->op = model_pick_op(m);
	m->fixture->asking = pick(m, NR_TEST_OWNERS);
	model_calls[m->op](m);
	model_note_peaks(m);
	model_compare_counts(m);
}

/* The first two are wide, one has no PASIDs, and one cannot choose them. */
static unsigned int model_pick_bits(struct model *m, int dev)
{
	switch (dev) {
	case 0:
		return 20;
	case 1:
		return 13;
	case MAX_TEST_DEVICES - 1:
		return 0;
	default:
		return 1 + pick(m, 6);
	}
}

static void model_plug_in(struct model *m, int dev)
{
	struct model_device *d = &m->dev[dev];
	int member = dev > 1 && one_in(m, 3) ? pick(m, dev) : dev;

	*d = (struct model_device){
		.bits = model_pick_bits(m, dev),
		.group = member == dev ? dev : m->dev[member].group,
		.global_only = dev == MAX_TEST_DEVICES - 2,
		.set = NO_SET,
	};
	d->dev = member == dev ?
			 test_add_device(m->test, d->bits ?: NO_PASIDS) :
			 test_add_device_to_group_of(m->test, d->bits ?: NO_PASIDS,
						     m->dev[member].dev);
	if (d->global_only)
		iommu_device_need_global_pasids(d->dev, true);
}

static void model_begin(struct model *m)
{
	int i;

	memset(m->held, 0, sizeof(m->held));
	memset(m->attached, 0, sizeof(m->attached));
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		model_set_limit(m, i, IOAS_CG_PASID_GLOBAL, IOAS_PASIDS_MAX);
		model_set_limit(m, i, IOAS_CG_PASID_DEVICE, IOAS_PASIDS_MAX);
	}
	for (i = 0; i < NR_SETS; i++)
		model_open(m, i);
	for (i = 0; i < MAX_TEST_DEVICES; i++)
		model_plug_in(m, i);
	for (i = 0; i < MAX_TEST_DEVICES; i++)
		model_bind(m, i);
}

/* Everything goes, and nothing may be left. */
static void model_end(struct model *m)
{
	struct model_attachment *a;
	struct model_pasid *h;
	int i;

	for (i = 0; i < NR_SETS; i++)
		model_close(m, i);
	for (h = m->held; h < m->held + MAX_HELD; h++)
		if (h->used && !h->freed)
			model_free(m, h);
	for (a = m->attached; a < m->attached + MAX_ATTACHED; a++)
		if (a->used)
			model_detach(m, a);
	model_sum_usage(m);
	model_compare_counts(m);
	model_compare_numbers(m);
	for (i = 0; i < MAX_TEST_DEVICES; i++)
		test_remove_device(m->test, m->dev[i].dev);
}

static void model_run_round(struct model *m)
{
	int batch, i;

	model_begin(m);
	for (batch = 0; batch < BATCHES && m->ok; batch++) {
		for (i = 0; i < BATCH_OPS && m->ok; i++)
			model_step(m);
		model_compare_numbers(m);
		model_compare_lookups(m);
		cond_resched();
	}
	model_end(m);
}

static void model_expect_all_seen(struct model *m)
{
	unsigned int i, r;

	for (i = 0; i < ARRAY_SIZE(must_happen); i++)
		for (r = 0; r < ARRAY_SIZE(model_results); r++)
			if (model_results[r] == must_happen[i].result)
				KUNIT_EXPECT_GT_MSG(m->test,
						    m->seen[must_happen[i].op][r],
						    0,
						    "seed %llu: %s never returned %d",
						    m->seed,
						    model_ops[must_happen[i].op].name,
						    must_happen[i].result);
	for (i = 0; i < NR_SUCCESSES; i++)
		KUNIT_EXPECT_GT_MSG(m->test, m->successes[i], 0,
				    "seed %llu: no success of sort %u",
				    m->seed, i);
}

static void random_operations_agree_with_the_model(struct kunit *test)
{
	struct model *m = kvzalloc(sizeof(*m), GFP_KERNEL);
	int round;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->fixture = test->priv;
	m->ok = true;
	m->seed = seed_param ?: get_random_u64();
	prandom_seed_state(&m->rnd, m->seed);
	for (round = 0; round < ROUNDS && m->ok; round++)
		model_run_round(m);
	kunit_info(test, "seed %llu: %lu operations\n", m->seed, m->step);
	if (m->ok)
		model_expect_all_seen(m);
	kvfree(m);
}

static struct kunit_case pasid_model_cases[] = {
	KUNIT_CASE_SLOW(random_operations_agree_with_the_model),
	{ }
};

static struct kunit_suite pasid_model_suite = {
	.name = "ioas_pasid_model",
	.suite_init = pasid_suite_init,
	.suite_exit = pasid_suite_exit,
	.init = pasid_fixture_init,
	.exit = pasid_fixture_exit,
	.test_cases = pasid_model_cases,
};

kunit_test_suite(pasid_model_suite);
