"""The Pulumi program: schema -> components -> stack outputs. Run by `__main__.py` and by the engine alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pulumi

from components.guards import Guards, OnRefusal
from components.indexed_table import IndexedTable
from components.monitoring import Monitoring
from components.plugin import refuse_old_plugin
from schema.errors import ToolError
from schema.model import Schema
from schema.project import Project
from stack.aws import check_account, dynamodb
from stack.declaration import Declaration, whole
from stack.file.config import StackConfig, load_config
from stack.world.live import Live, read_live
from stack.world.refusing import refuse_unsupported


def run(project: Project, checkout: Path) -> None:
    """What `pulumi preview` and `pulumi up` run: the whole schema of the selected stack, guarded by hooks.

    `./invoke migrate` runs the same components in stages. A plain `pulumi up` never imports: see docs/pulumi.md.
    """
    schema = project.schema
    try:
        refuse_old_plugin()
        config = load_config(pulumi.get_stack(), checkout, project)
        check_account(config)
        live = read_live(dynamodb(config), config, schema)
        refuse_unsupported(live)
    except ToolError as error:
        raise pulumi.RunError(str(error)) from None  # shown without a traceback
    declare(schema, config, live, whole(schema, config.settings, live))


def declare(
    schema: Schema,
    config: StackConfig,
    live: Live,
    declaration: Declaration,
    on_refusal: OnRefusal = lambda refusal: None,
    safe_point: Callable[[], None] | None = None,
) -> None:
    """Declares the tables and indexes that `declaration` names and their monitors, and exports what other stacks may
    want of them: names and ARNs of tables, of their indexes and streams, and of the topic; and the schema's digest.

    A run's `safe_point` is asked before each change; without one, no run may be at work on the stack.
    """
    guards = Guards(schema, config, on_refusal, safe_point, only_shown=declaration.only_shown)
    components: dict[str, IndexedTable] = {}
    for table in schema:
        if table.name not in declaration.tables:
            continue
        components[table.name] = IndexedTable(table, config, declaration, live.get(table.name), guards)
    if config.is_monitored:
        pulumi.export("topicArn", Monitoring(schema, config, declaration, live).topic_arn)
    pulumi.export("schemaDigest", schema.digest)
    pulumi.export("streamArns", {name: component.stream_arn for name, component in components.items()})
    pulumi.export("tables", {name: component.exported for name, component in components.items()})
