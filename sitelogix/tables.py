"""The SiteLogix tables, before and after the migration, and the reads that they serve. Data only."""

from schema.model import AccessPattern, Index, RetiredIndex, Schema, Table
from schema.parts import Attribute, Throughput
from sitelogix import backfills

PK = Attribute("PK")
SK = Attribute("SK")
STEADY = Throughput(read=5, write=5)


def _index(name: str, partition_key: str, sort_key: str | None = None, *, existing: bool = False) -> Index:
    return Index(
        name=name,
        partition_key=Attribute(partition_key),
        sort_key=Attribute(sort_key) if sort_key else None,
        throughput=STEADY,
        existing=existing,
    )


REPORTS = Table(
    name="reports",
    partition_key=PK,
    sort_key=SK,
    throughput=Throughput(read=10, write=10),
    indexes=(
        _index("GSI1-ProjectIndex", "project_id", "report_date", existing=True),
        _index("GSI2-ManagerIndex", "manager_id", "report_date", existing=True),
        _index("GSI3-StatusIndex", "status", "timestamp"),
    ),
    backfill=backfills.REPORTS,
    existing=True,
)

PERSONNEL = Table(
    name="personnel",
    partition_key=PK,
    sort_key=SK,
    throughput=Throughput(read=5, write=5),
    indexes=(
        _index("GSI1-NameIndex", "full_name", existing=True),
        _index("GSI2-StatusIndex", "status", "dateLastSeen"),
    ),
    retired=(RetiredIndex(_index("GSI2-ProjectIndex", "project_id", existing=True), replaced_by="GSI2-StatusIndex"),),
    backfill=backfills.PERSONNEL,
    existing=True,
)

VENDORS = Table(
    name="vendors",
    partition_key=PK,
    sort_key=SK,
    throughput=Throughput(read=5, write=5),
    indexes=(
        _index("GSI1-CompanyIndex", "company_name", existing=True),
        _index("GSI2-TypeIndex", "vendor_type", "dateLastSeen"),
    ),
    backfill=backfills.VENDORS,
    existing=True,
)

CONSTRAINTS = Table(
    name="constraints",
    partition_key=PK,
    sort_key=SK,
    throughput=Throughput(read=5, write=5),
    indexes=(
        _index("GSI1-CategoryIndex", "category", "dateIdentified", existing=True),
        _index("GSI2-StatusIndex", "status", "severity", existing=True),
        _index("GSI3-ProjectDateIndex", "project_id", "report_date"),
    ),
    backfill=backfills.CONSTRAINTS,
    existing=True,
)

WORK_LOGS = Table(
    name="work-logs",
    partition_key=PK,
    sort_key=SK,
    throughput=Throughput(read=5, write=5),
    indexes=(
        _index("GSI1-ProjectDateIndex", "project_id", "report_date"),
        _index("GSI2-TeamIndex", "team_id", "report_date"),
    ),
)

AI_ANALYSIS_CACHE = Table(
    name="ai-analysis-cache",
    partition_key=PK,
    sort_key=SK,
    throughput=Throughput(read=10, write=10),
    indexes=(
        _index("GSI1-TypeIndex", "analysisType", "createdAt"),
        _index("GSI2-ModelIndex", "modelUsed", "createdAt"),
    ),
    ttl="ttl",
)

ACCESS_PATTERNS = (
    AccessPattern("report by id", "reports", number=1),
    AccessPattern("project timeline", "reports", "GSI1-ProjectIndex", number=2),
    AccessPattern("reports of a manager", "reports", "GSI2-ManagerIndex", number=3),
    AccessPattern("open issues by severity", "constraints", "GSI2-StatusIndex", number=4),
    AccessPattern("personnel history", "personnel", sort_key_prefix="HISTORY#", number=5),
    AccessPattern("vendor deliveries", "vendors", sort_key_prefix="DELIVERY#", number=6),
    AccessPattern("equipment use", "work-logs", "GSI1-ProjectDateIndex", number=7),
    AccessPattern("name search", "personnel", "GSI1-NameIndex"),
    AccessPattern("inactive personnel", "personnel", "GSI2-StatusIndex"),
    AccessPattern("vendors of a type", "vendors", "GSI2-TypeIndex"),
    AccessPattern("constraints of a category", "constraints", "GSI1-CategoryIndex"),
    AccessPattern("work of a team", "work-logs", "GSI2-TeamIndex"),
    AccessPattern("analyses of an AI model", "ai-analysis-cache", "GSI2-ModelIndex"),
    AccessPattern("workflow queue", "reports", "GSI3-StatusIndex"),
    AccessPattern("vendor by company name", "vendors", "GSI1-CompanyIndex"),
    AccessPattern("constraint timeline of a project", "constraints", "GSI3-ProjectDateIndex"),
    AccessPattern("analyses of a type", "ai-analysis-cache", "GSI1-TypeIndex"),
)

SITELOGIX = Schema(
    tables=(REPORTS, PERSONNEL, VENDORS, CONSTRAINTS, WORK_LOGS, AI_ANALYSIS_CACHE),
    access_patterns=ACCESS_PATTERNS,
    notes=("14 indexes of 14: the migration plan's 15 is a sum error.",),
)
