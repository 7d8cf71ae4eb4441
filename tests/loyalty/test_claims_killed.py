"""Claims from sixteen processes that are killed at random: stock, claims and creators agree at every moment."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from loyalty.rewarding import NOW, TENANT, add_creators, add_program, add_reward
from psycopg import Connection

from trackai_pipelines.loyalty.claims import ClaimRefusal, ClaimRefusedError, RewardClaim, claim
from trackai_pipelines.loyalty.reconcile_rewards import stock_unlike_claims

CLIENTS, CREATORS, STOCK, KILLS = 16, 240, 150, 32

# A client, and as many forks of it as are needed at once: only they claim, each creator in an order of its own.
_CLIENT = """
import os, random, sys
from datetime import datetime
from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.claims import ClaimRefusedError, RewardClaim, claim
url, tenant, now = sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3])
for line in sys.stdin:
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        chance = random.Random(line)
        users = [f"u{number:03}" for number in range(int(sys.argv[4]))]
        chance.shuffle(users)
        with connect(url, name="claims") as connection:
            for user in users:
                wanted = RewardClaim(tenant_id=tenant, user_id=user, reward_id="card", claim_key=f"{user} again")
                try:
                    claim(connection, wanted, now)
                except ClaimRefusedError:
                    pass
        os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.processes
def test_killed_clients_leave_nothing_half_done(connection: Connection[Any], database_url: str) -> None:
    add_program(connection)
    users = [f"u{number:03}" for number in range(CREATORS)]
    add_creators(connection, users)
    add_reward(connection, stock_total=STOCK)
    arguments = [database_url, TENANT, NOW.isoformat(), str(CREATORS)]
    clients = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    asks, answers = clients.stdin, clients.stdout
    assert asks is not None
    assert answers is not None
    chance = random.Random(7)

    def start(number: int) -> int:
        print(number, file=asks, flush=True)
        return int(answers.readline())

    running = [start(number) for number in range(CLIENTS)]
    for number in range(KILLS):
        time.sleep(chance.uniform(0, 0.1))
        os.kill(running.pop(chance.randrange(CLIENTS)), signal.SIGKILL)
        assert stock_unlike_claims(connection) == []
        running.append(start(CLIENTS + number))
    for one in running:
        os.kill(one, signal.SIGKILL)
    clients.communicate()
    _until_alone(connection)

    assert stock_unlike_claims(connection) == []
    made = dict(connection.execute("SELECT user_id, id FROM trackai.redemptions").fetchall())
    assert 0 < len(made) <= STOCK
    # Whoever asks again with the same key gets the same redemption; the others get what is left.
    wanted = RewardClaim(tenant_id=TENANT, user_id="", reward_id="card", claim_key="")
    found: Counter[str] = Counter()
    for user in users:
        try:
            again = claim(connection, replace(wanted, user_id=user, claim_key=f"{user} again"), NOW)
        except ClaimRefusedError as error:
            found[error.refusal] += 1
        else:
            found["same" if made.get(user) == again.id else "new"] += 1
            assert made.get(user, again.id) == again.id
    assert found["same"] == len(made)
    assert found["same"] + found["new"] == STOCK
    assert found[ClaimRefusal.SOLD_OUT] == CREATORS - STOCK
    rows = connection.execute("SELECT count(*), count(DISTINCT user_id) FROM trackai.redemptions").fetchone()
    assert rows == (STOCK, STOCK)
    assert stock_unlike_claims(connection) == []


def _until_alone(connection: Connection[Any]) -> None:
    """Return once the server has ended the sessions of those that were killed."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'claims'"
    deadline = time.monotonic() + 60
    while connection.execute(query).fetchone() != (0,):
        assert time.monotonic() < deadline, "a session goes on without its client"
        time.sleep(0.02)
