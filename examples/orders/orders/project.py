"""The project, as the tool is handed it."""

from orders.data_set import before_migration
from orders.tables import ORDERS
from schema.project import Project

PROJECT = Project("orders", ORDERS, before_migration())
