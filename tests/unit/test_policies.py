"""The brown-out's statement in a table's resource policy."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stack.policies import allowing_reads, denies_reads, denying_reads

INDEX = "arn:aws:dynamodb:us-east-1:123456789012:table/people/index/GSI2-ProjectIndex"
OTHER = "arn:aws:dynamodb:us-east-1:123456789012:table/people/index/GSI1-NameIndex"
SHARED = {
    "Sid": "Partner",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "dynamodb:GetItem",
    "Resource": "arn:aws:dynamodb:us-east-1:123456789012:table/people",
}


def test_a_table_without_a_policy_gets_one_that_denies_every_read_of_that_index_alone() -> None:
    assert json.loads(denying_reads(None, INDEX)) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "BrownOutGSI2ProjectIndex",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQLSelect"],
                "Resource": INDEX,
            }
        ],
    }
    assert allowing_reads(denying_reads(None, INDEX), INDEX) is None


def test_what_others_have_put_there_stays() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Id": "theirs", "Statement": SHARED})
    denying = json.loads(denying_reads(policy, INDEX))
    assert (denying["Id"], denying["Statement"][0], len(denying["Statement"])) == ("theirs", SHARED, 2)


@given(others=st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=3, unique=True))
def test_denied_and_allowed_again_leaves_the_statements_of_others(others: list[str]) -> None:
    statements = [{**SHARED, "Sid": name} for name in others]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    denying = denying_reads(denying_reads(policy, INDEX), INDEX)
    assert denies_reads(denying, INDEX)
    assert not denies_reads(denying, OTHER)
    assert json.loads(allowing_reads(denying, INDEX) or "")["Statement"] == statements
