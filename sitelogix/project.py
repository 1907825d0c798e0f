"""The SiteLogix project, as the tool is handed it."""

from schema.project import Project
from sitelogix.data_set import before_migration
from sitelogix.tables import SITELOGIX

PROJECT = Project("sitelogix", SITELOGIX, before_migration())
