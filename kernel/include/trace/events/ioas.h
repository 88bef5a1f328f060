/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ioas

#if !defined(_TRACE_IOAS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOAS_H

#include <linux/ioas_cgroup.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(IOAS_CG_VFIO);
TRACE_DEFINE_ENUM(IOAS_CG_IOMMUFD);
TRACE_DEFINE_ENUM(IOAS_CG_VDPA);
TRACE_DEFINE_ENUM(IOAS_CG_VDUSE);
TRACE_DEFINE_ENUM(IOAS_CG_RDMA);
TRACE_DEFINE_ENUM(IOAS_CG_IO_URING);
TRACE_DEFINE_ENUM(IOAS_CG_XDP);
TRACE_DEFINE_ENUM(IOAS_CG_DMABUF);
TRACE_DEFINE_ENUM(IOAS_CG_KVM);
TRACE_DEFINE_ENUM(IOAS_CG_OTHER);
TRACE_DEFINE_ENUM(IOAS_CG_PASID_GLOBAL);
TRACE_DEFINE_ENUM(IOAS_CG_PASID_DEVICE);

#define show_ioas_cg_kind(kind)				\
	__print_symbolic(kind,				\
			 { IOAS_CG_VFIO, "vfio" },	\
			 { IOAS_CG_IOMMUFD, "iommufd" },\
			 { IOAS_CG_VDPA, "vdpa" },	\
			 { IOAS_CG_VDUSE, "vduse" },	\
			 { IOAS_CG_RDMA, "rdma" },	\
			 { IOAS_CG_IO_URING, "io_uring" },\
			 { IOAS_CG_XDP, "xdp" },	\
			 { IOAS_CG_DMABUF, "dmabuf" },	\
			 { IOAS_CG_KVM, "kvm" },	\
			 { IOAS_CG_OTHER, "other" })

#define show_ioas_cg_pasid_scope(scope)			\
	__print_symbolic(scope,				\
			 { IOAS_CG_PASID_GLOBAL, "global" },\
			 { IOAS_CG_PASID_DEVICE, "device" })

DECLARE_EVENT_CLASS(ioas_pages,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_kind kind, unsigned long pfn,
		 unsigned long nr),

	TP_ARGS(cgroup_id, kind, pfn, nr),

	TP_STRUCT__entry(
		__field(u64, cgroup_id)
		__field(int, kind)
		__field(unsigned long, pfn)
		__field(unsigned long, nr)
	),

	TP_fast_assign(
		__entry->cgroup_id = cgroup_id;
		__entry->kind = kind;
		__entry->pfn = pfn;
		__entry->nr = nr;
	),

	TP_printk("cgroup=%llu kind=%s pfn=%#lx nr=%lu",
		  __entry->cgroup_id, show_ioas_cg_kind(__entry->kind),
		  __entry->pfn, __entry->nr)
);

/*
 * A run of pages was charged to the owner @cgroup_id.  Pages that came in no order
 * are traced by the 2 MiB that they are in, ascending within.
 */
DEFINE_EVENT(ioas_pages, charge,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_kind kind, unsigned long pfn,
		 unsigned long nr),

	TP_ARGS(cgroup_id, kind, pfn, nr)
);

/* A run of pages was uncharged, be it for an unpin or after a refusal. */
DEFINE_EVENT(ioas_pages, uncharge,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_kind kind, unsigned long pfn,
		 unsigned long nr),

	TP_ARGS(cgroup_id, kind, pfn, nr)
);

/*
 * A charge was refused: owner @cgroup_id wanted @wanted bytes, and cgroup
 * @limit_id, which has charged @current_bytes, allows @max_bytes.
 */
TRACE_EVENT(deny,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_kind kind, u64 limit_id,
		 u64 max_bytes, u64 current_bytes, u64 wanted),

	TP_ARGS(cgroup_id, kind, limit_id, max_bytes, current_bytes, wanted),

	TP_STRUCT__entry(
		__field(u64, cgroup_id)
		__field(int, kind)
		__field(u64, limit_id)
		__field(u64, max_bytes)
		__field(u64, current_bytes)
		__field(u64, wanted)
	),

	TP_fast_assign(
		__entry->cgroup_id = cgroup_id;
		__entry->kind = kind;
		__entry->limit_id = limit_id;
		__entry->max_bytes = max_bytes;
		__entry->current_bytes = current_bytes;
		__entry->wanted = wanted;
	),

	TP_printk("cgroup=%llu kind=%s limit_cgroup=%llu max=%llu current=%llu wanted=%llu",
		  __entry->cgroup_id, show_ioas_cg_kind(__entry->kind),
		  __entry->limit_id, __entry->max_bytes,
		  __entry->current_bytes, __entry->wanted)
);

/*
 * A charge was refused that the limits allow: owner @cgroup_id wanted @wanted bytes, and
 * the policy @policy of cgroup @policy_id, which has charged @current_bytes, answered
 * @error.
 */
