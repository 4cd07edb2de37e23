"""In SQLite, Alembic's batch makes a table with the column anew and copies the rows."""
import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade():
    with op.batch_alter_table("Voyage") as batch:
        batch.add_column(sa.Column(
            "return", sa.Boolean(name="return_or_not", create_constraint=True), nullable=False, server_default=sa.false()))
