"""`trackai loyalty post`: the ledger.

What belongs here: options, and what is shown. What does not: posting (posting.py) and caches (caches.py).
"""

from typing import Annotated

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.output import remark, results
from trackai_pipelines.terminal.workspace import new_run_id


def post(
    tenant: Annotated[
        str | None, typer.Argument(metavar="TENANT", help="Slug or id; every tenant with a program if not given.")
    ] = None,
    rebuild_caches: Annotated[
        bool, typer.Option("--rebuild-caches", help="Make the caches of the ledger from nothing as well.")
    ] = False,
) -> None:
    """Post what sales, reports, adjustments and refunds have and the ledger does not; repeating it changes nothing."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import caches
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.posting import post_programs

    now, found = utc_now(), False
    with shared.opened() as connection:
        tenant_id = None if tenant is None else tenant_of(connection, tenant)
        for done in post_programs(connection, now, tenant_id=tenant_id, run_id=new_run_id()):
            found = True
            sums = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(done.amounts.items()))
            new = f"{done.entries:,} entries, {sums}" if done.entries else "nothing to post"
            results().print(f"{done.tenant_id}: {new}; postings up to {done.posting_no}", markup=False)
            if rebuild_caches:
                wrong = caches.rebuild_caches(connection, done.tenant_id, now)
                results().print(f"{done.tenant_id}: {wrong:,} rows of caches corrected", markup=False)
    if not found:
        remark("There is no loyalty program: `trackai loyalty program set` makes one.")