TRACE_EVENT(deny_policy,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_kind kind, u64 policy_id,
		 const char *policy, int error, u64 current_bytes, u64 wanted),

	TP_ARGS(cgroup_id, kind, policy_id, policy, error, current_bytes,
		wanted),

	TP_STRUCT__entry(
		__field(u64, cgroup_id)
		__field(int, kind)
		__field(u64, policy_id)
		__string(policy, policy)
		__field(int, error)
		__field(u64, current_bytes)
		__field(u64, wanted)
	),

	TP_fast_assign(
		__entry->cgroup_id = cgroup_id;
		__entry->kind = kind;
		__entry->policy_id = policy_id;
		__assign_str(policy);
		__entry->error = error;
		__entry->current_bytes = current_bytes;
		__entry->wanted = wanted;
	),

	TP_printk("cgroup=%llu kind=%s policy_cgroup=%llu policy=%s error=%d current=%llu wanted=%llu",
		  __entry->cgroup_id, show_ioas_cg_kind(__entry->kind),
		  __entry->policy_id, __get_str(policy), __entry->error,
		  __entry->current_bytes, __entry->wanted)
);

DECLARE_EVENT_CLASS(ioas_pasid,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_pasid_scope scope, u32 pasid,
		 unsigned int nr),

	TP_ARGS(cgroup_id, scope, pasid, nr),

	TP_STRUCT__entry(
		__field(u64, cgroup_id)
		__field(int, scope)
		__field(u32, pasid)
		__field(unsigned int, nr)
	),

	TP_fast_assign(
		__entry->cgroup_id = cgroup_id;
		__entry->scope = scope;
		__entry->pasid = pasid;
		__entry->nr = nr;
	),

	TP_printk("cgroup=%llu scope=%s pasid=%u nr=%u",
		  __entry->cgroup_id, show_ioas_cg_pasid_scope(__entry->scope),
		  __entry->pasid, __entry->nr)
);

/* A PASID, of a device on @nr of them, was charged to the owner @cgroup_id. */
DEFINE_EVENT(ioas_pasid, pasid_alloc,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_pasid_scope scope, u32 pasid,
		 unsigned int nr),

	TP_ARGS(cgroup_id, scope, pasid, nr)
);

/* It was uncharged. */
DEFINE_EVENT(ioas_pasid, pasid_free,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_pasid_scope scope, u32 pasid,
		 unsigned int nr),

	TP_ARGS(cgroup_id, scope, pasid, nr)
);

/*
 * A PASID was refused: owner @cgroup_id wanted @wanted units of a scope, and cgroup
 * @limit_id, which has charged @usage, allows @max.
 */
TRACE_EVENT(deny_pasid,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_pasid_scope scope, u64 limit_id,
		 u64 max, u64 usage, u64 wanted),

	TP_ARGS(cgroup_id, scope, limit_id, max, usage, wanted),

	TP_STRUCT__entry(
		__field(u64, cgroup_id)
		__field(int, scope)
		__field(u64, limit_id)
		__field(u64, max)
		__field(u64, usage)
		__field(u64, wanted)
	),

	TP_fast_assign(
		__entry->cgroup_id = cgroup_id;
		__entry->scope = scope;
		__entry->limit_id = limit_id;
		__entry->max = max;
		__entry->usage = usage;
		__entry->wanted = wanted;
	),

	TP_printk("cgroup=%llu scope=%s limit_cgroup=%llu max=%llu current=%llu wanted=%llu",
		  __entry->cgroup_id, show_ioas_cg_pasid_scope(__entry->scope),
		  __entry->limit_id, __entry->max, __entry->usage,
		  __entry->wanted)
);

/* The same, of a policy, which refused it for @device, by its inode number in sysfs. */
TRACE_EVENT(deny_pasid_policy,

	TP_PROTO(u64 cgroup_id, enum ioas_cg_pasid_scope scope, u64 policy_id,
		 const char *policy, u64 device, int error, u64 usage,
		 u64 wanted),

	TP_ARGS(cgroup_id, scope, policy_id, policy, device, error, usage,
		wanted),

	TP_STRUCT__entry(
		__field(u64, cgroup_id)
		__field(int, scope)
		__field(u64, policy_id)
		__string(policy, policy)
		__field(u64, device)
		__field(int, error)
		__field(u64, usage)
		__field(u64, wanted)
	),

	TP_fast_assign(
		__entry->cgroup_id = cgroup_id;
		__entry->scope = scope;
		__entry->policy_id = policy_id;
		__assign_str(policy);
		__entry->device = device;
		__entry->error = error;
		__entry->usage = usage;
		__entry->wanted = wanted;
	),

	TP_printk("cgroup=%llu scope=%s policy_cgroup=%llu policy=%s device=%llu error=%d current=%llu wanted=%llu",
		  __entry->cgroup_id, show_ioas_cg_pasid_scope(__entry->scope),
		  __entry->policy_id, __get_str(policy), __entry->device,
		  __entry->error, __entry->usage, __entry->wanted)
);

#endif /* _TRACE_IOAS_H */

#include <trace/define_trace.h>
