"""What `pulumi preview` and `pulumi up` run: the whole schema of the selected stack, guarded by hooks.

`./invoke migrate` runs the same components in stages. A plain `pulumi up` never imports: see docs/pulumi.md.
"""

from pathlib import Path

import pulumi

from components.program import declare
from schema.errors import ToolError
from sitelogix.tables import SITELOGIX
from stack.aws import check_account, dynamodb
from stack.declaration import whole
from stack.file.config import load_config
from stack.world.live import read_live

try:
    config = load_config(pulumi.get_stack(), Path(__file__).parent, SITELOGIX)
    check_account(config)
    live = read_live(dynamodb(config), config, SITELOGIX)
except ToolError as error:
    raise pulumi.RunError(str(error)) from None  # shown without a traceback
declare(SITELOGIX, config, live, whole(SITELOGIX, config.settings, live))
