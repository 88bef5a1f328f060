// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF iterator "ioas_account": who holds what.
 *
 * A program is run once for each account, with a copy of what there is to know, and
 * once more at the end, with none.  Between two reads of the iterator's file no account
 * is held.  Accounts that come or go in the meantime may be shown or not; all others are,
 * once.
 */

#include <linux/bpf.h>
#include <linux/btf_ids.h>
#include <linux/init.h>
#include <linux/ioas_policy.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "account.h"
#include "owner.h"

/**
 * struct iter_private - an iterator that is being read
 * @walk: how far it came
 * @shown: the account that it has come to
 */
struct iter_private {
	struct ioas_account_walk walk;
	struct ioas_policy_account shown;
};

/* What a removed cgroup still holds belongs to its parent. */
static u64 living_id(const struct ioas_owner *owner)
{
	while (READ_ONCE(owner->retired))
		owner = owner->parent;
	return owner->cgroup_id;
}

static struct ioas_policy_account *show(struct iter_private *iter,
					const struct ioas_cg_account *acct)
{
	struct ioas_policy_account *shown = &iter->shown;

	if (!acct)
		return NULL;
	memset(shown, 0, sizeof(*shown));
	shown->cgroup_id = living_id(acct->owner);
	shown->kind = acct->kind;
	shown->bytes = (u64)READ_ONCE(acct->pages) * PAGE_SIZE;
	shown->boottime_ns = acct->maker.boottime_ns;
	shown->tgid = acct->maker.tgid;
	shown->pid = acct->maker.pid;
	memcpy(shown->comm, acct->maker.comm, sizeof(shown->comm));
	return shown;
}

static void *account_seq_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct iter_private *iter = seq->private;

	++*pos;
	return show(iter, ioas_account_walk_next(&iter->walk));
}

/* At the one that was not shown yet, as it did not fit. */
static void *account_seq_start(struct seq_file *seq, loff_t *pos)
{
	struct iter_private *iter = seq->private;

	return show(iter, ioas_account_walk_next(&iter->walk));
}

struct bpf_iter__ioas_account {
	__bpf_md_ptr(struct bpf_iter_meta *, meta);
	__bpf_md_ptr(struct ioas_policy_account *, account);
};

DEFINE_BPF_ITER_FUNC(ioas_account, struct bpf_iter_meta *meta,
		     struct ioas_policy_account *account)

static int run_program(struct seq_file *seq, struct ioas_policy_account *account,
		       bool in_stop)
{
	struct bpf_iter_meta meta = { .seq = seq };
	struct bpf_iter__ioas_account ctx = {
		.meta = &meta,
		.account = account,
	};
	struct bpf_prog *prog = bpf_iter_get_info(&meta, in_stop);

	return prog ? bpf_iter_run_prog(prog, &ctx) : 0;
}

static int account_seq_show(struct seq_file *seq, void *v)
{
	return run_program(seq, v, false);
}

static void account_seq_stop(struct seq_file *seq, void *v)
{
	struct iter_private *iter = seq->private;

	if (!v)
		run_program(seq, NULL, true);
	ioas_account_walk_pause(&iter->walk);
}

static const struct seq_operations account_seq_ops = {
	.start = account_seq_start,
	.next = account_seq_next,
	.stop = account_seq_stop,
	.show = account_seq_show,
};

static int account_iter_init(void *priv, struct bpf_iter_aux_info *aux)
{
	struct iter_private *iter = priv;

	ioas_account_walk_begin(&iter->walk, ioas_root_owner());
	return 0;
}

static void account_iter_fini(void *priv)
{
	struct iter_private *iter = priv;

	ioas_account_walk_end(&iter->walk);
}

static const struct bpf_iter_seq_info account_iter_seq_info = {
	.seq_ops = &account_seq_ops,
	.init_seq_private = account_iter_init,
	.fini_seq_private = account_iter_fini,
	.seq_priv_size = sizeof(struct iter_private),
};

static struct bpf_iter_reg account_iter_reg = {
	.target = "ioas_account",
	.ctx_arg_info_size = 1,
	.ctx_arg_info = {
		{ offsetof(struct bpf_iter__ioas_account, account),
		  PTR_TO_BTF_ID_OR_NULL | PTR_TRUSTED },
	},
	.feature = BPF_ITER_RESCHED,
	.seq_info = &account_iter_seq_info,
};

BTF_ID_LIST_SINGLE(account_btf_id, struct, ioas_policy_account)

static int __init account_iter_register(void)
{
	account_iter_reg.ctx_arg_info[0].btf_id = *account_btf_id;
	return bpf_iter_reg_target(&account_iter_reg);
}
late_initcall(account_iter_register);
