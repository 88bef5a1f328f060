// SPDX-License-Identifier: GPL-2.0
/* accounts: writes each account as a struct ioas_account_record, for ioasctl who. */
#include "ioas_kernel.bpf.h"

SEC("iter/ioas_account")
int write_account(struct bpf_iter__ioas_account *ctx)
{
	const struct ioas_policy_account *account = ctx->account;
	struct ioas_account_record record = {};

	/* At the end. */
	if (!account)
		return 0;
	record.cgroup_id = account->cgroup_id;
	record.bytes = account->bytes;
	record.boottime_ns = account->boottime_ns;
	record.kind = account->kind;
	record.tgid = account->tgid;
	record.pid = account->pid;
	BPF_CORE_READ_STR_INTO(&record.comm, account, comm);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
