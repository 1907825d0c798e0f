"""What `./invoke preview` may ask of AWS: the actions of a role that reads only. Pure.

A test holds each call that it records against this list. What the real aws plugin reads, to import what is live, was
not recorded. State in a bucket also needs `s3:GetObject` and `s3:ListBucket`, and a key service `kms:Decrypt`.
A stack that promotes from another one needs `dynamodb:GetItem` on that one's ledger, too; where `promotesFrom.role`
names a role, also `sts:AssumeRole` on it.
"""

from __future__ import annotations

from collections.abc import Mapping

PREVIEW: Mapping[str, frozenset[str]] = {
    "application-autoscaling": frozenset({"DescribeScalableTargets", "DescribeScalingPolicies"}),
    "cloudwatch": frozenset({"DescribeAlarms", "GetMetricData"}),
    "dynamodb": frozenset(
        {
            "DescribeContinuousBackups",
            "DescribeGlobalTable",
            "DescribeKinesisStreamingDestination",
            "DescribeLimits",
            "DescribeTable",
            "DescribeTimeToLive",
            "GetItem",
            "GetResourcePolicy",
            "ListContributorInsights",
            "ListTagsOfResource",
            "Query",
        }
    ),
    "lambda": frozenset({"ListEventSourceMappings"}),
    "sts": frozenset({"GetCallerIdentity"}),
}
"""IAM actions by service. Each has the name of its API call."""
