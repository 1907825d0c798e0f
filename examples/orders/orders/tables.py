"""The tables of the order service, before and after the migration, and how their items get the new attributes."""

from schema.backfill import Backfill, Given, Item, NoValue, text
from schema.model import AccessPattern, Index, RetiredIndex, Schema, Table
from schema.parts import Attribute, AttributeType, BillingMode, Projection, ProjectionType, Throughput

STEADY = Throughput(read=5, write=5)
REGIONS = {
    "AT": "alps",
    "CH": "alps",
    "DE": "central",
    "PL": "central",
    "DK": "north",
    "SE": "north",
    "ES": "south",
    "PT": "south",
    "FR": "west",
    "IE": "west",
    "CZ": "east",
    "HU": "east",
}
FULFILMENTS = {"new": "open", "packed": "open", "sent": "done", "returned": "done"}


def _region(item: Item, given: Given) -> str:
    country = text(item, "country")
    if country not in REGIONS:
        raise NoValue("no country that belongs to a region")
    return REGIONS[country]


def _joined_on(item: Item, given: Given) -> str:
    return (text(item, "createdAt") or given.default(given.clock))[:10]


def _fulfilment(item: Item, given: Given) -> str:
    state = text(item, "state")
    return FULFILMENTS[state] if state in FULFILMENTS else given.default("open")


def _placed_on(item: Item, given: Given) -> str:
    placed_at = text(item, "placedAt")
    if placed_at is None:
        raise NoValue("no placedAt")
    return placed_at[:10]


CUSTOMERS = Table(
    name="customers",
    partition_key=Attribute("customerId"),
    billing_mode=BillingMode.ON_DEMAND,
    indexes=(
        Index(
            "ByEmail",
            Attribute("email"),
            projection=Projection(ProjectionType.INCLUDE, ("name", "country")),
            existing=True,
        ),
        Index(
            "ByRegion",
            Attribute("region"),
            Attribute("joinedOn"),
            projection=Projection(ProjectionType.INCLUDE, ("name", "email")),
        ),
    ),
    backfill=Backfill({"region": _region, "joinedOn": _joined_on}, reads=("country", "createdAt")),
    existing=True,
)

LINES = Table(
    name="orders",
    partition_key=Attribute("orderId"),
    sort_key=Attribute("line", AttributeType.NUMBER),
    throughput=Throughput(read=10, write=10),
    indexes=(
        Index("ByCustomer", Attribute("customerId"), Attribute("placedAt"), throughput=STEADY, existing=True),
        Index("ByFulfilment", Attribute("fulfilment"), Attribute("placedOn"), throughput=STEADY),
    ),
    retired=(
        RetiredIndex(
            Index("ByState", Attribute("state"), throughput=STEADY, existing=True), replaced_by="ByFulfilment"
        ),
    ),
    backfill=Backfill({"fulfilment": _fulfilment, "placedOn": _placed_on}, reads=("state", "placedAt")),
    existing=True,
)

SHIPMENTS = Table(
    name="shipments",
    partition_key=Attribute("trackingCode"),
    billing_mode=BillingMode.ON_DEMAND,
    indexes=(Index("ByCarrier", Attribute("carrier"), Attribute("weight", AttributeType.NUMBER)),),
    ttl="forgetAt",
)

ORDERS = Schema(
    tables=(CUSTOMERS, LINES, SHIPMENTS),
    access_patterns=(
        AccessPattern("customer by id", "customers", number=1),
        AccessPattern("customer by e-mail", "customers", "ByEmail", number=2),
        AccessPattern("customers of a region", "customers", "ByRegion", number=3),
        AccessPattern("lines of an order", "orders", number=4),
        AccessPattern("orders of a customer", "orders", "ByCustomer", number=5),
        AccessPattern("open orders of a year", "orders", "ByFulfilment", sort_key_prefix="2025-", number=6),
        AccessPattern("parcels of a carrier by weight", "shipments", "ByCarrier", number=7),
    ),
)
