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
    with op.batch_alter_table("recordings") as recordings:
        recordings.drop_column("replaced")
        recordings.drop_column("parts")
