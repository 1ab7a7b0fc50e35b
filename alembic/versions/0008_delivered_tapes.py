"""Of which recordings a tape consists that a PBX delivered."""

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recordings", sa.Column("parts", sa.JSON(), nullable=True))
    op.add_column("recordings", sa.Column("replaced", sa.JSON(), nullable=True))


def downgrade() -> None:
    # Not in a batch: a table that is made anew takes its transcripts with it.
    op.drop_column("recordings", "replaced")
    op.drop_column("recordings", "parts")
