<%!
import re

def named(code):
    """With the schema's name as a variable: it is a setting."""
    return re.sub(r"schema='\w+'", "schema=schema", code or "pass")
%>\
"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
${imports if imports else ""}
revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = context.get_context().version_table_schema
    ${named(upgrades)}


def downgrade() -> None:
    schema = context.get_context().version_table_schema
    ${named(downgrades)}
